"""What a POS was pulled for, as backups keep it: versions of shoppers and sales (freezing.md).

A source is put back to such versions. What was done for a shopper in AIQ (joins, adjustments,
consent) is no part of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from chalicelib.domain.acts import ImportedPoints
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import ScopeId

FactKind = Literal["customer", "sale"]

KEPT_FLAG = "kept_in_aiq"
"""The flag of a shopper whom the backup lacks that their source uses, and for whom something was
done in AIQ."""
KEPT_NOTE = "kept for what was done in AIQ"


class FactPlace(NamedTuple):
    """Names a pulled fact within its platform."""

    kind: FactKind
    scope: ScopeId
    ext_id: str


@dataclass(frozen=True, slots=True)
class PulledCustomer:
    """A version of a shopper. `withheld`: a telling without contacts that waits beside it.
    `imported`: the balance that the POS listed, where points are imported. `is_erased`: it only
    says that the shopper was erased, and that backups lose them."""

    scope: ScopeId
    customer: Customer
    withheld: Customer | None = None
    imported: ImportedPoints | None = None
    is_erased: bool = False

    @property
    def place(self) -> FactPlace:
        return FactPlace("customer", self.scope, self.customer.ext_id)


@dataclass(frozen=True, slots=True)
class PulledSale:
    """A version of a sale."""

    scope: ScopeId
    sale: Sale

    @property
    def place(self) -> FactPlace:
        return FactPlace("sale", self.scope, self.sale.ext_id)


PulledFact = PulledCustomer | PulledSale
