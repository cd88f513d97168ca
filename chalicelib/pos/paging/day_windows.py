"""Cuts a stream's history into windows of days on the store's clock, newest first.

Such a POS knows neither offsets nor last changes: days are its own, and late edits are found by
reading recent days again (reference/pos.md §3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.times import from_datetime, local_day
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.filters import Filter, Params, history_start
from chalicelib.pos.paging.response_page import Json, ResponsePage
from chalicelib.pos.profile.paging import DayFilter
from chalicelib.pos.rows import times
from chalicelib.services.ports.pos import StreamPlan, TimeSpan

AHEAD_DAYS = 2
"""The newest window ends this many days after today began: neither a clock that is fast nor a zone
that is wrong hides today's rows."""
MANY = 4
"""So many times as many rows as make the next window longer make it shorter."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days by their ordinal; `high` is the first day after the window, `floor` where the last
    window begins, `days` how long this one was meant to be."""

    low: int
    high: int
    floor: int
    days: int


@dataclass(frozen=True, slots=True)
class DayWindows(Filter[Window]):
    """Cuts the history of a stream into windows of days on the clock of the store, whose zone is
    `zone`. `formats`: how the POS writes times."""

    spec: DayFilter
    zone: str
    formats: tuple[str, ...]

    span_type = Window

    def first(self, plan: StreamPlan) -> Window:
        """The window that holds today."""
        today = self._day(plan.now)
        floor = min(today, self._floor(plan, today))
        days = self.spec.days
        return Window(max(floor, today - days + 1), today + AHEAD_DAYS, floor, days)

    def following(self, span: Window, rows: int) -> Window | None:
        """The window before one that held `rows`; None when that one reached the floor."""
        spec, days = self.spec, span.days
        if span.low <= span.floor or spec.newest_only:
            return None
        if rows < spec.grow_below:
            days = min(days * 2, spec.max_days)
        elif rows > spec.grow_below * MANY:
            days = max(days // 2, spec.days)
        return Window(max(span.floor, span.low - days), span.low, span.floor, days)

    def leaves_nothing_out(self, plan: StreamPlan, span: Window) -> bool:  # noqa: ARG002
        """Where the newest window tells all there is."""
        return self.spec.newest_only

    def times_read(self, plan: StreamPlan, span: Window) -> TimeSpan | None:
        """The times that a listing showed whose last window was this one; None of one that is not
        about its days. They are what the shop's clock showed, as if it were UTC."""
        if self.spec.newest_only:
            return None
        first, end = map(_midnight, (span.floor, self.first(plan).high))
        return TimeSpan(
            from_datetime(first.replace(tzinfo=UTC)), from_datetime(end.replace(tzinfo=UTC))
        )

    def params(self, span: Window) -> Params:
        end = _midnight(span.high)
        if self.spec.until_included:
            end -= timedelta(seconds=1)
        return {
            self.spec.after: _midnight(span.low).strftime(self.spec.format),
            self.spec.before: end.strftime(self.spec.format),
        }

    def check(self, plan: StreamPlan, span: Window, page: ResponsePage) -> None:
        """Raises FilterIgnored when most rows lie outside. Rows that are dated ahead tell of a
        wrong clock, not of the filter."""
        ahead = self._day(plan.now) + AHEAD_DAYS
        days = (at.toordinal() for row in page.rows if (at := self._wall_clock(row)) is not None)
        page.check_filter(
            (day < span.low or span.high <= day < ahead for day in days),
            "The filter by date is ignored",
        )

    def _wall_clock(self, row: Json) -> datetime | None:
        return times.wall_clock(self.spec.field.value(row), self.formats)

    def _floor(self, plan: StreamPlan, today: int) -> int:
        """The first day to read."""
        since, look_back = plan.since, self.spec.look_back
        floor = self._day(history_start(plan, self.spec.history_days) if since is None else since)
        if look_back is None or plan.kind == "between":
            return floor
        days = look_back.daily_days if plan.kind == "daily" else look_back.weekly_days
        return min(floor, today - days)

    def _day(self, at: Instant) -> int:
        return local_day(at, self.zone).toordinal()


def _midnight(day: int) -> datetime:
    """On a clock that tells no zone."""
    return datetime.combine(date.fromordinal(day), datetime.min.time())
