"""Edits to a running world, at once or by request count, always stamped with the POS's clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulators.faults import ALIASES, Trigger, read_trigger
from simulators.platforms import LOWERED, REFUND_ROW
from simulators.shapes import Lot, Sale, Shopper
from simulators.tables import Table
from simulators.world import Shop
from simulators.zones import parse_instant

from . import wire
from .writes import create_customer

if TYPE_CHECKING:
    from .api import PosabitApi

Edit = dict[str, Any]

SALE_FIELDS = {
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
LOT_FIELDS = {"quantity_on_hand": "quantity", "price": "price", "active": "active"}
CUSTOMER_FIELDS = {**wire.WRITABLE, "points": "points"}
WHOLE = frozenset(("sub_total", "discount", "tax", "total", "cost", "price", "points", "shopper"))
QUIRKS = {
    "customers": ("", "no_id", "strings"),
    "sales_histories": ("", "missing_id", "bad_date", "bad_money", "strings"),
    "inventories": ("", "missing_id", "bad_money"),
}
FIELDS = {
    "customers": CUSTOMER_FIELDS,
    "sales_histories": SALE_FIELDS,
    "inventories": LOT_FIELDS,
}


class Edits:
    """`apply` runs an edit now; `schedule` keeps it for a request count. Raises ValueError for an
    edit that cannot be read, KeyError for a row or venue that is not there."""

    def __init__(self, api: PosabitApi) -> None:
        self._api = api
        self._verbs: dict[str, Callable[[Edit], list[int]]] = {
            "touch": self._touch,
            "update": self._update,
            "delete": self._delete,
            "merge": self._merge,
            "create": self._create,
            "add_sales": self._add_sales,
            "refund": self._refund,
        }
        self.clear()

    def clear(self) -> None:
        self._before: list[tuple[Trigger, Edit]] = []
        self._after: list[tuple[Trigger, Edit]] = []

    def apply(self, edit: Edit) -> list[int]:
        """Returns the ids of the rows that changed."""
        verb = self._verbs.get(str(edit.get("do")))
        if verb is None:
            raise ValueError(f"unknown edit {edit.get('do')!r}")
        return verb(edit)

    def schedule(self, edit: Edit) -> None:
        """`edit["before"]` or `edit["after"]` = `{"resource", "requests"?, "times"?, "venue"?}`.

        Without `times` a scheduled edit runs once.
        """
        edit = dict(edit)
        when = self._after if "after" in edit else self._before
        trigger = read_trigger({"times": 1, **dict(edit.pop("after", None) or edit.pop("before"))})
        when.append((trigger, edit))

    def before(self, resource: str, venue: str | None) -> None:
        self._run(self._before, resource, venue)

    def after(self, resource: str, venue: str | None) -> None:
        self._run(self._after, resource, venue)

    def _run(self, due: list[tuple[Trigger, Edit]], resource: str, venue: str | None) -> None:
        for trigger, edit in due:
            if trigger.fires(resource, venue):
                self.apply(edit)

    def _tables(self, resource: str, venue: str | None) -> list[tuple[Shop, Table[Any]]]:
        resource = ALIASES.get(resource, resource)
        found = []
        for shop in self._api.world.shops:
            if venue in (None, shop.venue.code):
                found += [(shop, table) for name, table in shop.tables() if name == resource]
        if not found:
            raise KeyError(resource)
        return found

    def _locate(self, resource: str, number: int) -> tuple[Shop, Table[Any], int]:
        for shop, table in self._tables(resource, None):
            at = table.find(number)
            if at is not None:
                return shop, table, at
        raise KeyError(number)

    def _touch(self, edit: Edit) -> list[int]:
        """`ids`, or `percent` of the sound rows: a visible change and a new `updated_at`."""
        resource = edit.get("resource", "customers")
        if "ids" in edit:
            spots = [self._locate(resource, int(number))[1:] for number in edit["ids"]]
        else:
            live = [
                (table, at)
                for _, table in self._tables(resource, edit.get("venue"))
                for at in table.positions()
                if not table.get(at).quirk
            ]
            size = round(len(live) * float(edit["percent"]) / 100)
            spots = random.Random(f"touch:{edit.get('seed', 0)}").sample(live, size)
        touched = []
        for table, at in spots:
            row = table.get(at)
            changes = _columns(resource, edit["set"]) if "set" in edit else _visible_change(row)
            table.put(at, row._replace(**changes, updated=self._api.now()))
            touched.append(int(row.id))
        return touched

    def _update(self, edit: Edit) -> list[int]:
        """`set` fields (wire names) of row `id`; `"keep_updated_at": true` hides the change."""
        _, table, at = self._locate(edit["resource"], int(edit["id"]))
        row = table.get(at)
        stamp = row.updated if edit.get("keep_updated_at") else self._api.now()
        table.put(at, row._replace(**_columns(edit["resource"], edit["set"]), updated=stamp))
        return [int(edit["id"])]

    def _delete(self, edit: Edit) -> list[int]:
        _, table, at = self._locate(edit.get("resource", "customers"), int(edit["id"]))
        table.drop(at)
        return [int(edit["id"])]

    def _merge(self, edit: Edit) -> list[int]:
        """`gone` disappears, its sales move to `keep` with a newer `updated_at`, points add up."""
        keep, gone = int(edit["keep"]), int(edit["gone"])
        shop, table, at = self._locate("customers", keep)
        lost = table.find(gone)
        if lost is None or lost == at:
            raise KeyError(gone)
        now, row = self._api.now(), table.get(at)
        table.put(at, row._replace(points=row.points + table.get(lost).points, updated=now))
        table.drop(lost)
        moved = [at for at in shop.sales.positions() if shop.sales.get(at).shopper == gone]
        for sale_at in moved:
            sale = shop.sales.get(sale_at)
            shop.sales.put(sale_at, sale._replace(shopper=keep, updated=now))
        return [keep, gone]

    def _create(self, edit: Edit) -> list[int]:
        """A customer made at the till: the fields of `set`, at `venue` (default the first)."""
        shop = self._shop(edit)
        row = create_customer(self._api.world, shop, dict(edit["set"]), self._api.now())
        return [int(row["id"])]

    def _shop(self, edit: Edit) -> Shop:
        world = self._api.world
        return world.shop(edit["venue"]) if "venue" in edit else world.shops[0]

    def _add_sales(self, edit: Edit) -> list[int]:
        """`count` new completed sales at `venue`, by `customer_id` or by random shoppers."""
        shop = self._shop(edit)
        people = [row.id for row in shop.customers.rows() if row.quirk != "no_id"]
        dice = random.Random(f"add_sales:{len(shop.sales.ids)}")
        added = []
        for _ in range(int(edit.get("count", 1))):
            who = edit["customer_id"] if "customer_id" in edit else dice.choice(people)
            now = self._api.now()
            sale = shop.receipts.build(self._next_sale(), who, now - now % 1000, (now, now))
            shop.sales.append(sale)
            added.append(sale.id)
        return added

    def _next_sale(self) -> int:
        return max(max(shop.sales.ids, default=0) for shop in self._api.world.shops) + 1

    def _refund(self, edit: Edit) -> list[int]:
        """Sale `id` in `shape` R1, R2 (`status` refunded or voided) or R3."""
        shop, table, at = self._locate("sales_histories", int(edit["id"]))
        sale, now = table.get(at), self._api.now()
        shape = edit.get("shape", "R1")
        if shape == "R1":
            stamps = (now, now)
            back = shop.receipts.build(
                self._next_sale(), sale.shopper, now - now % 1000, stamps, REFUND_ROW, sale.id
            )
            table.append(back)
            return [back.id]
        if shape == "R2":
            table.put(at, sale._replace(status=edit.get("status", "refunded"), updated=now))
        elif shape == "R3":
            again = (sale.id, sale.shopper, sale.ordered, (sale.created, now))
            table.put(at, shop.receipts.build(*again, LOWERED))
        else:
            raise ValueError(f"unknown shape {shape!r}")
        return [sale.id]


def _columns(resource: str, fields: Edit) -> Edit:
    """Wire names to columns; `quirk` breaks or mends a row. Raises ValueError for what would make
    a row that the oracle cannot judge."""
    resource = ALIASES.get(resource, resource)
    known = {**FIELDS[resource], "quirk": "quirk"}
    if set(fields) - set(known):
        raise ValueError(f"unknown fields {sorted(set(fields) - set(known))}")
    columns = {known[name]: value for name, value in fields.items()}
    if "ordered" in columns:
        columns["ordered"] = parse_instant(str(columns["ordered"]))
    for column, value in columns.items():
        whole = isinstance(value, int) or (column == "shopper" and value is None)
        if (column in WHOLE or column == "ordered") and not whole:
            raise ValueError(f"{column} takes a whole number or instant; use quirk to break it")
    if columns.get("quirk", "") not in QUIRKS[resource]:
        raise ValueError(f"quirk is one of {QUIRKS[resource]}")
    return columns


def _visible_change(row: Shopper | Sale | Lot) -> Edit:
    if isinstance(row, Shopper):
        return {"address": f"{1 + row.updated % 9999} Changed St"}
    if isinstance(row, Sale):
        return {"number": f"{row.number}-e"}
    return {"quantity": f"{float(row.quantity) + 1:.1f}"}
