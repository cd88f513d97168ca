"""How Profitek writes its rows: PascalCase, dollars, the store's clock without a zone."""

from __future__ import annotations

from typing import Any

from simulators.retailer.shapes import Line, Lot, Product, Sale, Shopper, Venue
from simulators.retailer.zones import iso_local
from simulators.serving.wire_values import (
    BROKEN_MONEY,
    as_text,
    dollars,
    pick,
    two_decimals,
)

from .platform import CUSTOMER_TYPES, TYPES

Wire = dict[str, Any]

GST = 5.0  # percent; what a venue's tax is above that, its province takes
_BROKEN_DATES = ("not a date", "2026-13-45T25:00:00")


def local(instant: int, venue: Venue) -> str:
    """`yyyy-MM-ddTHH:mm:ss` on the store's clock, which an hour in autumn shows twice."""
    return iso_local(instant, venue.rails_zone)[:19]


def taxes(cents: int, venue: Venue) -> tuple[int, int]:
    """GST and PST out of the whole tax; they add up to it."""
    gst = round(cents * min(1.0, GST / float(venue.tax_rate)))
    return gst, cents - gst


def customer(row: Shopper, venue: Venue) -> Wire:
    """A customer row: some numbers are in the field for landlines, most in that for mobiles."""
    landline = row.id % 3 == 0
    wire: Wire = {
        "CustomerID": row.id,
        "StoreName": venue.name,
        "FirstName": row.first,
        "LastName": row.last,
        "Phone": row.phone if landline else None,
        "Cell": None if landline else row.phone,
        "Email": row.email,
        "BirthDate": f"{row.birthday}T00:00:00" if row.birthday else None,
        "CustomerType": CUSTOMER_TYPES.get(row.kind, row.kind),
        "Address": row.address,
        "City": row.city,
        "Province": row.state,
        "PostalCode": row.zip_code,
        "Points": row.points,
        "IsActive": row.active,
        "CreatedDate": local(row.created, venue),
        "LastModified": local(row.updated, venue),
    }
    if row.quirk == "no_id":
        wire["CustomerID"] = None
    elif row.quirk == "strings":
        wire = _all_as_text(wire)
    return wire


def transaction(
    row: Sale, venue: Venue, products: list[Product], *, unsigned_returns: bool = False
) -> Wire:
    """`unsigned_returns`: rows of Type Return with positive amounts and quantities."""
    gst, pst = taxes(row.tax, venue)
    is_return = row.sale_type == "refund"
    wire: Wire = {
        "TransactionID": row.id,
        "InvoiceNo": f"A-{row.number}",
        "StoreName": venue.name,
        "CustomerID": row.shopper,
        "Type": "Return" if is_return else TYPES.get(row.status, row.status),
        "IsVoid": row.status == "voided",
        "TransactionDate": local(row.ordered, venue),
        "LastModified": local(row.updated, venue),
        "SubTotal": dollars(row.sub_total),
        "Discount": dollars(row.discount),
        "GST": dollars(gst),
        "PST": dollars(pst),
        "Total": dollars(row.total),
        "Employee": f"E{row.user}",
        "Items": [_item(line, products[line.product], at) for at, line in enumerate(row.lines, 1)],
    }
    if is_return and unsigned_returns:
        wire = _unsigned(wire)
    if row.quirk == "missing_id":
        wire["TransactionID"] = None
    elif row.quirk == "bad_date":
        wire["TransactionDate"] = pick(_BROKEN_DATES, row.id)
    elif row.quirk == "bad_money":
        wire["Total"] = pick(BROKEN_MONEY, row.id)
    elif row.quirk == "strings":
        wire = _all_as_text(wire)
    return wire


def _item(line: Line, product: Product, number: int) -> Wire:
    """`Price` is of one piece, `Discount` of the line."""
    return {
        "LineNo": number,
        "SKU": product.sku,
        "Description": product.name,
        "Department": product.category,
        "Qty": float(line.quantity),
        "Price": dollars(product.price),
        "Discount": dollars(line.discount),
        "Cost": dollars(product.cost),
    }


def _unsigned(wire: Wire) -> Wire:
    amounts = ("SubTotal", "Discount", "GST", "PST", "Total", "Qty")
    plain = {key: abs(value) if key in amounts else value for key, value in wire.items()}
    if "Items" in plain:
        plain["Items"] = [_unsigned(item) for item in plain["Items"]]
    return plain


def _all_as_text(value: Any) -> Any:
    """Numbers as strings, booleans as 1 and 0, all the way down."""
    if isinstance(value, dict):
        return {key: _all_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_all_as_text(inner) for inner in value]
    return as_text(value, two_decimals)


def inventory(row: Lot, venue: Venue, product: Product) -> Wire:
    return {
        "ItemID": None if row.quirk == "missing_id" else row.id,
        "StoreName": venue.name,
        "SKU": product.sku,
        "Description": product.name,
        "Department": product.category,
        "QtyOnHand": float(row.quantity),
        "Unit": product.unit,
        "Price": "n/a" if row.quirk == "bad_money" else dollars(row.price),
        "Cost": dollars(product.cost),
        "IsActive": row.active,
        "LastModified": local(row.updated, venue),
    }
