"""Measures what a peer's run costs its process, from after its imports to its end."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path


def measure_run(run: Callable[[], None], cost_file: str) -> None:
    """Run, and write the cost of it as JSON to the file."""
    before, began = _cpu(), time.monotonic()
    run()
    cost = {
        "cpu_seconds": _cpu() - before,
        "wall_seconds": time.monotonic() - began,
        "peak_mb": _peak_kilobytes() / 1024,
    }
    Path(cost_file).write_text(json.dumps(cost), encoding="utf-8")


def _cpu() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in whose)


def _peak_kilobytes() -> int:
    """The peak of this program alone: `ru_maxrss` starts at what the parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])
