"""Reads the values of a row, one at a time: texts, ids, flags, quantities, amounts and times.

Every function takes any JSON value and returns what it means, None for "not said" (null, a blank, a
dash, `N/A`), or raises Unusable for what cannot be read. Nothing here guesses: a broken amount is
broken, not zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from math import isfinite
from typing import Any, Literal
from zoneinfo import ZoneInfo

from chalicelib.domain.shown_text import without_hidden
from chalicelib.domain.times import from_datetime, is_zone
from chalicelib.domain.words import Instant, Minor

Json = Any
Reason = Literal["missing_id", "bad_date", "bad_money", "wrong_shape"]

MAX_TEXT = 500
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
MAX_ID = 128
MAX_MINOR = 10**13
MAX_POINTS = MAX_MINOR // 100
MIDDLING = 10**9
EXACT = 2**53
"""The largest whole number up to which a float is exact."""
EARLIEST, LATEST = 1990, 2100
INSTANTS_KEPT = 1024
"""More than a page has: a row's time is read to judge the page's order and again for the row."""

_ISO_MILLIS_Z = len("2026-05-01T00:00:00.000Z")
_DASHES = "-\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}_."
_MAY_SAY_NOTHING = frozenset(("", "#", "n", "N", *_DASHES))
_MAY_BE_NOBODY = _MAY_SAY_NOTHING | frozenset("uU")
_NOTHING = frozenset(("", "n/a", "#n/a", "n.a"))
_LONGEST_WORD = 10
_NO_VALUE = _NOTHING | frozenset(("na", "nan", "null", "none", "nil", "undefined"))
"""Words for nothing, where no name can stand: Null and Na are surnames."""
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?")
_SPACES_AND_SIGN = re.compile(r"[\s\u00a0\u2009\u202f]+|(?:CA?)?\$")
_PLAIN_DOLLARS = re.compile(r"-?[0-9]{1,9}\.[0-9]{2}")
_ROUNDING = 1e-4
_SPACE_OF_THOUSANDS = re.compile(r"(?<=[0-9])\s(?=[0-9]{3}(?![0-9]))")
_ENGLISH = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|[0-9]{1,14}(?:\.[0-9]*)?|\.[0-9]+")
_FRENCH = re.compile(r"[0-9]{1,13},[0-9]{1,2}")
_HUNDREDTHS = 100
_DAMAGED = re.compile(f"[\x00-\x1f\x7f-\x9f{UNREADABLE}]")
"""In an id: where it stands, two may have become one."""
_YES = frozenset(("true", "1", "yes", "y", "t", "on"))
_NO = frozenset(("false", "0", "no", "n", "f", "off"))


class Unusable(Exception):
    """A value that makes its row unusable; `reason` is the code of the reject."""

    def __init__(self, reason: Reason, field: str = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.field = field


def _says_nothing(value: str, words: frozenset[str] = _NO_VALUE) -> bool:
    return value.strip().strip(_DASHES).lower() in words


def is_blank(value: Json) -> bool:
    """Whether a value says nothing: null, a blank, a dash, `N/A`."""
    return value is None or (type(value) is str and _says_nothing(value))


def text(value: Json) -> str | None:
    """Trimmed and cut at 500 characters, without what cannot be seen. Raises Unusable for objects,
    arrays and flags."""
    if type(value) is str:
        shown = (value if value.isprintable() else without_hidden(value)).strip()
        if shown[:1] in _MAY_SAY_NOTHING and _says_nothing(shown, _NOTHING):
            return None
        return shown if len(shown) <= MAX_TEXT else shown[:MAX_TEXT]
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return _number_text(value)
    raise Unusable("wrong_shape")


def text_or_empty(value: Json) -> str:
    return text(value) or ""


def word(value: Json) -> str:
    """Return a word of the POS's own list, where nothing said may mean something: `N/A` is a word,
    and what cannot be read is one that nobody knows."""
    if type(value) is str:
        said = value.strip()
        return (text(said) or said[:MAX_TEXT]) if said.strip(_DASHES) else ""
    try:
        return text_or_empty(value)
    except Unusable:
        return UNREADABLE


def contact_text(value: Json) -> str | None:
    """Return the text of a phone or address. An array or object becomes a text that is neither, so
    that it counts as broken, not as missing."""
    try:
        return text(value)
    except Unusable:
        return UNREADABLE if value else None


def optional_id(value: Json) -> str | None:
    """An id as text; 0 and blank mean nobody. Raises Unusable for a number so large that its last
    digits are lost on the way, and for a text that was damaged on it."""
    if type(value) is int:
        return str(value) if value else None
    if type(value) is float and abs(value) > EXACT:
        raise Unusable("wrong_shape")
    id_text = value.strip() if type(value) is str else text(value)
    if id_text and not (id_text.isascii() and id_text.isprintable()):
        if _DAMAGED.search(id_text):
            raise Unusable("wrong_shape")
        id_text = text(id_text)
    if not id_text or id_text == "0":
        return None
    if id_text[0] in _MAY_BE_NOBODY and _says_nothing(id_text):
        return None
    if len(id_text) > MAX_ID:
        raise Unusable("wrong_shape")
    return id_text


def required_id(value: Json) -> str:
    try:
        id_text = optional_id(value)
    except Unusable:
        id_text = None
    if id_text is None:
        raise Unusable("missing_id")
    return id_text


def whole_number(value: Json) -> int | None:
    """Return a whole number, also one written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) <= MAX_MINOR else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= MAX_MINOR else None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return whole_number(int(value))
    return None


