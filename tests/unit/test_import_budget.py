"""Importing `app` is what every function's cold start pays (architecture.md §7).

`make bench` measures it beside the libraries it stands on; here is what keeps it low.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

HEAVY = (
    "boto3",
    "botocore.session",
    "difflib",
    "phonenumbers",
    "pynamodb",
    "requests",
    "tenacity",
    "urllib3",
    "yaml",
)
ROOMS = ("chalicelib.adapters.", "chalicelib.pos.", "chalicelib.services.")
FACTS = ("chalicelib.domain.records", "chalicelib.domain.rules", "chalicelib.domain.personas")


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules of the function that serves the API, which imports most."""
    code = "import app, json, sys; app.app.routes; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_importing_app_brings_no_heavy_library_along(loaded: list[str]) -> None:
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_app_brings_no_use_case_along(loaded: list[str]) -> None:
    """Those that a function needs it imports where it uses them."""
    assert [name for name in loaded if name.startswith(ROOMS)] == []
    assert [name for name in FACTS if name in loaded] == []


def test_importing_app_brings_no_route_along() -> None:
    """The workers serve none: the API's function asks for them while Lambda initialises it."""
    code = "import app, sys; print([n for n in sys.modules if n.endswith('dashboard.personas')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
