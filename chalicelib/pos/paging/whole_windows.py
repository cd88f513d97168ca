"""Reports without pages: one answer is a whole window of days, or all there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from chalicelib.pos.paging.day_windows import DayWindows, Window
from chalicelib.pos.paging.sheet import Json, Sheet, Turn
from chalicelib.services.ports.pos import Cursor, StreamPlan


class WholeAnswer:
    """The one answer, whose shape was judged, is a full listing."""

    def __init__(self, params: Mapping[str, str]) -> None:
        self._params = params

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:  # noqa: ARG002
        return dict(self._params)

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        """Everything is as good as its shape."""

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:  # noqa: ARG002
        return sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:  # noqa: ARG002
        return Turn(None, full_listing=True)


class WindowPages:
    """Window after window, newest first. `whole`: the newest tells all there is."""

    def __init__(self, windows: DayWindows, *, whole: bool) -> None:
        self._windows = windows
        self._whole = whole

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:
        return self._windows.params(self._at(plan, cursor))

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        self._windows.must_hold(self._at(plan, cursor), sheet)

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:  # noqa: ARG002
        return sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        following = self._windows.before(self._at(plan, cursor), len(sheet.rows))
        if following is not None:
            return Turn(asdict(following))
        return Turn(None, full_listing=self._whole)

    def _at(self, plan: StreamPlan, cursor: Cursor | None) -> Window:
        return Window(**cursor) if cursor else self._windows.first(plan)
