"""`range=[first,last]` until nothing more comes (reference/pos.md §2.4).

The POS neither filters by time nor says how many rows there are, and sends some twice, some also as
they once were. Each page begins with the last row of the one before: a page without any row is then
never the end. Where rows come newest first, reading stops after a whole page of older ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from itertools import pairwise

import orjson

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, fingerprint
from chalicelib.pos.profile.paging import RangePage
from chalicelib.services.ports.pos import Cursor, StreamPlan

MAX_MET = 150
"""Rows remembered in a cursor, so that one that comes again, or as it once was, is left out."""


@dataclass(frozen=True, slots=True)
class RangePosition:
    """`first` is the next row to ask for. `falling`: all rows so far came newest change first, the
    last at `last`; `fell`: not all of one instant. `oldest` is when the oldest row so far was made;
    `sinking`: page by page, rows were made earlier; `sank`, as before. `met`: when the latest rows
    were changed. `read`: the fingerprint of the page before."""

    first: int = 0
    falling: bool = True
    fell: bool = False
    last: Instant | None = None
    sinking: bool = True
    sank: bool = False
    oldest: Instant | None = None
    met: Mapping[str, Instant] = field(default_factory=dict)
    read: str | None = None


class RowRanges:
    """The style; `changed` and `made` read a row's instants."""

    def __init__(
        self,
        page: RangePage,
        changed: Callable[[Json], Instant | None],
        made: Callable[[Json], Instant | None],
    ) -> None:
        self._page = page
        self._changed = changed
        self._made = made
        self._told: tuple[Sheet, list[tuple[str, Instant | None]]] | None = None

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:  # noqa: ARG002
        first, page = _place(cursor).first, self._page
        return {page.param: f"[{first},{first + page.limit - 1}]", **page.params}

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:  # noqa: ARG002
        if not sheet.rows and _place(cursor).first > 0:
            raise UnexpectedAnswer(f"An empty page in the middle of {sheet.name}.")
        if len(sheet.rows) > 1:
            sheet.must_differ(_place(cursor).read)

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:
        """Rows that are neither known from the last run nor met, as new or newer, in this one."""
        met = dict(_place(cursor).met)
        bound = self._bound(plan)
        found = []
        for row, (name, at) in zip(sheet.rows, self._names(sheet), strict=True):
            stale = name in met and (at or 0) <= met[name]
            if stale or (bound is not None and at is not None and at < bound):
                continue
            met[name] = at or 0
            found.append(row)
        return found

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        at = _place(cursor)
        limited = self._page.made is not None or plan.since is not None
        if len(sheet.rows) <= 1:
            return Turn(None, full_listing=not limited)
        following = self._after(at, sheet)
        if (following.falling and following.fell) or (following.sinking and following.sank):
            bound = self._bound(plan)
            instants = [i for _, i in self._names(sheet) if i is not None]
            if bound is not None and instants and max(instants) < bound:
                return Turn(None)
        return Turn(asdict(following))

    def _after(self, at: RangePosition, sheet: Sheet) -> RangePosition:
        distinct = dict(reversed(self._names(sheet))).values()
        changes = [i for i in reversed(distinct) if i is not None]
        all_changes = changes if at.last is None else [at.last, *changes]
        mades = [i for i in map(self._made, sheet.rows) if i is not None]
        return RangePosition(
            # As many rows further on as came, however many were asked for, but for the last.
            first=at.first + len(sheet.rows) - 1,
            falling=at.falling and all(b <= a for a, b in pairwise(all_changes)),
            fell=at.fell or any(b < a for a, b in pairwise(all_changes)),
            last=changes[-1] if changes else at.last,
            sinking=at.sinking and _sinks(mades, at.oldest),
            sank=at.sank or len({*mades, at.oldest} - {None}) > 1,
            oldest=min(mades, default=at.oldest),
            met=self._met(at, sheet),
            read=fingerprint(sheet.rows),
        )

    def _met(self, at: RangePosition, sheet: Sheet) -> dict[str, Instant]:
        met = dict(at.met)
        for name, changed in self._names(sheet):
            met[name] = max(met.pop(name, 0), changed or 0)
        return dict(list(met.items())[-MAX_MET:])

    def _bound(self, plan: StreamPlan) -> Instant | None:
        """What was changed before it is not wanted."""
        if plan.since is not None:
            return plan.since
        return None if self._page.made is None else plan.history_from

    def _names(self, sheet: Sheet) -> list[tuple[str, Instant | None]]:
        """The rows' names and last changes, read once for each sheet."""
        if self._told is None or self._told[0] is not sheet:
            self._told = sheet, [(self._name(row), self._changed(row)) for row in sheet.rows]
        return self._told[1]

    def _name(self, row: Json) -> str:
        """A short name of what the row is about: its id, else all of it."""
        known = row.get(self._page.id) if isinstance(row, dict) else None
        told = row if known is None else str(known)
        return blake2b(orjson.dumps(told), digest_size=5).hexdigest()


def _place(cursor: Cursor | None) -> RangePosition:
    return RangePosition(**cursor) if cursor else RangePosition()


def _sinks(mades: list[Instant], oldest: Instant | None) -> bool:
    """Whether the rows go back in time. A row in between that comes again is newer than its place,
    so that the oldest ones tell."""
    if not mades:
        return False
    half = len(mades) // 2 or 1
    sinking = min(mades[half:], default=mades[-1]) <= min(mades[:half])
    return sinking and (oldest is None or min(mades) <= oldest)
