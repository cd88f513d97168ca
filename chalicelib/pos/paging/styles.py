"""Which style of paging the listing of a stream needs, by its profile.

A style of another POS is a class in a module beside this one, and a case here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain.words import Instant
from chalicelib.pos.paging.day_windows import DayWindows
from chalicelib.pos.paging.each_shop import EachShop
from chalicelib.pos.paging.keyset import KeysetPages
from chalicelib.pos.paging.numbered import NumberedPages
from chalicelib.pos.paging.offset import ModifiedFilter, OffsetPages
from chalicelib.pos.paging.one_answer import OneAnswer
from chalicelib.pos.paging.response_page import Json
from chalicelib.pos.paging.row_ranges import RowRanges
from chalicelib.pos.paging.style import PagingStyle
from chalicelib.pos.paging.unordered import UnorderedPages
from chalicelib.pos.paging.whole_window import WindowPages
from chalicelib.pos.profile.paging import (
    Offset,
    PageLimit,
    PageTotal,
    Proof,
    RangePage,
    Single,
    WholeWindow,
)
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.rows import times
from chalicelib.pos.rows.coerce import Unusable
from chalicelib.pos.rows.field_map import required_path


def style_for(profile: Profile, stream: StreamProfile, zone: str = "UTC") -> PagingStyle[Any]:
    """The style a stream's profile asks for. `zone` is the store's, whose clock some go by."""
    style = _style(profile, stream, zone)
    if stream.each is None:
        return style
    shop = stream.map.get("store_key")
    return EachShop(stream.each, style, shop if isinstance(shop, Path) else None)


def _style(profile: Profile, stream: StreamProfile, zone: str) -> PagingStyle[Any]:
    page = stream.page
    match page:
        case Single():
            key = () if stream.named_by else required_path(stream.map["key"])
            return OneAnswer(page.params, (key,) if isinstance(key, Path) else key)
        case PageTotal() if page.keyset is not None:
            return KeysetPages(page, page.keyset, instant_of(profile, page.keyset.field))
        case PageTotal():
            return NumberedPages(page)
        case PageLimit():
            filtered = page.since.field if page.since else None
            instants = instant_of(profile, page.changed), instant_of(profile, filtered)
            return UnorderedPages(page, *instants)
        case RangePage():
            instants = instant_of(profile, page.changed), instant_of(profile, page.made)
            return RowRanges(page, *instants)
        case WholeWindow() | Offset() | Proof():
            return _store_clock_style(profile, page, zone)


def _store_clock_style(
    profile: Profile, page: WholeWindow | Offset | Proof, zone: str
) -> PagingStyle[Any]:
    """The style of a server that goes by the clock of the store, whose zone is given."""
    if isinstance(page, Proof):
        return OneAnswer(page.params)
    formats = profile.time.formats
    windows = DayWindows(page.windows, zone, formats) if page.windows else None
    if isinstance(page, Offset):
        modified = ModifiedFilter(page.modified, zone, formats) if page.modified else None
        return OffsetPages(page, windows, modified)
    return WindowPages(windows) if windows else OneAnswer({})


def instant_of(profile: Profile, field: Path | None) -> Callable[[Json], Instant | None]:
    """A reader of a row's instant; None for a row that has none we can read."""
    if field is None:
        return lambda _row: None
    read = times.instant_reader(profile.time.zone, profile.time.formats)

    def instant(row: Json) -> Instant | None:
        try:
            return read(field.value(row))
        except Unusable:
            return None

    return instant
