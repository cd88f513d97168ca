"""The points ledger: append-only entries per cause (product.md §8).

For each cause the facts decide one amount; the ledger posts the difference to what it holds. The
id of an entry is (cause, its number), so posting the same amount again posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chalicelib.domain.words import Instant, Points, ScopeId

IMPORT = "import"
EXPIRY_PREFIX = "expiry#"
ADJUSTMENT_PREFIX = "adjustment#"


class Posting(NamedTuple):
    """One entry: the difference it made, and when AIQ posted it."""

    amount: Points
    at: Instant


Postings = tuple[Posting, ...]


class RecordPoints(NamedTuple):
    """What the ledger holds for one source record, by kind of cause.

    `unlinked_at` is the latest of its returns that name no sale, 0 for none: sales up to it cannot
    be judged one by one.
    """

    earned: Points = 0
    imported: Points = 0
    expired: Points = 0
    adjusted: Points = 0
    unlinked_at: Instant = 0

    @property
    def total(self) -> Points:
        return self.earned + self.imported + self.expired + self.adjusted


NO_POINTS = RecordPoints()


def posted(postings: Iterable[Posting]) -> Points:
    """What a cause holds."""
    return sum([posting.amount for posting in postings])


def settled(postings: Postings, amount: Points, at: Instant) -> Postings:
    """The entries after the cause is made to hold `amount`; the same ones when it does already."""
    difference = amount - posted(postings)
    return (*postings, Posting(difference, at)) if difference else postings


def expiry_cause(ordered_at: Instant, scope: ScopeId, ext_id: str) -> str:
    """The cause of an expiry after a last purchase, on that purchase's record."""
    return f"{EXPIRY_PREFIX}{ordered_at:015d}#{scope}#{ext_id}"
