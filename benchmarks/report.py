"""Reports what was measured beside what architecture.md §7 allows, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Budget:
    """One limit with the measured value, both in `unit`; a missing value was not measured."""

    what: str
    value: float | None
    limit: float
    unit: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "NOT MEASURED"
        return "PASS" if self.value <= self.limit else "FAIL"

    def as_dict(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "value": self.value,
            "limit": self.limit,
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
        print(f"\n{title}")
        lines = [list(head), *map(list, rows)]
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
            (b.what, _number(b.value), f"≤ {_number(b.limit)}", b.unit, b.verdict)
            for b in self.budgets
        ]
        self.table("Budgets", ("", "measured", "allowed", "", ""), rows)
        for budget in self.budgets:
            if budget.note:
                print(f"  {budget.what}: {budget.note}")
        missed = [budget for budget in self.budgets if budget.verdict != "PASS"]
        for budget in missed:
            print(f"MISSED: {budget.what} ({budget.verdict})")
        print("all budgets kept" if not missed else f"{len(missed)} budgets not kept")
        self.data["budgets"] = [budget.as_dict() for budget in self.budgets]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"
