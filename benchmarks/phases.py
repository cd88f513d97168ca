"""Runs one retailer's syncs, from first load to 1 % changed, each in a fresh worker process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from benchmarks.imports import environment_with_bytecode
from benchmarks.pos import Pos
from tools.paths import ROOT
from tools.steps import StepFailed

LISTED = ("customers", "sales", "inventory")
FACT_ROWS = ("PROFILE", "PERSONA", "MEMBERS", "MEMBER", "SALE", "SALES", "INVENTORY")


@dataclass(frozen=True)
class Phase:
    """The cost of one run. `costs` is the JSON that the worker prints (benchmarks/worker.py)."""

    name: str
    costs: dict[str, Any]
    pos_requests: int

    @property
    def records(self) -> int:
        return self._sum("fetched")

    @property
    def changed(self) -> int:
        return self._sum("new") + self._sum("changed")

    @property
    def cpu_micros(self) -> float:
        """CPU of the whole run, per record listed."""
        return float(self.costs["cpu_seconds"]) * 1e6 / max(1, self.records)

    def stream_cpu_micros(self, stream: str) -> float:
        listed: int = self.costs["streams"][stream]["fetched"]
        return float(self.costs["cpu_by_stream"].get(stream, 0.0)) * 1e6 / max(1, listed)

    @property
    def wall(self) -> float:
        return float(self.costs["wall_seconds"])

    def total(self, name: str) -> float:
        """Calls or units of the worker, without the bench's own look at the run's end."""
        counts = self.costs["counts"]
        return float(sum(c.get(name, 0) for section, c in counts.items() if section != "nothing"))

    def of_stream(self, stream: str, name: str) -> float:
        return float(self.costs["counts"][stream].get(name, 0))

    @property
    def fact_writes(self) -> int:
        """Write units of rows about shoppers, sales and stock."""
        rows = self.costs["rows"].values()
        return sum(units for kinds in rows for kind, units in kinds.items() if kind in FACT_ROWS)

    def allowed_calls(self) -> float:
        """The calls that architecture.md §7 allows to a run with nothing changed."""
        return 10 + self.records / 5_000 + self.wall / 2

    def as_dict(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "changed": self.changed,
            "records_per_second": self.records / self.wall,
            "cpu_us_per_record": self.cpu_micros,
            "calls": self.total("calls"),
            "pos_requests": self.pos_requests,
            **self.costs,
        }

    def _sum(self, name: str) -> int:
        return sum(self.costs["streams"][stream][name] for stream in LISTED)


class Retailer:
    """Syncs one account with one credential, on this local AWS and this POS."""

    def __init__(self, environment: dict[str, str], pos: Pos) -> None:
        self._pos = pos
        self._environment = environment | {"POS_BASE_URLS": json.dumps({"posabit": pos.base_url})}
        self._work({"do": "prepare", "token": pos.token})

    def sync(self, name: str, trigger: str) -> Phase:
        """`now` reads what changed since the last run, `reread` lists everything again."""
        self._pos.take_traffic()
        costs = self._work({"do": "sync", "trigger": trigger})
        return Phase(name, costs, self._pos.take_traffic().requests)

    def raw_costs(self) -> dict[str, float]:
        """CPU microseconds per record, by stream, for reading and parsing the pages alone."""
        costs: dict[str, float] = self._work({"do": "raw", "token": self._pos.token})
        return costs

    def _work(self, job: dict[str, Any]) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(job)],
            cwd=ROOT,
            env=environment_with_bytecode() | self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-5:]
            raise StepFailed(f"worker: {job['do']}", "\n  ".join(last))
        return json.loads(done.stdout.splitlines()[-1])
