"""Measures what others need for the same pages: dlt, singer-sdk and airbyte-cdk, each in an
environment of its own.

NAME.txt pins an environment (compiled from NAME.in), NAME_peer.py runs in it: full listings of
customers and sales, twice, the second time with nothing changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.pos import Pos
from tools.environments import environment
from tools.paths import CACHE
from tools.steps import StepFailed

HERE = Path(__file__).parent
HOME = CACHE / "bench"
PEERS = {
    "dlt": "dlt, merge into DuckDB",
    "singer": "singer-sdk, tap to /dev/null",
    "airbyte": "airbyte-cdk, declarative read to /dev/null",
}
PHASES = ("first load", "no change")
PAGE = 250
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class PeerCost:
    """The cost of one run of a peer. `error` says why there are no figures."""

    peer: str
    phase: str
    records: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mb: float = 0.0
    error: str = ""

    @property
    def cpu_micros(self) -> float:
        return self.cpu_seconds * 1e6 / max(1, self.records)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "cpu_us_per_record": self.cpu_micros}


def measure(peer: str, pos: Pos, phases: Sequence[str] = PHASES) -> list[PeerCost]:
    """The runs one after another; one entry with an error when the peer does not work."""
    try:
        log = HOME / f"{peer}.log"
        folder = environment(peer, log=log, pins=HERE, home=HOME, compiled=True)
        python = folder / "bin" / "python"
        home = HOME / f"{peer}-data"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        costs = [_run(peer, python, home, phase, pos) for phase in phases]
        shutil.rmtree(home)
    except (StepFailed, subprocess.SubprocessError) as failure:
        return [PeerCost(peer, "first load", error=str(failure).strip()[-500:])]
    return costs


def _run(peer: str, python: Path, home: Path, phase: str, pos: Pos) -> PeerCost:
    cost_file = home / "cost.json"
    job = {
        "base_url": pos.base_url,
        "token": pos.token,
        "home": str(home),
        "page": PAGE,
        "cost_file": str(cost_file),
    }
    inherited = ("PATH", "LANG", "TMPDIR")
    variables = {name: os.environ[name] for name in inherited if name in os.environ}
    pos.take_traffic()
    done = subprocess.run(
        [python, HERE / f"{peer}_peer.py", json.dumps(job)],
        env={**variables, "HOME": str(home)},
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode or not cost_file.exists():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise StepFailed(f"run {peer}", "\n".join(last) or f"exit code {done.returncode}")
    cost = json.loads(cost_file.read_text(encoding="utf-8"))
    cost_file.unlink()
    return PeerCost(peer, phase, pos.take_traffic().rows, **cost)
