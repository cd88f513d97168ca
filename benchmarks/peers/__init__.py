"""What others need for the same pages: dlt, singer-sdk and airbyte-cdk, each in its environment.

NAME.txt pins an environment (compiled from NAME.in), NAME_peer.py runs in it: full listings of
customers and sales, twice, the second time with nothing changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.pos import Pos
from tools.paths import CACHE
from tools.steps import StepFailed, run

HERE = Path(__file__).parent
HOME = CACHE / "bench"
PEERS = {
    "dlt": "dlt, merge into DuckDB",
    "singer": "singer-sdk, tap to /dev/null",
    "airbyte": "airbyte-cdk, declarative read to /dev/null",
}
PAGE = 250
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class PeerCost:
    """`error` says why there are no figures."""

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


def measure(peer: str, pos: Pos) -> list[PeerCost]:
    """First load and no-change run; one entry with an error when the peer does not work."""
    try:
        python = _environment(peer)
        home = HOME / f"{peer}-data"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        costs = [_run(peer, python, home, phase, pos) for phase in ("first load", "no change")]
        shutil.rmtree(home)
    except (StepFailed, subprocess.SubprocessError) as failure:
        return [PeerCost(peer, "first load", error=str(failure).strip()[-500:])]
    return costs


def _environment(peer: str) -> Path:
    pinned = HERE / f"{peer}.txt"
    content = hashlib.sha256(sys.version.encode() + pinned.read_bytes()).hexdigest()[:12]
    home = HOME / f"{peer}-{content}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        log = HOME / f"{peer}.log"
        uv = [sys.executable, "-m", "uv"]
        run([*uv, "venv", "--quiet", "--python", sys.executable, home], log=log)
        run([*uv, "pip", "install", "--quiet", "--python", python, "-r", pinned], log=log)
        run([python, "-m", "compileall", "-q", home / "lib"], log=log)
        (home / "complete").touch()
    return python


def _run(peer: str, python: Path, home: Path, phase: str, pos: Pos) -> PeerCost:
    told = home / "cost.json"
    job = {
        "base_url": pos.base_url,
        "token": pos.token,
        "home": str(home),
        "page": PAGE,
        "told": str(told),
    }
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    pos.served()
    done = subprocess.run(
        [python, HERE / f"{peer}_peer.py", json.dumps(job)],
        env={**kept, "HOME": str(home)},
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode or not told.exists():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise StepFailed(f"run {peer}", "\n".join(last) or f"exit code {done.returncode}")
    cost = json.loads(told.read_text(encoding="utf-8"))
    told.unlink()
    return PeerCost(peer, phase, pos.served().rows, **cost)
