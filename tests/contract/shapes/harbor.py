"""A cursor in the body, a token for the key, a host for each tenant, times with offsets."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from simulators.serving.httpd import Reply, Request

from .tiny_pos import Denied, TinyPos, after_place, instant, iso, said


class Harbor(TinyPos):
    base_path = "/v2"
    typed = {"tenant": "green-leaf", "client_id": "c1", "secret": TinyPos.key}  # noqa: RUF012

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.tokens = 0

    def answer(self, kind: str, request: Request) -> Any:
        if kind == "token":
            return self._token(request)
        if request.authorization != f"Bearer t{self.tokens}":
            raise Denied
        if kind == "stores":
            return {"data": [{"id": "s1", "title": "Harbor House", "zone": "America/Los_Angeles"}]}
        after = instant(request.params.get("changed_since"))
        rows, place = after_place(self.by_change(kind, after), request.params.get("cursor"))
        return {"data": [self._written(kind, row) for row in rows], "meta": {"next": place}}

    def _token(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("client_secret") != self.key or form["grant_type"] != "client_credentials":
            raise Denied
        self.tokens += 1
        return said({"access_token": f"t{self.tokens}", "expires_in": 900})

    def end_tokens(self) -> None:
        """Whatever token is out is refused from now on."""
        self.tokens += 1

    def _written(self, kind: str, row: Any) -> Any:
        both = {"id": row.id, "changed": iso(row.changed, -7)}
        if kind == "customers":
            return {**both, "name": {"given": row.first, "family": "Ode"}, "mobile": row.phone}
        if kind == "sales":
            lines = [{"title": "Tea", "count": 1, "amount": row.cents}]
            bought = {"buyer": row.shopper, "closed": iso(row.made, -7), "state": "paid"}
            return {**both, **bought, "amount": row.cents, "lines": lines}
        return {**both, "title": f"Tea {row.id}", "on_hand": "3", "amount": row.cents}


CONTRACT = Harbor
