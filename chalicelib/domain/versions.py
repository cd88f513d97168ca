"""Which version of a record stands: by the POS's updated time, else the later fetch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chalicelib.domain.records import Customer, Sale

_K = TypeVar("_K")
_F = TypeVar("_F", Customer, Sale)


def newer(new: Customer | Sale, old: Customer | Sale) -> bool:
    """Whether `new` takes the place of `old`."""
    if new == old:
        return False
    return new.updated_at is None or old.updated_at is None or new.updated_at >= old.updated_at


def latest(told: Iterable[tuple[_K, _F]]) -> dict[_K, _F]:
    """Of each record told, the version that stands."""
    found: dict[_K, _F] = {}
    for key, version in told:
        if key not in found or newer(version, found[key]):
            found[key] = version
    return found
