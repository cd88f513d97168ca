"""Numbered pages whose order nobody promised, in envelopes or as bare arrays (reference/pos.md §4).

Pages are read upwards. Rows that go away, or move to the end, pull others onto pages already read:
where that may have happened the pages are read once more, downwards, which meets what went there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint
from chalicelib.pos.paging.style import (
    TICK,
    NextPage,
    PagingStyle,
    Params,
    filter_text,
    history_start,
)
from chalicelib.pos.profile.paging import PageLimit
from chalicelib.services.ports.pos import StreamPlan, TimeSpan

LIVELY = 15 * MINUTE
"""A row changed this shortly before the run, by the POS's clock, may be changing while we read."""


@dataclass(frozen=True, slots=True)
class UnorderedPosition:
    """The position of a listing of numbered pages. Asked for are rows from `after` to `before`.

    `floor` is where the last window begins. `size` is the length of a full page, where only bare
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
class UnorderedPages(PagingStyle[UnorderedPosition]):
    """Reads numbered pages upwards, and downwards once more where rows may have changed pages.
    `changed` and `filtered` read the instants of a row that the profile names."""

    spec: PageLimit
    changed: Callable[[Json], Instant | None]
    filtered: Callable[[Json], Instant | None]

    position_type = UnorderedPosition

    def start(self, plan: StreamPlan) -> UnorderedPosition:
        since = self.spec.since
        if since is not None and plan.since is not None:
            return UnorderedPosition(after=plan.since - since.look_back_days * DAY)
        if since is None or since.window_days is None:
            return UnorderedPosition()
        floor = history_start(plan, since.history_days)
        # The newest window has no end, so that no row can fall off it.
        return UnorderedPosition(after=max(floor, plan.now - since.window_days * DAY), floor=floor)

    def params(self, plan: StreamPlan, at: UnorderedPosition) -> Params:  # noqa: ARG002
        spec, since = self.spec, self.spec.since
        params = {spec.number: str(at.page), spec.size: str(spec.limit), **spec.params}
        if since and at.after is not None:
            params[since.after] = filter_text(at.after)
        if since and since.before and at.before is not None:
            params[since.before] = filter_text(at.before)
        return params

    def check(self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage) -> None:
        """Most rows must satisfy the filter, those aside that are dated ahead by a wrong clock."""
        page.check_number(at.page)
        if not at.down:  # downwards it ends anyway, and a row that moved down may come once more
            page.check_differs(at.read)
        # Of nothing at all, some say that it is one page.
        if not page.rows and at.page <= (page.last_page or 0) > 1:
            page.refuse_as_gap()
        if self.spec.since is None or (at.after is None and at.before is None):
            return
        early, late, ahead = at.after or 0, at.before or plan.now + DAY, plan.now + DAY
        instants = (instant for row in page.rows if (instant := self.filtered(row)) is not None)
        page.check_filter(
            (instant < early or late < instant <= ahead for instant in instants),
            "The filter by time is ignored",
        )

    def next_page(
        self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage
    ) -> NextPage[UnorderedPosition]:
        following = self._in_window(plan, at, page) or self._next_window(at)
        complete = following is None and at.after is None and at.before is None
        times = None if following else self._times_read(plan, at)
        return NextPage(following, full_listing=complete, again=at.down, times=times)

    def _times_read(self, plan: StreamPlan, at: UnorderedPosition) -> TimeSpan | None:
        """The times that the whole listing showed, by what the filter goes by."""
        start = at.after if at.floor is None else at.floor
        return None if start is None else TimeSpan(start, plan.now)

    def _in_window(
        self, plan: StreamPlan, at: UnorderedPosition, page: ResponsePage
    ) -> UnorderedPosition | None:
        """The next page of this window, or None when the window is read."""
        at = replace(at, read=fingerprint(page.rows))
        if at.down:
            return replace(at, page=at.page - 1) if at.page > 1 else None
        upward = replace(
            at,
            pages=page.last_page,
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
        if at.moved or (at.page > 1 and at.pages != page.last_page):
            return True
        if self.spec.changed is None:
            return False
        lately = plan.now - LIVELY
        return any(
            instant is not None and instant >= lately for instant in map(self.changed, page.rows)
        )

    def _next_window(self, at: UnorderedPosition) -> UnorderedPosition | None:
        """The window before this one; a row at the seam is met twice rather than never."""
        since = self.spec.since
        if since is None or since.window_days is None or at.floor is None or at.after is None:
            return None
        if at.after <= at.floor:
            return None
        start = max(at.floor, at.after - since.window_days * DAY)
        return UnorderedPosition(after=start, before=at.after + TICK, floor=at.floor)


def _is_last(at: UnorderedPosition, page: ResponsePage) -> bool:
    """Whether the page is the last one, by what the POS says, else by its length."""
    if page.last_page is not None:
        return at.page >= page.last_page
    return not page.rows or len(page.rows) < at.size
