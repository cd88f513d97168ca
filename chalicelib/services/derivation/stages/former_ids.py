"""Take over sales that are stored under an id which was taken for more unique than it is (ADR 20).

A sale that comes under its composed id is the one under the bare id where both are of one shop: its
pointer moves, with the ledger entries that it holds, and the old row stays as a void of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.records import Sale
from chalicelib.services.ports.stored_facts import SaleId, StoredSale


def former_ids(sales: Mapping[SaleId, Sale]) -> dict[SaleId, SaleId]:
    """Return, by id, the ids under which these sales may be stored besides."""
    return {
        sid: sid._replace(ext_id=sale.former_ext_id)
        for sid, sale in sales.items()
        if sale.former_ext_id
    }


def rename_former(
    sales: Mapping[SaleId, Sale], former: Mapping[SaleId, SaleId], stored: dict[SaleId, StoredSale]
) -> dict[SaleId, StoredSale]:
    """Put rows that are stored under former ids of these sales under their ids in `stored`; return,
    by id of the sale, what becomes of the row under its former id. Where a crash, or code of
    before, left rows under both, the one under the former id goes."""
    emptied = {}
    for sid, old in former.items():
        row = stored.get(old)
        if row is None or _is_emptied(row) or row.sale.store_key != sales[sid].store_key:
            continue
        emptied[sid] = _emptied(row)
        if sid not in stored:
            stored[sid], stored[old] = row, emptied[sid]
    return emptied


def write_emptied(
    emptied: Mapping[SaleId, StoredSale],
    new: dict[SaleId, StoredSale],
    stored: dict[SaleId, StoredSale],
) -> None:
    """Add to the `new` sales what becomes of the rows under former ids. What hung on such a row
    moves with the sale that takes its place; a sale that is no newer leaves it."""
    for sid, row in emptied.items():
        if stored[row.id] is row and sid not in new:
            del stored[sid]
        else:
            new[row.id] = row


def _emptied(row: StoredSale) -> StoredSale:
    sale = replace(row.sale, kind="void", is_final=False, customer_ext_id=None)
    return replace(row, record=None, sale=sale)


def _is_emptied(row: StoredSale) -> bool:
    return row.record is None and row.sale.kind == "void"
