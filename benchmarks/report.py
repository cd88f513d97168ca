"""Reports what was measured beside what architecture.md §7 allows, as tables and as JSON."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tools.paths import ROOT


@dataclass(frozen=True)
class Budget:
    """One limit with the measured value, both in `unit`; a missing value was not measured.

    `at_least`: the value is to be as large as the limit, instead of no larger.
    """

    what: str
    value: float | None
    limit: float
    unit: str = ""
    note: str = ""
    at_least: bool = False

    @property
    def sign(self) -> str:
        return "≥" if self.at_least else "≤"

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "NOT MEASURED"
        kept = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "PASS" if kept else "FAIL"

    def as_dict(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "value": self.value,
            "limit": self.limit,
            "sign": self.sign,
            "unit": self.unit,
            "verdict": self.verdict,
            "note": self.note,
        }


@dataclass
class Report:
    """Prints tables as they come and the budgets at the end.

    `budgets` and `data` are of the part that is measured now. `parts`, the JSON, has by name what
    each came to, at which commit and when.
    """

    budgets: list[Budget] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ended: list[Budget] = field(default_factory=list)

    @contextmanager
    def measuring(self, part: str, *, long: bool) -> Iterator[None]:
        """Keep what is reported while this is open as that part. `long`: as LONG=1 has it."""
        began, self.budgets, self.data = time.monotonic(), [], {}
        yield
        self.parts[part] = {
            "commit": _commit(),
            "on": datetime.now(UTC).date().isoformat(),
            "long": long,
            "load": os.getloadavg()[0],
            "seconds": time.monotonic() - began,
            **self.data,
            "budgets": [budget.as_dict() for budget in self.budgets],
        }
        self._ended += self.budgets
        self.budgets = []

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print it, and keep it for the document."""
        lines = [list(head), *map(list, rows)]
        tables = self.data.setdefault("tables", [])
        tables.append({"title": title, "head": lines[0], "rows": lines[1:]})
        _print_table(title, lines)

    def close(self) -> None:
        """Print the budgets of all parts, and plainly which were missed."""
        budgets = [*self._ended, *self.budgets]
        rows = [
            (b.what, number_text(b.value), f"{b.sign} {number_text(b.limit)}", b.unit, b.verdict)
            for b in budgets
        ]
        _print_table("Budgets", [["", "measured", "allowed", "", ""], *map(list, rows)])
        for budget in budgets:
            if budget.note:
                print(f"  {budget.what}: {budget.note}")
        missed = [budget for budget in budgets if budget.verdict != "PASS"]
        for budget in missed:
            print(f"MISSED: {budget.what} ({budget.verdict})")
        print("all budgets kept" if not missed else f"{len(missed)} budgets not kept")


def _print_table(title: str, lines: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}")
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  " + "  ".join(cells))
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def _commit() -> str:
    """The commit that is measured, with a + where the working tree differs from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "?"


def number_text(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"
