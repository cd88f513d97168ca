"""Rows counted from the start, until fewer come than were asked for (reference/pos.md §5.2).

Nothing tells how many rows there are, or that they moved meanwhile. So each request begins with
the last row seen: when another stands there, the rows are read once more from the start, and when
nothing stands there, the page is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.times import HOUR, to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.day_windows import DayWindows, Window
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.pos.profile.paging import ModifiedSince, Offset
from chalicelib.pos.rows import coerce, times
from chalicelib.services.ports.pos import StreamPlan

MAX_LISTINGS = 3
"""How often rows that moved meanwhile are read before they count as incomplete."""


@dataclass(frozen=True, slots=True)
class OffsetPosition:
    """The position of a listing by offset, or of a window of it. `start` rows were met, `last` is
    the id of the last one. `listing`: 1 in the first reading; `met`: rows met in earlier ones;
    `moved`: the last reading found rows moved, too, here or in a window before. `longest`: the rows
    of the longest page so far, since the POS may give fewer than we ask for."""

    start: int = 0
    last: str | None = None
    listing: int = 1
    met: int = 0
    longest: int = 0
    moved: bool = False
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class ModifiedFilter:
    """The filter by the last change, on the clock of the store, whose zone is `zone`."""

    spec: ModifiedSince
    zone: str
    formats: tuple[str, ...]

    def params(self, since: Instant) -> Params:
        return {self.spec.param: self._from(since).strftime(self.spec.format)}

    def check(self, since: Instant, page: ResponsePage) -> None:
        """Raises FilterIgnored when most rows are older than asked for."""
        earliest = self._from(since).replace(microsecond=0)
        values = (row.get(self.spec.field) if isinstance(row, dict) else None for row in page.rows)
        clocks = (times.wall_clock(value, self.formats) for value in values)
        page.check_filter(
            (at < earliest for at in clocks if at is not None),
            "The filter by last change is ignored",
        )

    def _from(self, since: Instant) -> datetime:
        """What the clock showed; an hour earlier when it is about to be put back, for it will then
        show that hour again."""
        shown = to_datetime(since, self.zone)
        later = to_datetime(since + HOUR, self.zone)
        if later.utcoffset() != shown.utcoffset():
            shown = to_datetime(since - HOUR, self.zone)
        return shown.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class OffsetPages(PagingStyle[OffsetPosition]):
    """Reads a listing by offset until a short page, and again when rows moved between pages.
    `windows` bound it by days, `modified` by the last change."""

    spec: Offset
    windows: DayWindows | None
    modified: ModifiedFilter | None

    position_type = OffsetPosition

    def start(self, plan: StreamPlan) -> OffsetPosition:
        return OffsetPosition(window=self.windows.first_window(plan) if self.windows else None)

    def params(self, plan: StreamPlan, at: OffsetPosition) -> Params:
        params = {self.spec.start: str(max(0, at.start - 1)), self.spec.size: str(self.spec.limit)}
        if self.windows and at.window:
            params |= self.windows.params(at.window)
        if self.modified and plan.since is not None:
            params |= self.modified.params(plan.since)
        return params

    def check(self, plan: StreamPlan, at: OffsetPosition, page: ResponsePage) -> None:
        if at.start and not page.rows:
            page.refuse_as_gap()
        if self._is_as_before(at, page):
            page.refuse_as_another()
        if self.windows and at.window:
            self.windows.check(plan, at.window, page)
        if self.modified and plan.since is not None:
            self.modified.check(plan.since, page)

    def new_rows(self, plan: StreamPlan, at: OffsetPosition, page: ResponsePage) -> list[Json]:  # noqa: ARG002
        return page.rows[1:] if self._goes_on(at, page) else page.rows

    def next_page(
        self, plan: StreamPlan, at: OffsetPosition, page: ResponsePage
    ) -> NextPage[OffsetPosition]:
        goes_on = self._goes_on(at, page)
        rows_moved = bool(at.start and not goes_on)
        if rows_moved and at.listing < MAX_LISTINGS:
            begun_again = OffsetPosition(
                listing=at.listing + 1,
                met=max(at.met, at.start),
                longest=at.longest,
                moved=at.moved,
                window=at.window,
            )
            return NextPage(begun_again, again=at.start <= at.met)
        new_rows = len(page.rows) - goes_on
        following = replace(
            at,
            start=at.start + new_rows,
            last=self._id(page.rows[-1]) if page.rows else None,
            longest=max(at.longest, len(page.rows)),
            moved=at.moved or rows_moved,
        )
        again = following.start <= at.met
        if new_rows > 0 and self._is_full(at, page):
            return NextPage(following, again=again)
        return self._after_last(plan, following, again=again)

    def _after_last(
        self, plan: StreamPlan, at: OffsetPosition, *, again: bool
    ) -> NextPage[OffsetPosition]:
        """The next window, after all rows of one were read; without windows, the end."""
        if self.windows and at.window:
            window = self.windows.window_before(at.window, at.start)
            if window:
                onward = OffsetPosition(longest=at.longest, moved=at.moved, window=window)
                return NextPage(onward, again=again)
            times = None if at.moved else self.windows.times_read(plan, at.window)
            return NextPage(None, again=again, times=times)
        return NextPage(None, full_listing=plan.since is None and not at.moved, again=again)

    def _is_full(self, at: OffsetPosition, page: ResponsePage) -> bool:
        """A short page ends the rows, once it is known what a full one is."""
        return len(page.rows) >= min(self.spec.limit, max(at.longest, 1))

    def _is_as_before(self, at: OffsetPosition, page: ResponsePage) -> bool:
        """Whether a full page ends where the last one did, instead of beginning there: a POS that
        ignores where to start would be read for ever."""
        if not at.start or len(page.rows) < at.longest or self._goes_on(at, page):
            return False
        return self._id(page.rows[-1]) == at.last

    def _goes_on(self, at: OffsetPosition, page: ResponsePage) -> bool:
        """Whether the page begins with the last row seen."""
        return bool(at.start and page.rows) and self._id(page.rows[0]) == at.last

    def _id(self, row: Json) -> str:
        """A row without an id is known by all that it says."""
        return coerce.id_if_usable(self.spec.id.value(row)) or fingerprint(row)
