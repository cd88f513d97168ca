"""How Newpos writes its rows. Every name here is inferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.retailer.shapes import Lot, Sale, Shopper
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import RAILS_ZONES, iso

Wire = dict[str, Any]

COLUMNS = {
    "customers": {"first_name": "first", "last_name": "last", "phone": "phone", "email": "email"},
    "sales_histories": {"customer_id": "shopper", "status": "status", "total": "total"},
    "inventories": {"quantity": "quantity", "price": "price", "active": "active"},
}
"""What an edit may set: names on the wire to columns of a row."""


def renderer(kind: str, world: World) -> Callable[[Any], Wire]:
    """What writes a row of `customers`, `sales` or `inventory`."""
    if kind == "customers":
        return customer
    if kind == "sales":
        return lambda row: sale(row, world)
    return lambda row: item(row, world)


def store(shop: Shop) -> Wire:
    zone = RAILS_ZONES[shop.venue.rails_zone][0]
    return {"id": shop.key, "name": shop.venue.name, "time_zone": zone}


def customer(row: Shopper) -> Wire:
    wire: Wire = {
        "id": None if row.quirk == "no_id" else row.id,
        "first_name": row.first,
        "last_name": row.last,
        "phone": row.phone,
        "email": row.email,
        "birth_date": row.birthday,
        "type": row.kind,
        "active": row.active,
        "updated_at": iso(row.updated),
    }
    return _texts(wire) if row.quirk == "strings" else wire


def sale(row: Sale, world: World) -> Wire:
    wire: Wire = {
        "id": None if row.quirk == "missing_id" else row.id,
        "number": row.number,
        "customer_id": row.shopper,
        "ordered_at": "not a date" if row.quirk == "bad_date" else iso(row.ordered),
        "status": row.status,
        "type": row.sale_type,
        "subtotal": row.sub_total,
        "discount": row.discount,
        "tax": row.tax,
        "total": "n/a" if row.quirk == "bad_money" else row.total,
        "updated_at": iso(row.updated),
        "lines": [_line(row, at, world) for at in range(len(row.lines))],
    }
    return _texts(wire) if row.quirk == "strings" else wire


def _line(row: Sale, at: int, world: World) -> Wire:
    line = row.lines[at]
    product = world.products[line.product]
    return {
        "sku": product.sku,
        "name": product.name,
        "quantity": line.quantity,
        "discount": line.discount,
        "total": line.total,
    }


def item(row: Lot, world: World) -> Wire:
    product = world.products_by_id[row.product]
    return {
        "id": None if row.quirk == "missing_id" else row.id,
        "sku": product.sku,
        "name": product.name,
        "quantity": row.quantity,
        "price": "n/a" if row.quirk == "bad_money" else row.price,
        "active": row.active,
        "updated_at": iso(row.updated),
    }


def _texts(wire: Wire) -> Wire:
    """Numbers as strings, as a row of a careless POS has them."""
    return {
        key: str(value) if type(value) in (int, float) else value for key, value in wire.items()
    }
