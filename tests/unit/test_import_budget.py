"""Importing `app` is what every function's cold start pays (architecture.md §7)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FLOOR = (
    "import chalice, pydantic, pynamodb.models; from aws_lambda_powertools import Logger, Metrics"
)
MOST = 1.3
ROUNDS = 5

BANNED = (
    "boto3",
    "botocore.session",
    "phonenumbers",
    "pynamodb",
    "requests",
    "tenacity",
    "urllib3",
    "yaml",
)
"""What only some functions need: they import it where they use it."""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def seconds_to(code: str) -> float:
    return float(
        run(f"import time; t = time.process_time()\n{code}\nprint(time.process_time() - t)")
    )


def test_importing_app_costs_little_more_than_the_libraries_it_stands_on() -> None:
    pairs = [(seconds_to("import app"), seconds_to(FLOOR)) for _ in range(ROUNDS)]

    ours, floor = (min(times) for times in zip(*pairs, strict=True))
    assert ours <= MOST * floor, f"{ours / floor:.2f} times the floor"


def test_importing_app_brings_nothing_heavy_along() -> None:
    loaded = json.loads(run("import app, json, sys; print(json.dumps(sorted(sys.modules)))"))

    assert [name for name in BANNED if name in loaded] == []
