"""Writes docs/performance.md and its plots from the JSON of a bench.

python -m benchmarks.document bench.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.report import number_text
from tools.paths import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
WIDTH, HEIGHT, MARGIN = 720, 320, 48
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b2d8b", "#b08900", "#444444")
INTRODUCTION = """\
# Performance

Written by `make bench` from its JSON; do not edit. Each budget stands in architecture.md §7.
The runs beside people are in virtual time: the real code on tables in memory, where each call to
DynamoDB takes as long as the profile says, plus the client's measured CPU; every worker has a core.
What is measured in microseconds or milliseconds depends on the machine, and on what else it does;
budgets are ratios in one run, units, megabytes and virtual time.
"""
WHEN = """\
The parts may be measured one by one: `python -m benchmarks --only waiting --with` a JSON of before
takes the others over. `load`: the machine's load average when the part ended.
"""


def write_document(parts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the page and the plots of what was measured, by parts in their order."""
    PLOTS.mkdir(exist_ok=True)
    pieces = [INTRODUCTION, "## When it was measured\n", WHEN, _measured_table(parts)]
    pieces += ["## Budgets\n", _budget_table(parts)]
    pieces += [_table(table) for part in parts.values() for table in part.get("tables", ())]
    pieces += ["## Plots\n", *_plots(parts["waiting"]["waiting"])]
    DOCUMENT.write_text("\n".join(pieces), encoding="utf-8")


def _plots(waiting: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    _save("waits.svg", _distribution([run for run in waiting if run["people"]]))
    _save("holds.svg", _bars(waiting, "hold_p99", 1_000, "hold of a part, p99, in ms"))
    _save("records.svg", _bars(waiting, "records_per_second", 1, "records a second"))
    for name, title in (
        ("waits", "How long people wait beside a first load"),
        ("holds", "How long a part holds the commit lock"),
        ("records", "Records a second"),
    ):
        yield f"![{title}](performance/{name}.svg)\n"


def _measured_table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Which commit each part was measured at; a + where files were changed since it."""
    rows = [
        (
            name,
            part["commit"],
            part["on"],
            "LONG=1" * part["long"],
            f"{part['seconds']:.0f}",
            f"{part['load']:.1f}",
        )
        for name, part in parts.items()
    ]
    return _markdown(("part", "commit", "on", "", "seconds", "load"), rows)


def _budget_table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (
            name,
            budget["what"],
            number_text(budget["value"]),
            f"{budget['sign']} {number_text(budget['limit'])}",
            budget["unit"],
            budget["verdict"],
        )
        for name, part in parts.items()
        for budget in part["budgets"]
    ]
    return _markdown(("part", "budget", "measured", "allowed", "unit", ""), rows)


def _table(table: Mapping[str, Any]) -> str:
    return f"## {table['title']}\n\n" + _markdown(table["head"], table["rows"])


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _save(name: str, svg: str) -> None:
    Path(PLOTS / name).write_text(svg, encoding="utf-8")


def _distribution(runs: Sequence[Mapping[str, Any]]) -> str:
    """The share of people who waited at most so long, a line for each run."""
    longest = max((max(run["waits"], default=0.0) for run in runs), default=1.0) or 1.0
    shapes = []
    for number, run in enumerate(runs):
        waits = run["waits"]
        points = " ".join(
            f"{_across(wait / longest):.1f},{_up((place + 1) / len(waits)):.1f}"
            for place, wait in enumerate(waits)
        )
        colour = COLOURS[number % len(COLOURS)]
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        shapes.append(
            _text(MARGIN + 260, HEIGHT - MARGIN - 14 * (number + 1), run["title"], colour)
        )
    shapes += [
        _text(_across(share) - 12, HEIGHT - MARGIN + 16, f"{share * longest * 1000:.0f} ms")
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    shapes += [_text(4, _up(share), f"{share:.0%}") for share in (0, 0.5, 1)]
    return _svg(shapes, HEIGHT, "Share of people who waited at most so long")


def _bars(runs: Sequence[Mapping[str, Any]], name: str, times: float, title: str) -> str:
    """A bar for each run."""
    largest = max(run[name] for run in runs) or 1.0
    shapes, line = [], 20
    for number, run in enumerate(runs):
        top = 30 + number * line
        length = (WIDTH - 470) * run[name] / largest
        colour = COLOURS[0 if run["people"] else 2]
        shapes.append(_text(4, top + 11, run["title"]))
        shapes.append(f'<rect x="400" y="{top}" width="{length:.1f}" height="14" fill="{colour}"/>')
        shapes.append(_text(406 + length, top + 11, f"{run[name] * times:,.0f}"))
    return _svg(shapes, 40 + line * len(runs), title)


def _svg(shapes: Sequence[str], height: int, title: str) -> str:
    body = "\n".join([_text(4, 14, title), *shapes])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, colour: str = "#222222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{escape(words)}</text>'


def _across(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _up(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


if __name__ == "__main__":
    write_document(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["parts"])
