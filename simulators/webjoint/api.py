"""The routes of Webjoint: a request in, a reply out, no sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.retailer.names import words
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import DAY, parse_instant
from simulators.serving.httpd import Reply, Request
from simulators.serving.pos_api import Api, Call, Settings, encode, json_reply

from . import wire
from .listings import Entry, Listings, order_as_made, table_of
from .platform import company_id, order_id

ALIASES = {"sales": "orders", "inventory": "products", "stores": "facilities"}
TABLES = {
    "sales": "sales_histories",
    "orders": "sales_histories",
    "inventory": "inventories",
    "packages": "inventories",
}
COLUMNS = {
    "customers": {
        "firstName": "first",
        "lastName": "last",
        "email": "email",
        "phone": "phone",
        "dateOfBirth": "birthday",
        "type": "kind",
        "address": "address",
        "state": "state",
        "active": "active",
        "loyaltyPoints": "points",
        "marketingOptIn": "marketing",
    },
    "sales_histories": {
        "customerId": "shopper",
        "created": "ordered",
        "status": "status",
        "orderNumber": "number",
        "subtotal": "sub_total",
        "discount": "discount",
        "taxes": "tax",
        "total": "total",
    },
    "inventories": {"quantity": "quantity"},
}
LISTED = ("customers", "orders", "products", "products/active", "packages")
_ORDER = re.compile(r"orders/[\d-]+")
LOOSE = 3 * DAY


@dataclass(slots=True)
class WebjointSettings(Settings):
    """Switches of a running simulator.

    `accept`: "both", "x-api-key" or "authorization". `max_rows`: a longer range is cut.

    `order`: newest "created" or "modified" first. `repeats` of rows: "in_order" with the others,
    "displaced", or "none"; a clean world has none. `date_filter`: "none", or "loose": with
    `startDate` rows from up to three days before come back too. `errors`: "http", or "ok" for
    refusals with status 200. `customers_need_facility`: without one they are the company's.
    """

    accept: str = "both"
    max_rows: int = 100
    order: str = "created"
    repeats: str = "in_order"
    date_filter: str = "none"
    errors: str = "http"
    customers_need_facility: bool = False


class Refused(Exception):
    """The API refuses a request; the answer says `name`."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status, self.name = status, name


