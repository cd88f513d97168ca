"""Measures the memory of the sync worker beside the manifest of a very large source.

    python -m benchmarks.large_source [records ...]

A fifth of the records are shoppers, the rest sales, of a POS that lists its sales by day, so that
as many sales are watched as ever are. Two runs, each in a process of its own, as the function has:
one over all records without a change, and some minutes of a first load beside such a manifest.
Manifests lie in files, and the tables forget what was written: the process holds what a worker
holds, and nothing else.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import orjson

from benchmarks.account import CREDENTIAL, PLATFORM, SCOPE, UID, bench_account
from benchmarks.growth import (
    INDEXES,
    NOBODY_ASKED,
    RULES,
    TABLE,
    NothingWaits,
    OneAccount,
    shopper,
)
from benchmarks.imports import environment_with_bytecode
from benchmarks.many_rows import STREAMS, FileStates, ForgetfulDynamo, ManyRows, counts_of, row
from benchmarks.report import Budget, Report
from benchmarks.units import Meter
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.domain.gone_sales import MOST_WATCHED, SALES_PER_ROW
from chalicelib.domain.manifest import Manifest, id_digest
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Stream
from chalicelib.pos.gateway import Gateway
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.ports.pos import Page, PlatformInfo
from chalicelib.services.ports.runs import (
    Lease,
    RunView,
    StreamState,
    SyncStates,
)
from chalicelib.services.sync.run_in_progress import RunInProgress, RunTools
from tools.paths import ROOT
from tools.steps import StepFailed

SIZES = (1_000_000, 3_000_000, 5_000_000)
SMALL_SIZES = (300_000, 600_000)
LOAD_SECONDS, SHORT_LOAD_SECONDS = 300.0, 10.0
LOAD_PAGE = 250
GENERATION, FENCE = 1, 2
FREE_FOR_AN_ANSWER = 0.5
"""The share of the function's memory that is left for one answer of 10 MB (ADR 26)."""
FLAT_BYTES_PER_RECORD = 40
"""An entry has 24; the rest is slack of arrays."""


@dataclass(frozen=True)
class MemoryCost:
    """What one run took: `peak_mb` of the whole process, of which `imported_mb` before the run."""

    what: str
    known: int
    records: int
    seconds: float
    cpu_micros: float
    imported_mb: float
    peak_mb: float


def prepare(folder: Path, records: int) -> None:
    """Leave in the folder what a complete run over these records would have left."""
    session, states, now = ManyRows(records), FileStates(folder), SystemClock().now()
    left: dict[Stream, StreamState] = {}
    for stream, count in counts_of(records).items():
        manifest, digest = Manifest(), session.normalisers[stream]._digest  # noqa: SLF001
        for number in range(count):
            read = row(stream, number)
            manifest.upsert(id_digest(str(number + 1)), 1, digest(read))
        chunks = states.put_base(_lease(), stream, GENERATION, manifest.base_chunks())
        left[stream] = StreamState(
            watermark=now - DAY, generation=GENERATION, chunks=chunks, reading=session.reading
        )
    states.save_streams(_lease(), left)
    today = now // DAY
    watched = min(MOST_WATCHED, counts_of(records)["sales"])
    for part, first in enumerate(range(0, watched, SALES_PER_ROW)):
        numbers = range(first, min(first + SALES_PER_ROW, watched))
        rows = [(str(number + 1), (today - part) * DAY, None, False) for number in numbers]
        states.put_sale_day(_lease(), today - part, [zlib.compress(orjson.dumps(rows))])


def no_change(folder: Path, records: int) -> int:
    """Run over all records, none of which has changed. Returns how many came."""
    run, info = _open_run(folder, ManyRows(records))
    for stream in STREAMS:
        plan = run.start_stream(stream)
        while True:
            page = run.fetch(plan)
            run.take(stream, page)
            if page.cursor is None:
                break
            run.checkpoint_when_due()
        run.complete(stream, page)
    run.save_streams(run.result("complete"))
    new = sum(run.tally.has_changes(stream) for stream in info.streams)
    if new:
        raise StepFailed("no change", "records came that the manifest does not know")
    return records


def first_load(folder: Path, records: int, seconds: float) -> int:
    """Take in new shoppers for so long, beside what is known. Returns how many."""
    run, _ = _open_run(folder, ManyRows(records))
    run.start_stream("customers")
    ends, number = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        new = tuple(shopper(records + number + n) for n in range(LOAD_PAGE))
        number += LOAD_PAGE
        rows = {customer.ext_id: 1 for customer in new}
        page = Page(new, (), LOAD_PAGE, {"first": number}, rows=rows)
        run.take("customers", page)
        run.checkpoint_when_due()
    run.save_streams(run.result("complete"))
    return number


