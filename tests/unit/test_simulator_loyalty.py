"""The oracle of loyalty, by examples worked out by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from simulators.oracle import answer_all
from simulators.oracle.loyalty import Card, Programme, round_points
from simulators.oracle.personas import SourceRecord, Traits
from simulators.oracle.reading import Purchase, Reading
from simulators.retailer.zones import DAY, HOUR, parse_instant

NOON = (parse_instant("2026-03-10T20:00:00Z") or 0, "2026-03-10")  # in Los Angeles, 13:00
PHONE = "+12065550100"
SINCE = date(2026, 3, 10)


def sale(number: int, at: int = NOON[0], **changes: Any) -> Purchase:
    purchase = Purchase("ann", "main", at, True, f"s{number}", net=10_000, tax=1_000)
    return purchase._replace(**changes)


def back(number: int, at: int, net: int, of: str = "") -> Purchase:
    return sale(number, at, final=False, back=True, net=net, of=of)


def loyalty(*purchases: Purchase, traits: Traits | None = None, **rules: Any) -> dict[str, Any]:
    """Ann's, who buys at a POSaBIT store."""
    ann = SourceRecord(("venue", "ann"), None, (("phone", PHONE),), traits or Traits(phone=PHONE))
    counts = dict.fromkeys(
        ("fetched", "kept", "linked", "unlinked", "linked_to_personas", "final"), 0
    )
    reading = Reading("posabit", [ann], list(purchases), {"sales": counts}, {})
    cards = {"posabit": Card(SINCE, SINCE)}
    programme = Programme(**{"today": date(2026, 4, 1), "cards": cards, "per_100": 1_000, **rules})
    [group] = answer_all([reading], programme=programme)["groups"]
    expected: dict[str, Any] = group["loyalty"]
    return expected


def test_ten_points_a_hundred_and_a_member_who_is_asked() -> None:
    expected = loyalty(sale(1))

    assert expected == {
        "flags": [],
        "reasons": ["enroll_after:posabit"],
        "points": 1_000,
        "asked": ["posabit"],
        "number": PHONE,
    }


def test_the_day_is_that_of_the_shop() -> None:
    late = parse_instant("2026-03-10T06:30:00Z") or 0  # still the 9th in Los Angeles

    assert loyalty(sale(1, late))["reasons"] == []
    assert loyalty(sale(1, late), zones={("posabit", "main"): "America/New_York"})["reasons"]


def test_a_clock_without_a_zone_tells_the_day_itself() -> None:
    wall = parse_instant("2026-03-10T00:30:00Z") or 0

    assert loyalty(sale(1, 0, wall=wall))["points"] == 1_000
    assert loyalty(sale(1, 0, wall=wall - HOUR))["points"] == 0


def test_a_return_that_names_its_sale_takes_off_pro_rata() -> None:
    expected = loyalty(sale(1), back(2, NOON[0] + DAY, 2_500, of="s1"), per_order=100)

    assert expected["points"] == 900  # three quarters of 10 and 1 for the order, to whole points


def test_a_return_that_names_none_is_taken_off_the_latest_before_it() -> None:
    first, second, third = sale(1), sale(2, NOON[0] + HOUR), sale(3, NOON[0] + 3 * DAY)

    expected = loyalty(first, second, third, back(4, NOON[0] + DAY, 15_000))

    assert expected["points"] == 500 + 0 + 1_000


def test_the_earliest_orders_of_a_day_earn() -> None:
    small, large = sale(1, net=1_000), sale(2, NOON[0] + HOUR, net=9_000)

    assert loyalty(large, small, orders_a_day=1)["points"] == 100


def test_tax_is_left_out_when_the_retailer_says_so() -> None:
    assert loyalty(sale(1), exclude_tax=True)["points"] == 900


@pytest.mark.parametrize(
    ("rounding", "exact", "points"),
    [
        ("up", "101", 200),
        ("down", "199", 100),
        ("nearest", "150", 200),
        ("nearest", "149", 100),
        ("none", "149.5", 150),
        ("none", "149.49", 149),
    ],
)
def test_rounding(rounding: str, exact: str, points: int) -> None:
    assert round_points(Fraction(exact), rounding) == points


@pytest.mark.parametrize(
    ("traits", "member", "points", "asked"),
    [
        (Traits(employee=True), False, 0, False),
        (Traits(test=True), False, 0, False),
        (Traits(active=False), False, 0, False),
        (Traits(born="2010-05-05"), True, 1_000, False),
        (Traits(born="2005-04-01"), True, 1_000, True),
        (Traits(born="2005-04-02"), True, 1_000, False),
        (Traits(born="2005"), True, 1_000, False),
    ],
)
def test_flags_keep_from_being_enrolled_and_asked(
    traits: Traits, member: bool, points: int, asked: bool
) -> None:
    expected = loyalty(sale(1), traits=traits._replace(phone=PHONE))

    assert (bool(expected["reasons"]), expected["points"]) == (member, points)
    assert (expected["asked"], expected["number"]) == (
        (["posabit"], PHONE) if asked else ([], None)
    )


def test_who_refuses_texts_at_the_pos_gets_none() -> None:
    expected = loyalty(sale(1), traits=Traits(phone=PHONE, refuses_sms=True))

    assert (expected["asked"], expected["number"]) == (["posabit"], None)


def test_more_than_twenty_sales_a_day_is_busy() -> None:
    many = [sale(number, NOON[0] + number * 1000) for number in range(21)]

    assert loyalty(*many)["flags"] == ["busy"]
    assert loyalty(*many[:20])["flags"] == []
