"""Who is enrolled and what they earn (articles, "Additional AIQ Settings")."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.records import Customer
from chalicelib.domain.rules import KeptMembers, Source
from tests.requirements.cards import PLATFORMS
from tests.worlds.shop import ANA, TEN_PER_100, Shop, a_sale, day

THE_DAY = "2026-02-01"
ENROLLING = Source(enroll_after=day(THE_DAY))
BO = Customer("2", first="Bo", phone="+12065550002")


def a_shop(platform: str, source: Source = ENROLLING) -> Shop:
    return Shop(sources={platform: source}, platform=platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("bought_on", "enrolled"), [("2026-01-31", False), (THE_DAY, True), ("2026-05-30", True)]
)
def test_who_bought_on_or_after_the_day_is_enrolled(
    platform: str, bought_on: str, *, enrolled: bool
) -> None:
    """Automatically enrolls shoppers in the loyalty program if they had a sale on or after the date
    you specify."""
    shop = a_shop(platform)

    shop.tell(ANA, a_sale("s1", bought_on))

    assert shop.member() is enrolled


@pytest.mark.parametrize("platform", PLATFORMS)
def test_sales_that_are_here_already_enroll_when_the_day_is_set(platform: str) -> None:
    """Automatically enrolls shoppers in the loyalty program if they had a sale on or after the date
    you specify."""
    shop = a_shop(platform, Source())
    shop.tell(ANA, a_sale("s1", "2026-03-01"))
    assert not shop.member()

    shop.rule(**{platform: ENROLLING})

    assert shop.member()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_enrolled_shoppers_earn_for_sales_on_or_after_the_day_only(platform: str) -> None:
    """Enrolled shoppers earn points for sales on or after that date."""
    shop = a_shop(platform)

    shop.tell(
        ANA,
        a_sale("before", "2026-01-31", 50_000),
        a_sale("on", THE_DAY, 10_000),
        a_sale("after", "2026-03-01", 2_000),
    )

    earned = {name: entry.amount for name, entry in shop.entries().items()}
    assert earned == {"before": 0, "on": 1_000, "after": 200}
    assert shop.points() == 12


@pytest.mark.parametrize("platform", PLATFORMS)
def test_removing_the_day_loses_who_was_a_member_by_it_alone_and_nobody_else(
    platform: str,
) -> None:
    """⚠️ Warning: If this setting is removed after it has been set, it can cause loyalty Personas to
    be lost if they only became a member through this setting and did not use a signup form."""
    shop = a_shop(platform)
    shop.tell(ANA, BO, a_sale("s1", "2026-03-01"), a_sale("s2", "2026-03-01", customer_ext_id="2"))
    shop.form("2")

    shop.rule(**{platform: Source()})

    assert (shop.member("1"), shop.member("2")) == (False, True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_whoever_would_be_lost_can_be_kept(platform: str) -> None:
    """We do not recommend changing this after it is set."""
    shop = a_shop(platform)
    shop.tell(ANA, a_sale("s1", "2026-03-01"))
    before = shop.points()

    shop.rule(**{platform: Source(keeping=(KeptMembers("enroll_after", day(THE_DAY)),))})
    shop.rule(**{platform: Source()})

    assert shop.member()
    assert shop.points() == before


def importing(shop: Shop, points: int, run: str | None = None) -> None:
    shop.tell(replace(ANA, pos_points=points, updated_at=shop.clock.now()), import_run=run)


def test_points_are_taken_from_the_pos_until_they_are_fixed_and_never_again() -> None:
    """If a date is filled in, AIQ will pull in loyalty points from POSaBIT up to that date and stop
    afterwards.

    Note: This is a one-time sync.
    """
    open_, locked = Source(imported_on=day("2026-05-31")), {"north": "run_1"}
    shop = a_shop("posabit", open_)
    importing(shop, 120)
    before = shop.points()
    importing(shop, 150, run="run_1")
    shop.rule(posabit=replace(open_, import_locks=locked))
    fixed = shop.points()

    importing(shop, 999)
    importing(shop, 7, run="run_2")

    assert (before, fixed, shop.points()) == (120, 150, 150)


def test_imported_points_stay_when_the_date_is_taken_out_again() -> None:
    """Once the date is set and points have been imported, this setting does not need to be updated
    again."""
    shop = a_shop("posabit", Source(imported_on=day("2026-05-31")))
    importing(shop, 120, run="run_1")
    shop.rule(posabit=Source(imported_on=day("2026-05-31"), import_locks={"north": "run_1"}))

    shop.rule(posabit=Source(import_locks={"north": "run_1"}))

    assert (shop.points(), shop.member()) == (120, True)


def test_from_the_day_after_the_import_no_sale_earns_twice_and_none_is_left_out() -> None:
    """Use this in conjunction with Settings > Loyalty > Points accrual start date, setting that to
    the following day."""
    imported_on, following = day("2026-03-31"), day("2026-04-01")
    shop = Shop(
        loyalty=replace(TEN_PER_100, accrual_start=following),
        sources={"posabit": Source(imported_on=imported_on)},
    )

    importing(shop, 40)
    shop.tell(a_sale("in the balance", "2026-03-31"), a_sale("ours", "2026-04-01"))

    earned = {name: entry.amount for name, entry in shop.entries().items()}
    assert earned == {"in the balance": 0, "ours": 1_000}
    assert shop.points() == 50
