"""Which modules serve a path: what a request has to import (ADR 44)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from chalicelib.entrypoints.once import once

PATHS = Path(__file__).parent / "paths.json"
"""The paths of each module, written by `python -m tools.openapi`."""


def serving(path: str) -> Iterable[str]:
    """Return the names of the modules whose resources serve the path, none for an unknown one."""
    return [module for module, paths in _paths().items() if path in paths]


@once
def _paths() -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(PATHS.read_text(encoding="utf-8"))
    return known
