"""The routes of Newpos: a request in, a reply out, no sockets. All of it is inferred."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.retailer.names import words
from simulators.retailer.tables import Table
from simulators.retailer.world import Shop
from simulators.retailer.zones import parse_instant
from simulators.serving.httpd import Reply, Request
from simulators.serving.paging import page_bounds
from simulators.serving.pos_api import Api, Call, Settings, json_reply

from . import wire


@dataclass(slots=True)
class NewposSettings(Settings):
    """`max_per_page`: what `per_page` is cut to."""

    max_per_page: int = 100


class NewposApi(Api):
    columns = wire.COLUMNS
    plain_params = frozenset(words("page per_page updated_after updated_before"))
    page_setting = "max_per_page"
    settings_class = NewposSettings
    settings: NewposSettings

    def about(self) -> dict[str, Any]:
        return {"stores": [wire.store(shop) for shop in self.world.shops]}

    def credentials(self) -> list[dict[str, str]]:
        """By the keys of the card's fields, as in the profile."""
        return [{"key": venue.token} for venue in self.world.venues]

    def route(self, request: Request) -> Call | None:
        kind = request.path.strip("/")
        known = kind in ("store", *self.tables) and request.method == "GET"
        return Call(kind, self._caller(request)) if known else None

    def _caller(self, request: Request) -> Shop | None:
        sent = request.authorization.removeprefix("Bearer ")
        return next((shop for shop in self.world.shops if shop.venue.token == sent), None)

    def answer(self, request: Request, call: Call, twist: str | None = None) -> Reply:
        if call.shop is None:
            return self.problem(401, "Unauthorized")
        if call.kind == "store":
            return json_reply(wire.store(call.shop), rows=1)
        table: Table[Any] = dict(call.shop.tables())[self.tables[call.kind]]
        params = request.params
        chosen = table.in_order("updated" if call.kind != "inventory" else "id")
        if call.kind != "inventory" and twist != "ignore_filter":
            chosen = _within(table, chosen, params)
        page, size = page_bounds(params, "per_page", 100, self.settings.max_per_page)
        wanted = [] if twist == "empty" else chosen[(page - 1) * size : page * size]
        rows = self.rendered.rows(table, wanted, wire.renderer(call.kind, self.world))
        head = f'{{"total":{len(chosen)},"per_page":{size},"rows":['
        return Reply(200, head.encode() + rows + b"]}", rows=len(wanted))


def _within(table: Table[Any], by_time: list[int], params: Mapping[str, str]) -> list[int]:
    """Rows changed between two instants, both left out."""
    key = table.updated.__getitem__
    after = parse_instant(params.get("updated_after", ""))
    before = parse_instant(params.get("updated_before", ""))
    low = 0 if after is None else bisect_right(by_time, after, key=key)
    high = len(by_time) if before is None else bisect_left(by_time, before, key=key)
    return by_time[low:high]
