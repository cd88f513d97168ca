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
APP = "import app, chalicelib.entrypoints.initialise as api"
API = f"{APP}; [app.app.register_routes_of(path) for path in api.ASKED_FIRST]"
"""What the API's function imports, which needs most; the others do without any route (ADR 44)."""
EVERY_ROUTE = "import app; app.app.routes"
ROUNDS = 9


@dataclass(frozen=True)
class ImportCost:
    """The cost of imports in milliseconds of CPU: medians of fresh interpreters in turns.

    `api`: what its function imports before the first request; `every_route`: once each resource was
    asked for.
    """

    workers: float
    api: float
    every_route: float
    floor: float


def import_cost() -> ImportCost:
    _milliseconds(EVERY_ROUTE)  # compiles what was never compiled
    codes = (APP, API, EVERY_ROUTE, FLOOR)
    rounds = [[_milliseconds(code) for code in codes] for _ in range(ROUNDS)]
    return ImportCost(*(statistics.median(column) for column in zip(*rounds, strict=True)))


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
