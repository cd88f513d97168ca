"""When a complete listing looks wrong (product.md §5)."""

from __future__ import annotations

import pytest

from chalicelib.domain.limits import per_user
from chalicelib.domain.listing_checks import (
    are_contacts_withdrawn,
    are_sales_missing,
    is_mostly_unusable,
    is_truncated,
    lacks_a_contact,
)
from chalicelib.domain.records import Customer
from chalicelib.domain.times import DAY

TODAY = 20_000
NOW = TODAY * DAY + DAY // 2


@pytest.mark.parametrize(("listed", "expected"), [(900, False), (899, True), (1_001, False)])
def test_a_listing_more_than_a_tenth_shorter_than_the_last_is_truncated(
    listed: int, expected: bool
) -> None:
    assert is_truncated(listed, 1_000) is expected


@pytest.mark.parametrize(
    ("phone", "email", "held_phone", "held_email", "expected"),
    [
        (True, True, True, True, False),
        (False, True, True, True, True),
        (True, False, True, True, True),
        (False, True, False, True, False),
        (True, False, True, False, False),
        (False, False, False, False, False),
        (False, True, True, False, True),
        (True, False, False, True, True),
    ],
)
def test_a_telling_lacks_what_the_shopper_has_and_it_leaves_out(
    phone: bool, email: bool, held_phone: bool, held_email: bool, expected: bool
) -> None:
    def shopper(has_phone: bool, has_email: bool) -> Customer:
        return Customer(
            "77",
            phone="+12065550123" if has_phone else None,
            email="ada@example.com" if has_email else None,
        )

    assert lacks_a_contact(shopper(phone, email), shopper(held_phone, held_email)) is expected


@pytest.mark.parametrize(
    ("blanked", "shoppers", "expected"),
    [(20, 199, True), (20, 200, False), (19, 20, False), (101, 1_000, True), (100, 1_000, False)],
)
def test_contacts_of_more_than_a_tenth_and_twenty_at_least_are_withdrawn(
    blanked: int, shoppers: int, expected: bool
) -> None:
    assert are_contacts_withdrawn(blanked, shoppers) is expected


@pytest.mark.parametrize(
    ("unusable", "rows", "expected"),
    [(11, 20, True), (10, 20, False), (19, 19, False), (20, 20, True), (51, 101, True)],
)
def test_most_of_twenty_rows_at_least_must_be_unusable(
    unusable: int, rows: int, expected: bool
) -> None:
    assert is_mostly_unusable(unusable, rows) is expected


def weeks(*sums: int) -> dict[str, int]:
    """Sales by day, the newest week of these first; a week's sales are on its last day."""
    return {str(TODAY - 7 * (week + 1)): amount for week, amount in enumerate(sums)}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({}, False),
        (weeks(1), True),
        (weeks(5, 5), True),
        ({**weeks(5, 5), str(TODAY): 1}, False),
        ({**weeks(5, 5), str(TODAY - 6): 1}, False),
        ({str(TODAY - 7): 1}, True),
        ({str(TODAY - 8): 1}, True),
        (weeks(0, 0, 5), False),
        (weeks(0, 5, 5), True),
        (weeks(0, 5), True),  # the median of two is between them
        ({str(TODAY - 13): 5, str(TODAY - 21): 5, str(TODAY - 34): 5}, True),
        ({str(TODAY - 7): 5, str(TODAY - 34): 5}, True),
        ({str(TODAY - 7): 5, str(TODAY - 35): 5}, False),
        (weeks(1, 1, 1, 1, 1, 0, 0, 0, 9, 9, 9, 9, 9), True),
        (weeks(1, 1, 1, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9), False),
        (weeks(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1), True),
    ],
)
def test_a_week_without_sales_is_odd_where_the_median_week_had_some(
    days: dict[str, int], expected: bool
) -> None:
    assert are_sales_missing(days, NOW) is expected


@pytest.mark.parametrize(("most", "of_one"), [(120, 24), (30, 6), (29, 5), (12, 5), (1, 5)])
def test_one_user_may_use_a_fifth_of_a_limit_and_five_at_least(most: int, of_one: int) -> None:
    assert per_user(most) == of_one
