"""A login that may be renewed once at a time: two workers, a crash, a person who changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from chalicelib.domain.errors import CallsStopped, KeyRejected, LoginExpired, Unavailable
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.credentials.tokens import LEASE, CredentialTokens
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.pos import CheckResult, PosToken
from tests.fakes.common import NOON, FakeClock, PlainBox
from tests.fakes.facts import Crash
from tests.fakes.integrations import MemoryCredentials
from tests.fakes.pos import a_platform
from tests.fakes.retailer import ANN, KEY, OURS, Retailer

ENDED = LoginExpired("Log in again.")
RING = KeyRing(PlainBox())


def a_token(number: int, made_of: str = "key") -> PosToken:
    return PosToken(f"tok-{number}", made_of, NOON, {"login": f"login-{number}"})


class Rotating:
    """A POS that takes each login once, and forgets who comes with one that was spent."""

    def __init__(self) -> None:
        self.login = "login-0"
        self.spent = 0
        self._at_once = threading.Lock()

    def exchange(self, newest: PosToken | None) -> PosToken:
        login = newest.new_secrets["login"] if newest else "login-0"
        with self._at_once:
            if login != self.login:
                raise ENDED
            self.spent += 1
            self.login = f"login-{self.spent}"
            return a_token(self.spent)


@pytest.fixture
def rows() -> MemoryCredentials:
    rows = MemoryCredentials()
    rows.add(Credential(OURS, "posabit", "crd_1", "shop_1", {}, {}, created_at=NOON))
    return rows


def store(rows: MemoryCredentials, clock: FakeClock | None = None) -> CredentialTokens:
    """What one process knows of the tokens."""
    held = rows.get(OURS, "posabit", "crd_1")
    return CredentialTokens(held, rows, RING, clock or FakeClock())


def test_a_token_outlives_the_process_that_got_it(rows: MemoryCredentials) -> None:
    pos = Rotating()
    got = store(rows).renew(None, pos.exchange)

    assert store(rows).latest() == got == a_token(1)
    sealed = rows.get(OURS, "posabit", "crd_1").tokens
    assert b"tok-1" not in b"".join(sealed)
    assert "login-1" not in repr(rows.get(OURS, "posabit", "crd_1"))


def test_a_token_longer_than_the_box_takes_is_kept_in_pieces(rows: MemoryCredentials) -> None:
    long = replace(a_token(1), text="x" * 8000)
    store(rows).renew(None, lambda _newest: long)

    assert len(rows.get(OURS, "posabit", "crd_1").tokens) == 3
    assert store(rows).latest() == long


def test_who_comes_second_takes_what_the_first_one_got(rows: MemoryCredentials) -> None:
    pos = Rotating()
    old = store(rows).renew(None, pos.exchange)
    one, other = store(rows), store(rows)

    assert one.renew(old, pos.exchange) == other.renew(old, pos.exchange) == a_token(2)
    assert pos.spent == 2


def test_many_who_renew_at_once_never_spend_a_login_twice(rows: MemoryCredentials) -> None:
    pos, clock = Rotating(), FakeClock()
    old = store(rows, clock).renew(None, pos.exchange)
    stores = [store(rows, clock) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda each: each.renew(old, pos.exchange), stores))

    assert got == [a_token(2)] * 8
    assert pos.spent == 2


def test_while_somebody_renews_others_wait_and_then_give_up(rows: MemoryCredentials) -> None:
    clock = FakeClock()
    slow = store(rows, clock)

    def exchange(_newest: PosToken | None) -> PosToken:
        with pytest.raises(Unavailable, match="renewed elsewhere"):
            store(rows, clock).renew(None, Rotating().exchange)
        return a_token(1)

    assert slow.renew(None, exchange) == a_token(1)
    assert 10 <= clock.slept <= 11


def test_a_worker_that_dies_with_the_answer_leaves_a_login_that_says_it_has_ended(
    rows: MemoryCredentials,
) -> None:
    pos, clock = Rotating(), FakeClock()
    store(rows, clock).renew(None, pos.exchange)

    def dies(newest: PosToken | None) -> PosToken:
        pos.exchange(newest)
        rows.release_tokens = lambda _credential: None  # type: ignore[method-assign]
        raise Crash

    with pytest.raises(Crash):
        store(rows, clock).renew(a_token(1), dies)
    with pytest.raises(Unavailable):
        store(rows, clock).renew(a_token(1), pos.exchange)
    clock.move(LEASE / 1000)
    with pytest.raises(LoginExpired):
        store(rows, clock).renew(a_token(1), pos.exchange)

    assert store(rows).latest() == a_token(1)


def test_a_refused_renewal_leaves_no_lease(rows: MemoryCredentials) -> None:
    def refused(_newest: PosToken | None) -> PosToken:
        raise ENDED

    with pytest.raises(LoginExpired):
        store(rows).renew(None, refused)

    assert store(rows).renew(None, Rotating().exchange) == a_token(1)


def test_what_a_person_enters_meanwhile_is_not_overwritten(rows: MemoryCredentials) -> None:
    theirs = RING.seal_token(OURS, "crd_1", a_token(9, "other"))

    def exchange(_newest: PosToken | None) -> PosToken:
        rows.save(rows.get(OURS, "posabit", "crd_1"), theirs)
        return a_token(1)

    assert store(rows).renew(None, exchange) == a_token(1)
    assert store(rows).latest() == a_token(9, "other")


def test_a_credential_that_was_removed_is_renewed_no_more(rows: MemoryCredentials) -> None:
    one = store(rows)
    rows.remove(rows.get(OURS, "posabit", "crd_1"), NOON)

    with pytest.raises(CallsStopped, match="removed"):
        one.renew(None, Rotating().exchange)


def test_a_token_sealed_for_another_credential_is_none(rows: MemoryCredentials) -> None:
    rows.save(rows.get(OURS, "posabit", "crd_1"), RING.seal_token(OURS, "crd_2", a_token(1)))

    assert store(rows).latest() is None


def spending(shop: Retailer, *, token: PosToken | None = None) -> None:
    """The POS takes what is typed once, and gives a token for it."""
    shop.pos.infos = (a_platform(spends_secrets=True),)
    shop.pos.answers[KEY] = CheckResult("ok", "fine", "shop_1", token=token)


GOOD = {"store_name": "Ballard", "key": KEY}
Asked = Callable[[], int]


def test_what_can_be_typed_once_is_checked_where_it_is_saved() -> None:
    shop = Retailer()
    spending(shop, token=a_token(1))

    checked = shop.credential_service.check(OURS, "posabit", GOOD)
    asked_before = len(shop.pos.checked)
    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN).credential

    assert (checked.outcome, checked.scope, checked.stores) == ("ok", None, ())
    assert "checked when you save" in checked.message
    assert asked_before == 0
    assert RING.token(added) == a_token(1)


def test_a_login_that_is_refused_where_it_is_saved_is_not_stored() -> None:
    shop = Retailer()
    spending(shop)
    shop.pos.answers[KEY] = CheckResult("key_rejected", "Log in again.")

    with pytest.raises(KeyRejected, match="Log in again"):
        shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN)

    assert shop.credentials.for_integration(OURS, "posabit") == []


def test_a_new_secret_replaces_the_token_of_the_old_one() -> None:
    shop = Retailer()
    spending(shop, token=a_token(1))
    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN).credential
    new_key = KEY[::-1]
    shop.pos.answers[new_key] = CheckResult("ok", "fine", "shop_1", token=a_token(2, "new"))

    shop.credential_service.change(
        OURS, "posabit", added.id, added.version, actor=ANN, given={"key": new_key}
    )

    held = shop.credentials.get(OURS, "posabit", added.id)
    assert RING.token(held) == a_token(2, "new")
    assert held.tokens_version == 2


def test_another_name_keeps_the_token() -> None:
    shop = Retailer()
    spending(shop, token=a_token(1))
    added = shop.credential_service.add(OURS, "posabit", GOOD, None, actor=ANN).credential

    shop.credential_service.change(
        OURS, "posabit", added.id, added.version, actor=ANN, given={"store_name": "Fremont"}
    )

    assert RING.token(shop.credentials.get(OURS, "posabit", added.id)) == a_token(1)
