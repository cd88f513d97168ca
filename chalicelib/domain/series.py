"""Series for charts: counts by local day or week and source, never more points than a chart has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.words import Day, Platform

MOST_BUCKETS = 400
_MONDAY = 4
"""1970-01-05, the first Monday of the days."""

BucketWidth = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day or a week, named by its first day. `unread`: sources that were not read to its end:
    what they have of it is not known, and no zero."""

    day: Day
    values: Mapping[str, int]
    unread: tuple[Platform, ...] = ()


def first_day(day: Day, by: BucketWidth) -> Day:
    """Return the first day of the bucket that holds the day; weeks begin on Mondays."""
    return day if by == "day" else day - (day - _MONDAY) % 7


def buckets(
    counts: Mapping[Day, Mapping[Platform, int]],
    first: Day,
    last: Day,
    by: BucketWidth,
    read_until: Mapping[Platform, Day | None],
) -> list[Bucket]:
    """Return the buckets from `first` to `last` with the sums of their days, empty ones too.

    `read_until`: the last day of which each source was asked; None for one that never was. At most
    400, the latest ones.
    """
    width = 1 if by == "day" else 7
    start, end = first_day(first, by), first_day(last, by)
    start = max(start, end - (MOST_BUCKETS - 1) * width)
    sums: dict[Day, dict[str, int]] = {day: {} for day in range(start, end + 1, width)}
    for day, by_source in counts.items():
        held = sums.get(first_day(day, by))
        if held is None or not first <= day <= last:
            continue
        for source, count in by_source.items():
            held[source] = held.get(source, 0) + count
    return [
        Bucket(day, values, tuple(_unread(min(day + width - 1, last), read_until)))
        for day, values in sums.items()
    ]


def _unread(last: Day, read_until: Mapping[Platform, Day | None]) -> Iterable[Platform]:
    return sorted(source for source, until in read_until.items() if until is None or until < last)
