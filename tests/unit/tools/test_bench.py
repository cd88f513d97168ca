"""`make bench` by parts: each says when it was measured, and stands beside those of before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as bench
from benchmarks import document
from benchmarks.imports import ImportCost

OLD = {
    "commit": "0123456789",
    "on": "2026-01-31",
    "long": True,
    "load": 1.5,
    "seconds": 7.0,
    "budgets": [
        {"what": "so many", "value": 3, "sign": "≤", "limit": 4, "unit": "s", "verdict": "PASS"}
    ],
}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(document, "DOCUMENT", tmp_path / "performance.md")
    monkeypatch.setattr(document, "PLOTS", tmp_path / "performance")
    monkeypatch.setattr(bench, "import_cost", lambda: ImportCost(60.0, 90.0, 140.0, 100.0))
    return tmp_path / "performance.md"


def earlier(folder: Path, *parts: str) -> Path:
    known: dict[str, Any] = dict.fromkeys(parts, OLD)
    if "waiting" in known:
        run = {"title": "1 loading", "people": True, "waits": [0.1], "hold_p99": 0.2}
        known["waiting"] = {**OLD, "waiting": [{**run, "records_per_second": 1_000}]}
    path = folder / "earlier.json"
    path.write_text(json.dumps({"parts": known}), encoding="utf-8")
    return path


def test_one_part_is_measured_and_the_others_are_taken_over_with_their_date(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_JSON", str(page.parent / "whole.json"))
    others = earlier(page.parent, *bench.PARTS)

    assert bench.main(["--only", "imports", "--with", str(others)]) == 0

    text = page.read_text(encoding="utf-8")
    assert text.count("| 0123456789 | 2026-01-31 | LONG=1 | 7 | 1.5 |") == len(bench.PARTS) - 1
    assert "| imports | import of app against its floor | 0.90 | ≤ 1.30 | times | PASS |" in text
    whole = json.loads((page.parent / "whole.json").read_text(encoding="utf-8"))["parts"]
    assert list(whole) == list(bench.PARTS)
    assert whole["imports"]["commit"] != OLD["commit"]


def test_no_page_is_written_of_some_parts_alone(page: Path) -> None:
    some = earlier(page.parent, "growth")

    assert bench.main(["--only", "imports", "--with", str(some)]) == 0

    assert not page.exists()
