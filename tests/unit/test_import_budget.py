"""Importing `app` is what every function's cold start pays (architecture.md §7).

`make bench` measures it beside the libraries it stands on; here is what keeps it low.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.config import _DEFAULTS, Config

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
    """The workers serve none: the API's function imports what is asked for."""
    code = "import app, sys; print([n for n in sys.modules if n.endswith('dashboard.personas')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


A_REQUEST = """
import json, os, sys
os.environ.update({variables})
import app
def ask(path, method="GET"):
    context = {{"httpMethod": method, "resourcePath": path, "path": path, "requestId": "r"}}
    event = {{"path": path, "httpMethod": method, "headers": {{}}, "requestContext": context}}
    event |= dict.fromkeys(("multiValueQueryStringParameters", "pathParameters", "body"))
    answer = app.app(event | {{"stageVariables": None, "isBase64Encoded": False}}, None)
    return answer["statusCode"], answer["headers"], answer["body"]
def resources():
    return sum(".dashboard." in name and hasattr(module, "resource")
               for name, module in sys.modules.items())
told = [ask("/api/grid"), resources(), ask("/api/grid", "POST"), resources()]
print(json.dumps([*told, ask("/api/nothing"), ask("/api/openapi.json")]))
"""


def test_a_request_imports_the_resource_that_it_asks_for_and_no_other() -> None:
    """What no route serves is answered as it was when all were imported."""
    required = {field.name.upper() for field in fields(Config)} - _DEFAULTS.keys()
    variables = dict.fromkeys(required, "a-name")
    code = A_REQUEST.format(variables=variables)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    grid, after, posted, still, nothing, document = json.loads(done.stdout.splitlines()[-1])
    assert (grid[0], after, still) == (200, 1, 1)
    assert (posted[0], posted[1]["Allow"]) == (405, "GET")
    assert (nothing[0], json.loads(nothing[2])["code"]) == (404, "not_found")
    assert len(json.loads(document[2])["paths"]) > 100
