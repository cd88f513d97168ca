"""What came in beside what is right, as the simulators' oracle tells it.

`read` asks the API; all else is pure. What more there will be to compare is one more entry in both
`totals` and `right_totals`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.ids import record_id
from simulators.oracle.loyalty import POINT
from tools.demo.retailer import Json, Retailer

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """What the API shows of the synced sources: the list of personas, some of them `in_full`, the
    store keys, every run by platform, and the numbers that are or will be asked for consent."""

    uid: str
    personas: list[Json]
    in_full: dict[str, Json]
    store_keys: list[Json]
    runs: dict[str, list[Json]]
    sms_requested: int


def read(retailer: Retailer, oracle: Json, *, every: int = 1, every_of_several: int = 1) -> Shown:
    """Read everything through the API.

    `oracle`: as `simulators.oracle.answer_all` answers, of all the platforms that were synced. Read
    in full are each `every_of_several`-th of the personas of several records, and each `every`-th
    of all.
    """
    personas = retailer.personas()
    groups = [group for group in oracle["groups"] if len(group["records"]) > 1]
    several = {
        contact_id
        for group in groups[::every_of_several]
        for contact_id in _ids(retailer.uid, group)
    }
    ids = [persona["id"] for persona in personas]
    wanted = [each for at, each in enumerate(ids) if at % every == 0 or each in several]
    return Shown(
        uid=retailer.uid,
        personas=personas,
        in_full={persona["id"]: persona for persona in retailer.in_full(wanted)},
        store_keys=retailer.store_keys(),
        runs={platform: retailer.runs(platform) for platform in oracle["platforms"]},
        sms_requested=retailer.sms_requested(),
    )


def totals(shown: Shown) -> Json:
    """What the API shows, in numbers: each run counts the sales new to it, each credential's first
    good one what was set aside."""
    return {
        **_by_source(shown.personas),
        "sales": {
            platform: {
                "linked": sum(run["sales_linked"] for run in runs),
                "unlinked": sum(run["sales_unlinked"] for run in runs),
            }
            for platform, runs in shown.runs.items()
        },
        "store_keys": {
            platform: {
                key["key"]: key["sales"] for key in shown.store_keys if key["platform"] == platform
            }
            for platform in shown.runs
        },
        "set_aside": {platform: aside(first_runs(runs)) for platform, runs in shown.runs.items()},
        "favourites": dict(Counter(str(p["favourite_store"] or "none") for p in shown.personas)),
        "members": sum(1 for persona in shown.personas if persona["member"]),
        "points": sum(_hundredths(persona) for persona in shown.personas) / POINT,
        "sms_requested": shown.sms_requested,
    }


def right_totals(oracle: Json) -> Json:
    """The same of the oracle."""
    platforms = oracle["platforms"]
    return {
        **_by_source(oracle["groups"]),
        "sales": {
            platform: {kind: told["sales"][kind] for kind in ("linked", "unlinked")}
            for platform, told in platforms.items()
        },
        "store_keys": {
            platform: {key["key"]: key["sales"] for key in told["store_keys"]}
            for platform, told in platforms.items()
        },
        "set_aside": {
            platform: {s: rows["count"] for s, rows in told["set_aside"].items() if rows["count"]}
            for platform, told in platforms.items()
        },
        "favourites": oracle["personas"]["by_favourite"],
        "members": oracle["loyalty"]["members"]["count"],
        "points": oracle["loyalty"]["points"] / POINT,
        "sms_requested": oracle["loyalty"]["asked"],
    }


def _hundredths(persona: Json) -> int:
    """A balance as the oracle counts it."""
    points: float = persona["points"]
    return round(points * POINT)


def _by_source(people: Sequence[Json]) -> Json:
    """People of each platform, and of each set of platforms together."""
    sources = [person["sources"] for person in people]
    return {
        "personas": dict(sorted(Counter(name for names in sources for name in names).items())),
        "sourced_from": dict(Counter(",".join(names) for names in sources)),
    }


def differences(shown: Shown, oracle: Json) -> list[str]:
    """Sentences, none when all is as the oracle says."""
    return [
        *unlike("", totals(shown), right_totals(oracle)),
        *_wrong_groups(shown, oracle["groups"]),
    ]


def first_runs(runs: Sequence[Json]) -> list[Json]:
    """Of all runs, each credential's first good one: it read everything."""
    newest_first = sorted(runs, key=lambda run: str(run["queued_at"]), reverse=True)
    found = {run["credential"]: run for run in newest_first if run["state"] == "succeeded"}
    return list(found.values())


def aside(runs: Sequence[Json]) -> dict[str, int]:
    """Records set aside per stream, in the runs together."""
    counts: Counter[str] = Counter()
    for run in runs:
        for stream, streamed in run["streams"].items():
            counts[stream] += streamed["set_aside"]
    return {stream: count for stream, count in sorted(counts.items()) if count}


def unlike(what: str, ours: Any, right: Any) -> Iterator[str]:
    """Where two trees differ, leaf by leaf: `sales thsuite linked: 3, right is 4`."""
    if isinstance(ours, Mapping) and isinstance(right, Mapping):
        for name in sorted({*ours, *right}):
            yield from unlike(f"{what} {name}".strip(), ours.get(name), right.get(name))
    elif ours != right:
        yield f"{what}: {ours}, right is {right}"


def _wrong_groups(shown: Shown, groups: Sequence[Json]) -> list[str]:
    """The partition into personas, who is a member with how many points, and of each read in full
    its sales, sources and reasons.

    A contactID is the hash of one record. So where every group of records has exactly one persona
    under one of its ids, and each persona of several records holds just its group, no persona of
    one record can hold another.
    """
    rows = {persona["id"]: persona for persona in shown.personas}
    left = set(rows)
    told: list[str] = []
    for group in groups:
        ids = _ids(shown.uid, group) & left
        if len(ids) != 1:
            told.append(f"{len(ids)} personas of {group['records'][:_SHOWN]}, right is 1")
        else:
            told += _wrong_standing(rows[min(ids)], group["loyalty"])
            if (persona := shown.in_full.get(min(ids))) is not None:
                told += _wrong_persona(persona, group)
        left -= ids
    told += [f"persona {contact_id} should not be" for contact_id in left]
    return told[:_SHOWN]


def _wrong_standing(persona: Json, standing: Json) -> Iterator[str]:
    ours = {"member": persona["member"], "points": _hundredths(persona)}
    right = {"member": bool(standing["reasons"]), "points": standing["points"]}
    return unlike(f"persona {persona['id']}", ours, right)


def _wrong_persona(persona: Json, group: Json) -> Iterator[str]:
    named = [
        [each[part] for part in ("platform", "scope", "ext_id")] for each in persona["members"]
    ]
    ours = {
        "records": sorted(named),
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
    return unlike(f"persona {persona['id']}", ours, right)


def reasons(persona: Json) -> list[str]:
    """Why a persona, read in full, is a member."""
    told = [said["data"] for said in persona["why_member"]]
    return sorted(data["reason"] for data in told if "reason" in data)


def _ids(uid: str, group: Json) -> set[str]:
    return {record_id(uid, *record) for record in group["records"]}
