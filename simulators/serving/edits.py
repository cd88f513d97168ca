"""Edits to a running world, at once or by request count, always stamped with the POS's clock."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulators.retailer.platforms import LOWERED, PLAIN, REFUND_ROW
from simulators.retailer.shapes import Lot, Sale, Shopper
from simulators.retailer.tables import Table
from simulators.retailer.world import Shop
from simulators.retailer.zones import parse_instant
from simulators.serving.faults import Trigger, read_trigger

if TYPE_CHECKING:
    from simulators.serving.pos_api import Api

Edit = dict[str, Any]
Spot = tuple[Shop, Table[Any], int]
"""Where a row is: its shop, its table, its position."""

WHOLE = frozenset(("sub_total", "discount", "tax", "total", "cost", "price", "points", "shopper"))
QUIRKS = {
    "customers": ("", "no_id", "strings"),
    "sales_histories": ("", "missing_id", "bad_date", "bad_money", "strings"),
    "inventories": ("", "missing_id", "bad_money"),
}
_NUMBER = re.compile(r"\d+$")


def number_of(wire_id: object) -> int:
    """The world's number in an id of the wire, where it comes last: `pat_4410007` is 4410007.

    Raises ValueError.
    """
    match = _NUMBER.search(str(wire_id))
    if not match:
        raise ValueError(f"no id: {wire_id!r}")
    return int(match[0])


class Edits:
    """Changes rows of the world, at once (`apply`) or at a request count (`schedule`).

    Raises ValueError for an edit that cannot be read, KeyError for a row or venue that is not
    there.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._verbs = self.verbs()
        self.clear()

    def verbs(self) -> dict[str, Callable[[Edit], list[int | str]]]:
        """By the word in `do`: the function that makes the edit. A platform adds its own."""
        return {
            "touch": self._touch,
            "update": self._update,
            "delete": self._delete,
            "merge": self._merge,
            "add_sales": self._add_sales,
            "refund": self._refund,
        }

    def clear(self) -> None:
        self._before: list[tuple[Trigger, Edit]] = []
        self._after: list[tuple[Trigger, Edit]] = []

    def apply(self, edit: Edit) -> list[int | str]:
        """Returns the ids of the rows that changed, as the wire has them."""
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
        rule = dict(edit.pop("after", None) or edit.pop("before"))
        when.append((read_trigger({"times": 1, **rule}, self._api.aliases), edit))

    def before(self, resource: str, venue: str | None) -> None:
        self._run(self._before, resource, venue)

    def after(self, resource: str, venue: str | None) -> None:
        self._run(self._after, resource, venue)

    def _run(self, due: list[tuple[Trigger, Edit]], resource: str, venue: str | None) -> None:
        for trigger, edit in due:
            if trigger.fires(resource, venue):
                self.apply(edit)

    def table(self, edit: Edit) -> str:
        """The world's name of the table an edit is about, customers where it names none."""
        name = str(edit.get("resource", "customers"))
        return self._api.tables.get(name, name)

    def _tables(self, name: str, venue: str | None) -> list[tuple[Shop, Table[Any]]]:
        tables = []
        for shop in self._api.world.shops:
            if venue in (None, shop.venue.code):
                tables += [(shop, table) for known, table in shop.tables() if known == name]
        if not tables:
            raise KeyError(name)
        return tables

    def locate(self, name: str, wire_id: object) -> Spot:
        """The row of an id: where shops have the same numbers, one that names its shop."""
        number, spots = number_of(wire_id), []
        for shop, table in self._tables(name, None):
            at = table.find(number)
            if at is None:
                continue
            names = (f"{shop.key}:{number}", str(self._api.row_id(name, shop, table.get(at))))
            if str(wire_id) in names:
                return shop, table, at
            spots.append((shop, table, at))
        if not spots:
            raise KeyError(wire_id)
        return spots[0]

    def put(self, name: str, spot: Spot, row: Any) -> int | str:
        """Store the row; answers its id."""
        shop, table, at = spot
        table.put(at, row)
        return self._api.row_id(name, shop, row)

    def _touch(self, edit: Edit) -> list[int | str]:
        """`ids`, or `percent` of the sound rows: a visible change and a new `updated_at`."""
        name = self.table(edit)
        if "ids" in edit:
            spots = [self.locate(name, wire_id) for wire_id in edit["ids"]]
        else:
            live = [
                (shop, table, at)
                for shop, table in self._tables(name, edit.get("venue"))
                for at in table.positions()
                if not table.get(at).quirk
            ]
            size = round(len(live) * float(edit["percent"]) / 100)
            spots = random.Random(f"touch:{edit.get('seed', 0)}").sample(live, size)
        touched = []
        for spot in spots:
            row = spot[1].get(spot[2])
            changes = self.columns(name, edit["set"]) if "set" in edit else _visible_change(row)
            touched.append(self.put(name, spot, row._replace(**changes, updated=self._api.now())))
        return touched

    def _update(self, edit: Edit) -> list[int | str]:
        """`set` fields (wire names) of row `id`; `"keep_updated_at": true` hides the change."""
        name = self.table(edit)
        spot = self.locate(name, edit["id"])
        row = spot[1].get(spot[2])
        stamp = row.updated if edit.get("keep_updated_at") else self._api.now()
        changes = self.columns(name, edit["set"])
        return [self.put(name, spot, row._replace(**changes, updated=stamp))]

    def _delete(self, edit: Edit) -> list[int | str]:
        name = self.table(edit)
        shop, table, at = self.locate(name, edit["id"])
        gone = self._api.row_id(name, shop, table.get(at))
        table.drop(at)
        return [gone]

    def _merge(self, edit: Edit) -> list[int | str]:
        """`gone` disappears, its sales move to `keep` with a newer `updated_at`, points add up."""
        keep, gone = number_of(edit["keep"]), number_of(edit["gone"])
        survivor, (shop, table, at) = self.locate("customers", keep), self.locate("customers", gone)
        if keep == gone:
            raise KeyError(gone)
        now, row, other = self._api.now(), survivor[1].get(survivor[2]), table.get(at)
        name = self._api.row_id("customers", shop, other)
        merged = row._replace(points=row.points + other.points, updated=now)
        changed = [self.put("customers", survivor, merged), name]
        table.drop(at)
        for shop, sales in self._tables("sales_histories", None):
            for at in sales.positions():
                sale = sales.get(at)
                if sale.shopper == gone:
                    relinked = sale._replace(shopper=keep, updated=now)
                    self.put("sales_histories", (shop, sales, at), relinked)
        return changed

    def shop(self, edit: Edit) -> Shop:
        world = self._api.world
        return world.shop(edit["venue"]) if "venue" in edit else world.shops[0]

    def _add_sales(self, edit: Edit) -> list[int | str]:
        """`count` new sales at `venue`, by `customer_id` or by random shoppers."""
        shop = self.shop(edit)
        people = [row.id for row in shop.customers.rows() if row.quirk != "no_id"]
        dice = random.Random(f"add_sales:{len(shop.sales.ids)}")
        added = []
        for _ in range(int(edit.get("count", 1))):
            who = _shopper(edit["customer_id"]) if "customer_id" in edit else dice.choice(people)
            now = self._api.now()
            stamps, number = (now, now), self.next_sale()
            sale = shop.receipts.build(number, who, now - now % 1000, stamps, self.fate(edit))
            shop.sales.append(sale)
            added.append(self._api.row_id("sales_histories", shop, sale))
        return added

    def fate(self, edit: Edit) -> int:
        """What becomes of an added sale: one of the fates in `retailer/platforms.py`."""
        del edit
        return PLAIN

    def next_sale(self) -> int:
        return max(max(shop.sales.ids, default=0) for shop in self._api.world.shops) + 1

    def _refund(self, edit: Edit) -> list[int | str]:
        """Sale `id` in `shape` R1, R2 (`status` refunded or voided) or R3."""
        spot = self.locate("sales_histories", edit["id"])
        shop, table, at = spot
        sale, now = table.get(at), self._api.now()
        shape = edit.get("shape", min(self._api.refunds))
        if shape not in self._api.refunds:
            raise ValueError(f"unknown shape {shape!r}")
        if shape == "R1":
            stamps = (now, now)
            back = shop.receipts.build(
                self.next_sale(), sale.shopper, now - now % 1000, stamps, REFUND_ROW, sale.id
            )
            table.append(back)
            return [self._api.row_id("sales_histories", shop, back)]
        if shape == "R2":
            changed = sale._replace(status=edit.get("status", "refunded"), updated=now)
        else:
            again = (sale.id, sale.shopper, sale.ordered, (sale.created, now))
            changed = shop.receipts.build(*again, LOWERED)
        return [self.put("sales_histories", spot, changed)]

    def columns(self, name: str, fields: Edit) -> Edit:
        """Wire names to columns, money in cents; `quirk` breaks or mends a row. Raises ValueError
        for what would make a row that the oracle cannot judge."""
        known = {**self._api.columns.get(name, {}), "quirk": "quirk"}
        if set(fields) - set(known):
            raise ValueError(f"unknown fields {sorted(set(fields) - set(known))}")
        columns = {known[field]: value for field, value in fields.items()}
        if "ordered" in columns:
            columns["ordered"] = parse_instant(str(columns["ordered"]))
        if "shopper" in columns:
            columns["shopper"] = _shopper(columns["shopper"])
        for column, value in columns.items():
            whole = isinstance(value, int) or (column == "shopper" and value is None)
            if (column in WHOLE or column == "ordered") and not whole:
                raise ValueError(f"{column} takes a whole number or instant; use quirk to break it")
        if columns.get("quirk", "") not in QUIRKS[name]:
            raise ValueError(f"quirk is one of {QUIRKS[name]}")
        return columns


def _shopper(wire_id: object) -> int | None:
    return None if wire_id is None else number_of(wire_id)


def _visible_change(row: Shopper | Sale | Lot) -> Edit:
    if isinstance(row, Shopper):
        return {"address": f"{1 + row.updated % 9999} Changed St"}
    if isinstance(row, Sale):
        return {"number": f"{row.number}-e"}
    return {"quantity": f"{float(row.quantity) + 1:.1f}"}
