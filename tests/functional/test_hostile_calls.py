"""Whatever a call of a POS carries, it is answered or refused, and never by a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest

from app import app
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Operation
from chalicelib.entrypoints.partner.front import PARTNER
from tests.fakes.audiences import MemoryObjects
from tests.functional.gateway import OURS, Gateway, World
from tests.functional.partner import a_key
from tests.functional.test_rewards_api import PHONE, shop

__all__ = ["shop"]

ROUTES = sorted(
    (route for route in app.operations if route.front is PARTNER),
    key=lambda route: (route.path, route.method),
)
LONG = "9" * 6_000
NAMES = (
    *("uid", "mobilePhone", "phone", "email", "code", "storeID", "subtotal", "orderID"),
    *("birthdate", "favoriteStoreID", "signature", "smsoptin", "loyalty", "pos_id"),
    *("contactID", "templateID", "redemptionID", "firstName", "address"),
)
VALUES = ("null", LONG, "1e999", '"\\ud800"', "[[1]]")
BODIES = [
    "[null, 1, [], {}]",
    '"text"',
    "{",
    '{"a": ' * 500 + "1" + "}" * 500,
    *("{" + ", ".join(f'"{name}": {value}' for name in NAMES) + "}" for value in VALUES),
    '[{"uid": null, "member": 1}, {"member": {"uid": [1]}}]',
    '{"member": [], "visit": {"pos_id": "1", "visit_details_attributes": [{}, {"price": "x"}]}}',
    f'{{"phone": "{PHONE}", "code": "٠٠٤٢", "mobilePhone": "{"(" * 500}"}}',
]
IN_PATHS = ("%00", "%FF%FE", "..%2F..", "x" * 250)


@pytest.fixture
def key(shop: World, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(wiring.outside, "objects", MemoryObjects)
    raised = wiring.outside.raised_limits()
    for bucket in ("till_calls", "push_calls", "read_calls"):
        raised.put(OURS, bucket, 100_000_000)
    return a_key()


def path_of(route: Operation, value: str) -> str:
    path = route.path.replace("{uid}", OURS)
    for name in route.path_kinds:
        path = path.replace("{" + name + "}", value)
    return path


def failures(key: str, route: Operation, calls: list[tuple[str, str | None]]) -> list[Any]:
    """The calls that were answered with a failure of ours."""
    failed = []
    for value, body in calls:
        path = path_of(route, value)
        got = Gateway(None).send(route.method, path, raw=body, headers={"X-APIKEY": key})
        if got.status >= 500:
            failed.append((value, body and body[:80], got.status))
    return failed


def test_no_body_and_no_address_makes_a_call_fail(key: str) -> None:
    failed = {}
    for route in ROUTES:
        calls: list[tuple[str, str | None]] = [(value, None) for value in IN_PATHS]
        if route.body is not None:
            calls += [(PHONE, body) for body in BODIES]
        failed[f"{route.method} {route.path}"] = failures(key, route, calls)

    assert {route: found for route, found in failed.items() if found} == {}
