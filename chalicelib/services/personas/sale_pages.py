"""One page of the sales of a persona, whose records have a list of sales each."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Uid
from chalicelib.services.ports.persona_list import PersonaList


def sale_page(
    personas: PersonaList, uid: Uid, records: Iterable[str], limit: int, after: str | None
) -> tuple[list[tuple[str, SaleRef]], str | None]:
    """Return the next sales of these records, newest first, each with its record.

    `after` and the second value are positions in the list: where it goes on, None for its end.
    """
    rows = [
        (position, record, ref)
        for record in records
        for position, ref in personas.sale_refs(uid, record, limit + 1, after)
    ]
    rows.sort(key=lambda row: row[0], reverse=True)
    page = rows[:limit]
    return [(record, ref) for _, record, ref in page], page[-1][0] if len(rows) > limit else None
