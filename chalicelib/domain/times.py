"""Instants (milliseconds since the epoch, UTC), their text, and days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.words import Day, Instant

SECOND: Instant = 1_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MILLISECOND = timedelta(milliseconds=1)
_QUARTER: Instant = 15 * MINUTE


def from_text(text: str) -> Instant:
    """Return the instant of an RFC 3339 text, cut to milliseconds.

    Raises ValueError for any other text, one without an offset included: a zone is never guessed.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no offset from UTC")
    return from_datetime(moment)


def to_text(at: Instant) -> str:
    """RFC 3339 with `Z`; the milliseconds appear only when there are some."""
    precision = "milliseconds" if at % SECOND else "seconds"
    moment = _EPOCH + at * _MILLISECOND
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def from_datetime(moment: datetime) -> Instant:
    """Return the instant of a `moment` with a time zone."""
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(at: Instant, zone: str = "UTC") -> datetime:
    """Return the local time of an instant in an IANA zone."""
    return (_EPOCH + at * _MILLISECOND).astimezone(ZoneInfo(zone))


def utc_day(at: Instant) -> int:
    """Days since 1970-01-01 in UTC."""
    return at // DAY


def local_day(at: Instant, zone: str) -> date:
    """Return the calendar day of an instant in an IANA zone."""
    return to_datetime(at, zone).date()


def local_day_number(at: Instant, zone: str) -> Day:
    """Days since 1970-01-01 on the calendar of an IANA zone."""
    day = _day_of_quarter(at // _QUARTER, zone)
    return _exact_day(at, zone) if day is None else day


@lru_cache(maxsize=1 << 16)
def _day_of_quarter(quarter: int, zone: str) -> Day | None:
    """Return the local day of a quarter of an hour of UTC; None when the day or the offset changes
    within it.

    Nearly everywhere both change on a quarter. Newfoundland changed its offset at 00:01 until 2011,
    which led back to the day before.
    """
    first = to_datetime(quarter * _QUARTER, zone)
    last = to_datetime((quarter + 1) * _QUARTER - 1, zone)
    if (first.date(), first.utcoffset()) != (last.date(), last.utcoffset()):
        return None
    return first.toordinal() - _EPOCH_ORDINAL


def _exact_day(at: Instant, zone: str) -> Day:
    return to_datetime(at, zone).toordinal() - _EPOCH_ORDINAL


def day_number(day: date) -> Day:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def day_text(day: Day) -> str:
    """ISO text of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL).isoformat()


def day_from_text(text: str) -> Day:
    """The inverse of `day_text`. Raises ValueError."""
    return day_number(date.fromisoformat(text))


def may_be_younger(birth_date: str, years: int, today: Day) -> bool:
    """Whether a person may be younger than `years` today.

    `birth_date`: ISO text, or the year alone, which counts as its last day.
    """
    whole = birth_date if "-" in birth_date else f"{birth_date}-12-31"
    return whole > _years_before(today, years)


@lru_cache(maxsize=256)
def _years_before(today: Day, years: int) -> str:
    """Return the day `years` before as text: the 29th of February is no date in most years."""
    year, _, rest = day_text(today).partition("-")
    return f"{int(year) - years:04d}-{rest}"


def start_of_day(day: date, zone: str) -> Instant:
    """Return when a calendar day begins in an IANA zone."""
    return at_local_time(day, time(), zone)


def at_local_time(day: date, clock: time, zone: str) -> Instant:
    """Return the instant of a local time on `day` in `zone`.

    Of a local time that happens twice it is the first; one that is skipped is read by the offset
    before the change. So every day has each time exactly once.
    """
    return from_datetime(datetime.combine(day, clock, ZoneInfo(zone)))


def at_wall_clock(shown: Instant, zone: str) -> Instant:
    """Return the instant at which the clocks of `zone` showed the time that `shown` is in UTC; see
    `at_local_time` for times that happen twice or never."""
    return from_datetime(to_datetime(shown, "UTC").replace(tzinfo=ZoneInfo(zone)))


def is_shown_twice(first: Instant, second: Instant, zone: str) -> bool:
    """Whether both instants lie in the one stretch that the clocks of `zone` show twice, in autumn:
    what they showed does not tell which was first."""
    one, other = to_datetime(first, zone), to_datetime(second, zone)
    return one.date() == other.date() and _is_ambiguous(one) and _is_ambiguous(other)


def _is_ambiguous(moment: datetime) -> bool:
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
