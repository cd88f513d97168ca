"""Reports what was measured beside what architecture.md §7 allows, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


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
    """Prints tables as they come and the budgets at the end; `data` becomes the JSON."""

    budgets: list[Budget] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print it, and keep it for the document."""
        print(f"\n{title}")
        lines = [list(head), *map(list, rows)]
        tables = self.data.setdefault("tables", [])
        tables.append({"title": title, "head": lines[0], "rows": lines[1:]})
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for number, line in enumerate(lines):
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            print("  " + "  ".join(cells))
            if number == 0:
                print("  " + "  ".join("-" * width for width in widths))

    def close(self) -> None:
        """The budgets, and plainly which were missed."""
        rows = [
            (b.what, number_text(b.value), f"{b.sign} {number_text(b.limit)}", b.unit, b.verdict)
            for b in self.budgets
        ]
        self.table("Budgets", ("", "measured", "allowed", "", ""), rows)
        self.data["tables"].pop()
        for budget in self.budgets:
            if budget.note:
                print(f"  {budget.what}: {budget.note}")
        missed = [budget for budget in self.budgets if budget.verdict != "PASS"]
        for budget in missed:
            print(f"MISSED: {budget.what} ({budget.verdict})")
        print("all budgets kept" if not missed else f"{len(missed)} budgets not kept")
        self.data["budgets"] = [budget.as_dict() for budget in self.budgets]


def number_text(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"
