"""Times that a POS tells without a zone follow the zone that AIQ knows of the shop (product.md §4).

The text is the fact: instant and local day are derived again whenever the zone is another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Source
from chalicelib.domain.times import from_text, utc_day
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.rederive import Remapper
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import MemoryQueue
from tests.fakes.facts import Crash
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.rules import memory_commits
from tests.worlds.shop import ANA, SCOPE, UID, Shop, day

PLATFORM = "profitek"
KEY = store_key_id(PLATFORM, SCOPE, "Main")
SHOWN = "2026-01-31T23:30:00"
"""Half an hour before February, on whatever clock."""

SEATTLE, NEW_YORK, AUCKLAND = "-08:00", "-05:00", "+13:00"


def a_sale(ext_id: str = "s1", shown: str = SHOWN, **fields: Any) -> Sale:
    """As the account's zone, Seattle's, would have it."""
    told: dict[str, Any] = {"customer_ext_id": "1", "wall_clock": from_text(shown + "Z"), **fields}
    at = from_text(shown + SEATTLE)
    return Sale(ext_id, "Main", at, shown, "CAD", 10_000, updated_at=1, **told)


@pytest.fixture
def shop() -> Shop:
    made = Shop(platform=PLATFORM, sources={PLATFORM: Source(enroll_after=day("2026-01-31"))})
    made.tell(ANA)
    return made


def in_zone(shop: Shop, zone: str | None) -> None:
    """The shop is known to be there."""
    sighting = StoreKeySighting(PLATFORM, SCOPE, "Main", "Main", shop.clock.now(), 0, zone)
    shop.stores.see_keys(UID, [sighting])


def when(shop: Shop, ext_id: str = "s1") -> int:
    """The sale's instant in its own row, and in the only pointer to it."""
    stored = shop.facts.sale_rows[UID, SaleId(PLATFORM, SCOPE, ext_id)].sale.ordered_at
    [pointed] = [
        ref.ordered_at
        for ref in shop.facts.pointers(UID, record_id(UID, PLATFORM, SCOPE, "1"))
        if ref.ext_id == ext_id
    ]
    assert pointed == stored
    return stored


def test_a_sale_is_when_its_shops_clock_showed_it(shop: Shop) -> None:
    in_zone(shop, "America/New_York")

    shop.tell(a_sale())

    assert when(shop) == from_text(SHOWN + NEW_YORK)
    assert shop.held().persona.last_days == {PLATFORM: day("2026-01-31")}


def test_a_shop_whose_zone_nobody_told_goes_by_the_accounts(shop: Shop) -> None:
    shop.tell(a_sale())

    assert when(shop) == from_text(SHOWN + SEATTLE)
    assert shop.held().persona.last_days == {PLATFORM: day("2026-01-31")}


def test_the_same_sale_told_again_changes_nothing(shop: Shop) -> None:
    in_zone(shop, "America/New_York")
    shop.tell(a_sale())
    written = shop.facts.rows_written

    shop.tell(a_sale())

    assert shop.facts.rows_written == written


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland", "Asia/Kathmandu"])
def test_past_sales_move_with_a_zone_that_is_told_later_and_keep_their_day_and_points(
    shop: Shop, zone: str
) -> None:
    shop.tell(a_sale(), a_sale("s2", "2026-03-08T02:30:00"), a_sale("s3", "2026-02-01T00:10:00"))
    before = shop.points()
    assert before == 30

    in_zone(shop, zone)
    shop.again()

    there = Shop(platform=PLATFORM, sources=dict(shop.sources))
    in_zone(there, zone)
    there.tell(ANA)
    there.tell(a_sale(), a_sale("s2", "2026-03-08T02:30:00"), a_sale("s3", "2026-02-01T00:10:00"))
    assert {n: when(shop, n) for n in ("s1", "s2", "s3")} == {
        n: when(there, n) for n in ("s1", "s2", "s3")
    }
    assert shop.points() == before == there.points()
    assert shop.held().persona.last_days == there.held().persona.last_days
    assert [len(e.postings) for e in shop.entries().values()] == [1, 1, 1]


