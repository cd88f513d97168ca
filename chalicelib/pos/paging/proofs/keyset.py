"""Reading on from the last row's instant (reference/pos.md §1.5, practice.md C.4).

Rows come sorted by the time of their last change, and each question asks for those changed after
the last row seen. A row that is edited while we read moves to the end and is met again; a row that
goes away shifts nothing; so nothing is lost, whatever happens meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import le

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.filters import (
    TICK,
    Span,
    TimeBounds,
    are_of_one_form_in_utc,
    history_start,
)
from chalicelib.pos.paging.pagers import NumberPager, Params
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.services.ports.pos import StreamPlan

MAX_MET = 250
"""Fingerprints in a cursor; of more rows at one instant the others are handed on twice."""


@dataclass(frozen=True, slots=True)
class KeysetPosition:
    """The position of a keyset listing.

    Asked for is what changed after `after` and, in a window that is not the newest, before
    `before`. `low` is where the window begins, `floor` where the last one does. `left`: rows that
    must still come.

    More rows of one instant than a page holds are read by number: `page` counts up until another
    instant appears, then, `sweeping`, down again. A row edited meanwhile leaves its page and pulls
    the rows behind it towards the front, where going down meets them. `then` is the instant to go
    on after; None after the sweep ends the window.

    `met` are fingerprints of the rows at the instant we go on from: they come again, and what has
    not changed is not handed on twice.
    """

    after: Instant
    low: Instant
    floor: Instant
    before: Instant | None = None
    page: int = 1
    left: int = 0
    sweeping: bool = False
    then: Instant | None = None
    met: tuple[str, ...] = ()


@dataclass(slots=True)
class KeysetPages(PagingStyle[KeysetPosition]):
    """Reads a listing by the instants of its rows, each page from the last row of the one before.
    They are what the filter goes by, whose bounds are exclusive."""

    pager: NumberPager
    filter: TimeBounds
    fixed: Params
    _last_instants: tuple[ResponsePage, list[Instant | None]] | None = field(
        default=None, init=False
    )
    _last_span: tuple[ResponsePage, tuple[Instant, Instant] | None] | None = field(
        default=None, init=False
    )

    position_type = KeysetPosition

    def start(self, plan: StreamPlan) -> KeysetPosition:
        spec = self.filter.spec
        if plan.since is not None:
            since = plan.since - spec.look_back_days * DAY
            return KeysetPosition(after=since, low=since, floor=since)
        floor = history_start(plan, spec.history_days)
        if spec.window_days is None:
            start = floor if spec.from_history else 0
            return KeysetPosition(after=start, low=start, floor=start)
        # The newest window has no end, so that no row can fall off it while being edited.
        return _window(plan.now, floor, spec.window_days)

    def params(self, plan: StreamPlan, at: KeysetPosition) -> Params:  # noqa: ARG002
        span = Span(at.after, at.before)
        return {**self.pager.page(at.page), **self.fixed, **self.filter.params(span)}

    def check(self, plan: StreamPlan, at: KeysetPosition, page: ResponsePage) -> None:  # noqa: ARG002
        """Most rows must satisfy the filter and stand in order."""
        page.check_number(at.page)
        total = page.row_count()
        if not page.rows:
            if total > (at.page - 1) * page.size or (total == 0 and at.left > 0):
                page.refuse_as_gap()
            return
        span = self._span(page)
        if span is not None and not any(_is_outside(instant, at) for instant in span):
            return
        in_order = [instant for instant in self._instants(page) if instant is not None]
        if not in_order:
            raise UnexpectedAnswer(f"No row of {page.name} says when it was changed.")
        if len(in_order) < len(page.rows):
            told = (instant for row in page.rows if (instant := self.filter.read(row)) is not None)
            strays = sum(1 for _ in told) - len(in_order)
            stray = (n < strays for n in range(len(in_order) + strays))
            page.check_filter(stray, "The rows do not come sorted as asked")
        if _is_outside(in_order[0], at) or _is_outside(in_order[-1], at):
            outside = (_is_outside(instant, at) for instant in in_order)
            page.check_filter(outside, "The filter by time is ignored")

    def new_rows(self, plan: StreamPlan, at: KeysetPosition, page: ResponsePage) -> list[Json]:  # noqa: ARG002
        if not at.met or at.page > 1 or at.sweeping:
            return page.rows
        met, end = set(at.met), at.after + TICK
        repeated = set()
        for index, row in enumerate(page.rows):
            if (self.filter.read(row) or end) > end:
                break
            if fingerprint(row) in met:
                repeated.add(index)
        return [row for index, row in enumerate(page.rows) if index not in repeated]

    def next_page(
        self, plan: StreamPlan, at: KeysetPosition, page: ResponsePage
    ) -> NextPage[KeysetPosition]:
        following = self._in_window(at, page) or self._next_window(at)
        spec = self.filter.spec
        is_whole = plan.since is None and spec.window_days is None and not spec.from_history
        complete = following is None and is_whole
        return NextPage(following, full_listing=complete, again=at.sweeping)

    def _next_window(self, at: KeysetPosition) -> KeysetPosition | None:
        """The window before this one; None when this one reached the floor."""
        days = self.filter.spec.window_days
        if at.low <= at.floor or days is None:
            return None
        window = _window(at.low, at.floor, days)
        return replace(window, before=at.low)

    def _in_window(self, at: KeysetPosition, page: ResponsePage) -> KeysetPosition | None:
        """The next position in this window, or None when the window is read."""
        if at.sweeping:
            return _swept(at)
        complete = self._ends_window(at, page)
        if at.page == 1 and complete:
            return None
        onward = None if complete else self._last(page) - TICK
        if onward is not None and onward <= at.after:
            return replace(at, page=at.page + 1)
        met = () if onward is None else self._met(page, onward + TICK)
        if at.page > 1:
            return replace(at, page=at.page - 1, sweeping=True, then=onward, met=met)
        left = page.row_count() - len(page.rows)
        return replace(at, after=onward or at.after, left=left, met=met)

    def _met(self, page: ResponsePage, instant: Instant) -> tuple[str, ...]:
        """Fingerprints of the rows of that instant, which the page ends with."""
        met: list[str] = []
        for row, at in self._backwards(page):
            if len(met) == MAX_MET or (at is not None and at < instant):
                break
            if at == instant:
                met.append(fingerprint(row))
        return tuple(met)

    def _ends_window(self, at: KeysetPosition, page: ResponsePage) -> bool:
        if not page.rows:
            return True
        if at.page == 1:
            return len(page.rows) >= page.row_count()
        return at.page >= page.pages

    def _last(self, page: ResponsePage) -> Instant:
        """The instant of the last row in order; `check` has seen that there is one."""
        if (span := self._span(page)) is not None:
            return span[1]
        return next(at for at in reversed(self._instants(page)) if at is not None)

    def _backwards(self, page: ResponsePage) -> Iterable[tuple[Json, Instant | None]]:
        """The rows with their instants in order, the last one first."""
        if self._span(page) is not None:
            return ((row, self.filter.read(row)) for row in reversed(page.rows))
        return zip(reversed(page.rows), reversed(self._instants(page)), strict=True)

    def _span(self, page: ResponsePage) -> tuple[Instant, Instant] | None:
        """The first and the last instant of a page whose rows show by their texts alone that they
        stand in order, which spares reading the others; None of any other page."""
        if self._last_span is None or self._last_span[0] is not page:
            self._last_span = page, self._ends(page.rows)
        return self._last_span[1]

    def _ends(self, rows: list[Json]) -> tuple[Instant, Instant] | None:
        value = self.filter.spec.field.value
        if not rows or not are_rising_in_utc([value(row) for row in rows]):
            return None
        first, last = self.filter.read(rows[0]), self.filter.read(rows[-1])
        return None if first is None or last is None else (first, last)

    def _instants(self, page: ResponsePage) -> list[Instant | None]:
        """The instants of the rows, read once for each page; None for a row that tells none, or
        stands out of order, so that reading on would miss what comes after it."""
        if self._last_instants is None or self._last_instants[0] is not page:
            self._last_instants = page, _in_order([self.filter.read(row) for row in page.rows])
        return self._last_instants[1]


def are_rising_in_utc(texts: list[Json]) -> bool:
    """Whether these are times of one form that rise as texts: then they rise as instants, too."""
    return are_of_one_form_in_utc(texts) and all(map(le, texts, texts[1:]))


def _in_order(instants: list[Instant | None]) -> list[Instant | None]:
    """The instants without the fewest that leave a rising row of them."""
    told = [at for at in instants if at is not None]
    if all(map(le, told, told[1:])):
        return instants
    ends: list[Instant] = []
    places: list[int] = []
    before: dict[int, int] = {}
    for place, at in enumerate(instants):
        if at is None:
            continue
        length = bisect_right(ends, at)
        ends[length : length + 1] = [at]
        places[length : length + 1] = [place]
        before[place] = places[length - 1] if length else -1
    rising, place = set(), places[-1]
    while place >= 0:
        rising.add(place)
        place = before[place]
    return [at if place in rising else None for place, at in enumerate(instants)]


def _is_outside(instant: Instant, at: KeysetPosition) -> bool:
    return instant < at.after or (at.before is not None and instant > at.before)


def _swept(at: KeysetPosition) -> KeysetPosition | None:
    """The next position of a sweep; after its last page the one to go on from, where there is."""
    if at.page > 1:
        return replace(at, page=at.page - 1)
    if at.then is None:
        return None
    return replace(at, after=at.then, page=1, sweeping=False, then=None, left=0)


def _window(end: Instant, floor: Instant, days: int) -> KeysetPosition:
    """The `days` before `end`. The beginning is part of it, but for the floor's: what changed at
    that very instant belongs to the time before."""
    low = max(floor, end - days * DAY)
    return KeysetPosition(after=low if low == floor else low - TICK, low=low, floor=floor)
