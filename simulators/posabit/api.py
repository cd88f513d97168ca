"""The routes of the POSaBIT API: a request in, a reply out, no sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simulators.retailer.names import words
from simulators.retailer.shapes import Shopper
from simulators.retailer.tables import LatestValues, Table
from simulators.retailer.world import Shop, World
from simulators.serving.httpd import Reply, Request
from simulators.serving.paging import page_bounds, rows_of_page
from simulators.serving.pos_api import Api, Call, Settings, encode

from . import store_wire, wire
from .access import Caller, Permissions, identify, is_permitted, may_enter
from .listings import active_filters, select
from .writes import Refused, create_customer, update_customer

_ROUTE = re.compile(r"^/api/(v2|v3)/(?:(venue)/)?([a-z_]+)(?:/([\w-]+))?(?:/(options))?/?$")
SEARCHES = frozenset(("telephone_eq", "email_eq"))
LISTED = ("customers", "sales_histories", "inventories", "coupons")


SALE_COLUMNS = {
    "customer_id": "shopper",
    "ordered_at": "ordered",
    "status": "status",
    "sale_type": "sale_type",
    "local_order_id": "number",
    "sub_total": "sub_total",
    "discount": "discount",
    "tax": "tax",
    "total": "total",
    "cost": "cost",
}
LOT_COLUMNS = {"quantity_on_hand": "quantity", "price": "price", "active": "active"}
COLUMNS = {
    "customers": {**wire.WRITABLE, "points": "points"},
    "sales_histories": SALE_COLUMNS,
    "inventories": LOT_COLUMNS,
}
ALIASES = {"sales": "sales_histories", "inventory": "inventories"}


@dataclass(slots=True)
class PosabitSettings(Settings):
    """Switches of a running simulator.

    `accept`: "both", "basic" or "bearer". `bare_single` sends single customers unwrapped.
    `dates_required` answers 422 to a customers listing without `start_date` and `end_date`.
    `search_lag_seconds`: how long a search by phone or e-mail does not show who was just created;
    `search_hides_inactive`: nor who is inactive. `unique_phones` answers 422 to a creation with a
    phone that somebody has.
    """

    accept: str = "both"
    per_page: int = 100
    max_per_page: int = 1000
    bare_single: bool = False
    dates_required: bool = False
    search_lag_seconds: int = 0
    search_hides_inactive: bool = False
    unique_phones: bool = False


@dataclass(frozen=True, slots=True)
class PosabitCall(Call):
    version: str = "v3"
    resource: str = ""
    item: str | None = None
    caller: Caller | None = None


class PosabitApi(Api):
    base_path = "/api"
    aliases = ALIASES
    tables = ALIASES
    columns = COLUMNS
    plain_params = frozenset(
        words(
            "page per_page start_date end_date q[s] q[updated_at_gt] q[updated_at_lt] "
            "q[quantity_on_hand_gt]"
        )
    )
    page_setting = "max_per_page"
    settings_class = PosabitSettings
    settings: PosabitSettings

    def reset(self, world: World) -> None:
        super().reset(world)
        self.permissions = {venue.code: Permissions() for venue in world.venues}
        self._selections = LatestValues[list[int]]()

    def about(self) -> dict[str, Any]:
        return {
            "integrator_token": self.world.integrator_token,
            "venues": [
                {
                    "code": shop.venue.code,
                    "name": shop.venue.name,
                    "license": shop.venue.license,
                    "timezone": shop.venue.rails_zone,
                    "token": shop.venue.token,
                    "feed_key": shop.venue.feed_key,
                    "customers": len(shop.customers),
                    "sales_histories": len(shop.sales),
                    "inventories": len(shop.inventories),
                }
                for shop in self.world.shops
            ],
        }

    def credentials(self) -> list[dict[str, str]]:
        return [{"store_name": v.name, "key": v.token} for v in self.world.venues]

    def controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        return {
            ("GET", "permissions"): lambda _: self._permissions(),
            ("POST", "permissions"): self._permit,
        }

    def _permissions(self) -> dict[str, Any]:
        return {
            code: {**asdict(permissions), "degraded": sorted(permissions.degraded)}
            for code, permissions in self.permissions.items()
        }

    def _permit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change the permissions of `venue`, or of all venues without it."""
        for code in [body["venue"]] if "venue" in body else list(self.permissions):
            self.permissions[code] = self.permissions[code].with_changes(body)
        return self._permissions()

    def route(self, request: Request) -> PosabitCall | None:
        match = _ROUTE.match(request.path)
        if not match:
            return None
        version, venue, resource, item, _ = match.groups()
        if request.method not in ("GET", "POST", "PUT", "PATCH"):
            return None
        inside = resource in LISTED or resource == "customer_queues"
        outside = version == "v3" and resource in ("menu_feeds", "incoming_orders")
        is_info = resource == "info" and bool(venue) == (version == "v2")
        if not (is_info or (inside and venue) or (outside and not venue)):
            return None
        if item and resource not in ("customers", "menu_feeds"):
            return None
        kind = resource
        if resource == "customers" and request.method in ("POST", "PUT", "PATCH"):
            kind = "customers.create" if request.method == "POST" else "customers.update"
        elif resource == "customers" and item:
            kind = "customers.show"
        caller = identify(self.world, request.authorization)
        shop = caller.shop if caller else None
        return PosabitCall(kind, shop, {"version": version}, version, resource, item, caller)

    def answer(self, request: Request, call: PosabitCall, twist: str | None = None) -> Reply:
        shop = call.shop
        refusal = self._refusal(call, shop)
        if refusal:
            return refusal
        if shop is None:
            return Reply(200, encode(store_wire.venue_list(self.world.venues)))
        if call.kind in ("customers.create", "customers.update"):
            return self._write(request, call, shop)
        if call.resource in LISTED and not call.item:
            return self._list(request.params, call.resource, shop, twist)
        return self._single(request, call, shop)

    def _refusal(self, call: PosabitCall, shop: Shop | None) -> Reply | None:
        if not may_enter(call.caller, call.version, call.resource, self.settings.accept):
            return self.problem(401, "Unauthorized")
        if shop and not is_permitted(self.permissions[shop.venue.code], call.resource):
            return self.problem(403, "You do not have permission to access this resource")
        return None

    def _single(self, request: Request, call: PosabitCall, shop: Shop) -> Reply:
        if call.resource == "info":
            return Reply(200, encode(store_wire.info(shop.venue)))
        if call.resource == "customers":
            return self._show(call, shop)
        if call.resource == "menu_feeds":
            return self._menu(request.path, call, shop)
        if call.resource == "incoming_orders":
            page, _ = page_bounds(request.params, "per_page", 100, 100)
            order = store_wire.incoming_order(
                700_000 + shop.venue.ordinal, shop.venue, self.world.spec.now
            )
            rows = [order] if page == 1 else []
            head = {"status": "success", "code": 200, "total_records": 1, "page": page}
            return Reply(200, encode({**head, "per_page": 100, "incoming_orders": rows}))
        return Reply(200, encode({"total_records": 0, "customer_queues": []}))

    def _show(self, call: PosabitCall, shop: Shop) -> Reply:
        number = int(call.item) if call.item and call.item.isdecimal() else -1
        at = shop.customers.find(number)
        if at is None:
            return self.problem(404, "Customer not found")
        return self._one(wire.full_customer(shop.customers.get(at)), shop, 200)

    def _one(self, row: wire.Wire, shop: Shop, status: int) -> Reply:
        if self.permissions[shop.venue.code].shows("null_identity"):
            row = wire.without_identity(row)
        whole = row if self.settings.bare_single else {"customer": row}
        return Reply(status, encode(whole), rows=1)

    def _menu(self, path: str, call: PosabitCall, shop: Shop) -> Reply:
        if call.item != shop.venue.feed_key:
            return self.problem(404, "Menu feed not found")
        if path.rstrip("/").endswith("/options"):
            options = {"feed_key": call.item, "feed_type": "api", "include_medical": True}
            return Reply(200, encode({"menu_feed_options": options}))
        lots = list(shop.inventories.rows())
        return Reply(200, encode(store_wire.menu_feed(shop.venue, self.world.products, lots)))

    def _write(self, request: Request, call: PosabitCall, shop: Shop) -> Reply:
        try:
            body = json.loads(request.body)
        except ValueError:
            return self.problem(400, "The request body is not JSON")
        sent = body.get("customer") if isinstance(body, dict) else None
        if not isinstance(sent, dict):
            return self.problem(400, "param is missing or the value is empty: customer")
        try:
            if call.kind == "customers.create":
                unique = self.settings.unique_phones
                row = create_customer(self.world, shop, sent, self.now(), unique_phones=unique)
                return self._one(row, shop, 200)
            return self._one(update_customer(shop, call.item or "", sent, self.now()), shop, 200)
        except Refused as refused:
            return Reply(refused.status, encode({"errors": refused.reasons}))

    def _list(
        self, params: Mapping[str, str], resource: str, shop: Shop, twist: str | None
    ) -> Reply:
        undated = resource == "customers" and not {"start_date", "end_date"} <= set(params)
        if undated and self.settings.dates_required:
            return self.problem(422, "start_date and end_date are required")
        filters = active_filters(resource, params)
        if twist == "ignore_filter":
            filters = {key: value for key, value in filters.items() if key == "s"}
        page, per_page = page_bounds(
            params, "per_page", self.settings.per_page, self.settings.max_per_page
        )
        table = self._table(shop, resource)
        chosen = self._select(shop, resource, table, filters)
        if SEARCHES & filters.keys():
            chosen = [at for at in chosen if self._is_found(shop.customers.get(at))]
        wanted = [] if twist == "empty" else rows_of_page(chosen, page, per_page)
        rows = self._rows(shop, resource, table, wanted)
        body = wire.envelope(resource, rows, len(chosen), page, per_page)
        return Reply(200, body, rows=len(wanted))

    def _is_found(self, row: Shopper) -> bool:
        """Whether a search shows somebody who was created or archived."""
        is_new = row.created > self.now() - self.settings.search_lag_seconds * 1000
        return not is_new and (row.active or not self.settings.search_hides_inactive)

    def _table(self, shop: Shop, resource: str) -> Table[Any]:
        tables: dict[str, Table[Any]] = {
            "customers": shop.customers,
            "sales_histories": shop.sales,
            "inventories": shop.inventories,
            "coupons": shop.coupons,
        }
        return tables[resource]

    def _select(
        self, shop: Shop, resource: str, table: Table[Any], filters: dict[str, str]
    ) -> list[int]:
        """The positions of a listing, cached until its table or its filter changes."""
        return self._selections.get(
            (shop.venue.code, resource), (table.version, filters), lambda: select(table, filters)
        )

    def _rows(self, shop: Shop, resource: str, table: Table[Any], wanted: list[int]) -> bytes:
        permissions = self.permissions[shop.venue.code]
        bare = permissions.shows("null_identity") or permissions.shows("null_links")
        style = f"{sorted(permissions.degraded)}" if bare else ""
        render = self._renderer(shop, resource, permissions)
        return self.rendered.rows(table, wanted, render, style)

    def _renderer(self, shop: Shop, resource: str, permissions: Permissions) -> wire.Renderer:
        world = self.world
        if resource == "customers":
            if permissions.shows("null_identity"):
                return lambda row: {"customer": wire.without_identity(wire.customer(row))}
            return lambda row: {"customer": wire.customer(row)}
        if resource == "sales_histories":
            if permissions.shows("null_links"):
                return lambda row: wire.without_customer(wire.sale(row, shop.venue, world.products))
            return lambda row: wire.sale(row, shop.venue, world.products)
        if resource == "inventories":
            return lambda row: store_wire.inventory(row, world.products_by_id)
        return store_wire.coupon

    def warm(self) -> int:
        for shop in self.world.shops:
            for resource in LISTED:
                table = self._table(shop, resource)
                self._rows(shop, resource, table, table.positions())
        return self.rendered.size
