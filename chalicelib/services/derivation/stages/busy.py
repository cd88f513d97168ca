"""Find records that are tills rather than shoppers: more than 20 sales on a local day (§6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chalicelib.domain.personas import BUSY_SALES_PER_DAY
from chalicelib.domain.times import DAY, utc_day
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.facts import SalesSpan


def are_busy(commit: Commit, per_utc_day: Mapping[str, Mapping[int, int]]) -> bool:
    """Whether every one of these records has more than 20 sales on a day of its shop's clock.

    `per_utc_day`: the sales of each record by UTC days, of which a local day touches two. Single
    sales are read only where these leave it open.
    """
    changed_days = _changed_days(commit, list(per_utc_day))
    open_days: dict[str, list[int]] = {}
    for rid, per_day in per_utc_day.items():
        days = _days_that_may_be_busy(per_day)
        if not days:
            return False
        if changed_days is not None:
            days = [day for day in days if day in changed_days]
        if max(per_day.values()) <= 2 * BUSY_SALES_PER_DAY:  # else it is one of its two local days
            open_days[rid] = days
    return all(
        any(_sales_on(commit, rid, day) > BUSY_SALES_PER_DAY for day in days)
        for rid, days in open_days.items()
    )


def _changed_days(commit: Commit, rids: list[str]) -> set[int] | None:
    """Return the local days on which this commit may have made a shopper busy; None for any day.

    A shopper of one record who was not busy before can become so only by a sale that comes now.
    """
    before = commit.persona_before(rids[0])
    if commit.full or before is None or "busy" in before.flags:
        return None
    if len(rids) > 1 or before.members != (rids[0],):
        return None
    days = (utc_day(ref.ordered_at) for ref in commit.added.get(rids[0], ()))
    return {around for day in days for around in (day - 1, day, day + 1)}


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
    [pointers] = commit.pointers_in([SalesSpan(rid, first, last)])
    stored = (ref for ref in pointers if ref not in removed)
    refs = {*stored, *commit.added.get(rid, ())}
    days = Counter(commit.terms.day(ref.ordered_at, ref.store_key) for ref in refs if ref.counts)
    return days[day]
