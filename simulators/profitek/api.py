"""The routes of the Profitek API: a request in, a reply out, no sockets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from simulators.retailer.names import words
from simulators.retailer.tables import Table
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import millis, parse_instant
from simulators.serving.httpd import Reply, Request
from simulators.serving.pos_api import Api, Call, Columns, json_reply
from simulators.serving.pos_api import Settings as CommonSettings
from simulators.serving.windows import SalesClock, wall_clock

from . import wire

_ROUTES = {
    "customer/getcustomers": "customers",
    "transaction/gettransactions": "sales_histories",
    "inventory/getinventory": "inventories",
}
_PATH = re.compile(r"^/api/(\w+/\w+)/?$")
_FILTERS = {"customers": ("modifiedSince",), "sales_histories": ("from", "to"), "inventories": ()}


class BadRequest(Exception):
    """A parameter that cannot be read; the text is its name."""


@dataclass(slots=True)
class Settings(CommonSettings):
    """Switches of a running simulator.

    `accept`: "both", "header" (AuthKey) or "query" (authKey). `store_name`: whether `storeName` on
    the wire is "ignored", "checked" when it is sent, or "required". `order` of listings: "id", or
    "modified", where a changed row moves to the end. `unsigned_returns`: rows of Type Return carry
    positive amounts. `per_page` is what `count` is when absent, `max_per_page` what it is cut to.
    """

    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "accept": ("both", "header", "query"),
        "store_name": ("ignored", "checked", "required"),
        "order": ("id", "modified"),
    }

    accept: str = "both"
    store_name: str = "ignored"
    order: str = "id"
    unsigned_returns: bool = False
    per_page: int = 100
    max_per_page: int = 100


class ProfitekApi(Api):
    aliases: ClassVar[Mapping[str, str]] = {
        "sales": "sales_histories",
        "transactions": "sales_histories",
        "inventory": "inventories",
    }
    columns: ClassVar[Mapping[str, Columns]] = {
        "customers": {
            "FirstName": "first",
            "LastName": "last",
            "Phone": "phone",
            "Cell": "phone",
            "Email": "email",
            "CustomerType": "kind",
            "Address": "address",
            "City": "city",
            "Province": "state",
            "PostalCode": "zip_code",
            "IsActive": "active",
            "Points": "points",
        },
        "sales_histories": {
            "CustomerID": "shopper",
            "TransactionDate": "ordered",
            "InvoiceNo": "number",
            "Status": "status",
            "SubTotal": "sub_total",
            "Discount": "discount",
            "Tax": "tax",
            "Total": "total",
        },
        "inventories": {"QtyOnHand": "quantity", "Price": "price", "IsActive": "active"},
    }
    settings_class = Settings
    settings: Settings
    plain_params: ClassVar[frozenset[str]] = frozenset(
        words("startIndex count modifiedSince from to storeName")
    )
    page_setting = "max_per_page"

    def reset(self, world: World) -> None:
        super().reset(world)
        self._clock = SalesClock()

    def about(self) -> dict[str, Any]:
        return {
            "stores": [
                {
                    "code": shop.venue.code,
                    "store_name": shop.venue.name,
                    "timezone": shop.venue.rails_zone,
                    "auth_key": shop.venue.token,
                    "customers": len(shop.customers),
                    "sales_histories": len(shop.sales),
                    "inventories": len(shop.inventories),
                }
                for shop in self.world.shops
            ]
        }

    def credentials(self) -> list[dict[str, str]]:
        return [
            {"host": "", "store_name": venue.name, "auth_key": venue.token}
            for venue in self.world.venues
        ]

    def problem(self, status: int, message: str) -> Reply:
        return json_reply({"Message": message}, status)

    def credential_kind(self, request: Request) -> str | None:
        if "authkey" in request.headers:
            return "header"
        return "query" if "authKey" in request.params else None

    def route(self, request: Request) -> Call | None:
        match = _PATH.match(request.path)
        kind = _ROUTES.get(match[1].lower()) if match else None
        if kind is None or request.method != "GET":
            return None
        return Call(kind, self._caller(request))

    def _caller(self, request: Request) -> Shop | None:
        keys = {
            "header": request.headers.get("authkey"),
            "query": request.params.get("authKey"),
        }
        ways = keys if self.settings.accept == "both" else (self.settings.accept,)
        sent = {keys[way] for way in ways if keys[way]}
        return next((shop for shop in self.world.shops if shop.venue.token in sent), None)

    def answer(self, request: Request, call: Call, twist: str | None = None) -> Reply:
        if call.shop is None:
            return self.problem(401, "Authorization has been denied for this request.")
        if not self._names_its_store(request.params, call.shop):
            return self.problem(404, "The store was not found.")
        try:
            positions = self._select(call.kind, call.shop, request.params, twist)
            start = _number(request.params, "startIndex", 0)
            count = _number(request.params, "count", self.settings.per_page)
        except BadRequest as bad:
            return self.problem(400, f"The value for parameter '{bad}' is not valid.")
        count = min(count, self.settings.max_per_page)
        wanted = [] if twist == "empty" else positions[start : start + count]
        table, render, style = self._table(call.kind, call.shop)
        body = self.rendered.rows(table, wanted, render, style)
        return Reply(200, b"[" + body + b"]", rows=len(wanted))

    def _names_its_store(self, params: Mapping[str, str], shop: Shop) -> bool:
        if self.settings.store_name == "ignored":
            return True
        named = params.get("storeName")
        if named is None:
            return self.settings.store_name == "checked"
        return named == shop.venue.name

    def _select(
        self, kind: str, shop: Shop, params: Mapping[str, str], twist: str | None
    ) -> list[int]:
        """Positions of the rows that pass, in the order of the listing."""
        zone = shop.venue.rails_zone
        asked = {name: _clock_time(params, name, zone) for name in _FILTERS[kind]}
        if twist == "ignore_filter":
            asked = dict.fromkeys(asked)
        table = self._table(kind, shop)[0]
        positions = table.in_order("id" if self.settings.order == "id" else "updated")
        since, low, high = (asked.get(name) for name in ("modifiedSince", "from", "to"))
        if since is not None:
            return [at for at in positions if wall_clock(table.updated[at], zone) >= since]
        if low is not None or high is not None:
            last = None if high is None else high - 1
            inside = set(self._clock.by_wall_clock(shop, low, last))
            return _within(positions, inside, table, by_id=self.settings.order == "id")
        return positions

    def _table(self, kind: str, shop: Shop) -> tuple[Table[Any], Callable[[Any], wire.Wire], str]:
        venue, world = shop.venue, self.world
        if kind == "customers":
            return shop.customers, lambda row: wire.customer(row, venue), ""
        if kind == "inventories":
            products = world.products_by_id
            return (
                shop.inventories,
                lambda row: wire.inventory(row, venue, products[row.product]),
                "",
            )
        unsigned = self.settings.unsigned_returns
        return (
            shop.sales,
            lambda row: wire.transaction(row, venue, world.products, unsigned_returns=unsigned),
            "unsigned" if unsigned else "",
        )

    def warm(self) -> int:
        for shop in self.world.shops:
            for kind in _FILTERS:
                table, render, style = self._table(kind, shop)
                self.rendered.rows(table, table.positions(), render, style)
        return self.rendered.size


def _within(positions: list[int], inside: set[int], table: Table[Any], *, by_id: bool) -> list[int]:
    """The positions that are `inside`, kept in order; a day of a year is sorted, not searched."""
    if len(inside) * 8 > len(positions):
        return [at for at in positions if at in inside]
    column = table.ids if by_id else table.updated
    return sorted(inside, key=lambda at: (column[at], at))


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise BadRequest(name)
    return int(text)


def _clock_time(params: Mapping[str, str], name: str, zone: str) -> int | None:
    """The time in a parameter on the store's clock; a time with an offset is converted.

    Raises BadRequest.
    """
    text = params.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(name) from None
    if moment.tzinfo:
        return wall_clock(millis(moment), zone)
    return parse_instant(text)
