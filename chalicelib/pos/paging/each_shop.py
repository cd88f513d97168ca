"""A listing that is asked for shop by shop, each in its own pages (reference/pos.md §2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.pos.paging.cursor import dump, load
from chalicelib.pos.paging.response_page import Json, ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.pos.profile.paging import Each
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce
from chalicelib.services.ports.pos import Cursor, StreamPlan

_BETWEEN = re.compile(r"[\s,;]+")


def typed_shops(text: str) -> list[str]:
    """Return the shops a retailer typed: `51, 52`; empty means all there are."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split(text))))


def chosen_shops(profile: Profile, fields: Mapping[str, str]) -> list[str]:
    """Return the shops that a credential's fields list; empty means all there are."""
    field = profile.shops_field
    return typed_shops(fields.get(field, "")) if field else []


@dataclass(frozen=True, slots=True)
class ShopsPosition:
    """The position of a listing by shop: `shops` are those to come, the first of them being read,
    and `at` is the position within its pages. `full`: the listings of the shops before were
    full."""

    shops: tuple[str, ...] = ()
    at: Any = None
    full: bool = False

    @property
    def shop(self) -> str:
        """The shop being read."""
        return self.shops[0] if self.shops else ""


@dataclass(frozen=True, slots=True)
class EachShop(PagingStyle[ShopsPosition]):
    """Reads any style's listing once for every shop. It is full when those of all shops were.
    `shop`: where a row says which shop it is of."""

    each: Each
    style: PagingStyle[Any]
    shop: Path | None = None

    position_type = ShopsPosition

    def start(self, plan: StreamPlan) -> ShopsPosition:
        return ShopsPosition(at=self.style.start(plan))

    def position(self, plan: StreamPlan, cursor: Cursor | None) -> ShopsPosition:
        if not cursor:
            return self.start(plan)
        within = self.style.position(plan, cursor["at"])
        return replace(load(ShopsPosition, cursor), at=within)

    def params(self, plan: StreamPlan, at: ShopsPosition) -> Params:
        return {self.each.param: at.shop, **self.style.params(plan, at.at)}

    def next_url(self, plan: StreamPlan, at: ShopsPosition) -> str | None:
        return self.style.next_url(plan, at.at)

    def begin_over(self, plan: StreamPlan, at: ShopsPosition, status: int) -> ShopsPosition | None:
        within = self.style.begin_over(plan, at.at, status)
        return None if within is None else replace(at, at=within)

    def check(self, plan: StreamPlan, at: ShopsPosition, page: ResponsePage) -> None:
        """Rows that say they are of another shop show that the shop asked for is ignored."""
        if self.shop:
            shops = map(coerce.text_if_usable, map(self.shop.value, page.rows))
            page.check_filter(
                (shop is not None and shop != at.shop for shop in shops),
                "The rows of another shop came",
            )
        self.style.check(plan, at.at, page)

    def new_rows(self, plan: StreamPlan, at: ShopsPosition, page: ResponsePage) -> list[Json]:
        return self.style.new_rows(plan, at.at, page)

    def next_page(
        self, plan: StreamPlan, at: ShopsPosition, page: ResponsePage
    ) -> NextPage[ShopsPosition]:
        within = self.style.next_page(plan, at.at, page)
        if within.position is not None:
            return replace(within, position=replace(at, at=within.position))
        full = at.full and within.full_listing
        if len(at.shops) > 1:
            following = ShopsPosition(at.shops[1:], full=full)
            return NextPage(following, again=within.again)
        return NextPage(None, full_listing=full, again=within.again)


def first_cursor(shops: list[str]) -> Cursor:
    """Return the cursor at which a listing of these shops, at least one, begins."""
    return dump(ShopsPosition(tuple(shops), full=True))


def without_shop(cursor: Cursor | None) -> Cursor | None:
    """Return the cursor of the shops behind the one being read, which is passed over, so that the
    listing is not a full one; None behind the last."""
    shops = load(ShopsPosition, cursor).shops[1:] if cursor else ()
    return dump(ShopsPosition(shops)) if shops else None


def shop_of(cursor: Cursor | None) -> str:
    """The shop being read."""
    return str(cursor["shops"][0]) if cursor else ""
