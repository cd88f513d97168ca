"""Reads the values of a row, one at a time: texts, ids, flags, quantities and amounts.

Days and times have a module of their own, `times`.

Every function takes any JSON value and returns what it means, None for "not said" (null, a blank, a
dash, `N/A`), or raises Unusable for what cannot be read. Nothing here guesses: a broken amount is
broken, not zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Any, Literal

from chalicelib.domain.shown_text import without_hidden
from chalicelib.domain.words import Minor

Json = Any
Reason = Literal["missing_id", "bad_date", "bad_money", "other_currency", "wrong_shape"]

MAX_TEXT = 500
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
MAX_ID = 128
MAX_MINOR = 10**13
MAX_POINTS = MAX_MINOR // 100
MIDDLING = 10**9
EXACT = 2**53
"""The largest whole number up to which a float is exact."""
_DASHES = "-\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}_."
_MAY_SAY_NOTHING = frozenset(("", "#", "n", "N", *_DASHES))
_MAY_BE_NOBODY = _MAY_SAY_NOTHING | frozenset("uU")
_NOTHING = frozenset(("", "n/a", "#n/a", "n.a"))
LONGEST_WORD = 10
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
_CURRENCY = re.compile(r"[A-Z]{3}")
PLAIN_ID = re.compile(r"[1-9A-MO-TV-Za-mo-tv-z][0-9A-Za-z_-]{0,127}")
"""What nearly all ids are: nothing to trim, and no word for nobody."""
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


def says_nothing(value: str, words: frozenset[str] = _NO_VALUE) -> bool:
    return value.strip().strip(_DASHES).lower() in words


def is_blank(value: Json) -> bool:
    """Whether a value says nothing: null, a blank, a dash, `N/A`."""
    return value is None or (type(value) is str and says_nothing(value))


def text(value: Json) -> str | None:
    """Trimmed and cut at 500 characters, without what cannot be seen. Raises Unusable for objects,
    arrays and flags."""
    if type(value) is str:
        shown = (value if value.isprintable() else without_hidden(value)).strip()
        if shown[:1] in _MAY_SAY_NOTHING and says_nothing(shown, _NOTHING):
            return None
        return shown if len(shown) <= MAX_TEXT else shown[:MAX_TEXT]
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return _number_text(value)
    raise Unusable("wrong_shape")


def listed_text(value: Json) -> str | None:
    """As `text`, of a value that is one of few, such as a brand: each is remembered."""
    return listed_word(value) if type(value) is str else text(value)


@lru_cache(maxsize=1024)
def listed_word(value: str) -> str | None:
    """`text` of a text that is one of few."""
    return text(value)


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
    if type(value) is str and PLAIN_ID.fullmatch(value):
        return value
    if type(value) is float and abs(value) > EXACT:
        raise Unusable("wrong_shape")
    id_text = value.strip() if type(value) is str else text(value)
    if id_text and not (id_text.isascii() and id_text.isprintable()):
        if _DAMAGED.search(id_text):
            raise Unusable("wrong_shape")
        id_text = text(id_text)
    if not id_text or id_text == "0":
        return None
    if id_text[0] in _MAY_BE_NOBODY and says_nothing(id_text):
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


def currency_code(value: Json) -> str | None:
    """A currency's code of ISO 4217. Raises Unusable for anything else that is said."""
    code = listed_text(value)
    if code is None:
        return None
    if not _CURRENCY.fullmatch(code.upper()):
        raise Unusable("wrong_shape")
    return code.upper()


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
        if says_nothing(said):
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
    if says_nothing(number):
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
    # Nearly all amounts are whole cents of a middling size: no need of decimals for those.
    if type(value) is float and -MIDDLING < value < MIDDLING:
        exact = value * 100
        nearest = round(exact)
        if -_ROUNDING < exact - nearest < _ROUNDING:
            return nearest
    elif type(value) is str:
        return _dollars(value)
    elif value is None:
        return None
    elif type(value) is int and -MIDDLING < value < MIDDLING:
        return value * 100
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
    if says_nothing(bare):
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
