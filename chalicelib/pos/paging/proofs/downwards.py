"""Numbered pages whose order nobody promised, in envelopes or as bare arrays (reference/pos.md §4).

Pages are read upwards. Rows that go away, or move to the end, pull others onto pages already read:
where that may have happened the pages are read once more, downwards, which meets what went there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.day_windows import Window
from chalicelib.pos.paging.filters import Filter, Span
from chalicelib.pos.paging.pagers import NumberPager, Params
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.services.ports.pos import StreamPlan

LIVELY = 15 * MINUTE
"""A row changed this shortly before the run, by the POS's clock, may be changing while we read."""


@dataclass(frozen=True, slots=True)
class UnorderedPosition:
    """The position of a listing of numbered pages. Asked for are rows from `after` to `before`;
    `floor` is where the last span of them begins.

    `size` is the length of a full page, where only bare
    arrays tell. `moved`: rows may have changed places. `down`: the pages are being read again,
    downwards. `read`: the fingerprint of the page read before this one.
    """

    page: int = 1
    after: Instant | None = None
    before: Instant | None = None
    floor: Instant | None = None
    pages: int | None = None
    size: int = 0
    moved: bool = False
    down: bool = False
    read: str | None = None


@dataclass(frozen=True, slots=True)
class UnorderedWindow(UnorderedPosition):
    """A position within a window of days."""

    window: Window | None = None


@dataclass(frozen=True, slots=True)
class UnorderedPages(PagingStyle[UnorderedPosition]):
    """Reads numbered pages upwards, and downwards once more where rows may have changed pages.
    `latest` reads the last change of some rows."""

    pager: NumberPager
    filter: Filter[Any]
    latest: Callable[[Sequence[Json]], Instant | None]
    fixed: Params

    @property
    def position_type(self) -> type:  # type: ignore[override]
        return UnorderedWindow if self.filter.span_type is Window else UnorderedPosition

    def start(self, plan: StreamPlan) -> UnorderedPosition:
        return self._at(self.filter.first(plan))

    def params(self, plan: StreamPlan, at: UnorderedPosition) -> Params:  # noqa: ARG002
        return {**self.pager.page(at.page), **self.fixed, **self.filter.params(_span(at))}

    def check(self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage) -> None:
        page.check_number(at.page)
        if not at.down:  # downwards it ends anyway, and a row that moved down may come once more
            page.check_differs(at.read)
        # Of nothing at all, some say that it is one page.
        if not page.rows and at.page <= (page.last_page or 0) > 1:
            page.refuse_as_gap()
        self.filter.check(plan, _span(at), page)

    def next_page(
        self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage
    ) -> NextPage[UnorderedPosition]:
        rows = (at.page - 1) * at.size + len(page.rows)
        span, following = _span(at), self._in_window(plan, at, page)
        if following is None and (earlier := self.filter.following(span, rows)) is not None:
            following = self._at(earlier)
        if following is not None:
            return NextPage(following, again=at.down)
        complete = self.filter.leaves_nothing_out(plan, span)
        times = self.filter.times_read(plan, span)
        return NextPage(None, full_listing=complete, again=at.down, times=times)

    def _at(self, span: Any) -> UnorderedPosition:
        """The first page of a span."""
        if isinstance(span, Window):
            return UnorderedWindow(window=span)
        return UnorderedPosition(after=span.after, before=span.before, floor=span.floor)

    def _in_window(
        self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage
    ) -> UnorderedPosition | None:
        """The next page of this window, or None when the window is read."""
        at = replace(at, read=fingerprint(page.rows))
        if at.down:
            return replace(at, page=at.page - 1) if at.page > 1 else None
        upward = replace(
            at,
            pages=_extent(page),
            size=max(at.size, len(page.rows)),
            moved=self._may_have_moved(plan, at, page),
        )
        if not _is_last(at, page):
            return replace(upward, page=at.page + 1)
        if upward.moved and at.page > 1:
            return replace(upward, page=at.page - 1, down=True)
        return None

    def _may_have_moved(self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage) -> bool:
        """Whether rows may have changed places: there are more or fewer pages, or one was changed
        just now."""
        if at.moved or (at.page > 1 and at.pages != _extent(page)):
            return True
        latest = self.latest(page.rows)
        return latest is not None and latest >= plan.now - LIVELY


def _span(at: UnorderedPosition) -> Any:
    """What is asked for of the listing."""
    if isinstance(at, UnorderedWindow):
        return at.window
    return Span(at.after, at.before, at.floor)


def _extent(page: ResponsePage) -> int | None:
    """How long the POS says the listing is, in pages, else in rows."""
    return page.total if page.last_page is None else page.last_page


def _is_last(at: UnorderedPosition, page: ResponsePage) -> bool:
    """Whether the page is the last one, by what the POS says, else by its length."""
    if page.last_page is not None:
        return at.page >= page.last_page
    if page.more is not None:
        return not page.more
    if page.total is not None and page.rows:
        return at.page * max(at.size, len(page.rows)) >= page.total
    return not page.rows or len(page.rows) < at.size
