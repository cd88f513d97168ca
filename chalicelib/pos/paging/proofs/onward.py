"""Listings in which each page tells the next one: by a cursor, or by a URL.

The POS is taken at its word that what it hands on is complete; that it gets on is watched. A cursor
that comes again would be asked for for ever, and one that the POS no longer knows, since a run
waited too long, is no reason to lose a row: the listing then begins again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.day_windows import Window
from chalicelib.pos.paging.filters import Filter, Span
from chalicelib.pos.paging.pagers import OnwardPager, Params
from chalicelib.pos.paging.response_page import ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.services.ports.pos import StreamPlan

MOST_BEGINNINGS = 3
"""How often a listing is begun whose cursors the POS forgets on the way."""


@dataclass(frozen=True, slots=True)
class OnwardPosition:
    """The position of such a listing. `onward`: the cursor, or the URL, to ask for; None for the
    first page of a span. `pages`: asked for so far. `mark`: the fingerprint of a cursor met
    earlier, moved on at page 1, 2, 4, 8 …, so that any circle comes round to it. `read`: the
    fingerprint of the page before. `span`: where the filter asks for several. `beginnings`: how
    often the listing was begun."""

    onward: str | None = None
    pages: int = 0
    mark: str | None = None
    read: str | None = None
    span: Window | Span | None = None
    beginnings: int = 1


@dataclass(frozen=True, slots=True)
class OnwardPages(PagingStyle[OnwardPosition]):
    """Reads a listing from each page to the one that it tells."""

    pager: OnwardPager
    filter: Filter[Any]
    fixed: Params

    position_type = OnwardPosition

    def start(self, plan: StreamPlan) -> OnwardPosition:
        return OnwardPosition(span=self._kept(self.filter.first(plan)))

    def params(self, plan: StreamPlan, at: OnwardPosition) -> Params:
        asked = {**self.fixed, **self.filter.params(self._span(plan, at))}
        if at.onward is None:
            return {**self.pager.first_page(), **asked}
        onward = self.pager.params(at.onward)
        return onward if self.pager.alone else {**asked, **onward}

    def next_url(self, plan: StreamPlan, at: OnwardPosition) -> str | None:  # noqa: ARG002
        return None if at.onward is None else self.pager.url(at.onward)

    def check(self, plan: StreamPlan, at: OnwardPosition, page: ResponsePage) -> None:
        """The page must be another than the one before, and tell another one than itself."""
        page.check_differs(at.read)
        onward = self._onward(page)
        if onward is not None and onward == at.onward:
            raise UnexpectedAnswer(f"The cursor of {page.name} does not move.")
        if onward is not None and at.mark == fingerprint(onward):
            raise UnexpectedAnswer(f"A cursor of {page.name} came twice.")
        self.filter.check(plan, self._span(plan, at), page)

    def next_page(
        self, plan: StreamPlan, at: OnwardPosition, page: ResponsePage
    ) -> NextPage[OnwardPosition]:
        onward, pages = self._onward(page), at.pages + 1
        if onward is not None:
            is_milestone = pages & (pages - 1) == 0
            mark = fingerprint(onward) if is_milestone else at.mark
            read = fingerprint(page.rows) if page.rows else at.read
            return NextPage(replace(at, onward=onward, pages=pages, mark=mark, read=read))
        span = self._span(plan, at)
        earlier = self.filter.following(span, len(page.rows))
        if earlier is not None:
            return NextPage(OnwardPosition(span=earlier, beginnings=at.beginnings))
        full = self.filter.leaves_nothing_out(plan, span)
        return NextPage(None, full_listing=full, times=self.filter.times_read(plan, span))

    def begin_over(
        self, plan: StreamPlan, at: OnwardPosition, status: int
    ) -> OnwardPosition | None:
        if at.onward is None or status not in self.pager.lost:
            return None
        if at.beginnings >= MOST_BEGINNINGS:
            return None
        return replace(self.start(plan), beginnings=at.beginnings + 1)

    def _onward(self, page: ResponsePage) -> str | None:
        """What the page tells to ask for next; None at the end."""
        if page.onward is None or page.more is False:
            return None
        if self.pager.until_empty and not page.rows:
            return None
        return self.pager.place(page.onward)

    def _span(self, plan: StreamPlan, at: OnwardPosition) -> Any:
        return self.filter.first(plan) if at.span is None else at.span

    def _kept(self, span: Any) -> Any:
        return span if self.filter.is_kept else None
