"""A POS that calls with a key of our account."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.adapters.dynamo.wire import WireClient
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from tests.functional.gateway import OURS, Gateway, Got


class Caller:
    """Calls with one key, whose text it knows."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.gateway = Gateway(None)

    def get(self, path: str, **query: object) -> Got:
        return self.gateway.send("GET", path, query=query, headers={"X-APIKEY": self.key})

    def post(self, path: str, body: object = None, **headers: str) -> Got:
        return self.gateway.send("POST", path, body=body, headers={"X-APIKEY": self.key, **headers})

    def put(self, path: str, body: object = None, **query: object) -> Got:
        return self.gateway.send(
            "PUT", path, body=body, query=query, headers={"X-APIKEY": self.key}
        )


def a_key(platform: str = "posabit", uid: str = OURS) -> str:
    """The text of a new key."""
    service = wiring.api_keys.service()
    return service.create(Uid(uid), "Tills", Platform(platform), actor="user:owner").text


def a_caller(platform: str = "posabit", uid: str = OURS) -> Caller:
    return Caller(a_key(platform, uid))


REFUSED = {
    "errors": [{"message": "Please provide a valid API key", "code": 403}],
    "code": 403,
    "success": False,
}


def refusal(got: Got) -> object:
    """What a refusal says but for the request's id."""
    return {name: value for name, value in got.json.items() if name != "requestID"}


def heard_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the database from here on."""
    calls: list[str] = []
    by_botocore, by_wire = BaseClient._make_api_call, WireClient._call

    def note(self: Any, operation: str, request: Any) -> Any:
        if self.meta.service_model.service_name == "dynamodb":
            calls.append(operation)
        return by_botocore(self, operation, request)

    def note_wire(self: Any, operation: str, request: Any) -> Any:
        calls.append(operation)
        return by_wire(self, operation, request)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    monkeypatch.setattr(WireClient, "_call", note_wire)
    return calls
