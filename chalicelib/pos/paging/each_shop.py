"""A listing that is asked for shop by shop, each in its own pages (reference/pos.md §2.4)."""

from __future__ import annotations

import re

from chalicelib.domain.errors import FilterIgnored
from chalicelib.pos.paging.sheet import Json, Sheet, Turn
from chalicelib.pos.paging.style import Style
from chalicelib.pos.profile.paging import Each
from chalicelib.services.ports.pos import Cursor, StreamPlan

_BETWEEN = re.compile(r"[\s,;]+")


def listed(text: str) -> list[str]:
    """The shops a retailer typed: `51, 52`; empty means all there are."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split(text))))


class EachShop:
    """Any style, once for every shop. The cursor is `{"shops": those to come, "at": its own}`, and
    the first of the shops is the one being read."""

    def __init__(self, each: Each, style: Style) -> None:
        self._each = each
        self._style = style

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> dict[str, str]:
        return {self._each.param: shop_of(cursor), **self._style.ask(plan, _inner(cursor))}

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        """A row that says it is of another shop shows that the shop asked for is ignored."""
        shop = shop_of(cursor)
        for row in sheet.rows:
            said = row.get(self._each.param) if isinstance(row, dict) else None
            if said is not None and str(said) != shop:
                raise FilterIgnored(f"The rows of another shop came: {sheet.name}.")
        self._style.judge(plan, _inner(cursor), sheet)

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:
        return self._style.fresh(plan, _inner(cursor), sheet)

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        """The listing is full when those of all shops were."""
        shops, full = (cursor["shops"], cursor["full"]) if cursor else ([], False)
        turn = self._style.turn(plan, _inner(cursor), sheet)
        if turn.cursor is not None:
            return Turn({"shops": shops, "at": turn.cursor, "full": full}, again=turn.again)
        full = full and turn.full_listing
        if len(shops) > 1:
            return Turn({"shops": shops[1:], "at": None, "full": full}, again=turn.again)
        return Turn(None, full_listing=full, again=turn.again)


def start(shops: list[str]) -> Cursor:
    """Where a listing of these shops, at least one, begins."""
    return {"shops": shops, "at": None, "full": True}


def shop_of(cursor: Cursor | None) -> str:
    """The shop being read."""
    return str(cursor["shops"][0]) if cursor else ""


def _inner(cursor: Cursor | None) -> Cursor | None:
    return cursor["at"] if cursor else None
