"""When a credential is synced (product.md §5).

Every day at the account's chosen local hour, a few minutes later by a jitter that is fixed per
credential, and every few hours in between. A server that fails is retried with exponential
back-off.
"""

from __future__ import annotations

import hashlib
from datetime import date, time, timedelta
from typing import Literal

from chalicelib.domain.times import DAY, HOUR, MINUTE, at_local_time, local_day
from chalicelib.domain.words import Instant

MAX_EVERY_HOURS = 12
LONGEST_READ_AGAIN = 35 * DAY
STALE_AFTER = DAY
"""A source without a good sync for so long is stale: the help articles promise data within 24
hours."""
FIRST_RETRY = 15 * MINUTE
LONGEST_RETRY = 6 * HOUR
UNSURE_BY = 26 * HOUR
"""How far a clock may be from ours whose zone nobody told: from the first zone to the last."""

_MINUTES_OF_JITTER = 60

PassKind = Literal["between", "daily", "weekly"]
"""The daily sync looks back as far as the profile says; the first of a week looks back further."""


def next_due(
    now: Instant, zone: str, sync_hour: int, every_hours: int, credential_id: str
) -> Instant:
    """Return the next sync strictly after `now`: the daily one or a pass between.

    `zone`: the account's IANA zone; `sync_hour`: 0 to 23, local; `every_hours`: 1 to 12, elapsed
    hours counted from the daily sync. Raises ValueError outside those, ZoneInfoNotFoundError.
    """
    daily_at = _daily_time(sync_hour, credential_id)
    if not 1 <= every_hours <= MAX_EVERY_HOURS:
        raise ValueError(f"passes are 1 to {MAX_EVERY_HOURS} hours apart")
    today = local_day(now, zone)
    last = _last_daily(now, today, daily_at, zone)
    between = last + ((now - last) // (every_hours * HOUR) + 1) * every_hours * HOUR
    dailies = (at_local_time(today + timedelta(n), daily_at, zone) for n in range(2))
    return min(between, *(daily for daily in dailies if daily > now))


def daily_sync_at(at: Instant, zone: str, sync_hour: int, credential_id: str) -> Instant:
    """Return the daily sync of the local day of `at`."""
    return at_local_time(local_day(at, zone), _daily_time(sync_hour, credential_id), zone)


def pass_kind(
    previous: Instant, now: Instant, zone: str, sync_hour: int, credential_id: str
) -> PassKind:
    """Return the kind of the pass that begins now, when the last good one began at `previous`.

    After a daily or weekly sync that was missed or failed, the next pass is of its kind. A week
    begins on a Monday.
    """
    daily_at = _daily_time(sync_hour, credential_id)
    latest = _last_daily(now, local_day(now, zone), daily_at, zone)
    if previous >= latest:
        return "between"
    earlier = _last_daily(previous, local_day(previous, zone), daily_at, zone)
    same_week = _week(earlier, zone) == _week(latest, zone)
    return "daily" if same_week else "weekly"


def look_back_from(watermark: Instant, overlap_seconds: int, *, unsure_clock: bool) -> Instant:
    """Return since when a pass asks for changes, when the last good one began at `watermark`.

    `unsure_clock`: changes are filtered by a clock that is not ours (product.md §5).
    """
    overlap = overlap_seconds * 1000
    return watermark - (max(overlap, UNSURE_BY) if unsure_clock else overlap)


def read_again_from(oldest: Instant, now: Instant) -> Instant:
    """Return since when records are read again that could not be used, the `oldest` of them from
    then (product.md §5)."""
    return max(oldest, now - LONGEST_READ_AGAIN)


def retry_at(now: Instant, failures: int) -> Instant:
    """Return when to retry a failed server: 15 minutes after the first failure in a row, doubling
    with each further one, at most 6 hours."""
    doublings = min(max(failures, 1) - 1, 10)
    return now + min(FIRST_RETRY << doublings, LONGEST_RETRY)


def jitter_minutes(credential_id: str) -> int:
    """Return 0 to 59, always the same for a credential; it spreads credentials over the hour."""
    digest = hashlib.blake2b(credential_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _MINUTES_OF_JITTER


def _daily_time(sync_hour: int, credential_id: str) -> time:
    """Return the local time of the daily sync."""
    if not 0 <= sync_hour <= 23:
        raise ValueError("the sync hour is 0 to 23")
    return time(sync_hour, jitter_minutes(credential_id))


def _week(at: Instant, zone: str) -> tuple[int, int]:
    year, week, _ = local_day(at, zone).isocalendar()
    return year, week


def _last_daily(at: Instant, today: date, daily_at: time, zone: str) -> Instant:
    """Return the latest daily sync at or before `at`, whose local day is `today`."""
    daily = at_local_time(today, daily_at, zone)
    if daily <= at:
        return daily
    return at_local_time(today - timedelta(1), daily_at, zone)
