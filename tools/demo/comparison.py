"""What came in beside what is right, as the simulator's oracle tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.ids import record_id
from tools.demo.retailer import Json, Retailer

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the API shows of a synced source: the list of personas, some of them `in_full`."""

    uid: str
    personas: list[Json]
    in_full: dict[str, Json]
    store_keys: dict[str, int]
    linked: int
    unlinked: int
    set_aside: dict[str, int]


def outcome(
    retailer: Retailer,
    oracle: Json,
    runs: Sequence[Json],
    *,
    every: int = 1,
    every_of_several: int = 1,
) -> Outcome:
    """Read everything through the API.

    `runs`: all runs of the source, each of which counts the sales new to it. Read in full are each
    `every_of_several`-th of the personas of several records, and each `every`-th of all.
    """
    personas = retailer.personas(source="posabit")
    groups = [group for group in oracle["groups"] if len(group["records"]) > 1]
    several = {
        contact_id
        for group in groups[::every_of_several]
        for contact_id in _ids(retailer.uid, group)
    }
    ids = [persona["id"] for persona in personas]
    wanted = [each for at, each in enumerate(ids) if at % every == 0 or each in several]
    return Outcome(
        uid=retailer.uid,
        personas=personas,
        in_full={persona["id"]: persona for persona in retailer.in_full(wanted)},
        store_keys={key["key"]: key["sales"] for key in retailer.store_keys()},
        linked=sum(run["sales_linked"] for run in runs),
        unlinked=sum(run["sales_unlinked"] for run in runs),
        set_aside=aside(first_runs(runs)),
    )


def first_runs(runs: Sequence[Json]) -> list[Json]:
    """Of all runs, each credential's first good one: it read everything."""
    newest_first = sorted(runs, key=lambda run: str(run["queued_at"]), reverse=True)
    found = {run["credential"]: run for run in newest_first if run["state"] == "succeeded"}
    return list(found.values())


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
    return told + _wrong_groups(found, oracle["groups"])


def _wrong_groups(found: Outcome, groups: Sequence[Json]) -> list[str]:
    """The partition into personas, and the sales and sources of each read in full.

    A contactID is the hash of one record. So where every group of records has exactly one persona
    under one of its ids, and each persona of several records holds just its group, no persona of
    one record can hold another.
    """
    shown = {persona["id"] for persona in found.personas}
    told = []
    for group in groups:
        ids = _ids(found.uid, group) & shown
        if len(ids) != 1:
            told.append(f"{len(ids)} personas of {group['records'][:_SHOWN]}, right is 1")
        elif (persona := found.in_full.get(min(ids))) is not None:
            told += _wrong_persona(persona, group)
        shown -= ids
    told += [f"persona {contact_id} should not be" for contact_id in shown]
    return told[:_SHOWN]


def _wrong_persona(persona: Json, group: Json) -> list[str]:
    records = sorted([member["scope"], member["ext_id"]] for member in persona["members"])
    pairs: list[tuple[str, Any, Any]] = [
        ("records", records, sorted(group["records"])),
        ("sales", len(persona["all_sales"]), group["sales"]),
        ("sourced from", persona["sources"], group["sources"]),
    ]
    return [
        f"{what} of persona {persona['id']}: {ours}, right is {right}"
        for what, ours, right in pairs
        if ours != right
    ]


def _ids(uid: str, group: Json) -> set[str]:
    return {record_id(uid, "posabit", code, ext_id) for code, ext_id in group["records"]}
