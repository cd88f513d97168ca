"""`make bench`: speed and memory beside the budgets of architecture.md §7, and beside others.

    python -m benchmarks [--shoppers 50000] [--personas 1000000] [--only waiting imports …]
                         [--with earlier.json]

Prints tables; `BENCH_JSON=path` writes all as JSON, by parts. `--only` measures these parts alone,
and `--with` takes the others from a JSON of before; where all are there, docs/performance.md is
written, which says of each part when it was measured. LONG=1 has the long runs. A missed budget is
printed plainly and is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import (
    backing_up,
    first_request,
    large_source,
    normalising,
    waiting,
    waiting_tills,
)
from benchmarks.document import write_document
from benchmarks.duel import duel
from benchmarks.growth import AccountCosts, costs_by_size, single_sale_costs
from benchmarks.imports import import_cost
from benchmarks.local import local_aws
from benchmarks.peers import PEERS
from benchmarks.phases import LISTED, Phase, Retailer
from benchmarks.pos import Pos, simulated_pos
from benchmarks.previewing import previewing_costs
from benchmarks.report import Budget, Report
from tools.steps import StepFailed, step

PARTS = (
    "waiting",
    "tills",
    "imports",
    "first_request",
    "reading",
    "growth",
    "previews",
    "memory",
    "backups",
    "syncs",
    "peers",
)
SMALLEST_ACCOUNT = 10_000
PEAK_MB = 256
"""Of a source of ordinary size: a quarter of what the function has."""
PREVIEW_MB = 8
"""Less than a preview of 50,000 personas would need if it kept anything of each."""
OF_A_PEER = 0.2
OF_DLT = 0.2
"""§7 allows 0.25, which leaves room for what commits are yet to do."""
MOST_TIMES_RAW = 4
"""A goal rather than a promise: what a run with no change may add to its pages."""
MOST_PREVIEWED = 50_000
"""Memory is traced while they are counted, which takes several times as long as counting does."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--shoppers", type=int, default=10_000)
    long = bool(os.environ.get("LONG"))
    largest = 1_000_000 if long else 100_000
    parser.add_argument("--personas", type=int, default=largest, help="of the largest account")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--with", type=Path, dest="earlier", help="a JSON with the other parts")
    chosen = parser.parse_args(arguments)
    report = Report()
    measures = _measures(report, chosen, long=long)
    try:
        for part in chosen.only:
            with report.measuring(part, long=long):
                measures[part]()
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    report.close()
    earlier = json.loads(chosen.earlier.read_text("utf-8"))["parts"] if chosen.earlier else {}
    known = {**earlier, **report.parts}
    parts = {part: known[part] for part in PARTS if part in known}
    if parts.keys() == set(PARTS):
        write_document(parts)
    if path := os.environ.get("BENCH_JSON"):
        Path(path).write_text(json.dumps({"parts": parts}, indent=2), encoding="utf-8")
    return 0


def _measures(
    report: Report, chosen: argparse.Namespace, *, long: bool
) -> dict[str, Callable[[], None]]:
    """What measures each part, in the order of the document."""
    return {
        "waiting": lambda: _waiting(report, long=long),
        "tills": lambda: _tills(report, long=long),
        "imports": lambda: _imports(report),
        "first_request": lambda: _first_requests(report),
        "reading": lambda: _reading(report),
        "growth": lambda: _growth(report, chosen.personas),
        "previews": lambda: _previews(report, min(chosen.personas, MOST_PREVIEWED)),
        "memory": lambda: _memory(report, long=long),
        "backups": lambda: _backups(report, long=long),
        "syncs": lambda: _syncs(report, chosen.shoppers),
        "peers": lambda: _duel(report),
    }


def _waiting(report: Report, *, long: bool) -> None:
    with step("people beside first loads, in virtual time"):
        results = waiting.run_all(waiting.scenarios(long=long))
    waiting.show(report, results)


def _tills(report: Report, *, long: bool) -> None:
    with step("tills beside first loads, in virtual time"):
        results = waiting.run_all(waiting_tills.scenarios(long=long))
    waiting_tills.show(report, results)


