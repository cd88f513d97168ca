"""Reads on from what the last listing told: a version, a sync token (a *bookmark*).

A POS whose feed has one need not be asked by time: it hands on what came after. Where it no longer
knows the bookmark, everything is read anew, as on a first pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.cursor import load
from chalicelib.pos.paging.pagers import LONGEST_CURSOR
from chalicelib.pos.paging.response_page import Json, ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.pos.profile.paging import Bookmark
from chalicelib.services.ports.pos import Cursor, StreamPlan


@dataclass(frozen=True, slots=True)
class BookmarkPosition:
    """The position of a listing that ends with a bookmark: `at` is the position within it. `asked`:
    the bookmark it goes on from, None where everything is read; `told`: the latest that a page
    told."""

    at: Any = None
    asked: str | None = None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class BookmarkedPages(PagingStyle[BookmarkPosition]):
    """Reads `whole` where there is no bookmark, else `onward` from it, which no filter narrows."""

    spec: Bookmark
    whole: PagingStyle[Any]
    onward: PagingStyle[Any]

    position_type = BookmarkPosition

    def start(self, plan: StreamPlan) -> BookmarkPosition:
        return BookmarkPosition(self._pages(plan.bookmark).start(plan), plan.bookmark)

    def position(self, plan: StreamPlan, cursor: Cursor | None) -> BookmarkPosition:
        if not cursor:
            return self.start(plan)
        if "at" not in cursor:  # of a profile that knew no bookmark yet: it reads everything
            return BookmarkPosition(self.whole.position(plan, cursor))
        position = load(BookmarkPosition, cursor)
        return replace(position, at=self._pages(position.asked).position(plan, cursor["at"]))

    def params(self, plan: StreamPlan, at: BookmarkPosition) -> Params:
        within = self._pages(at.asked).params(plan, at.at)
        return within if at.asked is None else {self.spec.param: at.asked, **within}

    def next_url(self, plan: StreamPlan, at: BookmarkPosition) -> str | None:
        return self._pages(at.asked).next_url(plan, at.at)

    def check(self, plan: StreamPlan, at: BookmarkPosition, page: ResponsePage) -> None:
        if page.bookmark is not None and len(page.bookmark) > LONGEST_CURSOR:
            raise UnexpectedAnswer(f"The bookmark of {page.name} is too long to be kept.")
        self._pages(at.asked).check(plan, at.at, page)

    def new_rows(self, plan: StreamPlan, at: BookmarkPosition, page: ResponsePage) -> list[Json]:
        return self._pages(at.asked).new_rows(plan, at.at, page)

    def next_page(
        self, plan: StreamPlan, at: BookmarkPosition, page: ResponsePage
    ) -> NextPage[BookmarkPosition]:
        within = self._pages(at.asked).next_page(plan, at.at, page)
        told = page.bookmark or at.told
        if within.position is not None:
            return replace(within, position=replace(at, at=within.position, told=told))
        full = within.full_listing and at.asked is None
        return replace(within, full_listing=full, bookmark=told or at.asked)

    def begin_over(
        self, plan: StreamPlan, at: BookmarkPosition, status: int
    ) -> BookmarkPosition | None:
        if at.asked is not None and status in self.spec.lost:
            return BookmarkPosition(self.whole.start(plan))
        within = self._pages(at.asked).begin_over(plan, at.at, status)
        return None if within is None else BookmarkPosition(within, at.asked)

    def _pages(self, asked: str | None) -> PagingStyle[Any]:
        return self.whole if asked is None else self.onward
