"""When an account's nightly audience run begins (product.md §10): at 02:00 on its clock, after that
night's daily syncs, and at 05:00 at the latest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time, timedelta
from typing import NamedTuple

from chalicelib.domain.schedule import daily_sync_at
from chalicelib.domain.times import HOUR, MINUTE, at_local_time, day_number, local_day
from chalicelib.domain.words import CredentialId, Day, Instant

OPENS, CLOSES = time(2), time(5)
LOOK_AGAIN = 5 * MINUTE
"""While a night's syncs, or another run, are waited for."""
LONGEST_WAIT = 3 * HOUR
"""Between two looks at an account: its clock may have been moved meanwhile."""


class Night(NamedTuple):
    """The night of a local day: from when on its run may begin, and when it must."""

    day: Day
    opens_at: Instant
    closes_at: Instant


class NightSync(NamedTuple):
    """A connected credential, and when its last good run began."""

    credential: CredentialId
    last_good_run_at: Instant | None


def night_of(now: Instant, zone: str) -> Night:
    """Return the night of today on the account's clock.

    Where the clocks skip 02:00 or show it twice, see `times.at_local_time`: every day has one.
    """
    today = local_day(now, zone)
    opens, closes = (at_local_time(today, clock, zone) for clock in (OPENS, CLOSES))
    return Night(day_number(today), opens, closes)


def next_opening(now: Instant, zone: str) -> Instant:
    """Return when the next night after `now` opens."""
    today = local_day(now, zone)
    days = (today, today + timedelta(1))
    return min(at for day in days if (at := at_local_time(day, OPENS, zone)) > now)


def is_ready(
    now: Instant, night: Night, zone: str, sync_hour: int, syncs: Iterable[NightSync]
) -> bool:
    """Whether the night's run may begin: the daily syncs that begin before it closes have ended
    well, or it is as late as it may be."""
    if now < night.opens_at:
        return False
    return now >= night.closes_at or not any(
        _is_awaited(sync, night, zone, sync_hour) for sync in syncs
    )


def next_look(now: Instant, zone: str) -> Instant:
    """Return when to look at an account again whose night is done, or has not opened."""
    return min(next_opening(now, zone), now + LONGEST_WAIT)


def _is_awaited(sync: NightSync, night: Night, zone: str, sync_hour: int) -> bool:
    daily_at = daily_sync_at(night.opens_at, zone, sync_hour, sync.credential)
    if daily_at >= night.closes_at:
        return False
    return sync.last_good_run_at is None or sync.last_good_run_at < daily_at