def _open_run(folder: Path, session: ManyRows) -> tuple[RunInProgress, PlatformInfo]:
    clock, account = SystemClock(), OneAccount()
    table = BatchTable(ForgetfulDynamo(Meter(INDEXES)), TABLE, clock)
    facts = DynamoFacts(table, CommitLocks(table, clock))
    terms = TermsReader(account, account, RULES, clock)  # type: ignore[arg-type]
    commits = FactCommits(facts, terms, NOBODY_ASKED)
    tools = RunTools(
        states=cast(SyncStates, FileStates(folder)),
        commits=commits,
        inventories=None,  # type: ignore[arg-type]
        contacts=ContactJudge(NothingWaits(), commits, notice=None),  # type: ignore[abstract,arg-type]
        leaving=None,  # type: ignore[arg-type]
        clock=clock,
    )
    info = Gateway(clock, {}, lambda _platform: None).platform(PLATFORM)
    info = replace(info, streams=STREAMS, lists_sales_by_time=True)
    run, here = RunInProgress(tools, _lease(), 0), bench_account("UTC", 0)
    run.open(here, SCOPE, session, info)
    run.plan(info, 0, here)
    return run, info


def _lease() -> Lease:
    view = RunView("run_bench", UID, PLATFORM, CREDENTIAL, "running", "reread", 0, reread_from=0)
    return Lease(UID, PLATFORM, CREDENTIAL, "run_bench", FENCE, None, view)


def memory_costs(sizes: Sequence[int], load_seconds: float = LOAD_SECONDS) -> list[MemoryCost]:
    """The costs of both runs beside manifests of so many records."""
    costs = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="aiq-bench-") as folder:
            job = {"folder": folder, "records": size, "seconds": load_seconds}
            _in_a_process(job | {"do": "prepare"})
            costs += [
                MemoryCost(what, size, **_in_a_process(job | {"do": what}))
                for what in ("no change", "first load")
            ]
    return costs


def show(report: Report, costs: Sequence[MemoryCost]) -> None:
    rows = [
        (
            f"{cost.what}, {cost.known:,} records known",
            f"{cost.records:,}",
            f"{cost.seconds:.0f}",
            f"{cost.cpu_micros:.1f}",
            f"{cost.imported_mb:.0f}",
            f"{cost.peak_mb:.0f}",
        )
        for cost in costs
    ]
    head = ("memory of the sync worker", "records read", "s", "CPU µs/rec", "imports MB", "peak MB")
    report.table("One credential with very many records", head, rows)
    report.data["memory"] = [vars(cost) for cost in costs]
    largest = max(costs, key=lambda cost: cost.peak_mb)
    what = f"memory of the worker beside {largest.known:,} records"
    report.budgets.append(
        Budget(what, largest.peak_mb, function_mb() * (1 - FREE_FOR_AN_ANSWER), "MB", largest.what)
    )
    for what in ("no change", "first load"):
        ordered = [cost for cost in costs if cost.what == what]
        first, last = ordered[0], ordered[-1]
        if last.known > first.known:
            more = (last.peak_mb - first.peak_mb) * 1024 * 1024 / (last.known - first.known)
            span = f"{what}: bytes a record, {first.known:,} → {last.known:,}"
            report.budgets.append(Budget(span, max(0.0, more), FLAT_BYTES_PER_RECORD, "bytes"))


def function_mb() -> int:
    """The memory that the template gives the sync workers."""
    template = (ROOT / "infra/functions.yaml").read_text(encoding="utf-8")
    return int(template.partition("\n  SyncWorker:")[2].partition("MemorySize: ")[2].split()[0])


def _in_a_process(job: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.large_source", json.dumps(job)],
        cwd=ROOT,
        env=environment_with_bytecode(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-5:]
        raise StepFailed(f"memory: {job['do']}", "\n  ".join(last))
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _work(job: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.worker import cpu_seconds, peak_megabytes  # and `app`, as a function has it

    folder, records = Path(job["folder"]), job["records"]
    if job["do"] == "prepare":
        prepare(folder, records)
        return {}
    gc.collect()
    imported, began, cpu = peak_megabytes(), time.monotonic(), cpu_seconds()
    if job["do"] == "no change":
        done = no_change(folder, records)
    else:
        done = first_load(folder, records, job["seconds"])
    return {
        "records": done,
        "seconds": time.monotonic() - began,
        "cpu_micros": (cpu_seconds() - cpu) * 1e6 / done,
        "imported_mb": imported,
        "peak_mb": peak_megabytes(),
    }


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0].startswith("{"):
        print(json.dumps(_work(json.loads(arguments[0]))))
        return
    report = Report()
    show(report, memory_costs([int(size) for size in arguments] or SIZES))
    report.close()


if __name__ == "__main__":
    main(sys.argv[1:])
