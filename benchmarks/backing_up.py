"""Measures the backups of a source: the memory and read units of the first and of the next, and
what its facts log costs.

    python -m benchmarks.backing_up [shoppers sales]

The worker runs in a process of its own, as the function has it. The log is made while it is read
and objects lie in files: the process holds what a worker holds, and nothing else.
"""

from __future__ import annotations

import gc
import json
import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from benchmarks.account import PLATFORM, SCOPE, UID
from benchmarks.growth import NOW, TABLE, sale, shopper
from benchmarks.imports import environment_with_bytecode
from benchmarks.report import Budget, Report
from benchmarks.units import Meter, Row, row_bytes, write_units
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.facts_log import LINES, DynamoFactsLog, log_rows
from chalicelib.domain.backups import Backup, empty_shards
from chalicelib.domain.pulled_facts import PulledCustomer, PulledFact, PulledSale
from chalicelib.domain.records import Sale, Tender
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Fence
from chalicelib.services.freezing.shards import ShardStore
from chalicelib.services.freezing.take_backup import TakeBackup
from chalicelib.services.ports.backups import ObjectBad
from chalicelib.services.ports.commits import CommitLock
from tools.paths import ROOT
from tools.steps import StepFailed

SMALL, LARGE = (20_000, 80_000), (100_000, 400_000)
"""Shoppers and sales."""
PAGE, SMALL_PAGE = 250, 25
CHANGED = 0.03
PEAK_MB = 256
"""Beside what the process has imported."""
UNITS_PER_4_KB = 1.0
QUERY_BYTES = 1_000_000
MOST_UNITS = {("shopper", PAGE): 0.1, ("sale", PAGE): 0.2}


@dataclass(frozen=True)
class BackupCost:
    """What one backup took: `facts` it read, of `log_kb` compressed."""

    what: str
    facts: int
    seconds: float
    cpu_seconds: float
    read_units: float
    log_kb: float
    objects_mb: float
    imported_mb: float
    peak_mb: float


def facts_of(shoppers: int, sales: int, fence: Fence) -> list[PulledFact]:
    """What the commit of this number stored: a page of shoppers, then of sales, then changes."""
    first = (fence - 1) * PAGE
    numbers = range(first, first + PAGE)
    if first < shoppers:
        return [PulledCustomer(SCOPE, shopper(n), None, None) for n in numbers]
    if first < shoppers + sales:
        return [PulledSale(SCOPE, various_sale(n, n % shoppers)) for n in numbers]
    changed = [various_sale(n - sales, n % shoppers) for n in numbers]
    return [PulledSale(SCOPE, replace(each, total=each.total + 1)) for each in changed]


def various_sale(number: int, buyer: int) -> Sale:
    """The reference sale with products, prices and a time of its own: alike ones would compress
    better than any shop's do."""
    dice = random.Random(number)
    plain = sale(number, str(1_000_000 + buyer), NOW - dice.randrange(300 * DAY))
    lines = tuple(
        replace(
            line,
            name=f"Product {dice.choice(string.ascii_uppercase)}{dice.randrange(10**6)}",
            product_ext_id=str(dice.randrange(10**6)),
            sku=f"SKU-{dice.randrange(10**8):08d}",
            total=dice.randrange(500, 9_000),
            cost=dice.randrange(200, 4_000),
        )
        for line in plain.items
    )
    total = sum(line.total or 0 for line in lines)
    return replace(plain, items=lines, total=total, tenders=(Tender("cash", total),))


class LogOnly:
    """Replaces the client of a `BatchTable` that reads one facts log."""

    def __init__(self, meter: Meter, shoppers: int, sales: int) -> None:
        self.meter, self._sizes = meter, (shoppers, sales)
        self.log_bytes = 0

    def query(self, **request: Any) -> dict[str, Any]:
        bounds = request["ExpressionAttributeValues"]
        first, last = (int(bounds[name]["S"].split("#")[0]) for name in (":first", ":last"))
        if start := request.get("ExclusiveStartKey"):
            first = int(start["sk"]["S"].split("#")[0]) + 1
        items: list[Row] = []
        size, fence = 0, first
        while fence <= last and size < QUERY_BYTES:
            for _, row in log_rows(CommitLock(UID, fence, 0.0, None), PLATFORM, self.facts(fence)):
                items.append(row)
                size += row_bytes(row)
            fence += 1
        answer: dict[str, Any] = {"Items": items}
        if fence <= last:
            answer["LastEvaluatedKey"] = {"pk": items[-1]["pk"], "sk": items[-1]["sk"]}
        self.log_bytes += size
        self.meter.count("Query", request, answer)
        return answer

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        return {"Responses": {TABLE: []}, "UnprocessedKeys": {}}

    def facts(self, fence: Fence) -> list[PulledFact]:
        return facts_of(*self._sizes, fence)


