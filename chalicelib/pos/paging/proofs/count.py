"""Numbered pages that say how many rows there are in all (reference/pos.md §1.5)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.pos.paging.pagers import NumberPager, Params
from chalicelib.pos.paging.response_page import ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows import coerce
from chalicelib.services.ports.pos import StreamPlan

MAX_LISTINGS = 2
"""How often a listing whose rows moved meanwhile is read before it counts as incomplete."""


@dataclass(frozen=True, slots=True)
class CountPosition:
    """The position of a numbered listing: before `page`. `seen` counts rows by rising id, `last` is
    the last id. `total`: the rows in all, by the page before; `moved`: it was another earlier.
    `listing`: 1 in the first reading, 2 in the second. `read`: the last page's fingerprint."""

    page: int = 1
    seen: int = 0
    last: int = 0
    total: int | None = None
    moved: bool = False
    listing: int = 1
    read: str | None = None


@dataclass(frozen=True, slots=True)
class CountedPages(PagingStyle[CountPosition]):
    """Reads pages 1, 2, 3 … of rows sorted by `id`, always the whole listing.

    A row that goes away while we read pulls the next one onto a page already read. That shows in
    the count: the listing is then read once more, and if rows moved again it is not a full one.
    """

    pager: NumberPager
    id: Path
    fixed: Params

    position_type = CountPosition

    def start(self, plan: StreamPlan) -> CountPosition:  # noqa: ARG002
        return CountPosition()

    def params(self, plan: StreamPlan, at: CountPosition) -> Params:  # noqa: ARG002
        return {**self.pager.page(at.page), **self.fixed}

    def check(self, plan: StreamPlan, at: CountPosition, page: ResponsePage) -> None:  # noqa: ARG002
        page.check_number(at.page)
        page.check_differs(at.read)
        if not page.rows and page.row_count() > (at.page - 1) * page.size:
            page.refuse_as_gap()

    def next_page(
        self,
        plan: StreamPlan,  # noqa: ARG002
        at: CountPosition,
        page: ResponsePage,
    ) -> NextPage[CountPosition]:
        total = page.row_count()
        moved = at.moved or at.total not in (None, total)
        again = at.listing > 1
        seen, last = self._count(at, page)
        if page.rows and at.page < page.pages:
            read = fingerprint(page.rows)
            onward = CountPosition(at.page + 1, seen, last, total, moved, at.listing, read)
            return NextPage(onward, again=again)
        if seen >= total and not moved:
            return NextPage(None, full_listing=True, again=again)
        if at.listing < MAX_LISTINGS:
            return NextPage(CountPosition(listing=at.listing + 1), again=again)
        return NextPage(None, again=again)

    def _count(self, at: CountPosition, page: ResponsePage) -> tuple[int, int]:
        """Rows seen so far, repeated ids left out, and the highest id."""
        seen, last = at.seen, at.last
        for row in page.rows:
            number = coerce.whole_number(self.id.value(row))
            if number is None or number > last:
                seen += 1
                last = number or last
        return seen, last
