"""When a credential is synced (product.md §5).

Every day at the account's chosen local hour, a few minutes later by a jitter that is fixed per
credential, and every few hours in between. A dead server is left alone for longer and longer.
"""

from __future__ import annotations

import hashlib
from datetime import date, time, timedelta

from chalicelib.domain.records import Instant
from chalicelib.domain.times import HOUR, MINUTE, at_local_time, local_day

DEFAULT_EVERY_HOURS = 6
MAX_EVERY_HOURS = 12
FIRST_RETRY = 15 * MINUTE
LONGEST_RETRY = 6 * HOUR

_MINUTES_OF_JITTER = 60


def next_due(
    now: Instant, zone: str, sync_hour: int, every_hours: int, credential_id: str
) -> Instant:
    """The next sync strictly after `now`: the daily one or a pass between.

    `zone`: the account's IANA zone; `sync_hour`: 0 to 23, local; `every_hours`: 1 to 12, elapsed
    hours counted from the daily sync. Raises ValueError outside those, ZoneInfoNotFoundError.
    """
    _check(sync_hour)
    if not 1 <= every_hours <= MAX_EVERY_HOURS:
        raise ValueError(f"passes are 1 to {MAX_EVERY_HOURS} hours apart")
    today = local_day(now, zone)
    last = _last_daily(now, today, zone, sync_hour, credential_id)
    between = last + ((now - last) // (every_hours * HOUR) + 1) * every_hours * HOUR
    dailies = (_daily(today + timedelta(n), zone, sync_hour, credential_id) for n in range(2))
    return min(between, *(daily for daily in dailies if daily > now))


def is_daily_pass(
    previous: Instant | None, due: Instant, zone: str, sync_hour: int, credential_id: str
) -> bool:
    """Whether the pass due at `due` is the daily one, with the full look-back.

    `previous`: when the last full look-back that ended well began, None for never. A daily sync
    that was missed or failed is made up for by the pass after it.
    """
    _check(sync_hour)
    if previous is None:
        return True
    return previous < _last_daily(due, local_day(due, zone), zone, sync_hour, credential_id)


def retry_at(now: Instant, failures: int) -> Instant:
    """When to try a dead server again: 15 minutes after the first failure in a row, doubling,
    at most 6 hours."""
    doublings = min(max(failures, 1) - 1, 10)
    return now + min(FIRST_RETRY << doublings, LONGEST_RETRY)


def jitter_minutes(credential_id: str) -> int:
    """0 to 59, always the same for a credential, so that accounts spread over the hour."""
    digest = hashlib.blake2b(credential_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _MINUTES_OF_JITTER


def _last_daily(at: Instant, today: date, zone: str, sync_hour: int, credential_id: str) -> Instant:
    """The latest daily sync at or before `at`, whose local day is `today`."""
    daily = _daily(today, zone, sync_hour, credential_id)
    if daily <= at:
        return daily
    return _daily(today - timedelta(1), zone, sync_hour, credential_id)


def _daily(day: date, zone: str, sync_hour: int, credential_id: str) -> Instant:
    return at_local_time(day, time(sync_hour, jitter_minutes(credential_id)), zone)


def _check(sync_hour: int) -> None:
    if not 0 <= sync_hour <= 23:
        raise ValueError("the sync hour is 0 to 23")
