"""How THSuite writes its rows. Every name here is inferred (reference/pos.md §4.2)."""

from __future__ import annotations

from typing import Any

from simulators.retailer.names import COUPON_NAMES
from simulators.retailer.shapes import Lot, Product, Sale, Shopper
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import iso
from simulators.serving.wire_values import (
    BROKEN_MONEY,
    as_text,
    dollars,
    pick,
    two_decimals,
)

from .platform import customer_id, receipt_id, store_id

Wire = dict[str, Any]

_BROKEN_DATES = ("not a date", "2026-13-45T25:00:00Z")


def customer(row: Shopper) -> Wire:
    """A customer row. AIQ must not store its `stateId` and `caregivers`."""
    wire: Wire = {
        "id": None if row.quirk == "no_id" else customer_id(row.id),
        "firstName": row.first,
        "lastName": row.last,
        "phone": row.phone,
        "email": row.email,
        "birthDate": row.birthday,
        "gender": row.gender,
        "patientGroup": row.kind,
        "stateId": f"MD-P-{row.id}" if row.kind == "medical" else None,
        "caregivers": [{"name": "A Caregiver"}] if row.kind == "medical" else [],
        "address": row.address,
        "city": row.city,
        "state": row.state,
        "zip": row.zip_code,
        "active": row.active,
        "loyaltyMember": row.loyalty,
        "loyaltyPoints": row.points,
        "smsOptIn": row.sms_in,
        "smsOptOut": row.sms_out,
        "emailOptIn": row.marketing,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
    }
    return _all_as_text(wire) if row.quirk == "strings" else wire


def store(shop: Shop) -> Wire:
    return {"id": store_id(shop.venue), "name": shop.venue.name}


def receipt(row: Sale, shop: Shop, world: World, *, positive_returns: bool) -> Wire:
    """A transaction that is a receipt with its items."""
    sign = -1 if positive_returns and row.sale_type == "refund" else 1
    wire: Wire = {
        "id": None if row.quirk == "missing_id" else receipt_id(row.id),
        "number": row.number,
        **_head(row, shop),
        "subtotal": dollars(sign * row.sub_total),
        "discountTotal": dollars(sign * row.discount),
        "taxTotal": dollars(sign * row.tax),
        "total": dollars(sign * row.total),
        "items": [_item(row, at, world.products, sign) for at in range(len(row.lines))],
        "payments": [{"method": row.tender, "amount": dollars(sign * row.total)}],
    }
    if row.quirk == "bad_money":
        wire["total"] = pick(BROKEN_MONEY, row.id)
    elif row.quirk == "strings":
        wire = {**_all_as_text(wire), "items": [_all_as_text(item) for item in wire["items"]]}
    return wire


def lines(row: Sale, shop: Shop, world: World, *, positive_returns: bool) -> list[Wire]:
    """A receipt as one transaction per line; their amounts add up to the receipt's."""
    sign = -1 if positive_returns and row.sale_type == "refund" else 1
    whole = _head(row, shop)
    rows = []
    for at in range(len(row.lines)):
        wire = {
            **_item(_balanced(row), at, world.products, sign),
            **whole,
            "receiptId": None if row.quirk == "missing_id" else receipt_id(row.id),
            "receiptNumber": row.number,
        }
        if row.quirk == "bad_money":
            wire["total"] = pick(BROKEN_MONEY, row.id)
        rows.append(_all_as_text(wire) if row.quirk == "strings" else wire)
    return rows


def _head(row: Sale, shop: Shop) -> Wire:
    """The fields that a receipt and its lines have in common."""
    broken = row.quirk == "bad_date"
    return {
        "type": "return" if row.sale_type == "refund" else "sale",
        "status": row.status,
        "originalTransactionId": receipt_id(row.origin) if row.origin else None,
        "customerId": None if row.shopper is None else customer_id(row.shopper),
        "storeId": store_id(shop.venue),
        "store": store(shop),
        "medical": row.medical,
        "completedAt": pick(_BROKEN_DATES, row.id) if broken else iso(row.ordered),
        "updatedAt": iso(row.updated),
        "employee": f"Employee {row.user}",
    }


def _balanced(row: Sale) -> Sale:
    """The sale with lines that add up: where it was lowered later, its last line is."""
    last = row.lines[-1]
    changed = {
        amount: getattr(last, amount) + more for amount, more in row.missing_from_lines().items()
    }
    return row._replace(lines=(*row.lines[:-1], last._replace(**changed)))


def _item(row: Sale, at: int, products: list[Product], sign: int) -> Wire:
    line = row.lines[at]
    product = products[line.product]
    given = dollars(sign * line.discount)
    return {
        "id": f"li_{row.id * 8 + at}",
        "productId": f"p_{product.id}",
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "brand": product.brand,
        "quantity": sign * line.quantity,
        "unitPrice": dollars(product.price),
        "subtotal": dollars(sign * line.sub_total),
        "discount": given,
        "discounts": [{"name": COUPON_NAMES[line.coupon], "amount": given}] if line.coupon else [],
        "tax": dollars(sign * line.tax),
        "total": dollars(sign * line.total),
        "cost": dollars(sign * line.cost),
        "packageLabel": f"1A40{line.lot:020d}",
    }


def package(row: Lot, shop: Shop, world: World) -> Wire:
    product = world.products_by_id[row.product]
    return {
        "id": None if row.quirk == "missing_id" else f"pkg_{row.id}",
        "productId": f"p_{product.id}",
        "storeId": store_id(shop.venue),
        "sku": product.sku,
        "name": product.name,
        "brand": product.brand,
        "category": product.category,
        "strain": product.strain,
        "quantity": float(row.quantity),
        "unit": product.unit,
        "price": "n/a" if row.quirk == "bad_money" else dollars(row.price),
        "cost": dollars(product.cost),
        "room": row.room,
        "packageLabel": f"1A40{row.id:020d}",
        "active": row.active,
        "updatedAt": iso(row.updated),
    }


def _all_as_text(wire: Wire) -> Wire:
    return {key: as_text(value, two_decimals) for key, value in wire.items()}
