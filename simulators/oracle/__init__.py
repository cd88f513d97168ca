"""The right answer for one world, or for all worlds of a retailer: personas, links, favourites,
set-aside rows.

A second, naive reading of the rules of personas, written without a look at the product's code.
`python -m simulators.oracle --seed 7 … --out oracle.json` writes it for a world as generated; a
running simulator answers with it for the world as it is now (`GET /_sim/oracle`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from simulators.oracle.loyalty import LoyaltyOracle, Programme
from simulators.oracle.personas import (
    SourceRecord,
    email_key,
    group_into_people,
    most_visited,
    partition,
    phone_key,
    wide_keys,
)
from simulators.oracle.reading import Purchase, Reading, is_final, read
from simulators.retailer.shapes import Sale
from simulators.retailer.world import World

__all__ = [
    "SourceRecord",
    "answer",
    "answer_all",
    "email_key",
    "favourite",
    "partition",
    "phone_key",
    "wide_keys",
]

Store = tuple[str, str]
"""(platform, store key)"""


class _Personas:
    """Groups the records of some sources into personas, with their sales and loyalty.

    Record ids are (platform, scope, external id).
    """

    def __init__(self, readings: list[Reading], programme: Programme | None = None) -> None:
        records = [
            each._replace(id=(reading.platform, *each.id))
            for reading in readings
            for each in reading.records
        ]
        purchases = [(reading.platform, each) for reading in readings for each in reading.purchases]
        self._wide = set(wide_keys(records))
        self._people = group_into_people(records, self._wide)
        self.oversized = sum(len(group) for group, large in self._people if large)
        self._purchases: dict[tuple[str, str], list[Purchase]] = defaultdict(list)
        for platform, purchase in purchases:
            self._purchases[platform, purchase.customer].append(purchase)
        zones = {
            (each.platform, key): zone for each in readings for key, zone in each.zones.items()
        }
        self._loyalty = programme and LoyaltyOracle(programme, purchases, records, zones)

    def as_groups(self, store_of: Callable[[Store], Any]) -> list[dict[str, Any]]:
        """The personas as the answer has them. `store_of`: the store of a key, None for none."""
        groups = [self._group(store_of, records, large=large) for records, large in self._people]
        return sorted(groups, key=lambda group: str(group["records"]))

    def _group(
        self, store_of: Callable[[Store], Any], records: list[SourceRecord], *, large: bool
    ) -> dict[str, Any]:
        ids = sorted(record.id for record in records)
        sales = [(id_, sale) for id_ in ids for sale in self._purchases[id_[0], id_[2]]]
        final = [(store_of((id_[0], sale.store)), sale.at) for id_, sale in sales if sale.final]
        visited = most_visited([each for each in final if each[0] is not None])
        group = {
            "records": [list(id_) for id_ in ids],
            "sources": sorted({id_[0] for id_ in ids}),
            "favourite": list(visited) if isinstance(visited, tuple) else visited,
            "sales": len(sales),
            "final_sales": len(final),
        }
        if self._loyalty:
            expected = self._loyalty.expect(records, sales, large=large, shared=self._wide)
            group["loyalty"] = expected.as_dict()
        return group


def answer(
    world: World,
    history_from: int | None = None,
    stores: Collection[str] | None = None,
    customers: Collection[str] | None = None,
) -> dict[str, Any]:
    """The oracle of a world as it is now; the options are those of `reading.read`.

    Records are [scope, external id], favourites store keys.
    """
    reading = read(world, history_from, stores, customers)
    personas = _Personas([reading])
    groups = personas.as_groups(lambda store: store[1])
    for group in groups:
        group["records"] = [record[1:] for record in group["records"]]
    summary = reading.summary
    return {
        **{key: summary[key] for key in ("platform", "spec", "venues")},
        "personas": {
            "count": len(groups),
            "of_several_records": _count_spread(groups, tuple),
            "of_several_venues": _count_spread(groups, lambda record: record[0]),
            "records_in_oversized": personas.oversized,
            "by_favourite": dict(Counter(group["favourite"] or "none" for group in groups)),
        },
        **summary,
        "groups": groups,
    }


def answer_all(
    sources: Iterable[World | Reading],
    stores: Mapping[Store, Any] | None = None,
    programme: Programme | None = None,
) -> dict[str, Any]:
    """The oracle of several platforms' worlds together, one world for each platform.

    Records are [platform, scope, external id]. `stores` maps (platform, store key) to stores as
    AIQ knows them; favourites are such stores, and sales of keys it leaves out count for none.
    Without it favourites are [platform, store key]. With a `programme` each group has `loyalty`
    (`loyalty.ExpectedLoyalty`), and the answer its totals. Raises ValueError where two sources are
    of one platform.
    """
    readings = [each if isinstance(each, Reading) else read(each) for each in sources]
    platforms = {reading.platform: reading.summary for reading in readings}
    if len(platforms) < len(readings):
        raise ValueError("one world for each platform")
    personas = _Personas(readings, programme)
    groups = personas.as_groups((lambda store: store) if stores is None else stores.get)
    return {
        **({"loyalty": _totals(groups, platforms)} if programme else {}),
        "personas": {
            "count": len(groups),
            "of_several_records": _count_spread(groups, tuple),
            "of_several_scopes": _count_spread(groups, lambda record: tuple(record[:-1])),
            "of_several_platforms": _count_spread(groups, lambda record: record[0]),
            "records_in_oversized": personas.oversized,
            "by_sources": dict(Counter(",".join(group["sources"]) for group in groups)),
            "by_favourite": dict(Counter(_store_label(group["favourite"]) for group in groups)),
        },
        "sales": {
            count: sum(summary["sales"][count] for summary in platforms.values())
            for count in ("fetched", "kept", "linked", "unlinked", "linked_to_personas", "final")
        },
        "platforms": platforms,
        "groups": groups,
    }


def _totals(groups: list[dict[str, Any]], platforms: Iterable[str]) -> dict[str, Any]:
    """Members by the platforms they are sourced from; points in hundredths; numbers to be asked."""
    people = [(group["sources"], group["loyalty"]) for group in groups]
    return {
        "members": {
            "count": sum(1 for _, loyalty in people if loyalty["reasons"]),
            "by_source": {
                platform: sum(
                    1 for sources, loyalty in people if loyalty["reasons"] and platform in sources
                )
                for platform in platforms
            },
        },
        "points": sum(loyalty["points"] for _, loyalty in people),
        "asked": len({loyalty["number"] for _, loyalty in people} - {None}),
    }


def favourite(sales: list[tuple[str, Sale]]) -> str | None:
    """The store key with most of the `sales` (store key, sale)."""
    return most_visited([(key, sale.ordered) for key, sale in sales if is_final(sale)])


def _count_spread(groups: list[dict[str, Any]], trait: Callable[[list[str]], Any]) -> int:
    """How many groups have records that differ in the trait."""
    return sum(1 for group in groups if len({trait(record) for record in group["records"]}) > 1)


def _store_label(store: Any) -> str:
    if store is None:
        return "none"
    return ":".join(store) if isinstance(store, list) else str(store)
