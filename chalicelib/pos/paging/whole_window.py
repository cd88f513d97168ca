"""Reports without pages: one answer is a whole window of days."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.pos.paging.day_windows import DayWindows, Window
from chalicelib.pos.paging.response_page import ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.services.ports.pos import StreamPlan


@dataclass(frozen=True, slots=True)
class WindowPages(PagingStyle[Window]):
    """Reads window after window of days, newest first. It is a full listing where the newest tells
    all there is."""

    windows: DayWindows

    position_type = Window

    def start(self, plan: StreamPlan) -> Window:
        return self.windows.first_window(plan)

    def params(self, plan: StreamPlan, at: Window) -> Params:  # noqa: ARG002
        return self.windows.params(at)

    def check(self, plan: StreamPlan, at: Window, page: ResponsePage) -> None:
        self.windows.check(plan, at, page)

    def next_page(self, plan: StreamPlan, at: Window, page: ResponsePage) -> NextPage[Window]:
        window = self.windows.window_before(at, len(page.rows))
        full = window is None and self.windows.spec.newest_only
        times = None if window else self.windows.times_read(plan, at)
        return NextPage(window, full_listing=full, times=times)
