"""Reading on from the last row's instant (reference/pos.md §1.5, practice.md C.4).

Rows come sorted by the time of their last change, and each question asks for those changed after
the last row seen. A row that is edited while we read moves to the end and is met again; a row that
goes away shifts nothing; so nothing is lost, whatever happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.times import DAY, to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, fingerprint
from chalicelib.pos.profile.paging import Keyset, PageTotal
from chalicelib.services.ports.pos import Cursor, StreamPlan

TICK: Instant = 1
"""The POS tells milliseconds and may know finer ones: the row just seen is asked for again."""

MAX_MET = 250
"""Fingerprints in a cursor; of more rows at one instant the others are handed on twice."""


@dataclass(frozen=True, slots=True)
class KeysetPosition:
    """Where a keyset listing stands.

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
    met: tuple[str, ...] | list[str] = ()


class KeysetPages:
    """The style; `instant` reads the instant a row is sorted by."""

    def __init__(
        self, page: PageTotal, keyset: Keyset, instant: Callable[[Json], Instant | None]
    ) -> None:
        self._page = page
        self._keyset = keyset
        self._instant = instant

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:
        at = self._position(plan, cursor)
        params = {
            self._page.number: str(at.page),
            self._page.size: str(self._page.limit),
            **self._page.params,
            self._keyset.after: _text(at.after),
        }
        if at.before is not None and self._keyset.before:
            params[self._keyset.before] = _text(at.before)
        return params

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        """First and last row must satisfy the filter: a POS ignores names it does not know."""
        at = self._position(plan, cursor)
        sheet.must_be_number(at.page)
        total = sheet.must_total()
        if not sheet.rows:
            if total > (at.page - 1) * sheet.size or (total == 0 and at.left > 0):
                raise UnexpectedAnswer(f"An empty page in the middle of {sheet.name}.")
            return
        instants = self._instants(sheet)
        if not instants:
            raise UnexpectedAnswer(f"No row of {sheet.name} says when it was changed.")
        if instants[0] < at.after or (at.before is not None and instants[-1] > at.before):
            raise FilterIgnored(f"The filter by time is ignored: {sheet.name}.")
        if any(later < earlier for earlier, later in pairwise(instants)):
            raise FilterIgnored(f"The rows do not come sorted as asked: {sheet.name}.")

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:
        at = self._position(plan, cursor)
        if not at.met or at.page > 1 or at.sweeping:
            return sheet.rows
        met, end = set(at.met), at.after + TICK
        repeated = set()
        for place, row in enumerate(sheet.rows):
            if (self._instant(row) or end) > end:
                break
            if fingerprint(row) in met:
                repeated.add(place)
        return [row for place, row in enumerate(sheet.rows) if place not in repeated]

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        at = self._position(plan, cursor)
        following = self._following(at, sheet)
        if following is None:
            following = self._next_window(at)
        if following is not None:
            return Turn(asdict(following), again=at.sweeping)
        whole = plan.since is None and self._keyset.window_days is None
        return Turn(None, full_listing=whole, again=at.sweeping)

    def _position(self, plan: StreamPlan, cursor: Cursor | None) -> KeysetPosition:
        if cursor:
            return KeysetPosition(**cursor)
        if plan.since is not None:
            return KeysetPosition(after=plan.since, low=plan.since, floor=plan.since)
        if self._keyset.window_days is None:
            return KeysetPosition(after=0, low=0, floor=0)
        history = self._keyset.history_days * DAY
        floor = plan.now - history if plan.history_from is None else plan.history_from
        # The newest window has no end, so that no row can fall off it while being edited.
        return _window(plan.now, floor, self._keyset.window_days)

    def _next_window(self, at: KeysetPosition) -> KeysetPosition | None:
        """The window before this one; None when this one reached the floor."""
        if at.low <= at.floor or self._keyset.window_days is None:
            return None
        window = _window(at.low, at.floor, self._keyset.window_days)
        return replace(window, before=at.low)

    def _following(self, at: KeysetPosition, sheet: Sheet) -> KeysetPosition | None:
        """The next position in this window, or None when the window is read."""
        if at.sweeping:
            return self._swept(at)
        complete = self._is_last(at, sheet)
        if at.page == 1 and complete:
            return None
        goes_on = None if complete else self._last(sheet) - TICK
        if goes_on is not None and goes_on <= at.after:
            return replace(at, page=at.page + 1)
        met = () if goes_on is None else self._met(sheet, goes_on + TICK)
        if at.page > 1:
            return replace(at, page=at.page - 1, sweeping=True, then=goes_on, met=met)
        left = sheet.must_total() - len(sheet.rows)
        return replace(at, after=goes_on or at.after, left=left, met=met)

    def _swept(self, at: KeysetPosition) -> KeysetPosition | None:
        if at.page > 1:
            return replace(at, page=at.page - 1)
        if at.then is None:
            return None
        return replace(at, after=at.then, page=1, sweeping=False, then=None, left=0)

    def _met(self, sheet: Sheet, instant: Instant) -> tuple[str, ...]:
        met: list[str] = []
        for row in reversed(sheet.rows):
            at = self._instant(row)
            if len(met) == MAX_MET or (at is not None and at < instant):
                break
            if at == instant:
                met.append(fingerprint(row))
        return tuple(met)

    def _is_last(self, at: KeysetPosition, sheet: Sheet) -> bool:
        if not sheet.rows:
            return True
        if at.page == 1:
            return len(sheet.rows) >= sheet.must_total()
        return at.page >= sheet.pages

    def _last(self, sheet: Sheet) -> Instant:
        """The instant of the last row that tells one; `judge` has seen that there is one."""
        return next(at for at in map(self._instant, reversed(sheet.rows)) if at is not None)

    def _instants(self, sheet: Sheet) -> list[Instant]:
        """The instants of the rows that tell one, in the order received."""
        return [at for at in map(self._instant, sheet.rows) if at is not None]


def _window(end: Instant, floor: Instant, days: int) -> KeysetPosition:
    """The `days` before `end`. The beginning is part of it, but for the floor's: what changed at
    that very instant belongs to the time before."""
    low = max(floor, end - days * DAY)
    return KeysetPosition(after=low if low == floor else low - TICK, low=low, floor=floor)


def _text(at: Instant) -> str:
    """`2026-05-01T00:00:00.000Z`, the form seen in working calls."""
    moment = to_datetime(at).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