def points(value: Json) -> float | None:
    """A balance, exact: a whole number, or one with at most two decimals. Raises Unusable."""
    if type(value) is int and abs(value) <= MAX_POINTS:
        return value
    balance = _amount(value)
    if balance is None:
        return None
    if balance.copy_abs() > MAX_POINTS or (balance * _HUNDREDTHS) % 1:
        raise Unusable("wrong_shape")
    return int(balance) if balance == balance.to_integral_value() else float(balance)


def boolean(value: Json) -> bool | None:
    """Return a bool for `true`, `1`, `"1"`, `"true"`, `"yes"` and their opposites. Raises Unusable
    for anything else that is said."""
    if value is True or value is False or value is None:
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return value == 1
    if isinstance(value, str):
        said = value.strip().lower()
        if said in _YES or said in _NO:
            return said in _YES
        if _says_nothing(said):
            return None
    raise Unusable("wrong_shape")


def decimal_text(value: Json) -> str | None:
    """A quantity, exact, as decimal text: `1`, `369.7`. Raises Unusable for what is no number."""
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    if type(value) is str:
        return _decimal_text(value)
    number = text(value)
    return None if number is None else _decimal_text(number)


@lru_cache(maxsize=1024)
def _decimal_text(value: str) -> str | None:
    """Quantities are few: nearly every line of a receipt says `1`."""
    number = value.strip()
    if _DECIMAL.fullmatch(number):
        return number.removeprefix("+")
    if _says_nothing(number):
        return None
    if not _ENGLISH.fullmatch(number.lstrip("+-")):
        raise Unusable("wrong_shape")
    return number.removeprefix("+").replace(",", "")


def cents(value: Json) -> Minor | None:
    """Minor units, as the POS counts them. Raises Unusable for a fraction of a cent."""
    if type(value) is int and -MAX_MINOR <= value <= MAX_MINOR:
        return value
    if value is None:
        return None
    amount = _amount(value)
    if amount is None:
        return None
    if amount == amount.to_integral_value():
        return int(amount)
    raise Unusable("bad_money")


def dollars(value: Json) -> Minor | None:
    """Return dollars as cents, halves rounded away from zero. As text they may be written as people
    of Canada do: `-$1,234.56`, `-1 234,56 $`, `($5.00)`; a comma before two digits at the end is
    the decimal one."""
    if value is None:
        return None
    # Nearly all amounts are whole cents of a middling size: no need of decimals for those.
    if type(value) is str:
        return _dollars(value)
    if type(value) is float and -MIDDLING < value < MIDDLING:
        nearest = round(value * 100)
        if abs(value * 100 - nearest) < _ROUNDING:
            return nearest
    return _rounded_cents(_decimal(value))


