"""`make bench`: speed and memory beside the budgets of architecture.md §7, and beside others.

    python -m benchmarks [--shoppers 50000] [--personas 1000000] [--no-peers]

Prints tables; `BENCH_JSON=path` writes everything as JSON. A missed budget is printed plainly and
is no failure of the command. How to read it: docs/reference/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import normalising
from benchmarks.growth import Size, costs_by_size, single_sale_costs
from benchmarks.imports import import_cost
from benchmarks.local import local_aws
from benchmarks.peers import PEERS, PeerCost, measure
from benchmarks.phases import LISTED, Phase, Retailer
from benchmarks.pos import Pos, simulated_pos
from benchmarks.report import Budget, Report
from tools.steps import StepFailed, step

SMALLEST_ACCOUNT = 10_000
PEAK_MB = 256
SHOPPERS_FOR = {"singer": 2_000, "airbyte": 2_000, "dlt": 500}
"""The peers' cost per record does not depend on how many there are, so they get a smaller POS;
dlt, which needs some ten times as much, the smallest."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--shoppers", type=int, default=10_000)
    parser.add_argument("--personas", type=int, default=100_000, help="of the largest account")
    parser.add_argument("--no-peers", action="store_true")
    chosen = parser.parse_args(arguments)
    report, began = Report(), time.monotonic()
    try:
        _imports(report)
        _reading(report)
        _growth(report, chosen.personas)
        phases, costs = _syncs(report, chosen.shoppers, peers=not chosen.no_peers)
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    _budgets(report, phases, costs)
    report.data["seconds"] = time.monotonic() - began
    report.close()
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps(report.data, indent=2), encoding="utf-8")
    return 0


def _imports(report: Report) -> None:
    with step("import app, beside its floor"):
        cost = import_cost()
    row = (f"{cost.app:.0f}", f"{cost.floor:.0f}", f"{cost.ratio:.2f}")
    report.table("Import of app, CPU in ms", ("", "app", "floor", "ratio"), [("median of 9", *row)])
    report.data["import"] = {"app_ms": cost.app, "floor_ms": cost.floor, "ratio": cost.ratio}
    report.budgets.append(Budget("import of app against its floor", cost.ratio, 1.3, "times"))


def _reading(report: Report) -> None:
    with step("from an answer's bytes to facts, every platform"):
        costs = normalising.reading_costs()
    normalising.show(report, costs)


def _growth(report: Report, largest: int) -> None:
    with step(f"cost per record up to {largest:,} personas, tables in memory"):
        sizes = costs_by_size((SMALLEST_ACCOUNT, largest))
    with step("a sale in a short and in a long history"):
        single = single_sale_costs()
    rows = [
        (
            f"{size.personas:,}: {what}",
            f"{cost.cpu_micros:.0f}",
            f"{size.cpu_against_smallest[name]:.2f}",
            *(f"{found:.2f}" for found in (cost.writes, cost.index_writes, cost.reads)),
            f"{cost.calls:.3f}",
        )
        for size in sizes
        for what, name, cost in (
            ("new shopper", "shopper", size.shopper),
            ("new sale", "sale", size.sale),
            ("unchanged", "unchanged", size.unchanged),
        )
    ]
    head = (
        "account of so many personas",
        "CPU µs",
        "times smallest",
        "WCU",
        "index WCU",
        "RCU",
        "calls",
    )
    report.table("Cost per record by size of the account (no network)", head, rows)
    short, long = (single[history] for history in sorted(single))
    rows = [
        (f"after {n:,} sales", f"{c.cpu_micros:.0f}", f"{c.writes:.1f}", f"{c.reads:.1f}")
        for n, c in sorted(single.items())
    ]
    report.table("One new sale, committed alone", ("", "CPU µs", "WCU", "RCU"), rows)
    report.data["growth"] = [_of_size(size) for size in sizes]
    report.data["single_sale"] = {n: vars(cost) for n, cost in single.items()}
    last = sizes[-1]
    units = max(
        (here.writes + here.reads) / max(1e-9, there.writes + there.reads)
        for here, there in ((last.shopper, sizes[0].shopper), (last.sale, sizes[0].sale))
    )
    span = f"{SMALLEST_ACCOUNT:,} → {largest:,} personas"
    report.budgets += [
        Budget(f"units per record, {span}", units, 1.1, "times"),
        Budget(f"CPU per record, {span}", max(last.cpu_against_smallest.values()), 1.1, "times"),
        Budget(
            "a sale after 5,000 against after 100: CPU",
            long.cpu_micros / short.cpu_micros,
            3,
            "times",
        ),
        Budget(
            "a sale after 5,000 against after 100: units",
            (long.writes + long.reads) / (short.writes + short.reads),
            3,
            "times",
        ),
    ]


def _of_size(size: Size) -> dict[str, object]:
    costs = {"shopper": size.shopper, "sale": size.sale, "unchanged": size.unchanged}
    return {
        "personas": size.personas,
        "cpu_against_smallest": size.cpu_against_smallest,
        **{name: vars(cost) for name, cost in costs.items()},
    }


def _syncs(
    report: Report, shoppers: int, *, peers: bool
) -> tuple[dict[str, Phase], dict[str, list[PeerCost]]]:
    costs: dict[str, list[PeerCost]] = {}
    with local_aws() as environment, simulated_pos(shoppers) as pos:
        with step(f"prepare a retailer of {shoppers:,} shoppers"):
            retailer = Retailer(environment, pos)
        phases = _phases(retailer, pos)
        samples = [phases["no change"]]
        for peer in PEERS if peers else ():
            costs[peer] = _peer(peer, min(shoppers, SHOPPERS_FOR[peer]))
            with step("no change, once more"):
                samples.append(retailer.sync("no change", "reread"))
        phases["no change"] = min(samples, key=lambda phase: phase.cpu_micros)
    _show_phases(report, phases)
    _show_peers(report, phases, costs)
    return phases, costs


