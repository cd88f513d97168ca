"""What the right answer is for one world, or for all of a retailer's: personas, links, favourites,
set-aside rows.

A second, naive reading of the rules of personas, written without a look at the product's code.
`python -m simulators.oracle --seed 7 … --out oracle.json` writes it for a world as generated; a
running simulator answers with it for the world as it stands now (`GET /_sim/oracle`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .options import add_world_options, instant_of, world_platform, world_spec
from .personas import Member, email_key, most_visited, partition, phone_key, wide_keys
from .reading import Bought, Reading, is_final, read
from .shapes import Sale
from .world import World

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

    def __init__(self, readings: list[Reading]) -> None:
        members = [
            Member((reading.platform, *member.record), member.row, member.keys)
            for reading in readings
            for member in reading.members
        ]
        self.groups, self.oversized = partition(members, set(wide_keys(members)))
        self._bought: dict[tuple[str, str], list[tuple[Store, Bought]]] = defaultdict(list)
        for reading in readings:
            for sale in reading.bought:
                store = (reading.platform, sale.store)
                self._bought[reading.platform, sale.customer].append((store, sale))

    def as_groups(self, place: Callable[[Store], Any]) -> list[dict[str, Any]]:
        """`place` says which store a key stands for, None where for none."""
        groups = []
        for group in self.groups:
            sales = [
                sale for platform, *_, ext_id in group for sale in self._bought[platform, ext_id]
            ]
            final = [(place(store), sale.at) for store, sale in sales if sale.final]
            visited = most_visited([each for each in final if each[0] is not None])
            groups.append(
                {
                    "records": [list(record) for record in sorted(group)],
                    "sources": sorted({record[0] for record in group}),
                    "favourite": list(visited) if isinstance(visited, tuple) else visited,
                    "sales": len(sales),
                    "final_sales": len(final),
                }
            )
        return sorted(groups, key=lambda group: str(group["records"]))


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
    people = _People([reading])
    groups = people.as_groups(lambda store: store[1])
    for group in groups:
        group["records"] = [record[1:] for record in group["records"]]
    told = reading.summary
    return {
        **{key: told[key] for key in ("platform", "spec", "venues")},
        "personas": {
            "count": len(groups),
            "of_several_records": _several(groups, tuple),
            "of_several_venues": _several(groups, lambda record: record[0]),
            "records_in_oversized": people.oversized,
            "by_favourite": dict(Counter(group["favourite"] or "none" for group in groups)),
        },
        **told,
        "groups": groups,
    }


def answer_all(
    sources: Iterable[World | Reading], stores: Mapping[Store, Any] | None = None
) -> dict[str, Any]:
    """The oracle of several platforms' worlds together, one world for each platform.

    Records are [platform, scope, external id]. `stores` maps (platform, store key) to stores as
    AIQ knows them; favourites are such stores, and sales of keys it leaves out count for none.
    Without it favourites are [platform, store key]. Raises ValueError for a platform met twice.
    """
    readings = [each if isinstance(each, Reading) else read(each) for each in sources]
    platforms = {reading.platform: reading.summary for reading in readings}
    if len(platforms) < len(readings):
        raise ValueError("one world for each platform")
    people = _People(readings)
    groups = people.as_groups((lambda store: store) if stores is None else stores.get)
    return {
        "personas": {
            "count": len(groups),
            "of_several_records": _several(groups, tuple),
            "of_several_scopes": _several(groups, lambda record: tuple(record[:-1])),
            "of_several_platforms": _several(groups, lambda record: record[0]),
            "records_in_oversized": people.oversized,
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


def favourite(sales: list[tuple[str, Sale]]) -> str | None:
    """The store key of `sales` (store key, sale) that is visited most."""
    return most_visited([(key, sale.ordered) for key, sale in sales if is_final(sale)])


def _several(groups: list[dict[str, Any]], part: Callable[[list[str]], Any]) -> int:
    return sum(1 for group in groups if len({part(record) for record in group["records"]}) > 1)


def _shown(store: Any) -> str:
    if store is None:
        return "none"
    return ":".join(store) if isinstance(store, list) else str(store)


def main() -> None:
    # The platforms' packages need the oracle for their control plane.
    from .registry import platform_names, platform_of

    parser = argparse.ArgumentParser(prog="python -m simulators.oracle")
    parser.add_argument("--platform", choices=platform_names(), default="posabit")
    add_world_options(parser, time.time())
    parser.add_argument("--history-from", type=instant_of, default=None)
    parser.add_argument("--out", type=Path, default=None, help="default: standard output")
    chosen = parser.parse_args()
    platform = world_platform(chosen, platform_of(chosen.platform))
    world = World(world_spec(chosen), platform)
    text = json.dumps(answer(world, chosen.history_from), indent=1)
    if chosen.out:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
