"""Numbered pages whose order nobody promised, in envelopes or as bare arrays (reference/pos.md §4).

Pages are read upwards. Rows that go away, or move to the end, pull others onto pages already read:
where that may have happened the pages are read once more, downwards, which meets what went there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.times import DAY, MINUTE, to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, fingerprint
from chalicelib.pos.profile.paging import PageLimit
from chalicelib.services.ports.pos import Cursor, StreamPlan

TICK: Instant = 1
LIVELY = 15 * MINUTE
"""A row changed this shortly before the run, by the POS's clock, may be changing while we read."""


@dataclass(frozen=True, slots=True)
class UnorderedPosition:
    """Where a listing stands. Asked for is what lies from `after` to `before`; `floor` is where the
    last window begins. `size` is the length of a full page, where only bare arrays tell. `moved`:
    rows may have changed places. `down`: the pages are being read again, downwards. `read`: the
    fingerprint of the page read before this one."""

    page: int = 1
    after: Instant | None = None
    before: Instant | None = None
    floor: Instant | None = None
    pages: int | None = None
    size: int = 0
    moved: bool = False
    down: bool = False
    read: str | None = None

    def cursor(self) -> Cursor:
        return {name: getattr(self, name) for name in self.__slots__}


class LimitedPages:
    """The style; `changed` and `filtered` read the instants the profile names."""

    def __init__(
        self,
        page: PageLimit,
        changed: Callable[[Json], Instant | None],
        filtered: Callable[[Json], Instant | None],
    ) -> None:
        self._page = page
        self._changed = changed
        self._filtered = filtered

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:
        at, page = self._place(plan, cursor), self._page
        params = {page.number: str(at.page), page.size: str(page.limit), **page.params}
        if page.since and at.after is not None:
            params[page.since.after] = _text(at.after)
        if page.since and page.since.before and at.before is not None:
            params[page.since.before] = _text(at.before)
        return params

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        """Every row must satisfy the filter: a POS ignores names it does not know."""
        at = self._place(plan, cursor)
        sheet.must_be_number(at.page)
        sheet.must_differ(at.read)
        # Of nothing at all, some say that it is one page.
        if not sheet.rows and at.page <= (sheet.last_page or 0) > 1:
            raise UnexpectedAnswer(f"An empty page in the middle of {sheet.name}.")
        if self._page.since is None or (at.after is None and at.before is None):
            return
        for instant in map(self._filtered, sheet.rows):
            if instant is None:
                continue
            early = at.after is not None and instant < at.after
            if early or (at.before is not None and instant > at.before):
                raise FilterIgnored(f"The filter by time is ignored: {sheet.name}.")

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:  # noqa: ARG002
        return sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        at = self._place(plan, cursor)
        following = self._following(plan, at, sheet) or self._next_window(at)
        if following is not None:
            return Turn(following.cursor(), again=at.down)
        whole = at.after is None and at.before is None
        return Turn(None, full_listing=whole, again=at.down)

    def _following(
        self, plan: StreamPlan, at: UnorderedPosition, sheet: Sheet
    ) -> UnorderedPosition | None:
        """The next page of this window, or None when the window is read."""
        at = replace(at, read=fingerprint(sheet.rows))
        if at.down:
            return replace(at, page=at.page - 1) if at.page > 1 else None
        seen = replace(
            at,
            pages=sheet.last_page,
            size=max(at.size, len(sheet.rows)),
            moved=self._moved(plan, at, sheet),
        )
        if not _is_last(at, sheet):
            return replace(seen, page=at.page + 1)
        if seen.moved and at.page > 1:
            return replace(seen, page=at.page - 1, down=True)
        return None

    def _moved(self, plan: StreamPlan, at: UnorderedPosition, sheet: Sheet) -> bool:
        """Whether rows may have changed places: there are more or fewer pages, or one was changed
        just now."""
        if self._page.changed is None:
            return False
        if at.moved or (at.page > 1 and at.pages != sheet.last_page):
            return True
        lately = plan.now - LIVELY
        return any(
            instant is not None and instant >= lately for instant in map(self._changed, sheet.rows)
        )

    def _place(self, plan: StreamPlan, cursor: Cursor | None) -> UnorderedPosition:
        if cursor:
            return UnorderedPosition(**cursor)
        since = self._page.since
        if since is None:
            return UnorderedPosition()
        if plan.since is not None:
            return UnorderedPosition(after=plan.since - since.look_back_days * DAY)
        if since.window_days is None:
            return UnorderedPosition()
        history = since.history_days * DAY
        floor = plan.now - history if plan.history_from is None else plan.history_from
        # The newest window has no end, so that no row can fall off it.
        return UnorderedPosition(after=max(floor, plan.now - since.window_days * DAY), floor=floor)

    def _next_window(self, at: UnorderedPosition) -> UnorderedPosition | None:
        """The window before this one; a row at the seam is met twice rather than never."""
        since = self._page.since
        if since is None or since.window_days is None or at.floor is None or at.after is None:
            return None
        if at.after <= at.floor:
            return None
        start = max(at.floor, at.after - since.window_days * DAY)
        return UnorderedPosition(after=start, before=at.after + TICK, floor=at.floor)


def _is_last(at: UnorderedPosition, sheet: Sheet) -> bool:
    if sheet.last_page is not None:
        return at.page >= sheet.last_page
    return not sheet.rows or len(sheet.rows) < at.size


def _text(at: Instant) -> str:
    moment = to_datetime(at).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
