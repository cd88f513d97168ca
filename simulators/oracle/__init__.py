"""What the right answer is for one world, or for all of a retailer's: personas, links, favourites,
set-aside rows.

A second, naive reading of the rules of personas, written without a look at the product's code.
`python -m simulators.oracle --seed 7 … --out oracle.json` writes it for a world as generated; a
running simulator answers with it for the world as it stands now (`GET /_sim/oracle`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from simulators.oracle.loyalty import Judge, Programme
from simulators.oracle.personas import (
    Member,
    email_key,
    most_visited,
    partition,
    people,
    phone_key,
    wide_keys,
)
from simulators.oracle.reading import Bought, Reading, is_final, read
from simulators.retailer.shapes import Sale
from simulators.retailer.world import World

__all__ = [
    "Member",
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


class _People:
    """The personas of some sources together. Records are (platform, scope, external id)."""

    def __init__(self, readings: list[Reading], programme: Programme | None = None) -> None:
        members = [
            each._replace(record=(reading.platform, *each.record))
            for reading in readings
            for each in reading.members
        ]
        bought = [(reading.platform, sale) for reading in readings for sale in reading.bought]
        self._wide = set(wide_keys(members))
        self._found = people(members, self._wide)
        self.oversized = sum(len(group) for group, large in self._found if large)
        self._bought: dict[tuple[str, str], list[Bought]] = defaultdict(list)
        for platform, sale in bought:
            self._bought[platform, sale.customer].append(sale)
        told = {(each.platform, key): zone for each in readings for key, zone in each.zones.items()}
        self._judge = programme and Judge(programme, bought, members, told)

    def as_groups(self, place: Callable[[Store], Any]) -> list[dict[str, Any]]:
        """`place` says which store a key stands for, None where for none."""
        groups = [self._group(place, members, large=large) for members, large in self._found]
        return sorted(groups, key=lambda group: str(group["records"]))

    def _group(
        self, place: Callable[[Store], Any], members: list[Member], *, large: bool
    ) -> dict[str, Any]:
        records = sorted(member.record for member in members)
        sales = [
            (record, sale) for record in records for sale in self._bought[record[0], record[2]]
        ]
        final = [(place((who[0], sale.store)), sale.at) for who, sale in sales if sale.final]
        visited = most_visited([each for each in final if each[0] is not None])
        group = {
            "records": [list(record) for record in records],
            "sources": sorted({record[0] for record in records}),
            "favourite": list(visited) if isinstance(visited, tuple) else visited,
            "sales": len(sales),
            "final_sales": len(final),
        }
        if self._judge:
            shared = any(self._wide & set(member.keys) for member in members)
            standing = self._judge.standing(members, sales, large=large, shared=shared)
            group["loyalty"] = standing.as_dict()
        return group


def answer(
    world: World,
    history_from: int | None = None,
    stores: Collection[str] | None = None,
    customers: Collection[str] | None = None,
) -> dict[str, Any]:
    """The oracle of a world as it stands; the options are those of `reading.read`.

    Records are [scope, external id], favourites store keys.
    """
    reading = read(world, history_from, stores, customers)
    everyone = _People([reading])
    groups = everyone.as_groups(lambda store: store[1])
    for group in groups:
        group["records"] = [record[1:] for record in group["records"]]
    told = reading.summary
    return {
        **{key: told[key] for key in ("platform", "spec", "venues")},
        "personas": {
            "count": len(groups),
            "of_several_records": _several(groups, tuple),
            "of_several_venues": _several(groups, lambda record: record[0]),
            "records_in_oversized": everyone.oversized,
            "by_favourite": dict(Counter(group["favourite"] or "none" for group in groups)),
        },
        **told,
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
    (`loyalty.Standing`), and the answer its totals. Raises ValueError for a platform met twice.
    """
    readings = [each if isinstance(each, Reading) else read(each) for each in sources]
    platforms = {reading.platform: reading.summary for reading in readings}
    if len(platforms) < len(readings):
        raise ValueError("one world for each platform")
    everyone = _People(readings, programme)
    groups = everyone.as_groups((lambda store: store) if stores is None else stores.get)
    return {
        **({"loyalty": _totals(groups, platforms)} if programme else {}),
        "personas": {
            "count": len(groups),
            "of_several_records": _several(groups, tuple),
            "of_several_scopes": _several(groups, lambda record: tuple(record[:-1])),
            "of_several_platforms": _several(groups, lambda record: record[0]),
            "records_in_oversized": everyone.oversized,
            "by_sources": dict(Counter(",".join(group["sources"]) for group in groups)),
            "by_favourite": dict(Counter(_shown(group["favourite"]) for group in groups)),
        },
        "sales": {
            count: sum(told["sales"][count] for told in platforms.values())
            for count in ("fetched", "kept", "linked", "unlinked", "linked_to_personas", "final")
        },
        "platforms": platforms,
        "groups": groups,
    }


def _totals(groups: list[dict[str, Any]], platforms: Iterable[str]) -> dict[str, Any]:
    """Members by the platforms they are sourced from; points in hundredths; numbers to be asked."""
    told = [(group["sources"], group["loyalty"]) for group in groups]
    return {
        "members": {
            "count": sum(1 for _, standing in told if standing["reasons"]),
            "by_source": {
                platform: sum(1 for sources, s in told if s["reasons"] and platform in sources)
                for platform in platforms
            },
        },
        "points": sum(standing["points"] for _, standing in told),
        "asked": len({standing["number"] for _, standing in told} - {None}),
    }


def favourite(sales: list[tuple[str, Sale]]) -> str | None:
    """The store key of `sales` (store key, sale) that is visited most."""
    return most_visited([(key, sale.ordered) for key, sale in sales if is_final(sale)])


def _several(groups: list[dict[str, Any]], part: Callable[[list[str]], Any]) -> int:
    return sum(1 for group in groups if len({part(record) for record in group["records"]}) > 1)


def _shown(store: Any) -> str:
    if store is None:
        return "none"
    return ":".join(store) if isinstance(store, list) else str(store)
