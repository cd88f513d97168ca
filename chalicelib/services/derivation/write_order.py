"""What must not go before something else is there: derived rows in two writes."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant
from chalicelib.services.ports.facts import Writes

Spot = tuple[str, Instant, str, str]


def first_and_last(derived: Writes) -> tuple[Writes, Writes]:
    """What goes away goes last.

    A pointer is in its new place before it leaves the old one, and a key's head goes after the
    rows of its carriers: a crash between must lose no ledger entry and leave no carrier that
    nobody counts.
    """
    first = replace(
        derived,
        pointers={place: held for place, held in derived.pointers.items() if held is not None},
        members={key: head for key, head in derived.members.items() if head is not None},
    )
    taken = {_spot(*place) for place in first.pointers}
    left = derived.pointers.keys() - first.pointers.keys()
    last = Writes(
        pointers=dict.fromkeys([place for place in left if _spot(*place) not in taken]),
        members=dict.fromkeys(derived.members.keys() - first.members.keys()),
    )
    return first, last


def _spot(rid: str, ref: SaleRef) -> Spot:
    """Where a pointer lies in the table, whatever the sale is worth."""
    return rid, ref.ordered_at, ref.scope, ref.ext_id
