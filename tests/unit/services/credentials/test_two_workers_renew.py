"""Two workers with one login that can be spent once, over the wire, with tokens that are kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.errors import LoginExpired, UpstreamError
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.tokens import CredentialTokens
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Credential
from tests.fakes.common import NOON, PlainBox
from tests.fakes.integrations import MemoryCredentials
from tests.fakes.retailer import OURS
from tests.unit.pos.made_up import PLATFORM, a_profile, a_secret
from tests.unit.pos.tiny_server import TinyServer, say

LOGIN = {
    "path": "/token",
    "form": {"grant_type": "refresh_token", "refresh_token": "{login}"},
    "token": "access_token",
    "rotates": {"login": "refresh_token"},
}
PROFILE = a_profile(
    credential={"per": "store", "steps": [], "fields": [a_secret("login")]},
    auth=[{"name": "oauth", "scheme": "bearer", "token": LOGIN}],
)
RING = KeyRing(PlainBox())


class Vendor:
    """Takes each login once and only its newest token; whoever spends one again is logged out."""

    def __init__(self) -> None:
        self.given = 0
        self.is_logged_out = False
        self.lose: Callable[[], bool] = lambda: False
        self.server = TinyServer(self._answer)

    def _answer(self, connection: Any, number: int) -> None:
        head, _, body = self.server.requests[number].partition("\r\n\r\n")
        if " /api/token " not in head:
            good = f"Authorization: Bearer tok-{self.given}" in head
            say(b"[]" if good else b"{}", "200 OK" if good else "401 Unauthorized")(connection, 0)
            return
        [login] = parse_qs(body)["refresh_token"]
        if self.is_logged_out or login != f"login-{self.given}":
            self.is_logged_out = True
            say(b'{"error": "invalid_grant"}', "400 Bad Request")(connection, 0)
            return
        self.given += 1
        if self.lose():
            return
        told = {"access_token": f"tok-{self.given}", "refresh_token": f"login-{self.given}"}
        say(json.dumps(told).encode())(connection, 0)


@pytest.fixture
def rows() -> MemoryCredentials:
    held = RING.seal(OURS, "crd_1", {"login": "login-0"})
    rows = MemoryCredentials()
    rows.add(Credential(OURS, PLATFORM, "crd_1", "shop_1", {}, held.sealed, created_at=NOON))
    return rows


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(registry, "profile", lambda _platform: PROFILE)
    vendor = Vendor()
    yield vendor
    vendor.server.close()


def ask(rows: MemoryCredentials, vendor: Vendor, times: int = 1) -> int:
    """Ask for rows in a process of its own; how often they came."""
    clock = SystemClock()
    credential = rows.get(OURS, PLATFORM, "crd_1")
    access = RING.access(
        credential,
        time_zone="UTC",
        currency="USD",
        permit=do_nothing,
        tokens=CredentialTokens(credential, rows, RING, clock),
    )
    gateway = Gateway(clock, {PLATFORM: vendor.server.url}, lambda _platform: None)
    session: Any = gateway.open(access)
    try:
        return sum(session._auth.get("rows", {}, lambda body: body == []) for _ in range(times))
    finally:
        session.close()


def test_workers_that_start_at_once_share_one_login(
    rows: MemoryCredentials, vendor: Vendor
) -> None:
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: ask(rows, vendor, 3), range(4)))

    assert got == [3] * 4
    assert (vendor.given, vendor.is_logged_out) == (1, False)


def test_workers_whose_token_ends_at_once_renew_it_once(
    rows: MemoryCredentials, vendor: Vendor
) -> None:
    ask(rows, vendor)
    held = RING.token(rows.get(OURS, PLATFORM, "crd_1"))
    assert held
    gate = threading.Barrier(4)

    def worker(_number: int) -> int:
        gate.wait()
        return ask(rows, vendor, 2)

    vendor.server.script = _refusing_once(vendor, "tok-1")
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(worker, range(4)))

    assert got == [2] * 4
    assert (vendor.given, vendor.is_logged_out) == (2, False)


def _refusing_once(vendor: Vendor, token: str) -> Any:
    """The vendor's answers, but that this token has ended."""

    def script(connection: Any, number: int) -> None:
        if f"Bearer {token}\r\n" in vendor.server.requests[number]:
            say(b"{}", "401 Unauthorized")(connection, 0)
        else:
            vendor._answer(connection, number)

    return script


def test_an_answer_that_is_lost_with_a_spent_login_says_log_in_again(
    rows: MemoryCredentials, vendor: Vendor
) -> None:
    vendor.lose = lambda: vendor.given == 1

    with pytest.raises(UpstreamError):
        ask(rows, vendor)
    with pytest.raises(LoginExpired, match="Log in to Made Up again and enter the new Login"):
        ask(rows, vendor)
    assert [r.split()[1] for r in vendor.server.requests] == ["/api/token"] * 2

    new = RING.seal(OURS, "crd_1", {"login": "login-1"})
    vendor.is_logged_out = False
    held = rows.get(OURS, PLATFORM, "crd_1")
    rows.save(replace(held, sealed=new.sealed))
    assert ask(rows, vendor) == 1
