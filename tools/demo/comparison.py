"""Compares what the API shows with the answer of the simulators' oracle.

`read` asks the API; all else is pure. One more thing to compare is one more entry in both
`api_totals` and `oracle_totals`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.ids import record_id
from chalicelib.domain.words import Uid
from simulators.oracle.loyalty import POINT
from tools.demo.retailer import Json, Retailer

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ApiView:
    """Holds what the API shows of the synced sources.

    The list of personas, some of them `in_full` (by id), the store keys, every run by platform, and
    how many numbers are or will be asked for consent.
    """

    uid: Uid
    personas: list[Json]
    in_full: dict[str, Json]
    store_keys: list[Json]
    runs: dict[str, list[Json]]
    sms_requested: int


def read(retailer: Retailer, oracle: Json, *, every: int = 1, every_of_several: int = 1) -> ApiView:
    """Read everything through the API.

    `oracle`: the answer of `simulators.oracle.answer_all` for all platforms that were synced. Of
    the personas of several records each `every_of_several`-th is read in full, of all personas each
    `every`-th.
    """
    personas = retailer.personas()
    groups = [group for group in oracle["groups"] if len(group["records"]) > 1]
    several = {
        contact_id
        for group in groups[::every_of_several]
        for contact_id in _contact_ids(retailer.uid, group)
    }
    ids = [persona["id"] for persona in personas]
    wanted = [each for at, each in enumerate(ids) if at % every == 0 or each in several]
    return ApiView(
        uid=retailer.uid,
        personas=personas,
        in_full={persona["id"]: persona for persona in retailer.in_full(wanted)},
        store_keys=retailer.store_keys(),
        runs={platform: retailer.runs(platform) for platform in oracle["platforms"]},
        sms_requested=retailer.sms_requested(),
    )


def api_totals(api: ApiView) -> Json:
    """The numbers that the API shows.

    Each run counts the sales that are new to it; the records set aside are those of each
    credential's first good run.
    """
    return {
        **_by_source(api.personas),
        "sales": {
            platform: {
                "linked": sum(run["sales_linked"] for run in runs),
                "unlinked": sum(run["sales_unlinked"] for run in runs),
            }
            for platform, runs in api.runs.items()
        },
        "store_keys": {
            platform: {
                key["key"]: key["sales"] for key in api.store_keys if key["platform"] == platform
            }
            for platform in api.runs
        },
        "set_aside": {
            platform: count_set_aside(first_runs(runs)) for platform, runs in api.runs.items()
        },
        "favourites": dict(Counter(str(p["favourite_store"] or "none") for p in api.personas)),
        "members": sum(1 for persona in api.personas if persona["member"]),
        "points": sum(_hundredths(persona) for persona in api.personas) / POINT,
        "sms_requested": api.sms_requested,
    }


def oracle_totals(oracle: Json) -> Json:
    """The same numbers from the oracle."""
    platforms = oracle["platforms"]
    return {
        **_by_source(oracle["groups"]),
        "sales": {
            platform: {kind: summary["sales"][kind] for kind in ("linked", "unlinked")}
            for platform, summary in platforms.items()
        },
        "store_keys": {
            platform: {key["key"]: key["sales"] for key in summary["store_keys"]}
            for platform, summary in platforms.items()
        },
        "set_aside": {
            platform: {
                s: rows["count"] for s, rows in summary["set_aside"].items() if rows["count"]
            }
            for platform, summary in platforms.items()
        },
        "favourites": oracle["personas"]["by_favourite"],
        "members": oracle["loyalty"]["members"]["count"],
        "points": oracle["loyalty"]["points"] / POINT,
        "sms_requested": oracle["loyalty"]["asked"],
    }


def _hundredths(persona: Json) -> int:
    """A persona's points in hundredths, as the oracle counts them."""
    points: float = persona["points"]
    return round(points * POINT)


