"""Checks that tell when a complete listing looks wrong (product.md §5)."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from chalicelib.domain.records import Customer
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Instant

TRUNCATED_BELOW = 0.9
FEWEST_WITHDRAWN = 20
MANY_ROWS = 20
"""Of fewer, nothing is said about those that cannot be used."""

WEEK = 7
WEEKS_COMPARED = 8


def is_truncated(listed: int, before: int) -> bool:
    """Whether a complete listing is over 10 % shorter than the last one."""
    return listed < TRUNCATED_BELOW * before


def lacks_a_contact(told: Customer, held: Customer) -> bool:
    """Whether a telling lacks a usable phone or e-mail that the shopper has."""
    if told.phone and told.email:  # nearly always
        return False
    return bool((held.phone and not told.phone) or (held.email and not told.email))


def are_contacts_withdrawn(blanked: int, shoppers: int) -> bool:
    """Whether a listing takes contacts from more of its shoppers than can be believed: from more
    than 10 %, and at least 20."""
    return blanked >= FEWEST_WITHDRAWN and blanked * 10 > shoppers


def is_mostly_unusable(unusable: int, rows: int) -> bool:
    """Whether most of a stream's rows could not be used, of 20 at least."""
    return rows >= MANY_ROWS and unusable * 2 > rows


def are_sales_missing(days: Mapping[str, int], now: Instant) -> bool:
    """Whether there were no sales for 7 days although the median week before had some.

    `days`: number of sales by local day number, as text. The median is over the weeks since the
    first of them, at most 8.
    """
    today = utc_day(now)
    if not days or any(int(day) > today - WEEK for day in days):
        return False
    first = min(int(day) for day in days)
    weeks = min(WEEKS_COMPARED, (today - WEEK - first) // WEEK + 1)
    sums = [
        sum(days.get(str(today - WEEK * (week + 1) - day), 0) for day in range(WEEK))
        for week in range(weeks)
    ]
    return median(sums) > 0
