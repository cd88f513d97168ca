"""The routes of THSuite: a request in, a reply out, no sockets. It can only be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.retailer.names import words
from simulators.retailer.tables import LatestValues
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import DAY, parse_instant
from simulators.serving.httpd import Reply, Request
from simulators.serving.paging import page_bounds, rows_of_page
from simulators.serving.pos_api import Api, Call, Settings, encode, json_reply
from simulators.serving.windows import SalesClock

from . import wire
from .platform import customer_id, receipt_id

ALIASES = {"sales": "transactions"}
TABLES = {"sales": "sales_histories", "transactions": "sales_histories", "inventory": "inventories"}
COLUMNS = {
    "customers": {
        "firstName": "first",
        "lastName": "last",
        "phone": "phone",
        "email": "email",
        "birthDate": "birthday",
        "patientGroup": "kind",
        "state": "state",
        "address": "address",
        "active": "active",
        "loyaltyMember": "loyalty",
        "loyaltyPoints": "points",
        "smsOptIn": "sms_in",
        "smsOptOut": "sms_out",
        "emailOptIn": "marketing",
    },
    "sales_histories": {
        "customerId": "shopper",
        "completedAt": "ordered",
        "status": "status",
        "number": "number",
        "subtotal": "sub_total",
        "discountTotal": "discount",
        "taxTotal": "tax",
        "total": "total",
    },
    "inventories": {"quantity": "quantity", "price": "price", "active": "active"},
}
LISTED = ("customers", "transactions", "inventory")
READ_ONLY = "write"
"""The kind of every request that does not read: it is refused, and counted."""


@dataclass(slots=True)
class ThsuiteSettings(Settings):
    """Switches of a running simulator.

    `accept`: "both", "bearer" or "key". `bare`: listings are arrays without an envelope.
    `transactions`: "receipts" with items, or "lines" that share a receiptId. `newest_first` turns
    transactions round. `positive_returns`: only `type` says that a row is a return.
    """

    accept: str = "both"
    limit: int = 100
    max_limit: int = 100
    bare: bool = False
    transactions: str = "receipts"
    newest_first: bool = False
    positive_returns: bool = False


class BadDate(ValueError):
    """A bound that is no date."""


class ThsuiteApi(Api):
    base_path = "/api"
    aliases = ALIASES
    tables = TABLES
    columns = COLUMNS
    plain_params = frozenset(words("page limit updatedSince startDate endDate"))
    page_setting = "max_limit"
    settings_class = ThsuiteSettings
    settings: ThsuiteSettings

    def reset(self, world: World) -> None:
        super().reset(world)
        self._sales = SalesClock()
        self._lines = LatestValues[list[wire.Wire]]()

    def about(self) -> dict[str, Any]:
        return {
            "stores": [
                {
                    "code": shop.venue.code,
                    "id": shop.key,
                    "name": shop.venue.name,
                    "timezone": shop.venue.rails_zone,
                    "token": shop.venue.token,
                    "customers": len(shop.customers),
                    "transactions": len(shop.sales),
                    "inventory": len(self._in_stock(shop)),
                }
                for shop in self.world.shops
            ]
        }

    def credentials(self) -> list[dict[str, str]]:
        return [{"api_key": venue.token} for venue in self.world.venues]

    def row_id(self, table: str, shop: Shop, row: Any) -> str:
        del shop
        if table == "customers":
            return customer_id(row.id)
        return receipt_id(row.id) if table == "sales_histories" else f"pkg_{row.id}"

    def problem(self, status: int, message: str) -> Reply:
        return json_reply({"statusCode": status, "message": message}, status)

    def credential_kind(self, request: Request) -> str | None:
        if "x-api-key" in request.headers:
            return "key"
        return "bearer" if request.authorization.lower().startswith("bearer ") else None

    def route(self, request: Request) -> Call | None:
        shop = self._caller(request)
        if request.method != "GET":
            return Call(READ_ONLY, shop)
        kind = request.path.removeprefix(f"{self.base_path}/").strip("/")
        return Call(kind, shop) if kind in LISTED else None

    def _caller(self, request: Request) -> Shop | None:
        """The store that the token belongs to; no path and no parameter names the store."""
        kind = self.credential_kind(request)
        if kind is None or self.settings.accept not in ("both", kind):
            return None
        token = request.authorization[7:] if kind == "bearer" else request.headers["x-api-key"]
        return next((s for s in self.world.shops if s.venue.token == token.strip()), None)

    def answer(self, request: Request, call: Call, twist: str | None = None) -> Reply:
        if call.kind == READ_ONLY:
            refused = self.problem(405, "Method not allowed")
            refused.headers = ("Allow: GET",)
            return refused
        if call.shop is None:
            return self.problem(401, "Invalid integration token")
        params = dict(request.params)
        if twist == "ignore_filter":
            for name in ("updatedSince", "startDate", "endDate"):
                params.pop(name, None)
        try:
            return self._list(call.kind, call.shop, params, empty=twist == "empty")
        except BadDate as bad:
            return self.problem(400, f"{bad} must be an ISO 8601 date")

    def _list(self, kind: str, shop: Shop, params: Mapping[str, str], *, empty: bool) -> Reply:
        settings = self.settings
        page, limit = page_bounds(params, "limit", settings.limit, settings.max_limit)
        if kind == "transactions" and settings.transactions == "lines":
            lines = self._all_lines(shop, params)
            rows = [] if empty else rows_of_page(lines, page, limit)
            body = b",".join(map(encode, rows))
            return self._page(body, len(rows), page, len(lines), limit)
        chosen = self._select(kind, shop, params)
        if kind == "inventory" and "limit" not in params:
            page, limit = 1, max(1, len(chosen))
        wanted = [] if empty else rows_of_page(chosen, page, limit)
        return self._page(self._rows(kind, shop, wanted), len(wanted), page, len(chosen), limit)

    def _page(self, rows: bytes, count: int, page: int, total: int, limit: int) -> Reply:
        if self.settings.bare:
            return Reply(200, b"[" + rows + b"]", rows=count)
        tail = f'],"page":{page},"totalPages":{-(-total // limit)}}}'
        return Reply(200, b'{"data":[' + rows + tail.encode(), rows=count)

    def _select(self, kind: str, shop: Shop, params: Mapping[str, str]) -> list[int]:
        if kind == "inventory":
            return self._in_stock(shop)
        if kind == "customers":
            return self._updated(shop, _instant(params, "updatedSince"))
        low, high = _instant(params, "startDate"), _instant(params, "endDate", until_night=True)
        chosen = self._sales.by_instant(shop, low, high)
        return chosen[::-1] if self.settings.newest_first else chosen

    def _updated(self, shop: Shop, since: int | None) -> list[int]:
        """By last change, those changed at the very instant included."""
        table = shop.customers
        chosen = table.in_order("updated")
        return chosen if since is None else [at for at in chosen if table.updated[at] >= since]

    def _in_stock(self, shop: Shop) -> list[int]:
        table = shop.inventories
        return [at for at in table.in_order("id") if float(table.get(at).quantity) > 0]

    def _all_lines(self, shop: Shop, params: Mapping[str, str]) -> list[wire.Wire]:
        """The lines of a selection, cached until sales, filter or switches change."""
        positive = self.settings.positive_returns
        bounds = (params.get("startDate"), params.get("endDate"))
        state = (shop.sales.version, bounds, self.settings.newest_first, positive)
        return self._lines.get(
            shop.key,
            state,
            lambda: [
                line
                for row in map(shop.sales.get, self._select("transactions", shop, params))
                for line in wire.lines(row, shop, self.world, positive_returns=positive)
            ],
        )

    def _rows(self, kind: str, shop: Shop, wanted: list[int]) -> bytes:
        world, positive = self.world, self.settings.positive_returns
        if kind == "customers":
            return self.rendered.rows(shop.customers, wanted, wire.customer)
        if kind == "inventory":
            return self.rendered.rows(
                shop.inventories, wanted, lambda row: wire.package(row, shop, world)
            )
        return self.rendered.rows(
            shop.sales,
            wanted,
            lambda row: wire.receipt(row, shop, world, positive_returns=positive),
            f"{positive}",
        )

    def warm(self) -> int:
        for shop in self.world.shops:
            self._rows("customers", shop, shop.customers.positions())
            self._rows("transactions", shop, shop.sales.positions())
            self._rows("inventory", shop, self._in_stock(shop))
        return self.rendered.size


def _instant(params: Mapping[str, str], name: str, *, until_night: bool = False) -> int | None:
    """A bound; a day without a time is its first instant, or its last. Raises BadDate."""
    text = params.get(name)
    if not text:
        return None
    instant = parse_instant(text)
    if instant is None:
        raise BadDate(name)
    return instant + DAY - 1 if until_night and len(text) == len("2026-05-02") else instant
