"""Say in which order a commit's rows are written, so that a crash between two loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant
from chalicelib.services.ports.commits import Writes

PointerRow = tuple[str, Instant, str, str]
"""(record, ordered at, scope, external id): the row that a pointer lies in."""


def in_write_order(writes: Writes) -> Iterator[Writes]:
    """The same rows in up to six writes, none of them empty; those of one land in any order.

    Tombstones come first, so that who is being erased does not come back between. Facts come before
    what is derived of them: sales before the rows of what was given back of
    them, and before records, since a record that has its contact already would not have them moved
    again. Derived rows that go away go last: a pointer
    is in its new place before it leaves the old one, and the head of a key goes after the rows of
    its carriers, so that no ledger entry is lost and no carrier is left that nobody counts.
    """
    facts = (
        Writes(tombstones=writes.tombstones),
        Writes(sales=writes.sales),
        Writes(returns=writes.returns),
        Writes(records=writes.records),
    )
    derived = replace(writes, tombstones={}, records={}, sales={}, returns={})
    for part in (*facts, *_puts_and_deletes(derived)):
        if part:
            yield part


def _puts_and_deletes(derived: Writes) -> tuple[Writes, Writes]:
    puts = replace(
        derived,
        pointers={key: held for key, held in derived.pointers.items() if held is not None},
        carriers={key: head for key, head in derived.carriers.items() if head is not None},
    )
    taken = {_pointer_row(*key) for key in puts.pointers}
    deleted = derived.pointers.keys() - puts.pointers.keys()
    deletes = Writes(
        pointers=dict.fromkeys([key for key in deleted if _pointer_row(*key) not in taken]),
        carriers=dict.fromkeys(derived.carriers.keys() - puts.carriers.keys()),
    )
    return puts, deletes


def _pointer_row(rid: str, ref: SaleRef) -> PointerRow:
    """The row is the same whatever the sale is worth."""
    return rid, ref.ordered_at, ref.scope, ref.ext_id