def _by_source(people: Sequence[Json]) -> Json:
    """How many people each platform contributed to, and each set of platforms."""
    sources = [person["sources"] for person in people]
    return {
        "personas": dict(sorted(Counter(name for names in sources for name in names).items())),
        "sourced_from": dict(Counter(",".join(names) for names in sources)),
    }


def differences(api: ApiView, oracle: Json) -> list[str]:
    """Sentences that say where the API and the oracle differ; none where they agree."""
    return [
        *tree_differences("", api_totals(api), oracle_totals(oracle)),
        *_group_differences(api, oracle["groups"]),
    ]


def first_runs(runs: Sequence[Json]) -> list[Json]:
    """Each credential's first good run: it read everything."""
    newest_first = sorted(runs, key=lambda run: str(run["queued_at"]), reverse=True)
    first = {run["credential"]: run for run in newest_first if run["state"] == "succeeded"}
    return list(first.values())


def count_set_aside(runs: Sequence[Json]) -> dict[str, int]:
    """How many records the runs set aside, by stream; streams with none are left out."""
    counts: Counter[str] = Counter()
    for run in runs:
        for stream, totals in run["streams"].items():
            counts[stream] += totals["set_aside"]
    return {stream: count for stream, count in sorted(counts.items()) if count}


def tree_differences(what: str, ours: Any, right: Any) -> Iterator[str]:
    """The leaves in which two trees differ: `sales thsuite linked: 3, right is 4`."""
    if isinstance(ours, Mapping) and isinstance(right, Mapping):
        for name in sorted({*ours, *right}):
            yield from tree_differences(f"{what} {name}".strip(), ours.get(name), right.get(name))
    elif ours != right:
        yield f"{what}: {ours}, right is {right}"


def _group_differences(api: ApiView, groups: Sequence[Json]) -> list[str]:
    """Compare the grouping of records into personas, members and their points, and of personas read
    in full the sales, sources and reasons. Returns the first few differences.

    A contactID is the hash of one record. So where every group of records has exactly one persona
    under one of its ids, and each persona of several records has just its group, no persona of one
    record can have another.
    """
    rows = {persona["id"]: persona for persona in api.personas}
    left = set(rows)
    differing: list[str] = []
    for group in groups:
        ids = _contact_ids(api.uid, group) & left
        if len(ids) != 1:
            differing.append(f"{len(ids)} personas of {group['records'][:_SHOWN]}, right is 1")
        else:
            differing += _loyalty_differences(rows[min(ids)], group["loyalty"])
            if (persona := api.in_full.get(min(ids))) is not None:
                differing += _persona_differences(persona, group)
        left -= ids
    differing += [f"persona {contact_id} should not be" for contact_id in left]
    return differing[:_SHOWN]


def _loyalty_differences(persona: Json, loyalty: Json) -> Iterator[str]:
    ours = {"member": persona["member"], "points": _hundredths(persona)}
    right = {"member": bool(loyalty["reasons"]), "points": loyalty["points"]}
    return tree_differences(f"persona {persona['id']}", ours, right)


def _persona_differences(persona: Json, group: Json) -> Iterator[str]:
    records = [
        [record[name] for name in ("platform", "scope", "ext_id")] for record in persona["members"]
    ]
    ours = {
        "records": sorted(records),
        "sales": len(persona["all_sales"]),
        "sourced from": persona["sources"],
        "reasons": reasons(persona),
        "flags": persona["flags"],
    }
    right = {
        "records": sorted(group["records"]),
        "sales": group["sales"],
        "sourced from": group["sources"],
        "reasons": group["loyalty"]["reasons"],
        "flags": group["loyalty"]["flags"],
    }
    return tree_differences(f"persona {persona['id']}", ours, right)


def reasons(persona: Json) -> list[str]:
    """Why a persona, read in full, is a member."""
    data = [sentence["data"] for sentence in persona["why_member"]]
    return sorted(each["reason"] for each in data if "reason" in each)


def _contact_ids(uid: Uid, group: Json) -> set[str]:
    """Every id that the persona of the group may show."""
    return {record_id(uid, *record) for record in group["records"]}
