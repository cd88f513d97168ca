"""Which version of a record is the latest: by the POS's updated time, else the later fetch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.signups import PUSHED
from chalicelib.domain.times import DAY, is_shown_twice
from chalicelib.domain.words import Instant

_K = TypeVar("_K")
_F = TypeVar("_F", Customer, Sale)

CLOCK_AHEAD = DAY
"""How far another's clock may be ahead of ours; an update later than that counts as not told."""


def with_told_update(record: _F, fetched_at: Instant) -> _F:
    """Return the record, without its updated time where that is a day after its fetch or later: a
    clock that is wrong by years must not freeze a record (product.md §5)."""
    if record.updated_at is None or record.updated_at <= fetched_at + CLOCK_AHEAD:
        return record
    return replace(record, updated_at=None)


def is_newer(new: Customer | Sale, old: Customer | Sale, zones: Sequence[str] = ()) -> bool:
    """Whether `new`, which was fetched later, replaces `old`.

    `zones`: those of clocks that may have shown the updated times without saying their zone. The
    hour that a clock shows twice in autumn orders nothing; there the later fetch wins.
    """
    if new == old:
        return False
    if (PUSHED in old.flags) is not (PUSHED in new.flags):
        return PUSHED in old.flags  # what the source itself tells wins, whatever came later
    if new.updated_at is None or old.updated_at is None or new.updated_at >= old.updated_at:
        return True
    return any(is_shown_twice(new.updated_at, old.updated_at, zone) for zone in zones)


def latest_versions(records: Iterable[tuple[_K, _F]], zones: Sequence[str] = ()) -> dict[_K, _F]:
    """Return the latest version of each record. `records`: key and version, in fetch order."""
    latest: dict[_K, _F] = {}
    for key, version in records:
        if key not in latest or is_newer(version, latest[key], zones):
            latest[key] = version
    return latest
