"""Wall clocks of the stores: Rails zone names with the US rule for summer time.

Written out instead of taken from the tz database, so that a world is the same on every machine.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

HOUR = 3_600_000
DAY = 24 * HOUR

# Rails name -> (IANA name, standard offset in hours, summer time)
RAILS_ZONES: dict[str, tuple[str, int, bool]] = {
    "Pacific Time (US & Canada)": ("America/Los_Angeles", -8, True),
    "Mountain Time (US & Canada)": ("America/Denver", -7, True),
    "Central Time (US & Canada)": ("America/Chicago", -6, True),
    "Eastern Time (US & Canada)": ("America/New_York", -5, True),
    "Arizona": ("America/Phoenix", -7, False),
    "Alaska": ("America/Juneau", -9, True),
}


def millis(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    return round(moment.timestamp() * 1000)


def _nth_sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


@lru_cache(maxsize=256)
def summer_time(rails_zone: str, year: int) -> tuple[int, int]:
    """The instants at which summer time begins and ends; equal where there is none."""
    _, standard, has_summer = RAILS_ZONES[rails_zone]
    if not has_summer:
        return 0, 0
    begins, ends = _nth_sunday(year, 3, 2), _nth_sunday(year, 11, 1)
    # Clocks change at 02:00 on the wall: standard time in March, summer time in November.
    begin = datetime(begins.year, begins.month, begins.day, 2, tzinfo=UTC)
    end = datetime(ends.year, ends.month, ends.day, 1, tzinfo=UTC)
    return millis(begin) - standard * HOUR, millis(end) - standard * HOUR


def offset(rails_zone: str, instant: int) -> int:
    """Milliseconds to add to UTC to read the wall clock of the zone at `instant`."""
    standard = RAILS_ZONES[rails_zone][1] * HOUR
    year = datetime.fromtimestamp(instant / 1000, tz=UTC).year
    begin, end = summer_time(rails_zone, year)
    return standard + HOUR if begin <= instant < end else standard


def iso(instant: int) -> str:
    """`2026-05-01T00:00:00.000Z`, as POSaBIT writes instants."""
    seconds, ms = divmod(instant, 1000)
    return f"{_to_second(seconds)}.{ms:03d}Z"


def iso_local(instant: int, rails_zone: str) -> str:
    """The wall clock without an offset, as POSaBIT writes `ordered_at_local`."""
    seconds, ms = divmod(instant + offset(rails_zone, instant), 1000)
    return f"{_to_second(seconds)}.{ms:03d}"


def _to_second(seconds: int) -> str:
    day, second = divmod(seconds, 86_400)
    hour, rest = divmod(second, 3600)
    return f"{_day_text(day)}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}"


@lru_cache(maxsize=8192)
def _day_text(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def parse_instant(text: str) -> int | None:
    """ISO 8601 text to milliseconds, or None. Text without an offset is read as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
