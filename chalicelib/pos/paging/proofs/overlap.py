"""Rows asked for from a place on, until fewer come than were asked for (reference/pos.md §5.2).

Nothing tells how many rows there are, or that they moved meanwhile. So each request begins with
the last row seen: when another stands there, the rows are read once more from the start, and when
nothing stands there, the page is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.pos.paging.day_windows import Window
from chalicelib.pos.paging.filters import Filter, Span
from chalicelib.pos.paging.pagers import Params, PlacePager
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows import coerce
from chalicelib.services.ports.pos import StreamPlan

MAX_LISTINGS = 3
"""How often rows that moved meanwhile are read before they count as incomplete."""


@dataclass(frozen=True, slots=True)
class OverlapPosition:
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
    window: Window | Span | None = None


@dataclass(frozen=True, slots=True)
class OverlappingPages(PagingStyle[OverlapPosition]):
    """Reads a listing from place to place until a short page, and again when rows moved between
    pages. `id`: what a row is known by."""

    pager: PlacePager
    filter: Filter[Any]
    id: Path
    fixed: Params

    position_type = OverlapPosition

    def start(self, plan: StreamPlan) -> OverlapPosition:
        return OverlapPosition(window=self.filter.first(plan) if self.filter.is_kept else None)

    def params(self, plan: StreamPlan, at: OverlapPosition) -> Params:
        place = self.pager.rows_from(max(0, at.start - 1))
        return {**place, **self.fixed, **self.filter.params(self._span(plan, at))}

    def check(self, plan: StreamPlan, at: OverlapPosition, page: ResponsePage) -> None:
        if at.start and not page.rows:
            page.refuse_as_gap()
        if self._is_as_before(at, page):
            page.refuse_as_another()
        self.filter.check(plan, self._span(plan, at), page)

    def new_rows(self, plan: StreamPlan, at: OverlapPosition, page: ResponsePage) -> list[Json]:  # noqa: ARG002
        return page.rows[1:] if self._goes_on(at, page) else page.rows

    def next_page(
        self, plan: StreamPlan, at: OverlapPosition, page: ResponsePage
    ) -> NextPage[OverlapPosition]:
        goes_on = self._goes_on(at, page)
        rows_moved = bool(at.start and not goes_on)
        if rows_moved and at.listing < MAX_LISTINGS:
            begun_again = OverlapPosition(
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
        self, plan: StreamPlan, at: OverlapPosition, *, again: bool
    ) -> NextPage[OverlapPosition]:
        """The next span, after all rows of one were read; after the last one, the end."""
        span = self._span(plan, at)
        earlier = self.filter.following(span, at.start)
        if earlier is not None:
            onward = OverlapPosition(longest=at.longest, moved=at.moved, window=earlier)
            return NextPage(onward, again=again)
        full = self.filter.leaves_nothing_out(plan, span) and not at.moved
        times = None if at.moved else self.filter.times_read(plan, span)
        return NextPage(None, full_listing=full, again=again, times=times)

    def _span(self, plan: StreamPlan, at: OverlapPosition) -> Any:
        """What is asked for of the listing."""
        return self.filter.first(plan) if at.window is None else at.window

    def _is_full(self, at: OverlapPosition, page: ResponsePage) -> bool:
        """A short page ends the rows, once it is known what a full one is."""
        return len(page.rows) >= min(self.pager.limit, max(at.longest, 1))

    def _is_as_before(self, at: OverlapPosition, page: ResponsePage) -> bool:
        """Whether a full page ends where the last one did, instead of beginning there: a POS that
        ignores where to start would be read for ever."""
        if not at.start or len(page.rows) < at.longest or self._goes_on(at, page):
            return False
        return self._id(page.rows[-1]) == at.last

    def _goes_on(self, at: OverlapPosition, page: ResponsePage) -> bool:
        """Whether the page begins with the last row seen."""
        return bool(at.start and page.rows) and self._id(page.rows[0]) == at.last

    def _id(self, row: Json) -> str:
        """A row without an id is known by all that it says."""
        return coerce.id_if_usable(self.id.value(row)) or fingerprint(row)
