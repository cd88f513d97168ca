"""Measures what importing `app` costs, beside the libraries it needs (architecture.md §7)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from tools.paths import ROOT

FLOOR = (
    "import chalice, pydantic, pynamodb.models; from aws_lambda_powertools import Logger, Metrics"
)
APP = "import app; app.app.routes"
"""What the API's function imports, which needs most; the others do without the routes (ADR 44)."""
ROUNDS = 9


@dataclass(frozen=True)
class ImportCost:
    """The cost of an import in milliseconds of CPU: medians of fresh interpreters in turns."""

    app: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.app / self.floor


def import_cost() -> ImportCost:
    _milliseconds(APP)  # compiles what was never compiled
    pairs = [(_milliseconds(APP), _milliseconds(FLOOR)) for _ in range(ROUNDS)]
    return ImportCost(*(statistics.median(column) for column in zip(*pairs, strict=True)))


def _milliseconds(code: str) -> float:
    timed = f"import time; t = time.process_time()\n{code}\nprint(time.process_time() - t)"
    done = subprocess.run(
        [sys.executable, "-c", timed],
        cwd=ROOT,
        env=environment_with_bytecode(),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout) * 1000


def environment_with_bytecode() -> dict[str, str]:
    """The environment in which Python may write bytecode: the deployed zip has it too."""
    variables = dict(os.environ)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables
