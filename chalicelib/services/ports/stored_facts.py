"""Rows of facts about shoppers, and of what is derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chalicelib.domain.identity import (
    PEOPLE_PER_KEY,
    MergeKey,
    SourceRecord,
    is_crowded,
    is_shared_too_widely,
)
from chalicelib.domain.ledger import NO_POINTS, Postings, RecordPoints
from chalicelib.domain.personas import NO_FIGURES, Figures, Persona
from chalicelib.domain.records import Sale
from chalicelib.domain.redemptions import Redemption, RedemptionSum
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.words import Day, Double, Minor, Platform, ScopeId

INLINE_CARRIERS = 40
"""A merge key with more carriers keeps them in rows of their own, and only counts in its head."""


class SaleId(NamedTuple):
    platform: Platform
    scope: ScopeId
    ext_id: str

    @classmethod
    def of(cls, ref: SaleRef) -> SaleId:
        return cls(ref.platform, ref.scope, ref.ext_id)


Returns = Mapping[str, Minor]
"""What final returns gave back of the sale they name: id of the return → minor units; 0 while the
return is dated ahead."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A source record with the merge keys it was indexed under.

    `out_of_market`: *Sync to relevant market* leaves it out, so that it has no keys.
    """

    record: SourceRecord
    keys: frozenset[MergeKey]
    out_of_market: bool = False


@dataclass(frozen=True, slots=True)
class StoredSale:
    """A sale and the source record it is anchored to; None when it names no shopper.

    `ahead`: it is dated ahead, and was when it was last derived. `double`: what a person said of
    it as a suspected double.
    """

    id: SaleId
    record: str | None
    sale: Sale
    ahead: bool = False
    double: Double = ""

    def ref(self, returns: Returns) -> SaleRef:
        """The sale as its pointer says it, less what the returns gave back."""
        sid = self.id
        returned = sum(returns.values())
        return SaleRef.of(
            sid.platform, sid.scope, self.sale, returned, ahead=self.ahead, double=self.double
        )


class RecordSales(NamedTuple):
    """Sums of a record's sales and of its ledger, so that nobody reads those to know them.

    `figures` are those of the persona that is stored under this record. `counts_on`: the first day
    on which a sale dated ahead counts, or what a return dated ahead gave back of a sale.
    `redeemed`: sums of the record's redemptions, which the ledger holds.
    """

    summary: SalesSummary = SalesSummary.EMPTY
    points: RecordPoints = NO_POINTS
    figures: Figures = NO_FIGURES
    counts_on: Day | None = None
    redeemed: tuple[RedemptionSum, ...] = ()


NO_SALES = RecordSales()


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Everything under one record id; a sale may be there before its shopper is.

    `persona` has the figures of `sales`.
    """

    stored: StoredRecord | None = None
    sales: RecordSales | None = None
    persona: Persona | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The entries of a cause that is no sale; `note` and `actor` of an adjustment; `redemption`:
    the fact behind a redemption's."""

    postings: Postings = ()
    note: str = ""
    actor: str = ""
    redemption: Redemption | None = None


LedgerPlace = tuple[str, str]
"""(record id, cause)"""


@dataclass(frozen=True, slots=True)
class KeyCarriers:
    """Holds who carries a merge key: record id → scope while few, else only how many per scope.

    `people`: name (`names.person_name`) → how many of the carriers bear it. None where the names
    decide nothing (see `names_decide`), and in rows written before names were counted.
    """

    carriers: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] | None = None
    people: Mapping[str, int] | None = None

    @property
    def wide(self) -> bool:
        return self.counts is not None

    @property
    def shared(self) -> bool:
        """Whether too many records of one scope, or too many people, carry the key for it to merge
        anybody."""
        return is_shared_too_widely(self.per_scope(), len(self.people or ()))

    @property
    def names_decide(self) -> bool:
        """Whether it takes the names of the carriers to say if the key is shared too widely: not
        where they are too few, nor where their number in one scope says it."""
        if self.counts is None and len(self.carriers) <= PEOPLE_PER_KEY:
            return False  # nearly always
        per_scope = self.per_scope()
        return sum(per_scope.values()) > PEOPLE_PER_KEY and not is_crowded(per_scope)

    @property
    def uncounted(self) -> bool:
        """Whether the names decide and were not counted: in rows of before that rule."""
        return self.people is None and self.names_decide

    @property
    def total(self) -> int:
        """How many records carry the key."""
        return len(self.carriers) if self.counts is None else sum(self.counts.values())

    def per_scope(self) -> Mapping[str, int]:
        if self.counts is not None:
            return self.counts
        found: dict[str, int] = {}
        for scope in self.carriers.values():
            found[scope] = found.get(scope, 0) + 1
        return found
