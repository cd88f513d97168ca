"""Listings that may come newest first, asked for by places (reference/pos.md §2.4).

The POS neither filters by time nor says how many rows there are, and sends some twice, some also as
they once were. Each page begins with the last row of the one before: a page without any row is then
never the end. Where rows come newest first, reading stops after a whole page of older ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise

from chalicelib.domain.words import Instant
from chalicelib.pos.paging.pagers import Params, PlacePager
from chalicelib.pos.paging.response_page import Json, ResponsePage, fingerprint, json_bytes
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.pos.profile.paging import NewestFirstProof
from chalicelib.services.ports.pos import StreamPlan

MAX_MET = 150
"""Rows remembered in a cursor, so that one that comes again, or as it once was, is left out."""


@dataclass(frozen=True, slots=True)
class NewestFirstPosition:
    """The position of such a listing. `first` is the next row to ask for.

    `falling`: all rows so far came newest change first, the last at `last`; `fell`: not all of one
    instant. `oldest` is when the oldest row so far was made; `sinking`: page by page, rows were
    made earlier; `sank`: not all at one instant. `met`: when the latest rows were changed. `read`:
    the fingerprint of the page before.
    """

    first: int = 0
    falling: bool = True
    fell: bool = False
    last: Instant | None = None
    sinking: bool = True
    sank: bool = False
    oldest: Instant | None = None
    met: dict[str, Instant] = field(default_factory=dict)
    read: str | None = None


@dataclass(slots=True)
class NewestFirstPages(PagingStyle[NewestFirstPosition]):
    """Reads a listing from place to place until nothing more comes, or only what is older than
    wanted. `changed` and `made` read a row's instants."""

    pager: PlacePager
    proof: NewestFirstProof
    fixed: Params
    changed: Callable[[Json], Instant | None]
    made: Callable[[Json], Instant | None]
    _last_names: tuple[ResponsePage, list[tuple[str, Instant | None]]] | None = field(
        default=None, init=False
    )

    position_type = NewestFirstPosition

    def start(self, plan: StreamPlan) -> NewestFirstPosition:  # noqa: ARG002
        return NewestFirstPosition()

    def params(self, plan: StreamPlan, at: NewestFirstPosition) -> Params:  # noqa: ARG002
        return {**self.pager.rows_from(at.first), **self.fixed}

    def check(self, plan: StreamPlan, at: NewestFirstPosition, page: ResponsePage) -> None:  # noqa: ARG002
        if not page.rows and at.first > 0:
            page.refuse_as_gap()
        if len(page.rows) > 1:
            page.check_differs(at.read)

    def new_rows(self, plan: StreamPlan, at: NewestFirstPosition, page: ResponsePage) -> list[Json]:
        """Rows that are neither known from the last run nor met, as new or newer, in this one."""
        met = dict(at.met)
        bound = self._bound(plan)
        rows = []
        for row, (name, changed) in zip(page.rows, self._names(page), strict=True):
            stale = name in met and (changed or 0) <= met[name]
            if stale or (bound is not None and changed is not None and changed < bound):
                continue
            met[name] = changed or 0
            rows.append(row)
        return rows

    def next_page(
        self, plan: StreamPlan, at: NewestFirstPosition, page: ResponsePage
    ) -> NextPage[NewestFirstPosition]:
        if len(page.rows) <= 1:
            is_bounded = plan.since is not None and self.proof.changed is not None
            return NextPage(None, full_listing=self.proof.made is None and not is_bounded)
        following = self._after(at, page)
        if (following.falling and following.fell) or (following.sinking and following.sank):
            bound = self._bound(plan)
            changes = [changed for _, changed in self._names(page) if changed is not None]
            if bound is not None and changes and max(changes) < bound:
                return NextPage(None)
        return NextPage(following)

    def _after(self, at: NewestFirstPosition, page: ResponsePage) -> NewestFirstPosition:
        distinct = dict(reversed(self._names(page))).values()
        changes = [i for i in reversed(distinct) if i is not None]
        all_changes = changes if at.last is None else [at.last, *changes]
        mades = [i for i in map(self.made, page.rows) if i is not None]
        return NewestFirstPosition(
            # As many rows further on as came, however many were asked for, but for the last.
            first=at.first + len(page.rows) - 1,
            falling=at.falling and all(b <= a for a, b in pairwise(all_changes)),
            fell=at.fell or any(b < a for a, b in pairwise(all_changes)),
            last=changes[-1] if changes else at.last,
            sinking=at.sinking and _sinks(mades, at.oldest),
            sank=at.sank or len({*mades, at.oldest} - {None}) > 1,
            oldest=min(mades, default=at.oldest),
            met=self._met(at, page),
            read=fingerprint(page.rows),
        )

    def _met(self, at: NewestFirstPosition, page: ResponsePage) -> dict[str, Instant]:
        met = dict(at.met)
        for name, changed in self._names(page):
            met[name] = max(met.pop(name, 0), changed or 0)
        return dict(list(met.items())[-MAX_MET:])

    def _bound(self, plan: StreamPlan) -> Instant | None:
        """The instant before which changes are not wanted."""
        if plan.since is not None:
            return plan.since
        return None if self.proof.made is None else plan.history_from

    def _names(self, page: ResponsePage) -> list[tuple[str, Instant | None]]:
        """The rows' names and last changes, read once for each page."""
        if self._last_names is None or self._last_names[0] is not page:
            self._last_names = page, [(self._name(row), self.changed(row)) for row in page.rows]
        return self._last_names[1]

    def _name(self, row: Json) -> str:
        """A short name of what the row is about: its id, else all of it."""
        row_id = self.proof.id.value(row)
        known_by = row if row_id is None else str(row_id)
        return blake2b(json_bytes(known_by), digest_size=5).hexdigest()


def _sinks(mades: list[Instant], oldest: Instant | None) -> bool:
    """Whether the rows go back in time. A row in between that comes again is newer than its place,
    so that the oldest ones tell."""
    if not mades:
        return False
    half = len(mades) // 2 or 1
    sinking = min(mades[half:], default=mades[-1]) <= min(mades[:half])
    return sinking and (oldest is None or min(mades) <= oldest)