def _imports(report: Report) -> None:
    with step("import app, beside its floor"):
        cost = import_cost()
    imported = {
        "a worker": cost.workers,
        "the API": cost.api,
        "the API, once every route was asked for": cost.every_route,
        "floor: the libraries": cost.floor,
    }
    rows = [(what, f"{ms:.0f}", f"{ms / cost.floor:.2f}") for what, ms in imported.items()]
    report.table("Import of app, CPU in ms, median of 9", ("", "ms", "times floor"), rows)
    report.data["import"] = vars(cost)
    ratio = cost.api / cost.floor
    report.budgets.append(Budget("import of app against its floor", ratio, 1.3, "times"))


def _first_requests(report: Report) -> None:
    with step("the first request after a cold start"):
        costs = first_request.start_costs()
    first_request.show(report, costs)


def _memory(report: Report, *, long: bool) -> None:
    """The long one goes to 5,000,000 records and takes half an hour."""
    sizes = large_source.SIZES if long else large_source.SMALL_SIZES
    seconds = large_source.LOAD_SECONDS if long else large_source.SHORT_LOAD_SECONDS
    with step(f"memory of the sync worker beside up to {sizes[-1]:,} known records"):
        costs = large_source.memory_costs(sizes, seconds)
    large_source.show(report, costs)


def _backups(report: Report, *, long: bool) -> None:
    shoppers, sales = backing_up.LARGE if long else backing_up.SMALL
    with step(f"back up a source of {shoppers + sales:,} facts"):
        costs = backing_up.backup_costs(shoppers, sales)
    backing_up.show(report, costs)


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
            *(f"{units:.2f}" for units in (cost.writes, cost.index_writes, cost.reads)),
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
    report.data["growth"] = [_account_json(size) for size in sizes]
    report.data["single_sale"] = {n: vars(cost) for n, cost in single.items()}
    last = sizes[-1]
    units = max(
        (here.writes + here.reads) / max(1e-9, there.writes + there.reads)
        for here, there in ((last.shopper, sizes[0].shopper), (last.sale, sizes[0].sale))
    )
    reads = max((size.shopper.reads + size.sale.reads) / 2 for size in sizes)
    span = f"{SMALLEST_ACCOUNT:,} → {largest:,} personas"
    report.budgets += [
        Budget("read units per record of a first load", reads, 3),
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


def _previews(report: Report, largest: int) -> None:
    with step(f"previews over {SMALLEST_ACCOUNT:,} and {largest:,} personas"):
        costs = previewing_costs((SMALLEST_ACCOUNT, largest))
    rows = [
        (
            f"{cost.personas:,}: {cost.what}",
            f"{cost.cpu_micros:.0f}",
            f"{cost.reads:.2f}",
            f"{cost.peak_kb:,.0f}",
        )
        for cost in costs
    ]
    report.table("Previewing, per persona", ("", "CPU µs", "RCU", "peak KB in all"), rows)
    report.data["previews"] = [vars(cost) for cost in costs]
    peak = max(cost.peak_kb for cost in costs) / 1024
    report.budgets += [
        Budget("read units per persona of a preview", max(c.reads for c in costs), 2),
        Budget(f"memory of a preview of {largest:,} personas", peak, PREVIEW_MB, "MB"),
    ]


def _account_json(size: AccountCosts) -> dict[str, object]:
    costs = {"shopper": size.shopper, "sale": size.sale, "unchanged": size.unchanged}
    return {
        "personas": size.personas,
        "cpu_against_smallest": size.cpu_against_smallest,
        **{name: vars(cost) for name, cost in costs.items()},
    }


def _syncs(report: Report, shoppers: int) -> None:
    with local_aws() as environment, simulated_pos(shoppers) as pos:
        with step(f"prepare a retailer of {shoppers:,} shoppers"):
            retailer = Retailer(environment, pos)
        with step("read and parse the pages alone"):
            raw = retailer.raw_costs()
        phases = _phases(retailer, pos)
    _show_phases(report, phases, raw)
    _count_budgets(report, phases, raw)


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


def _show_phases(report: Report, phases: dict[str, Phase], raw: dict[str, float]) -> None:
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
            f"{phase.costs['peak_mb']:.0f}",
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
            f"{first.costs['streams'][stream]['fetched']:,}",
            *(f"{phase.stream_cpu_micros(stream):.1f}" for phase in phases.values()),
            f"{raw[stream]:.1f}",
            f"{phases['no change'].stream_cpu_micros(stream) / raw[stream]:.1f}",
        )
        for stream in LISTED
    ]
    streams_head = ("", "records", *phases, "pages alone", "no change: times pages alone")
    report.table("CPU µs per record by stream", streams_head, rows)
    report.data["pages_alone_us"] = raw
    report.data["phases"] = {name: phase.as_dict() for name, phase in phases.items()}