def _phases(retailer: Retailer, pos: Pos) -> dict[str, Phase]:
    plan = (
        ("first load", "now", 0.0),
        ("no change", "reread", 0.0),
        ("no change, incremental", "now", 0.0),
        ("1 % changed", "reread", 1.0),
    )
    phases = {}
    for name, trigger, percent in plan:
        if percent:
            for resource in ("customers", "sales_histories"):
                pos.touch(resource, percent, seed=1)
            pos.warm()
        with step(name):
            phases[name] = retailer.sync(name, trigger)
    return phases


def _peer(peer: str, shoppers: int) -> list[PeerCost]:
    with step(PEERS[peer]), simulated_pos(shoppers) as pos:
        return measure(peer, pos)


def _show_phases(report: Report, phases: dict[str, Phase]) -> None:
    rows = [
        (
            name,
            f"{phase.records:,}",
            f"{phase.changed:,}",
            f"{phase.wall:.1f}",
            f"{phase.records / phase.wall:,.0f}",
            f"{phase.cpu_micros:.0f}",
            f"{phase.total('calls'):,.0f}",
            *(f"{phase.total(u):,.0f}" for u in ("writes", "index_writes", "reads")),
            f"{phase.pos_requests:,}",
            f"{phase.told['peak_mb']:.0f}",
        )
        for name, phase in phases.items()
    ]
    head = ("one sync", "records", "changed", "wall s", "rec/s", "CPU µs/rec", "calls", "WCU")
    report.table(
        "Syncs of a whole process", (*head, "index WCU", "RCU", "POS req", "peak MB"), rows
    )
    first = phases["first load"]
    rows = [
        (
            stream,
            f"{first.told['streams'][stream]['fetched']:,}",
            *(f"{phase.stream_cpu_micros(stream):.0f}" for phase in phases.values()),
        )
        for stream in LISTED
    ]
    report.table("CPU µs per record by stream", ("", "records", *phases), rows)
    report.data["phases"] = {name: phase.as_dict() for name, phase in phases.items()}


def _show_peers(report: Report, phases: dict[str, Phase], costs: dict[str, list[PeerCost]]) -> None:
    rows = [
        ("ours", name, f"{p.records:,}", f"{p.cpu_micros:.0f}", "1.00", f"{p.told['peak_mb']:.0f}")
        for name, p in phases.items()
        if name in ("first load", "no change")
    ]
    for peer, found in costs.items():
        for cost in found:
            if cost.error:
                rows.append((PEERS[peer], "did not run", "-", "-", "-", "-"))
                print(f"{PEERS[peer]} did not run: {cost.error}")
                continue
            ratio = cost.cpu_micros / phases[cost.phase].cpu_micros
            figures = (f"{cost.cpu_micros:.0f}", f"{ratio:.2f}", f"{cost.peak_mb:.0f}")
            rows.append((PEERS[peer], cost.phase, f"{cost.records:,}", *figures))
    head = ("", "run", "records", "CPU µs/rec", "times ours", "peak MB")
    report.table("Beside others, same POS, full listings", head, rows)
    report.data["peers"] = {p: [cost.as_dict() for cost in found] for p, found in costs.items()}


def _budgets(report: Report, phases: dict[str, Phase], costs: dict[str, list[PeerCost]]) -> None:
    first, same = phases["first load"], phases["no change"]
    shoppers = first.told["streams"]["customers"]["new"]
    sales = first.told["streams"]["sales"]["new"]
    peak = max(phase.told["peak_mb"] for phase in phases.values())
    report.budgets += [
        Budget("write units per new shopper", first.of_stream("customers", "writes") / shoppers, 5),
        Budget(
            "index write units per new shopper",
            first.of_stream("customers", "index_writes") / shoppers,
            2,
        ),
        Budget("write units per new sale", first.of_stream("sales", "writes") / sales, 4),
        Budget("fact write units of a run with no change", same.fact_writes, 0),
        Budget("persona writes of a run with no change", same.told["persona_writes"], 0),
        Budget("DynamoDB calls of a run with no change", same.total("calls"), same.allowed_calls()),
        Budget("peak memory of the worker", peak, PEAK_MB, "MB"),
        _against_peers(same, costs),
        _against_dlt(first, costs),
    ]


def _against_peers(same: Phase, costs: dict[str, list[PeerCost]]) -> Budget:
    """The least disturbed run of each side: what else the machine does only ever adds CPU.

    No peer keeps anything that makes its second run cheaper, so both of its runs are samples.
    """
    found = {
        peer: min(cost.cpu_micros for cost in runs)
        for peer, runs in costs.items()
        if not any(cost.error for cost in runs)
    }
    what = "no change: CPU per record against the cheapest peer"
    if not found:
        return Budget(what, None, 0.5, "times", "no peer ran")
    cheapest = min(found, key=lambda peer: found[peer])
    return Budget(what, same.cpu_micros / found[cheapest], 0.5, "times", f"it is {PEERS[cheapest]}")


def _against_dlt(first: Phase, costs: dict[str, list[PeerCost]]) -> Budget:
    runs = [cost for cost in costs.get("dlt", ()) if not cost.error and cost.phase == "first load"]
    value = first.cpu_micros / runs[0].cpu_micros if runs else None
    return Budget("first load: CPU per record against dlt", value, 1, "times")


if __name__ == "__main__":
    sys.exit(main())