class FileObjects:
    """The `BackupObjects` port, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = 0

    def put(self, key: str, body: bytes) -> None:
        self.written += len(body)
        self._path(key).write_bytes(body)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise ObjectBad("There is no such object.") from None

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "_")


class OneAfterAnother:
    """Holds the row of the backup that is being taken."""

    def save(self, backup: Backup) -> Backup:
        return replace(backup, seq=backup.seq + 1)


def take_two(folder: Path, shoppers: int, sales: int) -> Iterator[dict[str, Any]]:
    """Take the first backup, then the next after some changes; what each took."""
    commits = (shoppers + sales) // PAGE
    backup, through = None, 0
    for what, until in (("first", commits), ("next", commits + int(commits * CHANGED))):
        meter = Meter({TABLE: {}})
        client, objects = LogOnly(meter, shoppers, sales), FileObjects(folder)
        taking = _taking(client, objects)
        held = Backup(UID, PLATFORM, "b", until, "nightly", "run", NOW, through=through)
        held = replace(held, shards=empty_shards(1))
        if backup is not None:
            held = replace(held, shards=backup.shards)
        backup = taking.advance(held, lambda: True)
        yield {
            "what": what,
            "facts": (until - through) * PAGE,
            "read_units": meter.total("reads"),
            "log_kb": client.log_bytes / 1024,
            "objects_mb": objects.written / 1024 / 1024,
        }
        through = until


def _taking(client: LogOnly, objects: FileObjects) -> TakeBackup:
    nothing = cast(Any, None)
    clock = SystemClock()
    return TakeBackup(
        commits=nothing,
        log=DynamoFactsLog(BatchTable(client, TABLE, clock)),
        lines=LINES,
        shards=ShardStore(cast(Any, objects), LINES),
        objects=cast(Any, objects),
        backups=cast(Any, OneAfterAnother()),
        rules=nothing,
        credentials=nothing,
        states=nothing,
        notifier=nothing,
        audit=nothing,
        clock=clock,
        title=str,
    )


def log_units(page: int) -> dict[str, float]:
    """Write units of the facts log per shopper and per sale, in commits of so many."""
    facts: dict[str, list[PulledFact]] = {
        "shopper": [PulledCustomer(SCOPE, shopper(n), None, None) for n in range(page)],
        "sale": [PulledSale(SCOPE, various_sale(n, n)) for n in range(page)],
    }
    lock = CommitLock(UID, 1, 0.0, None)
    return {
        what: sum(write_units(row_bytes(row)) for _, row in log_rows(lock, PLATFORM, given)) / page
        for what, given in facts.items()
    }


def backup_costs(shoppers: int, sales: int) -> list[BackupCost]:
    with tempfile.TemporaryDirectory(prefix="aiq-bench-") as folder:
        job = {"folder": folder, "shoppers": shoppers, "sales": sales}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.backing_up", json.dumps(job)],
            cwd=ROOT,
            env=environment_with_bytecode(),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise StepFailed("back up", "\n  ".join(done.stderr.strip().splitlines()[-5:]))
    return [BackupCost(**json.loads(line)) for line in done.stdout.splitlines()]


def show(report: Report, costs: Sequence[BackupCost]) -> None:
    rows = [
        (
            cost.what,
            f"{cost.facts:,}",
            f"{cost.seconds:.1f}",
            f"{cost.cpu_seconds:.1f}",
            f"{cost.read_units:,.0f}",
            f"{cost.objects_mb:.1f}",
            f"{cost.imported_mb:.0f}",
            f"{cost.peak_mb:.0f}",
        )
        for cost in costs
    ]
    head = (
        "backup",
        "facts",
        "s",
        "CPU s",
        "read units",
        "written MB",
        "imports MB",
        "peak MB",
    )
    report.table("Backups of one source", head, rows)
    report.data["backups"] = [vars(cost) for cost in costs]
    first = costs[0]
    peak = max(cost.peak_mb - cost.imported_mb for cost in costs)
    what = f"memory of a backup of {first.facts:,} facts, beside imports"
    report.budgets.append(Budget(what, peak, PEAK_MB, "MB"))
    units = first.read_units / (first.log_kb / 4)
    report.budgets.append(
        Budget("first backup, read units per 4 KB of log", units, UNITS_PER_4_KB * 1.01, "units")
    )
    for page in (PAGE, SMALL_PAGE):
        for what, cost in log_units(page).items():
            name = f"facts log: write units a {what}, parts of {page}"
            report.budgets.append(Budget(name, cost, MOST_UNITS.get((what, page), 1.0), "units"))


def _work(job: dict[str, Any]) -> None:
    from benchmarks.worker import cpu_seconds, peak_megabytes  # and `app`, as a function has it

    gc.collect()
    imported = peak_megabytes()
    began, cpu = time.monotonic(), cpu_seconds()
    for cost in take_two(Path(job["folder"]), job["shoppers"], job["sales"]):
        measured = {
            "seconds": time.monotonic() - began,
            "cpu_seconds": cpu_seconds() - cpu,
            "imported_mb": imported,
            "peak_mb": peak_megabytes(),
        }
        print(json.dumps(cost | measured), flush=True)
        began, cpu = time.monotonic(), cpu_seconds()


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0].startswith("{"):
        _work(json.loads(arguments[0]))
        return
    shoppers, sales = [int(size) for size in arguments] or SMALL
    report = Report()
    show(report, backup_costs(shoppers, sales))
    report.close()


if __name__ == "__main__":
    main(sys.argv[1:])
