"""How a listing is read page by page: which page next, and when it is complete.

A style is pure: it makes the parameters of a question, judges the answer, and says where to go on.
Its cursor is plain JSON, so that another process can go on from any page; going on from an older
cursor repeats rows and never leaves a gap. A style of another POS is a class beside these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.words import Instant
from chalicelib.pos.paging.each_shop import EachShop
from chalicelib.pos.paging.keyset import KeysetPages
from chalicelib.pos.paging.row_ranges import RowRanges
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, fingerprint
from chalicelib.pos.paging.store_clock import clock_style
from chalicelib.pos.paging.style import Params, Style
from chalicelib.pos.paging.unordered import LimitedPages
from chalicelib.pos.profile.paging import (
    Offset,
    PageLimit,
    PageTotal,
    Proof,
    RangePage,
    Single,
    WholeWindow,
)
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import plain
from chalicelib.services.ports.pos import Cursor, StreamPlan

MAX_LISTINGS = 2
"""How often a listing that moved under our feet is read before it counts as incomplete."""


class SinglePage:
    """The one answer is everything there is; without any of `must_have` it is not an answer."""

    def __init__(self, must_have: tuple[str, ...], params: Mapping[str, str]) -> None:
        self._must_have = must_have
        self._params = params

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> Params:  # noqa: ARG002
        return dict(self._params)

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:  # noqa: ARG002
        rows = [row for row in sheet.rows if isinstance(row, dict)]
        if all(row.get(name) is None for row in rows for name in self._must_have):
            raise UnexpectedAnswer(f"An answer for {sheet.name} says nothing of what was asked.")

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:  # noqa: ARG002
        return sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:  # noqa: ARG002
        return Turn(None, full_listing=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a numbered listing stands. `seen` counts rows by rising id, `last` is the last id,
    `read` the fingerprint of the page before."""

    page: int = 1
    seen: int = 0
    last: int = 0
    total: int | None = None
    moved: bool = False
    listing: int = 1
    read: str | None = None

    def cursor(self) -> Cursor:
        return {name: getattr(self, name) for name in self.__slots__}


class NumberedPages:
    """Pages 1, 2, 3 … of rows sorted by id, always the whole listing.

    A row that goes away while we read pulls the next one onto a page already read. That shows in
    the count: the listing is then read once more, and if it moved again it is not a full one.
    """

    def __init__(self, page: PageTotal) -> None:
        self._page = page

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> Params:  # noqa: ARG002
        place = self._place(cursor)
        page = self._page
        return {page.number: str(place.page), page.size: str(page.limit), **page.params}

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:  # noqa: ARG002
        place = self._place(cursor)
        sheet.must_be_number(place.page)
        sheet.must_differ(place.read)
        if not sheet.rows and sheet.must_total() > (place.page - 1) * sheet.size:
            raise UnexpectedAnswer(f"An empty page in the middle of {sheet.name}.")

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:  # noqa: ARG002
        return sheet.rows

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:  # noqa: ARG002
        place = self._place(cursor)
        total = sheet.must_total()
        moved = place.moved or place.total not in (None, total)
        again = place.listing > 1
        seen, last = self._count(place, sheet)
        if sheet.rows and place.page < sheet.pages:
            read = fingerprint(sheet.rows)
            following = _Place(place.page + 1, seen, last, total, moved, place.listing, read)
            return Turn(following.cursor(), again=again)
        if seen >= total and not moved:
            return Turn(None, full_listing=True, again=again)
        if place.listing < MAX_LISTINGS:
            return Turn(_Place(listing=place.listing + 1).cursor(), again=again)
        return Turn(None, again=again)

    def _place(self, cursor: Cursor | None) -> _Place:
        return _Place(**cursor) if cursor else _Place()

    def _count(self, place: _Place, sheet: Sheet) -> tuple[int, int]:
        """Rows seen so far, repeated ids left out, and the highest id."""
        seen, last = place.seen, place.last
        for row in sheet.rows:
            number = coerce.whole(row.get(self._page.id)) if isinstance(row, dict) else None
            if number is None or number > last:
                seen += 1
                last = number or last
        return seen, last


def style_for(profile: Profile, stream: StreamProfile, zone: str = "UTC") -> Style:
    """The style a stream's profile asks for. `zone` is the store's, whose clock some go by."""
    style = _style(profile, stream, zone)
    return style if stream.each is None else EachShop(stream.each, style)


def _style(profile: Profile, stream: StreamProfile, zone: str) -> Style:
    page = stream.page
    match page:
        case Single():
            key = stream.map["key"]
            must_have = (key,) if isinstance(key, str) else tuple(plain(key))
            return SinglePage(must_have, page.params)
        case PageTotal() if page.keyset is not None:
            return KeysetPages(page, page.keyset, instant_of(profile, page.keyset.field))
        case PageTotal():
            return NumberedPages(page)
        case PageLimit():
            filtered = page.since.field if page.since else None
            return LimitedPages(
                page, instant_of(profile, page.changed), instant_of(profile, filtered)
            )
        case RangePage():
            return RowRanges(
                page, instant_of(profile, page.changed), instant_of(profile, page.made)
            )
        case WholeWindow() | Offset() | Proof():
            return clock_style(profile, page, zone)


def instant_of(profile: Profile, field: str | None) -> Callable[[Json], Instant | None]:
    """A reader of a row's instant; None for a row that has none we can read."""
    if field is None:
        return lambda _row: None
    read = coerce.lenient(coerce.instant_reader(profile.time.zone, profile.time.formats))

    def instant(row: Json) -> Instant | None:
        found: Any = read(row.get(field)) if isinstance(row, dict) else None
        return found if isinstance(found, int) else None

    return instant