def _duel(report: Report) -> None:
    result = duel()
    report.data["duel"] = result.as_dict()
    ours, theirs = result.our_micros(), result.peer_micros()
    rows = [
        ("ours, first load", f"{result.first.cpu_micros:.0f}", "", "1"),
        ("ours, no change", f"{ours:.0f}", _span(p.cpu_micros for p in result.ours), "1.00"),
    ]
    for peer, costs in result.peers.items():
        if peer in theirs:
            span = _span(cost.cpu_micros for cost in costs)
            rows.append((PEERS[peer], f"{theirs[peer]:.0f}", span, f"{theirs[peer] / ours:.2f}"))
        else:
            error = next(cost.error for cost in costs if cost.error)
            rows.append((PEERS[peer], "did not run", "", ""))
            print(f"{PEERS[peer]} did not run: {error}")
    head = ("CPU µs per record", "median", "from … to", "times our no change")
    report.table("Beside others: same POS, same records, in turns", head, rows)
    what = "no change: CPU per record against the cheapest peer"
    if theirs:
        cheapest = min(theirs, key=lambda peer: theirs[peer])
        note = f"it is {PEERS[cheapest]}"
        report.budgets.append(Budget(what, ours / theirs[cheapest], OF_A_PEER, "times", note))
    else:
        report.budgets.append(Budget(what, None, OF_A_PEER, "times", "no peer ran"))
    dlt = theirs.get("dlt")
    value = result.first.cpu_micros / dlt if dlt else None
    what = "first load: CPU per record against dlt"
    report.budgets.append(Budget(what, value, OF_DLT, "times"))


def _span(samples: Iterable[float]) -> str:
    ordered = sorted(samples)
    return f"{ordered[0]:.0f} … {ordered[-1]:.0f} ({len(ordered)})"


def _count_budgets(report: Report, phases: dict[str, Phase], raw: dict[str, float]) -> None:
    first, same = phases["first load"], phases["no change"]
    shoppers = first.costs["streams"]["customers"]["new"]
    sales = first.costs["streams"]["sales"]["new"]
    peak = max(phase.costs["peak_mb"] for phase in phases.values())
    report.budgets += [
        Budget("write units per new shopper", first.of_stream("customers", "writes") / shoppers, 5),
        Budget(
            "index write units per new shopper",
            first.of_stream("customers", "index_writes") / shoppers,
            2,
        ),
        Budget("write units per new sale", first.of_stream("sales", "writes") / sales, 4),
        Budget("fact write units of a run with no change", same.fact_writes, 0),
        Budget("persona writes of a run with no change", same.costs["persona_writes"], 0),
        Budget("DynamoDB calls of a run with no change", same.total("calls"), same.allowed_calls()),
        Budget("peak memory of the worker", peak, PEAK_MB, "MB"),
    ]
    report.budgets += [
        Budget(
            f"no change: CPU per record of {stream} against reading and parsing its pages",
            same.stream_cpu_micros(stream) / raw[stream],
            MOST_TIMES_RAW,
            "times",
        )
        for stream in LISTED
    ]


if __name__ == "__main__":
    sys.exit(main())