class WebjointApi(Api):
    base_path = "/prod/api"
    aliases = ALIASES
    tables = TABLES
    columns = COLUMNS
    refunds = frozenset(("R2", "R3"))
    plain_params = frozenset(words("facilityId range startDate sort"))
    page_setting = "max_rows"
    settings_class = WebjointSettings
    settings: WebjointSettings

    def reset(self, world: World) -> None:
        super().reset(world)
        self.key = "wj_" + world.token("company")
        self._costs = {product.id: product.cost for product in world.products}
        self._listings = Listings()

    def about(self) -> dict[str, Any]:
        return {
            "api_key": self.key,
            "company_id": str(company_id(self.world.spec)),
            "stores": [
                {
                    "code": shop.venue.code,
                    "id": shop.key,
                    "name": shop.venue.name,
                    "timezone": shop.venue.rails_zone,
                    "customers": len(shop.customers),
                    "orders": len(shop.sales),
                    "products": len(self.world.products),
                    "packages": len(shop.inventories),
                }
                for shop in self.world.shops
            ],
        }

    def credentials(self) -> list[dict[str, str]]:
        return [{"company_id": str(company_id(self.world.spec)), "api_key": self.key}]

    def row_id(self, table: str, shop: Shop, row: Any) -> int | str:
        if table == "sales_histories":
            return order_id(self.world.spec, shop.venue, row)
        return int(row.id)

    def problem(self, status: int, message: str) -> Reply:
        return json_reply({"name": f"{message.title().replace(' ', '')}Error"}, status)

    def fault_bodies(self) -> dict[str, Callable[[], Reply]]:
        closed = {"name": "ShopClosedError", "message": "The shop is closed"}
        return {**super().fault_bodies(), "error_object": lambda: json_reply(closed)}

    def credential_kind(self, request: Request) -> str | None:
        if "x-api-key" in request.headers:
            return "x-api-key"
        return "authorization" if request.authorization else None

    def route(self, request: Request) -> Call | None:
        if request.method != "GET" or not request.path.startswith(self.base_path + "/"):
            return None
        kind = request.path.removeprefix(self.base_path).strip("/")
        if _ORDER.fullmatch(kind):
            return Call("orders.show")
        if kind not in (*LISTED, "facilities"):
            return None
        asked = request.params.get("facilityId")
        shop = next((shop for shop in self.world.shops if shop.key == asked), None)
        return Call("products" if kind == "products/active" else kind, shop)

    def answer(self, request: Request, call: Call, twist: str | None = None) -> Reply:
        try:
            self._admit(request)
            if call.kind == "facilities":
                return self._facilities(empty=twist == "empty")
            if call.kind == "orders.show":
                return self._show(request.path)
            return self._list(request, call, twist)
        except Refused as refused:
            status = 200 if self.settings.errors == "ok" else refused.status
            return json_reply({"name": refused.name}, status)

    def _admit(self, request: Request) -> None:
        kind = self.credential_kind(request)
        sent = request.headers.get("x-api-key", request.authorization)
        if kind is None or self.settings.accept not in ("both", kind) or sent != self.key:
            raise Refused(401, "UnauthorizedError")

    def _facilities(self, *, empty: bool) -> Reply:
        company = company_id(self.world.spec)
        rows = [] if empty else [wire.facility(shop, company) for shop in self.world.shops]
        return json_reply(rows, rows=len(rows))

    def _show(self, path: str) -> Reply:
        composite = path.rpartition("/")[2]
        for shop in self.world.shops:
            at = shop.sales.find(int(composite.rpartition("-")[2] or 0))
            row = None if at is None else shop.sales.get(at)
            if row and order_id(self.world.spec, shop.venue, row) == composite:
                return json_reply(wire.order(row, shop, self.world.products), rows=1)
        raise Refused(404, "OrderNotFoundError")

    def _list(self, request: Request, call: Call, twist: str | None) -> Reply:
        """A bare array: rows from first to last of `range`, both included; none past the end."""
        shops = self._shops(request, call, everything=twist == "ignore_filter")
        first, last = self._range(request.params.get("range"))
        if call.kind == "products":
            products = self._products(shops, active=request.path.rstrip("/").endswith("active"))
            rows = [] if twist == "empty" else products[first : last + 1]
            return json_reply(rows, rows=len(rows))
        entries: list[Entry] = []
        if twist != "empty":
            since = None if twist == "ignore_filter" else self._since(request)
            entries = self._entries(call.kind, shops, since)
        wanted = entries[first : last + 1]
        body = b",".join([self._row(call.kind, entry) for entry in wanted])
        return Reply(200, b"[" + body + b"]", rows=len(wanted))

    def _entries(self, kind: str, shops: list[Shop], since: int | None) -> list[Entry]:
        by = "updated" if self.settings.order == "modified" else "created"
        repeats = self.settings.repeats if self.world.spec.mess else "none"
        return self._listings.entries(kind, shops, by, repeats, since)

    def _since(self, request: Request) -> int | None:
        if self.settings.date_filter != "loose":
            return None
        asked = parse_instant(request.params.get("startDate", ""))
        return None if asked is None else asked - LOOSE

    def _shops(self, request: Request, call: Call, *, everything: bool) -> list[Shop]:
        if call.shop and not everything:
            return [call.shop]
        if not everything and request.params.get("facilityId"):
            raise Refused(404, "FacilityNotFoundError")
        of_company = call.kind == "customers" and not self.settings.customers_need_facility
        if not (everything or of_company):
            raise Refused(400, "FacilityRequiredError")
        return self.world.shops

    def _range(self, text: str | None) -> tuple[int, int]:
        """The first page where nothing is asked for. Raises Refused."""
        longest = self.settings.max_rows
        if text is None:
            return 0, longest - 1
        try:
            first, last = json.loads(text)
        except (ValueError, TypeError):
            raise Refused(400, "InvalidRangeError") from None
        if not (isinstance(first, int) and isinstance(last, int) and 0 <= first <= last):
            raise Refused(400, "InvalidRangeError")
        return first, min(last, first + longest - 1)

    def _row(self, kind: str, entry: Entry) -> bytes:
        shop, products = entry.shop, self.world.products
        if entry.before:
            return encode(wire.order(order_as_made(shop, entry.at), shop, products))
        render: dict[str, Callable[[Any], wire.Wire]] = {
            "customers": lambda row: wire.customer(row, shop),
            "orders": lambda row: wire.order(row, shop, products),
            "packages": lambda row: wire.package(row, shop, self._costs),
        }
        return self.rendered.rows(table_of(kind, shop), [entry.at], render[kind])

    def _products(self, shops: list[Shop], *, active: bool) -> list[wire.Wire]:
        world = self.world
        made = world.spec.now - 200 * DAY
        return [
            wire.product(product, stocked, shop, made)
            for shop in shops
            for product, stocked in zip(
                world.products,
                world.platform.stock(world.products, shop.inventories.rows()),
                strict=True,
            )
            if not active or float(stocked.quantity) > 0
        ]

    def warm(self) -> int:
        for shop in self.world.shops:
            for kind in ("customers", "orders", "packages"):
                for at in table_of(kind, shop).positions():
                    self._row(kind, Entry(shop, at))
        return self.rendered.size
