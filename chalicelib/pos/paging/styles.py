"""Which reading of a listing a profile asks for: pager, filter and proof put together.

A proof of another kind is a class in `proofs`, and a line here.
"""

from __future__ import annotations

from typing import Any

from chalicelib.pos.paging.bookmarks import BookmarkedPages
from chalicelib.pos.paging.day_windows import DayWindows
from chalicelib.pos.paging.each_shop import EachShop
from chalicelib.pos.paging.filters import Filter, NoFilter, instant_of, latest_of, time_bounds
from chalicelib.pos.paging.pagers import pager_of
from chalicelib.pos.paging.proofs.count import CountedPages
from chalicelib.pos.paging.proofs.downwards import UnorderedPages
from chalicelib.pos.paging.proofs.keyset import KeysetPages
from chalicelib.pos.paging.proofs.newest_first import NewestFirstPages
from chalicelib.pos.paging.proofs.onward import OnwardPages
from chalicelib.pos.paging.proofs.overlap import OverlappingPages
from chalicelib.pos.paging.proofs.whole import WholeAnswers
from chalicelib.pos.paging.style import PagingStyle
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.rows.field_map import required_path


def style_for(profile: Profile, stream: StreamProfile, zone: str = "UTC") -> PagingStyle[Any]:
    """The reading that a stream's profile asks for. `zone` is the store's, whose clock some go
    by."""
    filtered = _filter(profile, stream, zone)
    style: PagingStyle[Any] = _pages(profile, stream, filtered)
    if stream.page.bookmark:
        onward = _pages(profile, stream, NoFilter())
        style = BookmarkedPages(stream.page.bookmark, style, onward)
    if stream.each is None or stream.each.of:
        return style
    shop = stream.map.get("store_key")
    return EachShop(stream.each, style, shop if isinstance(shop, Path) else None)


def _filter(profile: Profile, stream: StreamProfile, zone: str) -> Filter[Any]:
    spec = stream.page.filter
    if spec is None:
        return NoFilter()
    if spec.by == "time":
        return time_bounds(spec, profile.time, zone)
    own_zone = profile.time.zone
    return DayWindows(spec, zone if own_zone == "store" else own_zone, profile.time.formats)


def _pages(profile: Profile, stream: StreamProfile, filtered: Any) -> Any:
    page = stream.page
    pager: Any = pager_of(page.pager)
    proof: Any = page.proof
    fixed = dict(page.params)
    if page.pager.by in ("cursor", "url"):
        return OnwardPages(pager, filtered, fixed)
    if proof is None or proof.by == "key":
        return WholeAnswers(filtered, fixed, _names_of_a_store(stream))
    changed = instant_of(profile.time, getattr(proof, "changed", None))
    match proof.by:
        case "keyset":
            style: PagingStyle[Any] = KeysetPages(pager, filtered, fixed)
        case "count":
            style = CountedPages(pager, proof.id, fixed)
        case "downwards":
            latest = latest_of(profile.time, proof.changed)
            style = UnorderedPages(pager, filtered, latest, fixed)
        case "overlap":
            style = OverlappingPages(pager, filtered, proof.id, fixed)
        case _:
            made = instant_of(profile.time, proof.made)
            style = NewestFirstPages(pager, proof, fixed, changed, made)
    return style


def _names_of_a_store(stream: StreamProfile) -> tuple[Path, ...]:
    """What the one answer about stores must have: those that other streams name may miss it."""
    if "key" not in stream.map or stream.named_by or stream.page.filter:
        return ()
    key = required_path(stream.map["key"])
    return (key,) if isinstance(key, Path) else key