def test_a_shop_that_comes_back_to_the_first_zone_is_as_it_was(shop: Shop) -> None:
    shop.tell(a_sale())
    first = when(shop)
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        in_zone(shop, zone)
        shop.again()

    assert when(shop) == first
    written = shop.facts.rows_written
    shop.again()
    assert shop.facts.rows_written == written


def test_sales_told_with_their_zone_stay_where_they_are(shop: Shop) -> None:
    shop.tell(a_sale(wall_clock=None))

    in_zone(shop, "Pacific/Auckland")
    shop.again()

    assert when(shop) == from_text(SHOWN + SEATTLE)


def test_a_return_and_its_sale_move_together(shop: Shop) -> None:
    back = replace(
        a_sale("r1", "2026-02-03T12:00:00"), kind="return", total=-4_000, original_ext_id="s1"
    )
    shop.tell(a_sale(), back)
    assert shop.points() == 6

    in_zone(shop, "Pacific/Auckland")
    shop.again()

    assert when(shop) == from_text(SHOWN + AUCKLAND)
    assert shop.points() == 6


@pytest.mark.parametrize("step", range(1, 12))
def test_a_move_killed_between_any_two_writes_is_ended_by_the_next(shop: Shop, step: int) -> None:
    shop.tell(a_sale(), a_sale("s2", "2026-02-05T10:00:00"))
    in_zone(shop, "Pacific/Auckland")
    shop.facts.crash_in = step

    try:
        shop.again()
    except Crash:
        shop.later(0.01)
    shop.facts.crash_in = None
    shop.again()

    assert when(shop) == from_text(SHOWN + AUCKLAND)
    assert when(shop, "s2") == from_text("2026-02-05T10:00:00" + AUCKLAND)
    assert shop.points() == 20
    assert utc_day(when(shop)) == day("2026-01-31")


NOBODY_KNOWN = replace(ANA, phone=None, email=None)


def mapped_again(shop: Shop) -> None:
    """What follows a change of zones: everybody who is a persona is derived again."""
    Remapper(shop.commits, MemoryPersonaList(shop.facts), MemoryQueue()).handle(
        RemapMessage(UID), lambda: True
    )


@pytest.mark.parametrize("first", [NOBODY_KNOWN, None], ids=["no contact yet", "unknown yet"])
def test_sales_of_who_becomes_a_persona_later_are_when_the_clock_showed_them(
    first: Customer | None,
) -> None:
    shop = Shop(platform=PLATFORM, sources={PLATFORM: Source(enroll_after=day("2026-01-31"))})
    if first is not None:
        shop.tell(first)
    shop.tell(a_sale())
    in_zone(shop, "Pacific/Auckland")
    mapped_again(shop)

    shop.tell(ANA)

    assert when(shop) == from_text(SHOWN + AUCKLAND)
    assert shop.held().persona.last_days == {PLATFORM: day("2026-01-31")}
    assert shop.points() == 10


@pytest.mark.parametrize("step", range(1, 12))
def test_a_contact_that_came_with_a_crash_loses_no_sale_to_the_old_zone(step: int) -> None:
    shop = Shop(platform=PLATFORM, sources={PLATFORM: Source(enroll_after=day("2026-01-31"))})
    shop.tell(NOBODY_KNOWN)
    shop.tell(a_sale())
    in_zone(shop, "Pacific/Auckland")
    shop.facts.crash_in = step

    try:
        shop.tell(ANA)
    except Crash:
        shop.later(0.01)
    shop.facts.crash_in = None
    shop.tell(ANA)

    assert when(shop) == from_text(SHOWN + AUCKLAND)
    assert shop.points() == 10


def test_platforms_that_tell_their_zone_are_not_looked_through(shop: Shop) -> None:
    """A store that moves costs the shoppers of other platforms no read of their sales."""
    shop.rule(Loyalty())
    shop.tell(a_sale())
    commits = memory_commits(
        shop.facts, shop.stores, MemoryAccounts(an_account(UID)), shop.clock, rules=shop.book
    )
    told = FactCommits(
        shop.facts, commits.terms, commits.effects, lambda platform: platform == PLATFORM
    )
    in_zone(shop, "Pacific/Auckland")

    told.rederive(UID, [shop.rid()])
    assert when(shop) == from_text(SHOWN + SEATTLE)

    commits.rederive(UID, [shop.rid()])
    assert when(shop) == from_text(SHOWN + AUCKLAND)
