"""What came in beside what is right, as the simulator's oracle tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.demo.retailer import Json, Retailer

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the API shows of a synced source. `sales` are those of the personas, in all."""

    personas: list[Json]
    store_keys: dict[str, int]
    linked: int
    unlinked: int
    set_aside: dict[str, int]


def outcome(retailer: Retailer, first_runs: Sequence[Json], runs: Sequence[Json]) -> Outcome:
    """Read everything through the API.

    `runs`: all runs of the source, each of which counts the sales new to it; `first_runs` are those
    of them that read everything.
    """
    return Outcome(
        personas=retailer.in_full(retailer.personas(source="posabit")),
        store_keys={key["key"]: key["sales"] for key in retailer.store_keys()},
        linked=sum(run["sales_linked"] for run in runs),
        unlinked=sum(run["sales_unlinked"] for run in runs),
        set_aside=aside(first_runs),
    )


def aside(runs: Sequence[Json]) -> dict[str, int]:
    """Records set aside per stream, in the runs together."""
    counts: Counter[str] = Counter()
    for run in runs:
        for stream, totals in run["streams"].items():
            counts[stream] += totals["set_aside"]
    return {stream: count for stream, count in sorted(counts.items()) if count}


def differences(found: Outcome, oracle: Json) -> list[str]:
    """Sentences, none when all is as the oracle says."""
    right_keys = {key["key"]: key["sales"] for key in oracle["store_keys"]}
    right_aside = {stream: counts["count"] for stream, counts in oracle["set_aside"].items()}
    pairs: list[tuple[str, Any, Any]] = [
        ("personas", len(found.personas), oracle["personas"]["count"]),
        ("linked sales", found.linked, oracle["sales"]["linked"]),
        ("unlinked sales", found.unlinked, oracle["sales"]["unlinked"]),
        ("sales per store key", found.store_keys, right_keys),
        ("set aside", found.set_aside, {k: n for k, n in right_aside.items() if n}),
    ]
    told = [f"{what}: {ours}, right is {right}" for what, ours, right in pairs if ours != right]
    return told + _wrong_groups(found.personas, oracle["groups"])


def _wrong_groups(personas: Sequence[Json], groups: Sequence[Json]) -> list[str]:
    """The partition into personas, and each one's sales and sources."""
    ours = {_records(persona): persona for persona in personas}
    told = []
    for group in groups:
        records = frozenset((code, ext_id) for code, ext_id in group["records"])
        persona = ours.pop(records, None)
        if persona is None:
            told.append(f"no persona of {sorted(records)[:_SHOWN]}")
        elif len(persona["all_sales"]) != group["sales"]:
            sales = len(persona["all_sales"])
            told.append(f"persona {persona['id']}: {sales} sales, right is {group['sales']}")
        elif persona["sources"] != group["sources"]:
            told.append(f"persona {persona['id']}: sourced from {persona['sources']}")
    told += [f"persona of {sorted(records)[:_SHOWN]} should not be" for records in ours]
    return told[:_SHOWN]


def _records(persona: Json) -> frozenset[tuple[str, str]]:
    return frozenset((member["scope"], member["ext_id"]) for member in persona["members"])
