"""Whatever happens during a switch, freezing and dying included, points are those of the facts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import RequestError, SourceStandsStill
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.services.freezing import standing_job
from chalicelib.services.job_messages.account_jobs import StandingMessage, SwitchCheckMessage
from chalicelib.services.ports.stored_facts import SaleId
from tests.fakes.facts import Crash
from tests.worlds.facts_log import pulled_facts
from tests.worlds.freezing import ANN, always
from tests.worlds.shop import PLATFORM, SCOPE, UID, a_sale, day
from tests.worlds.switching import ENROLLED, NEW, SwitchingShop

ACTS = st.one_of(
    st.tuples(st.sampled_from(["tell", "tell_new"]), st.integers(1, 3), st.integers(0, 2)),
    st.tuples(st.sampled_from(["sell", "sell_new"]), st.integers(1, 4), st.integers(0, 2)),
    st.tuples(
        st.sampled_from(["own", "left_out", ""]),
        st.sampled_from([PLATFORM, NEW]),
        st.integers(1, 4),
    ),
    st.sampled_from(
        [("night",), ("on",), ("now",), ("off",), ("begin",), ("abandon",), ("check",)]
    ),
)
FACTS = ("tell", "sell", "tell_new", "sell_new", "own", "left_out", "")
SWITCHING = ("begin", "abandon")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_job, "PAGE", 2)


def a_shop() -> SwitchingShop:
    shop = SwitchingShop(sources={PLATFORM: ENROLLED, NEW: Source(accrual_start=day("2026-05-01"))})
    shop.connect_new()
    return shop


def play(shop: SwitchingShop, act: tuple[Any, ...]) -> None:
    with suppress(SourceStandsStill, RequestError):
        match act:
            case ("tell" | "tell_new", who, version):
                phone = f"+120655500{who % 2}{version}" if version else None
                told = Customer(str(who), first=f"N{version}", phone=phone)
                (shop.tell if act[0] == "tell" else shop.tell_new)(told)
            case ("sell", sale, version):
                shop.tell(a_purchase(f"s{sale}", sale, version))
            case ("sell_new", sale, version):
                shop.tell_new(a_purchase(f"t{sale}", sale, version))
            case ("own" | "left_out" | "", platform, sale):
                prefix = "s" if platform == PLATFORM else "t"
                shop.commits.say_double(UID, SaleId(platform, SCOPE, f"{prefix}{sale}"), act[0])
            case (what,):
                click(shop, what)


def click(shop: SwitchingShop, what: str) -> None:
    switches = [view.switch for view in shop.switching.all(UID)]
    if what == "night" and shop.card.frozen is None:
        shop.night()
    if what in ("on", "now"):
        shop.freeze("last" if what == "on" else "now")
    if what == "off":
        shop.unfreeze()
    if what == "begin":
        shop.begin("2026-05-01")
        shop.again()
    if what == "abandon" and switches:
        shop.switching.abandon(UID, switches[0].id, actor=ANN)
    if what == "check" and switches:
        shop.check(switches[0])


def a_purchase(ext_id: str, sale: int, version: int) -> Any:
    who = str(sale % 3 + 1)
    return a_sale(ext_id, "2026-05-02", 5_000 * version, customer_ext_id=who)


def come_again(shop: SwitchingShop, act: tuple[Any, ...]) -> None:
    """What was asked for is asked for again, and the messages of jobs come again."""
    shop.facts.crash_in = None
    shop.facts.holders.clear()
    play(shop, act)
    if shop.card.frozen is not None:
        shop.standing.handle(StandingMessage(UID, PLATFORM, shop.card.frozen.at), always)
    for view in shop.switching.all(UID):
        if view.switch.checking:
            message = SwitchCheckMessage(UID, view.switch.id, view.switch.checking)
            shop.checker.handle(message, always)
    shop.work()


def seen(shop: SwitchingShop) -> object:
    """Facts, what anybody sees of them, and the rules of switches."""
    personas = {frozenset(p.members): (p.phone, p.points, p.reasons) for p in shop.facts.shown(UID)}
    facts = [pulled_facts(shop.facts, UID, platform) for platform in (PLATFORM, NEW)]
    said = {(sid, row.double) for (_, sid), row in shop.facts.sale_rows.items()}
    return facts, personas, said


def pairs_earn_once(shop: SwitchingShop) -> None:
    """Of what nobody decided, never both sales of a pair hold points."""
    for view in shop.switching.all(UID):
        if view.check is not None:
            assert view.check.undecided == sum(
                not pair.is_decided for pair in shop.pairs(view.switch)
            )


@given(acts=st.lists(ACTS, max_size=16), dies_at=st.integers(0, 16), crash_in=st.integers(0, 120))
@settings(deadline=None)
def test_a_switch_that_froze_and_died_leaves_what_the_facts_say(
    acts: list[tuple[Any, ...]], dies_at: int, crash_in: int
) -> None:
    shop, plain = a_shop(), a_shop()
    for at, act in enumerate(acts):
        stood_still = shop.card.frozen is not None
        shop.facts.crash_in = crash_in if at == dies_at else None
        try:
            play(shop, act)
        except Crash:
            come_again(shop, act)
        shop.facts.crash_in = None
        refused = stood_still and act[0] in ("tell", "sell")
        if act[0] in (*FACTS, *SWITCHING) and not refused:
            play(plain, act)
        pairs_earn_once(shop)
    shop.unfreeze()
    shop.again()
    plain.again()

    assert seen(shop) == seen(plain)