@lru_cache(maxsize=8192)
def _dollars(value: str) -> Minor | None:
    """A shop has few prices, and a report prints each many times."""
    if _PLAIN_DOLLARS.fullmatch(value):
        return int(value[:-3] + value[-2:])
    bare = _SPACES_AND_SIGN.sub("", value)
    amount = _amount(bare)
    return None if amount is None else _rounded_cents(amount)


def _rounded_cents(amount: Decimal) -> Minor:
    return int((amount * 100).quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def amount_as_written(value: Json) -> Decimal | None:
    """An amount as the POS writes it. Raises Unusable."""
    return _amount(_SPACES_AND_SIGN.sub("", value) if type(value) is str else value)


def is_amount(value: Json) -> bool:
    """Whether a value says an amount other than zero, be it one that cannot be read."""
    try:
        return bool(amount_as_written(value))
    except Unusable:
        return True


def _amount(value: Json) -> Decimal | None:
    """A number, also one with thousands marked, a decimal comma, a minus behind or in brackets."""
    if value is None:
        return None
    if type(value) is not str:
        return _decimal(value)
    bare = _SPACE_OF_THOUSANDS.sub("", value.strip()).removeprefix("+")
    if _says_nothing(bare):
        return None
    size = bare[1:-1] if bare[0] == "(" and bare[-1] == ")" else bare.strip("-\N{MINUS SIGN}")
    if len(size) < len(bare) - 1 and bare[0] != "(":
        raise Unusable("bad_money")
    if _FRENCH.fullmatch(size):
        amount = _decimal(size.replace(",", "."))
    elif _ENGLISH.fullmatch(size):
        amount = _decimal(size.replace(",", ""))
    else:
        raise Unusable("bad_money")
    return amount if size == bare else -amount


def _decimal(value: Json) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unusable("bad_money")
    number = str(value).strip()
    try:
        amount = Decimal(number)
    except InvalidOperation:
        raise Unusable("bad_money") from None
    if not amount.is_finite() or amount.copy_abs() > MAX_MINOR:  # abs() overflows on 1e9999999
        raise Unusable("bad_money")
    return amount


def _number_text(number: float) -> str:
    """A number's shortest text: `1`, not `1.0`."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def birth_date(value: Json, formats: tuple[str, ...] = ()) -> str | None:
    """`YYYY-MM-DD`, or None when not said. Raises Unusable for what is no day a person alive has.

    A time after the day is ignored. `formats`: of `strptime`, where the day is not ISO's.
    """
    birthday = text(value)
    if birthday is None or (len(birthday) < _LONGEST_WORD and _says_nothing(birthday)):
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
    return tuple(f for f in formats if f != "iso")


@cache
def instant_reader(zone: str, formats: tuple[str, ...]) -> Callable[[Json], Instant | None]:
    """Return a reader of instants: `zone` (IANA) applies to texts without an offset.

    The reader returns None for "not said" and raises Unusable for a text in none of the formats.
    """
    local = UTC if zone == "UTC" else ZoneInfo(zone if is_zone(zone) else "UTC")
    others = _strptime(formats)

    def read(value: Json) -> Instant | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise Unusable("bad_date")
        return of_text(value)

    @lru_cache(maxsize=INSTANTS_KEPT)
    def of_text(value: str) -> Instant | None:
        moment = _moment(value.strip(), others)
        if moment is None and _says_nothing(value):
            return None
        if moment is None or not EARLIEST <= moment.year <= LATEST:
            raise Unusable("bad_date")
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=local))

    return read


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
    if year is None or _says_nothing(year):
        return None
    if not (year.isdecimal() and len(year) <= 4 and 1900 <= int(year) <= LATEST):
        raise Unusable("bad_date")
    return str(int(year))


def none_if_unusable(read: Callable[[Json], Any]) -> Callable[[Json], Any]:
    """The same reader, but None for a value that is broken."""

    def tolerant(value: Json) -> Any:
        try:
            return read(value)
        except Unusable:
            return None

    return tolerant


id_if_usable: Callable[[Json], str | None] = none_if_unusable(optional_id)
text_if_usable: Callable[[Json], str | None] = none_if_unusable(text)
