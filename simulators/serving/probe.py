"""A bare HTTP client to test simulators with: no retries, no redirects, no checks."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def basic(integrator: str, venue: str) -> str:
    """The v3 Authorization header."""
    return "Basic " + base64.b64encode(f"{integrator}:{venue}".encode()).decode()


def bearer(venue: str) -> str:
    """The v2 Authorization header."""
    return f"Bearer {venue}"


class Probe:
    """Sends requests to one URL over one connection. Raises what `http.client` raises."""

    def __init__(
        self,
        url: str,
        authorization: str = "",
        timeout: float = 10,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._headers = {"Accept": "application/json", **(headers or {})}
        if authorization:
            self._headers["Authorization"] = authorization
        host = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            host.hostname or "", host.port or 80, timeout=timeout
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, **params: object) -> Answer:
        return self.send("GET", path, params)

    def post(self, path: str, body: object) -> Answer:
        return self.send("POST", path, {}, body)

    def put(self, path: str, body: object) -> Answer:
        return self.send("PUT", path, {}, body)

    def delete(self, path: str, **params: object) -> Answer:
        return self.send("DELETE", path, params)

    def send(
        self, method: str, path: str, params: Mapping[str, object], body: object = None
    ) -> Answer:
        target = f"{path}?{urlencode(params)}" if params else path
        sent = None if body is None else json.dumps(body).encode()
        self._connection.request(method, target, sent, self._headers)
        reply = self._connection.getresponse()
        return Answer(reply.status, dict(reply.headers.items()), reply.read())

    def pages(self, path: str, key: str, **params: object) -> list[Any]:
        """Every row of a listing, page after page, taking the totals at their word."""
        rows: list[Any] = []
        page, last = 1, 1
        while page <= last:
            answer = self.get(path, page=page, **params).json()
            rows += answer[key]
            page, last = page + 1, answer["total_pages"]
        return rows
