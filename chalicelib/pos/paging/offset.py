"""Rows counted from the start, until fewer come than were asked for (reference/pos.md §5.2).

Nothing tells how many rows there are, or that they moved meanwhile. So each question begins with
the last row seen: when another stands there, the rows are read once more from the start, and when
nothing stands there, the page is none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from chalicelib.domain.errors import FilterIgnored, UnexpectedAnswer
from chalicelib.domain.times import HOUR, to_datetime
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.day_windows import DayWindows, Window
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, fingerprint
from chalicelib.pos.profile.paging import ModifiedSince, Offset
from chalicelib.pos.rows import coerce
from chalicelib.services.ports.pos import Cursor, StreamPlan

MAX_LISTINGS = 3
"""How often rows that moved under our feet are read before they count as incomplete."""


@dataclass(frozen=True, slots=True)
class OffsetPosition:
    """Where the rows of one window, or of the whole listing, stand. `start` of them were met,
    `last` is the id of the last one. `met`: how many were in an earlier reading. `longest`: the
    longest page so far, since the POS may give fewer rows than we ask for."""

    start: int = 0
    last: str | None = None
    listing: int = 1
    met: int = 0
    longest: int = 0
    moved: bool = False
    window: dict[str, int] | None = None


class SinceModified:
    """The filter by the last change, on the store's clock."""

    def __init__(self, spec: ModifiedSince, zone: str, formats: tuple[str, ...]) -> None:
        self._spec = spec
        self._zone = zone
        self._formats = formats

    def params(self, since: Instant) -> dict[str, str]:
        return {self._spec.param: self._from(since).strftime(self._spec.format)}

    def must_hold(self, since: Instant, sheet: Sheet) -> None:
        """Raises FilterIgnored when a row is older than asked for."""
        earliest = self._from(since).replace(microsecond=0)
        for row in sheet.rows:
            value = row.get(self._spec.field) if isinstance(row, dict) else None
            at = coerce.wall_clock(value, self._formats)
            if at is not None and at < earliest:
                raise FilterIgnored(f"The filter by last change is ignored: {sheet.name}.")

    def _from(self, since: Instant) -> datetime:
        """What the clock showed; an hour earlier when it is about to be put back, for it will then
        show that hour again."""
        shown = to_datetime(since, self._zone)
        later = to_datetime(since + HOUR, self._zone)
        if later.utcoffset() != shown.utcoffset():
            shown = to_datetime(since - HOUR, self._zone)
        return shown.replace(tzinfo=None)


class OffsetPages:
    """The style."""

    def __init__(
        self, page: Offset, windows: DayWindows | None, modified: SinceModified | None
    ) -> None:
        self._page = page
        self._windows = windows
        self._modified = modified

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:
        at = self._place(plan, cursor)
        params = {
            self._page.start: str(max(0, at.start - 1)),
            self._page.size: str(self._page.limit),
        }
        if self._windows and at.window:
            params |= self._windows.params(Window(**at.window))
        if self._modified and plan.since is not None:
            params |= self._modified.params(plan.since)
        return params

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        at = self._place(plan, cursor)
        if at.start and not sheet.rows:
            raise UnexpectedAnswer(f"An empty page in the middle of {sheet.name}.")
        if self._is_as_before(at, sheet):
            sheet.refuse_as_another()
        if self._windows and at.window:
            self._windows.must_hold(Window(**at.window), sheet)
        if self._modified and plan.since is not None:
            self._modified.must_hold(plan.since, sheet)

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:
        at = self._place(plan, cursor)
        return sheet.rows[1:] if self._goes_on(at, sheet) else sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        at = self._place(plan, cursor)
        goes_on = self._goes_on(at, sheet)
        if at.start and not goes_on and at.listing < MAX_LISTINGS:
            begun_again = OffsetPosition(
                listing=at.listing + 1,
                met=max(at.met, at.start),
                longest=at.longest,
                moved=at.moved,
                window=at.window,
            )
            return Turn(asdict(begun_again), again=at.start <= at.met)
        moved = at.moved or bool(at.start and not goes_on)
        came = len(sheet.rows) - goes_on
        following = replace(
            at,
            start=at.start + came,
            last=self._id(sheet.rows[-1]) if sheet.rows else None,
            longest=max(at.longest, len(sheet.rows)),
            moved=moved,
        )
        again = following.start <= at.met
        if self._is_more(at, sheet, came):
            return Turn(asdict(following), again=again)
        return self._ended(plan, following, again=again)

    def _ended(self, plan: StreamPlan, at: OffsetPosition, *, again: bool) -> Turn:
        """The rows of this window, or all of them, were read."""
        if self._windows and at.window:
            window = self._windows.before(Window(**at.window), at.start)
            if window is None:
                return Turn(None, again=again)
            place = OffsetPosition(longest=at.longest, window=asdict(window))
            return Turn(asdict(place), again=again)
        return Turn(None, full_listing=plan.since is None and not at.moved, again=again)

    def _is_more(self, at: OffsetPosition, sheet: Sheet, came: int) -> bool:
        """A short page ends the rows, once it is known what a full one is."""
        return came > 0 and len(sheet.rows) >= min(self._page.limit, max(at.longest, 1))

    def _is_as_before(self, at: OffsetPosition, sheet: Sheet) -> bool:
        """Whether a full page ends where the last one did, instead of beginning there: a POS that
        ignores where to start would be read for ever."""
        if not at.start or len(sheet.rows) < at.longest or self._goes_on(at, sheet):
            return False
        return self._id(sheet.rows[-1]) == at.last

    def _goes_on(self, at: OffsetPosition, sheet: Sheet) -> bool:
        """Whether the page begins with the last row seen."""
        return bool(at.start and sheet.rows) and self._id(sheet.rows[0]) == at.last

    def _id(self, row: Json) -> str:
        """A row without an id is known by all that it says."""
        value = row.get(self._page.id) if isinstance(row, dict) else None
        return coerce.optional_id(value) or fingerprint(row)

    def _place(self, plan: StreamPlan, cursor: Cursor | None) -> OffsetPosition:
        if cursor:
            return OffsetPosition(**cursor)
        return OffsetPosition(window=asdict(self._windows.first(plan)) if self._windows else None)
