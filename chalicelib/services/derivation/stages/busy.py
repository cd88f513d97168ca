"""Find records that are tills rather than shoppers: more than 20 sales on a local day (§6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chalicelib.domain.personas import BUSY_SALES_PER_DAY
from chalicelib.domain.times import DAY
from chalicelib.services.derivation.commit_in_progress import Commit


def are_busy(commit: Commit, per_utc_day: Mapping[str, Mapping[int, int]]) -> bool:
    """Whether every one of these records has more than 20 sales on a day of its shop's clock.

    `per_utc_day`: the sales of each record by UTC days, of which a local day touches two. Single
    sales are read only where these leave it open.
    """
    open_days: dict[str, list[int]] = {}
    for rid, per_day in per_utc_day.items():
        days = _days_that_may_be_busy(per_day)
        if not days:
            return False
        if max(per_day.values()) <= 2 * BUSY_SALES_PER_DAY:  # else it is one of its two local days
            open_days[rid] = days
    return all(
        any(_sales_on(commit, rid, day) > BUSY_SALES_PER_DAY for day in days)
        for rid, days in open_days.items()
    )


def _days_that_may_be_busy(per_day: Mapping[int, int]) -> list[int]:
    """Return the local days, the latest first, whose two UTC days have too many sales together."""
    near = {around for day in per_day for around in (day - 1, day, day + 1)}
    return sorted(
        (day for day in near if _most_on(per_day, day) > BUSY_SALES_PER_DAY), reverse=True
    )


def _most_on(per_day: Mapping[int, int], day: int) -> int:
    around = max(per_day.get(day - 1, 0), per_day.get(day + 1, 0))
    return per_day.get(day, 0) + around


def _sales_on(commit: Commit, rid: str, day: int) -> int:
    """Return how many counting sales the record has on this local day."""
    first, last = (day - 1) * DAY, (day + 2) * DAY
    removed = commit.removed.get(rid, ())
    stored = (ref for ref in commit.pointers_between(rid, first, last) if ref not in removed)
    refs = {*stored, *commit.added.get(rid, ())}
    days = Counter(commit.terms.day(ref.ordered_at, ref.store_key) for ref in refs if ref.counts)
    return days[day]
