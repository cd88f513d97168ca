"""Which rows a listing of Webjoint holds, newest first: some twice, some also as they once were."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulators.shapes import Sale
from simulators.tables import Table
from simulators.world import Shop

# One row in so many comes twice; one changed order in so many comes again as it was before.
TWICE, BEFORE = 29, 7
TWICE_AFTER, BEFORE_AFTER = 3, 60


class Entry(NamedTuple):
    """A row's place in a listing. `before`: as it was when it was made."""

    shop: Shop
    at: int
    before: bool = False


def table_of(kind: str, shop: Shop) -> Table[Any]:
    tables: dict[str, Table[Any]] = {
        "customers": shop.customers,
        "orders": shop.sales,
        "packages": shop.inventories,
    }
    return tables[kind]


class Listings:
    """Keeps each listing until one of its tables changes."""

    def __init__(self, *, repeats: bool) -> None:
        self._repeats = repeats
        self._kept: dict[tuple[str, ...], tuple[Any, list[Entry]]] = {}

    def entries(self, kind: str, shops: list[Shop], by: str, since: int | None) -> list[Entry]:
        """`by` "created" or "updated"; `since` leaves older rows out."""
        key = (kind, *(shop.key for shop in shops))
        state = ([table_of(kind, shop).version for shop in shops], by, since)
        known, entries = self._kept.get(key, (None, []))
        if known != state:
            entries = _newest_first(kind, shops, by, since)
            if self._repeats:
                entries = _repeated(kind, entries)
            self._kept[key] = (state, entries)
        return entries


def _newest_first(kind: str, shops: list[Shop], by: str, since: int | None) -> list[Entry]:
    timed: list[tuple[int, int, Entry]] = []
    for shop in shops:
        table = table_of(kind, shop)
        times = table.updated if by == "updated" else table.created
        timed += [
            (times[at], table.ids[at], Entry(shop, at))
            for at in table.positions()
            if since is None or times[at] >= since
        ]
    timed.sort(key=lambda each: each[:2], reverse=True)
    return [entry for *_, entry in timed]


def _repeated(kind: str, entries: list[Entry]) -> list[Entry]:
    placed: list[tuple[int, int, Entry]] = []
    for place, entry in enumerate(entries):
        table = table_of(kind, entry.shop)
        number = table.ids[entry.at]
        placed.append((place, 0, entry))
        if kind != "packages" and number % TWICE == 0:
            placed.append((place + TWICE_AFTER, 1, entry))
        edited = table.updated[entry.at] > table.created[entry.at]
        if kind == "orders" and edited and number % BEFORE == 0:
            placed.append((place + BEFORE_AFTER, 2, entry._replace(before=True)))
    placed.sort(key=lambda each: each[:2])
    return [entry for *_, entry in placed]


def before(shop: Shop, at: int) -> Sale:
    """An order as it was made: under way, its total not lowered yet."""
    row: Sale = shop.sales.get(at)
    stamps = (row.created, row.created)
    made = shop.receipts.build(row.id, row.shopper, row.ordered, stamps)
    return made._replace(status="pending", number=row.number, quirk=row.quirk)
