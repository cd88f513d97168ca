"""What a check says of the shops that a key opens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.domain.errors import (
    AiqError,
    HostRefused,
    KeyRejected,
    LoginExpired,
    PermissionMissing,
    RateLimited,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
    actor_of,
)
from chalicelib.domain.records import StoreFact
from chalicelib.domain.words import Platform
from chalicelib.pos.check import LONGEST_NAME, MOST_NAMED, Check, _shops_text
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.pos.transport.transport import TooSlow
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CheckResult, CredentialAccess
from tests.fakes.common import FakeClock

from .tiny_server import say, serving


def test_a_chain_is_named_by_its_first_shops_and_the_number_of_the_others() -> None:
    chain = [StoreFact(f"s{n}", f"Shop {n}") for n in range(20_000)]

    text = _shops_text(chain)

    assert text.startswith("Shop 0, Shop 1, ")
    assert text.endswith(f"Shop {MOST_NAMED - 1} and {20_000 - MOST_NAMED} more")


def test_a_shop_with_an_endless_name_is_named_by_its_beginning() -> None:
    assert _shops_text([StoreFact("s", "x" * 10_000)]) == "x" * LONGEST_NAME


def test_a_shop_without_a_name_is_named_by_its_key() -> None:
    assert _shops_text([StoreFact("north", "")]) == "north"


KEY = "vt_4f1c9a2b7d"


@pytest.mark.parametrize(
    ("venue", "outcome"),
    [({"code": "v1", "name": KEY}, "ok"), ({"code": KEY, "name": "North"}, "unexpected_answer")],
)
def test_a_key_that_the_pos_calls_the_shop_by_is_shown_nowhere(
    venue: dict[str, str], outcome: str
) -> None:
    fields = {"store_name": "North", "key": KEY}
    answer = json.dumps({"venue": venue, "customers": [], "orders": [], "pagination": {}})
    with serving(say(answer.encode())) as server:
        gateway = Gateway(FakeClock(), {Platform("posabit"): server.url}, lambda _: None)

        result = gateway.check(CredentialAccess(Platform("posabit"), fields, permit=do_nothing))

    assert KEY not in repr(result)
    assert (result.scope is None) == (outcome != "ok")
    if outcome != "ok":
        assert result.outcome == outcome
        assert "by the key itself" in result.message


EMPTY = {"customers": [], "sales_histories": [], "total_records": 0}
VENUE = {"venue": {"code": "v1", "name": "North"}}
NOBODY = {"first_name": None, "last_name": None, "telephone": None, "email": None, "birthday": None}
ANA = {**NOBODY, "first_name": "Ana"}
ENHANCED = "Enhanced Customer Data Access"


class FakeTransport(FakeClock):
    """Tells the time, and no headers."""

    base_url = "https://pos.example.com"
    headers: Mapping[str, str] = {}


class Answers:
    """Ways in that answer each endpoint as they are told; what is not told is an empty page."""

    def __init__(self, **told: Any) -> None:
        self.told = {"info": VENUE, **told}
        self.asked: dict[str, dict[str, str]] = {}
        self.transport = FakeTransport()

    def get(self, endpoint: str, params: dict[str, str], read: Callable[[Any], Any]) -> Any:
        self.asked[endpoint] = dict(params)
        answer = self.told.get(endpoint, EMPTY)
        if isinstance(answer, Exception):
            raise answer
        return read(answer)


def checked(ways_in: Answers, platform: str = "posabit", **fields: str) -> CheckResult:
    profile = registry.profile(platform)
    access = CredentialAccess(Platform(platform), fields, permit=do_nothing)
    return Check(profile, ways_in, access).run()  # type: ignore[arg-type]


def customers(*rows: object) -> dict[str, object]:
    return {"customers": list(rows), "total_records": len(rows)}


def lacking(*names: str) -> PermissionMissing:
    return PermissionMissing("no", permissions=list(names))


def test_a_key_that_opens_all_it_should_is_ok_and_small_pages_were_asked_for() -> None:
    ways_in = Answers(customers=customers(ANA))

    result = checked(ways_in)

    assert result == CheckResult("ok", "The key opens North.", "v1", (StoreFact("v1", "North"),))
    assert list(ways_in.asked) == [
        *("info", "customers", "sales_histories", "incoming_orders", "menu_feed")
    ]
    assert [ways_in.asked[name].get("per_page") for name in ways_in.asked] == [
        *(None, "10", "50", None, None)
    ]


def test_what_a_key_lacks_is_named_in_the_order_of_the_screen_with_what_to_do() -> None:
    result = checked(
        Answers(
            customers=customers(NOBODY, 7),
            incoming_orders=lacking("Incoming Orders Access"),
            menu_feed=lacking(),
        )
    )

    names = ("Incoming Orders Access", ENHANCED, "menu_feed")
    note = registry.profile("posabit").permission_notes[ENHANCED]
    assert (result.outcome, result.missing_permissions) == ("permission_missing", names)
    assert result.message == (
        f"The key lacks permissions. Grant in POSaBIT: {', '.join(names)}. {note}"
    )
    assert (result.scope, result.stores) == ("v1", (StoreFact("v1", "North"),))


def test_where_a_pos_has_no_permissions_to_grant_it_is_said_what_cannot_be_read() -> None:
    ways_in = Answers(facilities=lacking(), customers=[], orders=lacking("Orders"), products=[])

    result = checked(ways_in, "webjoint", company_id="9")

    assert result == CheckResult(
        outcome="permission_missing",
        message="Webjoint does not let this key read: Orders, facilities.",
        missing_permissions=("Orders", "facilities"),
    )


@pytest.mark.parametrize("rows", [(), (ANA, NOBODY), (NOBODY, {**NOBODY, "email": "a@b.test"})])
def test_of_nobody_or_of_somebody_with_a_name_nothing_is_concluded(rows: Any) -> None:
    assert checked(Answers(customers=customers(*rows))).outcome == "ok"


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (KeyRejected("No."), "key_rejected", "No."),
        (LoginExpired("Log in."), "key_rejected", "Log in."),
        (ServerUnreachable("Off."), "server_unreachable", "Off."),
        (TooSlow("Slow."), "server_unreachable", "Slow."),
        (UpstreamError("Broken."), "unexpected_answer", "Broken."),
        (UnexpectedAnswer("Odd."), "unexpected_answer", "Odd."),
        (RateLimited("Wait."), "unexpected_answer", "Wait. Try again in a few minutes."),
    ],
)
def test_a_failure_says_what_failed_and_keeps_what_was_learnt(
    error: AiqError, outcome: str, message: str
) -> None:
    at_once = checked(Answers(info=error))
    later = checked(Answers(sales_histories=error))

    assert at_once == CheckResult(outcome, message)  # type: ignore[arg-type]
    assert later == CheckResult(outcome, message, "v1", (StoreFact("v1", "North"),))  # type: ignore[arg-type]
    assert at_once.code == later.code == error.code


def test_an_optional_question_that_fails_fails_nothing_but_a_refused_host_is_always_told() -> None:
    assert checked(Answers(menu_feed=UpstreamError("Broken."))).outcome == "ok"
    for endpoint in ("info", "menu_feed"):
        with pytest.raises(HostRefused):
            checked(Answers(**{endpoint: HostRefused("No.")}))


def test_a_chosen_shop_that_the_pos_does_not_know_is_named_with_those_it_knows() -> None:
    shops = [{"id": 51, "name": "North"}, {"id": 52, "name": "South"}]
    fields = {"company_id": "9", "facility_ids": "53, 51"}

    unknown = checked(Answers(facilities=shops), "webjoint", **fields)
    none = checked(Answers(facilities=[]), "webjoint", company_id="9")

    assert unknown == CheckResult(
        "unexpected_answer", "Webjoint does not know 53. It has 51 (North), 52 (South)."
    )
    assert actor_of(unknown.code) == "you"
    assert none.outcome == "unexpected_answer"
    assert none.stores == ()
