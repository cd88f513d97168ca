"""How values are written on the wire, where several platforms do it alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

BROKEN_MONEY = ("12,x4", "n/a", "--")
"""Amounts of rows whose money cannot be read."""


def dollars(cents: int) -> float:
    return cents / 100


def two_decimals(value: float) -> str:
    return f"{value:.2f}"


def pick(values: Sequence[T], number: int) -> T:
    """One of the values, always the same for the same row number."""
    return values[number % len(values)]


def as_text(value: Any, write_float: Callable[[float], str] = str) -> Any:
    """A value as a careless POS sends it: numbers as strings, booleans as 1 and 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return write_float(value)
    return str(value) if isinstance(value, int) else value
