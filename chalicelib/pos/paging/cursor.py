"""The one way that positions of every style of paging become cursors, and cursors positions.

A cursor lies in the checkpoint of a run, as JSON. Code older and newer than its writer may read
it, so the names of a position's fields stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from chalicelib.services.ports.pos import Cursor

P = TypeVar("P")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
"""By the class of a position; made when it is first needed."""


def dump(position: object) -> Cursor:
    """The cursor of a position: a dataclass whose values are JSON's, or dataclasses of such."""
    cursor: Cursor = _adapter(type(position)).dump_python(position)
    return cursor


def load(kind: type[P], cursor: Cursor) -> P:
    """The position of this kind that a cursor tells; keys that it does not know are passed over.

    Raises ValueError when a value is missing or of another type: the cursor is none of this style.
    """
    position: P = _adapter(kind).validate_python(cursor)
    return position
