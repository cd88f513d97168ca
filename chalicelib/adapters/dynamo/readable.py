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
    """Read each row; one that cannot be read is logged, counted for an alarm, and passed over.

    PynamoDB parses a row when it is asked for the next one. What it raises before it has a row is
    no row's fault: that is raised, as asking again would never end.
    """
    left, asked = iter(rows), 0
    while True:
        asked += 1
        try:
            fact = read(next(left))
        except StopIteration:
            return
        except UNREADABLE:
            if asked > getattr(rows, "total_count", asked):
                raise
            logger().exception("row.unreadable")
            count("UnreadableRows")
            continue
        yield fact
