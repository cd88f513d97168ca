"""The points ledger: append-only entries per cause (product.md §8).

Facts decide one amount per cause. The ledger posts the difference between that amount and the sum
of the cause's entries, so posting the same amount again posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chalicelib.domain.words import Instant, Points, ScopeId

IMPORT = "import"
EXPIRY_PREFIX = "expiry#"
ADJUSTMENT_PREFIX = "adjustment#"
REDEMPTION_PREFIX = "redemption#"


class Posting(NamedTuple):
    """One entry: its signed amount, and when AIQ posted it."""

    amount: Points
    at: Instant


Postings = tuple[Posting, ...]


class RecordPoints(NamedTuple):
    """The points of one source record, summed by kind of cause.

    `adjusted`: given and taken by hand, and redeemed: what a person did on purpose.
    `unlinked_at`: the latest of its returns that name no sale, 0 for none; what sales up to it earn
    must be computed together. `spent`: how much of what was redeemed were earned points that else
    might expire; kept only where points expire.
    """

    earned: Points = 0
    imported: Points = 0
    expired: Points = 0
    adjusted: Points = 0
    unlinked_at: Instant = 0
    spent: Points = 0

    @property
    def total(self) -> Points:
        return self.earned + self.imported + self.expired + self.adjusted


NO_POINTS = RecordPoints()


def posted_total(postings: Iterable[Posting]) -> Points:
    """Return the sum of a cause's entries."""
    return sum([posting.amount for posting in postings])


def settle_postings(postings: Postings, amount: Points, at: Instant) -> Postings:
    """Return the entries with one more that brings their sum to `amount`, or the same entries when
    the sum is right already."""
    difference = amount - posted_total(postings)
    return (*postings, Posting(difference, at)) if difference else postings


def expiry_cause(ordered_at: Instant, scope: ScopeId, ext_id: str) -> str:
    """Return the cause under which points expire after a last purchase."""
    return f"{EXPIRY_PREFIX}{ordered_at:015d}#{scope}#{ext_id}"
