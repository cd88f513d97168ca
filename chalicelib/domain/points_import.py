"""*Loyalty points imported on*: which listing fixes the balances from a POS (product.md §7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from chalicelib.domain.rules import Source
from chalicelib.domain.times import MINUTE, day_text, start_of_day
from chalicelib.domain.words import Day, Instant, ScopeId

NEVER = "never"
"""Stands where a scope's locking run would: the scope imports nothing. No run has this id."""

LISTING_AFTER = 5 * MINUTE
"""After the end of the date, account time: when the listing that locks becomes due."""


def end_of(day: Day, zone: str) -> Instant:
    """The first moment after a day in an IANA zone."""
    return start_of_day(date.fromisoformat(day_text(day + 1)), zone)


def is_locked(source: Source) -> bool:
    """Whether a listing has fixed the balances of any scope."""
    return any(run != NEVER for run in source.import_locks.values())


def may_lock(source: Source, scope: ScopeId, began: Instant, zone: str) -> bool:
    """Whether a complete customers listing of a run that began then may fix the scope's points."""
    if source.imported_on is None or scope in source.import_locks:
        return False
    return began >= end_of(source.imported_on, zone)


def latecomers(scopes: Iterable[tuple[str, Instant]], day: Day, zone: str) -> Mapping[str, str]:
    """The locks of scopes whose credential was added after the end of the date: they import
    nothing. `scopes`: scope, and when its live credential was added."""
    end = end_of(day, zone)
    return {scope: NEVER for scope, added in scopes if scope and added >= end}


def listing_due(source: Source, scope: ScopeId, zone: str) -> Instant | None:
    """When the scope's locking listing is due; None when none is wanted."""
    if source.imported_on is None or scope in source.import_locks:
        return None
    return end_of(source.imported_on, zone) + LISTING_AFTER


def accrual_mismatch(source: Source, accrual_start: Day | None) -> Day | None:
    """The day on which points should start to accrue and do not; None when all is well."""
    if source.imported_on is None or accrual_start == source.imported_on + 1:
        return None
    return source.imported_on + 1
