"""How values stand in a POS's calls: leniently, as living clients send them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from chalicelib.domain.times import SECOND
from chalicelib.domain.words import POINT, Instant, Points
from chalicelib.entrypoints.http.shapes import Answer

LONGEST = 500
_YES = frozenset({"true", "1", "yes", "y", "on"})
_NO = frozenset({"false", "0", "no", "n", "off"})


class Warned(Answer):
    """What could not be taken of a call that was done nevertheless (partner-api.md S22)."""

    field: str
    message: str


def text_in(value: Any) -> str:
    """Text, or a number as text; null, a list or an object is *not said*."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:LONGEST]


def _long_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _flag(value: Any) -> bool | None:
    """True or false, as a word or a number too; anything else is *not said*."""
    word = str(value).strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else None


TextIn = Annotated[str, BeforeValidator(text_in)]
LongTextIn = Annotated[str, BeforeValidator(_long_text)]
FlagIn = Annotated[bool | None, BeforeValidator(_flag)]


def epoch(at: Instant | None) -> int | None:
    """Return an instant in whole seconds, as AIQ's API has them."""
    return None if at is None else at // SECOND


def number(points: Points) -> int | float:
    """Return points as a JSON number, at most two decimals, never below zero (S16)."""
    points = max(0, points)
    return points // POINT if points % POINT == 0 else points / POINT
