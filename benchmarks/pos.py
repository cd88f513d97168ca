"""The simulated POSaBIT as a process of its own, every page rendered before the first request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tools.paths import ROOT

SALES_PER_SHOPPER = 4


@dataclass(frozen=True)
class Served:
    requests: int
    rows: int


@dataclass(frozen=True)
class Pos:
    """One store's POS."""

    url: str
    base_url: str
    token: str

    def touch(self, resource: str, percent: float, seed: int) -> int:
        """Change that share of the rows; how many it were."""
        edit = {"do": "touch", "resource": resource, "percent": percent, "seed": seed}
        return len(self._call("POST", "edits", edit)["changed"])

    def warm(self) -> None:
        """Render what edits made stale, so that nobody's measurement waits for it."""
        self._call("POST", "warm")

    def served(self) -> Served:
        """What was asked and sent since the last call."""
        stats = self._call("GET", "stats")
        self._call("DELETE", "stats")
        rows = sum(resource["rows"] for resource in stats["resources"].values())
        return Served(stats["requests"], rows)

    def _call(self, method: str, what: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sim/{what}", json=body, timeout=120)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def simulated_pos(shoppers: int) -> Iterator[Pos]:
    """A retailer of one store whose shoppers all have phone and e-mail, and four sales each."""
    sales = shoppers * SALES_PER_SHOPPER
    command = [sys.executable, "-m", "simulators", "posabit", "--warm", "--mess", "0"]
    command += ["--shoppers", str(shoppers), "--sales", str(sales), "--stores", "1"]
    command += ["--cache-mb", str(512 + shoppers // 20)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the simulated POS has no output")
            told = json.loads(process.stdout.readline())
            yield Pos(told["url"], told["base_url"], told["venues"][0]["token"])
        finally:
            process.terminate()
