"""Rules of an account: what their settings say, and when a sale's day is and counts."""

from __future__ import annotations

from chalicelib.domain.rules import (
    Loyalty,
    Rules,
    Source,
    Terms,
    loyalty_values,
    setting_values,
    with_loyalty,
    with_settings,
)
from chalicelib.domain.times import HOUR, day_from_text, from_text

SHOP, ELSEWHERE = "posabit:venue-1:Main St", "posabit:venue-1:Harbour"
NOON = from_text("2026-01-09T12:00:00Z")
TODAY = day_from_text("2026-01-09")
TERMS = Terms(NOON, zone="America/Los_Angeles", zones={SHOP: "Pacific/Auckland"})


def test_a_sale_is_dated_on_the_clock_of_its_shop_and_else_on_the_accounts() -> None:
    assert TERMS.day(NOON, SHOP) == TODAY + 1
    assert TERMS.day(NOON, ELSEWHERE) == TODAY
    assert TERMS.own_day(NOON - 5 * HOUR) == TODAY - 1
    assert TERMS.today == TODAY
    assert TERMS.clock_zones == ("America/Los_Angeles", "Pacific/Auckland")


def test_what_a_shops_clock_showed_was_then_in_its_zone() -> None:
    assert TERMS.at(NOON, SHOP) == NOON - 13 * HOUR
    assert TERMS.at(NOON, ELSEWHERE) == NOON + 8 * HOUR


def test_a_sale_dated_over_two_days_ahead_counts_from_two_days_before() -> None:
    days = [
        TERMS.counts_on(from_text(f"2026-01-{n:02d}T20:00:00Z"), ELSEWHERE) for n in range(9, 14)
    ]

    assert TERMS.counts_on(NOON, ELSEWHERE) is None
    assert days == [None, None, None, TODAY + 1, TODAY + 2]
    assert TERMS.counts_on(from_text("2026-01-11T12:00:00Z"), SHOP) == TODAY + 1
    assert Terms(NOON + 9, rules=Rules()).counts_on(NOON + 9, SHOP) is None


def test_a_source_has_the_accounts_accrual_start_unless_it_has_its_own() -> None:
    rules = Rules(Loyalty(accrual_start=9), {"posabit": Source(accrual_start=0)})

    assert rules.accrual_start("posabit") == 0
    assert rules.accrual_start("thsuite") == 9


def test_settings_and_their_values_are_each_others_inverse() -> None:
    source = Source(enroll_after=TODAY, sms_opt_in_after=0, trusts_opt_in_flags=True)

    values = setting_values(source)

    assert (values["enroll_after"], values["sms_opt_in_after"]) == ("2026-01-09", "1970-01-01")
    assert with_settings(Source(), values) == source
    assert with_settings(source, {"enroll_after": None, "no_rule": 1}) == Source(
        sms_opt_in_after=0, trusts_opt_in_flags=True
    )
    assert with_settings(source, {}) == source


def test_loyalty_rules_and_their_values_are_each_others_inverse() -> None:
    loyalty = Loyalty(enabled=True, accrual_start=TODAY, points_per_100=5, rounding="up")

    values = loyalty_values(loyalty)

    assert values["accrual_start"] == "2026-01-09"
    assert with_loyalty(Loyalty(), values) == loyalty
    assert with_loyalty(loyalty, {"points_per_100": 6}).accrual_start == TODAY
    assert with_loyalty(loyalty, {"accrual_start": None}).accrual_start is None
