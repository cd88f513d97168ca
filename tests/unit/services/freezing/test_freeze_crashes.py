"""A switch that dies between any two writes ends where one that lived would have ended."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import RequestError, SourceStandsStill
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Source
from chalicelib.services.freezing import standing_job
from tests.fakes.facts import Crash
from tests.worlds.facts_log import pulled_facts
from tests.worlds.freezing import ANN, BOB, FreezingShop
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale, day

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email=None)


def a_world() -> FreezingShop:
    shop = FreezingShop(sources={PLATFORM: Source(enroll_after=day("2026-01-01"))})
    shop.tell(ANA, a_sale("s1", "2026-05-01"), a_sale("s9", "2026-05-01", 2_500))
    shop.backup = shop.night()
    shop.tell(replace(ANA, phone="+12065550109"), BEN, a_sale("s2", "2026-05-02"))
    shop.tell(a_sale("s3", "2026-05-02", customer_ext_id="2"), a_sale("s9", "2026-05-01", 0))
    return shop


def state(shop: FreezingShop) -> object:
    """Facts, and what anybody sees of them."""
    personas = {
        frozenset(p.members): (p.id, p.phone, p.points, p.reasons) for p in shop.facts.shown(UID)
    }
    return pulled_facts(shop.facts, UID), personas


def dying(shop: FreezingShop, steps: int) -> None:
    """Work; the process dies once, and its message comes again."""
    shop.facts.crash_in = steps
    while bodies := shop.jobs.take():
        for body in bodies:
            try:
                shop.deliver(body)
            except Crash:
                shop.facts.crash_in = None
                shop.facts.holders.clear()
                shop.deliver(body)
    shop.facts.crash_in = None


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_job, "PAGE", 2)


@pytest.mark.parametrize("steps", range(90))
def test_a_death_on_the_way_back_changes_nothing_of_where_it_leads(steps: int) -> None:
    lived, died = a_world(), a_world()
    lived.freeze()
    died.freezing.freeze(UID, PLATFORM, "last", actor=ANN)

    dying(died, steps)

    assert died.card.state == "frozen"
    assert state(died) == state(lived)


@pytest.mark.parametrize("steps", range(90))
def test_a_death_on_the_way_forth_changes_nothing_of_where_it_leads(steps: int) -> None:
    never, died = a_world(), a_world()
    died.freeze()
    died.freezing.unfreeze(UID, PLATFORM, actor=ANN)

    dying(died, steps)

    assert (died.card.state, died.card.frozen) == ("connected", None)
    assert state(died) == state(never)


@pytest.mark.parametrize("steps", range(0, 60, 3))
def test_off_while_it_goes_back_and_on_again_ends_at_the_backup(steps: int) -> None:
    lived, died = a_world(), a_world()
    lived.freeze()
    died.freezing.freeze(UID, PLATFORM, "last", actor=ANN)
    died.facts.crash_in = steps
    with suppress(Crash):
        died.work()
    died.facts.crash_in = None
    died.facts.holders.clear()

    died.freezing.unfreeze(UID, PLATFORM, actor=BOB)
    died.work()
    if died.card.frozen is None:
        died.freeze()

    assert state(died)[0] == state(lived)[0]  # type: ignore[index]


EVENTS = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 3), st.integers(0, 3)),
    st.tuples(st.just("sell"), st.integers(1, 4), st.integers(0, 3)),
    st.tuples(st.sampled_from(["night", "on", "now", "off", "form", "adjust"]), st.integers(1, 3)),
)


def play(shop: FreezingShop, event: tuple[Any, ...]) -> None:
    match event:
        case ("tell", who, version):
            phone = f"+120655500{who % 2}{version}" if version else None
            told: Customer | Sale = Customer(str(who), first=f"N{version}", phone=phone)
            with suppress(SourceStandsStill):
                shop.tell(told)
        case ("sell", sale, version):
            told = a_sale(f"s{sale}", "2026-05-02", 1_000 * version, customer_ext_id=str(sale % 3))
            with suppress(SourceStandsStill):
                shop.tell(told)
        case ("night", _):
            if shop.card.frozen is None:
                shop.night()
        case ("on" | "now", _):
            with suppress(RequestError):
                shop.freeze("last" if event[0] == "on" else "now")
        case ("off", _):
            shop.unfreeze()
        case ("form", who):
            shop.form(str(who))
        case ("adjust", who):
            shop.commits.adjust(UID, shop.rid(str(who)), f"a{who}", 500, note="", actor="me")


@given(events=st.lists(EVENTS, max_size=14), crash_in=st.integers(0, 400))
@settings(deadline=None)
def test_after_any_history_a_thawed_account_is_one_that_was_never_frozen(
    events: list[tuple[Any, ...]], crash_in: int
) -> None:
    shop, plain = (
        FreezingShop(sources={PLATFORM: Source(enroll_after=day("2026-01-01"))}) for _ in "12"
    )
    for event in events:
        frozen = shop.card.frozen is not None
        shop.facts.crash_in = crash_in if event[0] in ("on", "off", "now") else None
        try:
            play(shop, event)
        except Crash:
            shop.facts.crash_in = None
            shop.facts.holders.clear()
            retry(shop, event)
        shop.facts.crash_in = None
        if event[0] in ("form", "adjust") or (event[0] in ("tell", "sell") and not frozen):
            play(plain, event)
        check_backup(shop)
    shop.unfreeze()
    shop.again()
    plain.again()

    assert state(shop) == state(plain)


def retry(shop: FreezingShop, event: tuple[Any, ...]) -> None:
    """What was asked for is asked for again, and the message of the job comes again."""
    play(shop, event)
    frozen = shop.card.frozen
    if frozen is not None:
        shop.standing.handle(_message(frozen.at), lambda: True)
        shop.work()


def _message(since: int) -> Any:
    from chalicelib.services.job_messages.account_jobs import StandingMessage

    return StandingMessage(UID, PLATFORM, since)


def check_backup(shop: FreezingShop) -> None:
    """Of a source that stands still, facts are its backup's, but for whom AIQ did something."""
    frozen = shop.card.frozen
    if frozen is None or frozen.rolling is not None or frozen.problem:
        return
    backup = shop.backups.get(UID, PLATFORM, frozen.backup)
    held = shop.backed_up(backup)
    facts = pulled_facts(shop.facts, UID)
    assert {place: facts[place] for place in held} == held
    for place in facts.keys() - held.keys():
        fact = facts[place]
        if place.kind == "sale":
            assert (fact.sale.total, fact.sale.is_final) == (0, False)  # type: ignore[union-attr]
        elif "kept_in_aiq" not in fact.customer.flags:  # type: ignore[union-attr]
            assert fact.customer == Customer(place.ext_id)  # type: ignore[union-attr]
