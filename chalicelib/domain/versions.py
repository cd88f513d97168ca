"""Which version of a record is the latest: by the POS's updated time, else the later fetch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chalicelib.domain.records import Customer, Sale

_K = TypeVar("_K")
_F = TypeVar("_F", Customer, Sale)


def is_newer(new: Customer | Sale, old: Customer | Sale) -> bool:
    """Whether `new`, which was fetched later, replaces `old`."""
    if new == old:
        return False
    return new.updated_at is None or old.updated_at is None or new.updated_at >= old.updated_at


def latest_versions(records: Iterable[tuple[_K, _F]]) -> dict[_K, _F]:
    """Return the latest version of each record. `records`: key and version, in fetch order."""
    latest: dict[_K, _F] = {}
    for key, version in records:
        if key not in latest or is_newer(version, latest[key]):
            latest[key] = version
    return latest
