"""Bars of running syncs, from what the API shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tools.demo.retailer import Json

_LOG_WIDTH = 100


class Bars:
    """Shows one bar per credential on stderr. `titles` and `sizes` (rows to expect) go by its id.

    Where stderr is no terminal, only the last state is printed.
    """

    def __init__(self, titles: Mapping[str, str], sizes: Mapping[str, int]) -> None:
        console = Console(stderr=True, highlight=False)
        if not console.is_terminal:
            console.width = _LOG_WIDTH
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:>6.0f} rows  {task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {
            credential: self._progress.add_task(title, total=sizes.get(credential), state="queued")
            for credential, title in titles.items()
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, run: Json) -> None:
        """Update the bar of a run, given as GET …/runs/{run} answers it."""
        fetched = sum(totals["fetched"] for totals in run["streams"].values())
        new = sum(totals["new"] for totals in run["streams"].values())
        doing = run["stream"] or run["state"]
        state = f"{doing:<10} new {new}, requests {run['requests']}"
        task = self._tasks[run["credential"]]
        if run["ended_at"]:
            self._progress.update(task, completed=fetched, total=max(fetched, 1), state=state)
            self._progress.stop_task(task)
        else:
            self._progress.update(task, completed=fetched, state=state)
