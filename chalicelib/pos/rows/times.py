"""Reads days and times of a row, one value at a time, as `coerce` reads all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.times import from_datetime, is_zone
from chalicelib.domain.words import Instant
from chalicelib.pos.rows.coerce import (
    LONGEST_WORD,
    Json,
    Unusable,
    boolean,
    none_if_unusable,
    says_nothing,
    text,
)

EARLIEST, LATEST = 1990, 2100
COUNTS = {"seconds": 1000, "milliseconds": 1}
"""Formats that count since 1970, with the milliseconds of each unit."""
INSTANTS_KEPT = 1024
"""More than a page has: a row's time is read to judge the page's order and again for the row."""


def birth_date(value: Json, formats: tuple[str, ...] = ()) -> str | None:
    """`YYYY-MM-DD`, or None when not said. Raises Unusable for what is no day a person alive has.

    A time after the day is ignored. `formats`: of `strptime`, where the day is not ISO's.
    """
    birthday = text(value)
    if birthday is None or (len(birthday) < LONGEST_WORD and says_nothing(birthday)):
        return None
    try:
        day = date.fromisoformat(birthday[:10])
    except ValueError:
        moment = _moment(birthday, _strptime(formats))
        if moment is None:
            raise Unusable("bad_date") from None
        day = moment.date()
    if not 1900 <= day.year <= LATEST:
        raise Unusable("bad_date")
    return day.isoformat()


def wall_clock(value: Json, formats: tuple[str, ...]) -> datetime | None:
    """Return what the clock showed, whatever its zone; None for a text in none of the formats."""
    moment = _moment(value.strip(), _strptime(formats)) if isinstance(value, str) else None
    return moment.replace(tzinfo=None) if moment else None


def zoneless_clock(value: Json, formats: tuple[str, ...]) -> Instant | None:
    """Return what the clock showed, as if it were UTC; None for a text that tells its zone, or no
    time."""
    moment = _moment(value.strip(), _strptime(formats)) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is not None:
        return None
    return from_datetime(moment.replace(tzinfo=UTC))


def _strptime(formats: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f for f in formats if f != "iso" and f not in COUNTS)


@cache
def instant_reader(zone: str, formats: tuple[str, ...]) -> Callable[[Json], Instant | None]:
    """Return a reader of instants: `zone` (IANA) applies to texts without an offset.

    The reader returns None for "not said" and raises Unusable for a text in none of the formats.
    """
    local = UTC if zone == "UTC" else ZoneInfo(zone if is_zone(zone) else "UTC")
    others = _strptime(formats)
    unit = next((COUNTS[name] for name in formats if name in COUNTS), None)

    def read(value: Json) -> Instant | None:
        if value is None:
            return None
        if unit and _is_count(value):
            return _counted(value, unit)
        if not isinstance(value, str):
            raise Unusable("bad_date")
        return of_text(value)

    @lru_cache(maxsize=INSTANTS_KEPT)
    def of_text(value: str) -> Instant | None:
        try:
            moment: datetime | None = datetime.fromisoformat(value)
        except ValueError:
            moment = _moment(value.strip(), others)
        if moment is None and says_nothing(value):
            return None
        if moment is None or not EARLIEST <= moment.year <= LATEST:
            raise Unusable("bad_date")
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=local))

    return read


def _is_count(value: Json) -> bool:
    if isinstance(value, str):
        return value.strip().isdecimal()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _counted(value: float | str, unit: int) -> Instant | None:
    """The instant so many units after 1970 began; 0 says nothing. Raises Unusable."""
    number = float(value)
    if not number:
        return None
    if not _FIRST <= number * unit < _LAST:
        raise Unusable("bad_date")
    return int(number * unit)


_FIRST, _LAST = (from_datetime(datetime(y, 1, 1, tzinfo=UTC)) for y in (EARLIEST, LATEST + 1))


def _moment(value: str, others: tuple[str, ...]) -> datetime | None:
    """The moment in ISO's form or, of the others, the first that fits."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for layout in others:
        try:
            return datetime.strptime(value, layout)  # noqa: DTZ007 - the caller gives it the zone
        except ValueError:
            continue
    return None


def flag_or_time(instant: Callable[[Json], Instant | None]) -> Callable[[Json], bool | None]:
    """Return a reader of a flag that a POS may tell by when it was raised, as in `deleted_at`: a
    time, or a number that counts since a day, is true. It raises Unusable for what is neither."""
    time_of = none_if_unusable(instant)

    def read(value: Json) -> bool | None:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, int | float) and value > 1:
            return True
        try:
            return boolean(value)
        except Unusable:
            if time_of(value) is None:
                raise
            return True

    return read


def birth_year(value: Json) -> str | None:
    """The year alone (`1990`). Raises Unusable."""
    year = text(value)
    if year is None or says_nothing(year):
        return None
    if not (year.isdecimal() and len(year) <= 4 and 1900 <= int(year) <= LATEST):
        raise Unusable("bad_date")
    return str(int(year))
