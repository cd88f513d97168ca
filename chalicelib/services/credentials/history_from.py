"""*History from*: how far back a credential's first sync goes (product.md §3.2)."""

from __future__ import annotations

from datetime import date, timedelta

from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.times import local_day, start_of_day
from chalicelib.domain.words import Instant

EARLIEST = date(2000, 1, 1)


def history_start(
    wanted: date | None, now: Instant, zone: str, *, field: str = "history_from"
) -> Instant:
    """Return the start of the wanted day in the account's zone; None means 12 months before today.

    `field` is the caller's name for it. Raises InvalidInput for a day in the future or before 2000.
    """
    today = local_day(now, zone)
    default = _a_year_before(today)
    if wanted is not None and not EARLIEST <= wanted <= today:
        reason = f"a day from {EARLIEST} to today ({today})"
        raise invalid_fields(field_fault(field, reason, default.isoformat()))
    return start_of_day(wanted or default, zone)


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return (day - timedelta(days=1)).replace(year=day.year - 1)
