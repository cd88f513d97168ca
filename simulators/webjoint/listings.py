"""The rows of a Webjoint listing, newest first: some come twice, some also as they once were."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulators.retailer.shapes import Sale
from simulators.retailer.tables import LatestValues, Table
from simulators.retailer.world import Shop

# One row in so many comes twice; one changed order in so many comes again as it was before.
TWICE, BEFORE = 29, 7
DISPLACED = {False: 3, True: 60}
"""By how many rows a displaced copy is out of order: one like the row, one from before."""


class Entry(NamedTuple):
    """One row of a listing. `before`: the order as it was when it was made."""

    shop: Shop
    at: int
    before: bool = False

    def __hash__(self) -> int:
        return hash((id(self.shop), self.at, self.before))


def table_of(kind: str, shop: Shop) -> Table[Any]:
    tables: dict[str, Table[Any]] = {
        "customers": shop.customers,
        "orders": shop.sales,
        "packages": shop.inventories,
    }
    return tables[kind]


class Listings:
    """Makes listings and caches each until one of its tables changes."""

    def __init__(self) -> None:
        self._listings = LatestValues[list[Entry]]()

    def entries(
        self, kind: str, shops: list[Shop], by: str, repeats: str, since: int | None
    ) -> list[Entry]:
        """`by` "created" or "updated"; `repeats` "in_order", "displaced" or "none"; `since` leaves
        older rows out."""
        key = (kind, *(shop.key for shop in shops))
        state = ([table_of(kind, shop).version for shop in shops], by, repeats, since)

        def make() -> list[Entry]:
            entries = _newest_first(kind, shops, by, since, repeats=repeats != "none")
            return _displaced(entries) if repeats == "displaced" else entries

        return self._listings.get(key, state, make)


def _newest_first(
    kind: str, shops: list[Shop], by: str, since: int | None, *, repeats: bool
) -> list[Entry]:
    timed: list[tuple[int, int, Entry]] = []
    for shop in shops:
        table = table_of(kind, shop)
        times = table.updated if by == "updated" else table.created
        for at in table.positions():
            number, made = table.ids[at], table.created[at]
            timed.append((times[at], number, Entry(shop, at)))
            if repeats and kind != "packages" and number % TWICE == 0:
                timed.append((times[at], number, Entry(shop, at)))
            edited = kind == "orders" and table.updated[at] > made
            if repeats and edited and number % BEFORE == 0:
                timed.append((made, number, Entry(shop, at, before=True)))
    # Stable, so that of equal times and ids the row itself comes first.
    timed.sort(key=lambda each: (-each[0], -each[1]))
    return [entry for time, _, entry in timed if since is None or time >= since]


def _displaced(entries: list[Entry]) -> list[Entry]:
    seen: set[Entry] = set()
    placed: list[tuple[int, bool, Entry]] = []
    for index, entry in enumerate(entries):
        copy = entry.before or entry in seen
        placed.append((index + DISPLACED[entry.before] if copy else index, copy, entry))
        seen.add(entry)
    placed.sort(key=lambda each: each[:2])
    return [entry for *_, entry in placed]


def order_as_made(shop: Shop, at: int) -> Sale:
    """An order as it was made: under way, its total not lowered yet."""
    row: Sale = shop.sales.get(at)
    stamps = (row.created, row.created)
    made = shop.receipts.build(row.id, row.shopper, row.ordered, stamps)
    return made._replace(status="pending", number=row.number, quirk=row.quirk)
