"""Lists go on past a row that cannot be read: written by hand, or by newer code in a form of its
own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from chalicelib.observability import count, logger

Stored = TypeVar("Stored")
Fact = TypeVar("Fact")

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a row of the wrong shape raises; PynamoDB's own is a TypeError."""


def readable(rows: Iterable[Stored], read: Callable[[Stored], Fact]) -> Iterator[Fact]:
    """Read each row; one that cannot be read is logged, counted for an alarm, and passed over."""
    left = iter(rows)
    while True:
        try:
            fact = read(next(left))
        except StopIteration:
            return
        except UNREADABLE:
            logger().exception("row.unreadable")
            count("UnreadableRows")
            continue
        yield fact
