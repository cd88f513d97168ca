"""*Loyalty points imported on*: which listing locks the balances from a POS (product.md §7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from chalicelib.domain.rules import Source
from chalicelib.domain.times import MINUTE, day_text, start_of_day
from chalicelib.domain.words import Day, Instant, ScopeId

NEVER = "never"
"""Takes the place of a locking run's id for a scope that imports nothing. No run has this id."""

LISTING_AFTER = 5 * MINUTE
"""How long after the end of the date, account time, the locking listing is due."""


def end_of_day(day: Day, zone: str) -> Instant:
    """Return the first moment after a day in an IANA zone."""
    return start_of_day(date.fromisoformat(day_text(day + 1)), zone)


def is_locked(source: Source) -> bool:
    """Whether a listing has locked the balances of any scope."""
    return any(run != NEVER for run in source.import_locks.values())


def may_lock_points(source: Source, scope: ScopeId, began: Instant, zone: str) -> bool:
    """Whether a complete customers listing of a run that began then may lock the scope's points."""
    if source.imported_on is None or scope in source.import_locks:
        return False
    return began >= end_of_day(source.imported_on, zone)


def latecomer_locks(
    scopes: Iterable[tuple[str, Instant]], day: Day, zone: str
) -> Mapping[str, str]:
    """Return the locks of scopes whose credential was added after the end of the date: these scopes
    import nothing. `scopes`: scope, and when its live credential was added."""
    end = end_of_day(day, zone)
    return {scope: NEVER for scope, added in scopes if scope and added >= end}


def listing_due_at(source: Source, scope: ScopeId, zone: str) -> Instant | None:
    """Return when the scope's locking listing is due, or None when it needs none."""
    if source.imported_on is None or scope in source.import_locks:
        return None
    return end_of_day(source.imported_on, zone) + LISTING_AFTER


def accrual_mismatch(source: Source, accrual_start: Day | None) -> Day | None:
    """Return the day on which points should start to accrue but do not, or None."""
    if source.imported_on is None or accrual_start == source.imported_on + 1:
        return None
    return source.imported_on + 1
