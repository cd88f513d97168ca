"""How POSaBIT writes its rows: field names, types and envelopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.retailer.names import COUPON_NAMES
from simulators.retailer.shapes import Product, Sale, Shopper, Venue
from simulators.retailer.zones import iso, iso_local
from simulators.serving.wire_values import BROKEN_MONEY, as_text, pick

Wire = dict[str, Any]

# Fields that Enhanced Customer Data Access opens; without it they come as null.
IDENTITY = (
    "first_name",
    "last_name",
    "telephone",
    "email",
    "birthday",
    "birth_year",
    "gender",
    "drivers_license",
    "address",
    "city",
    "state",
    "zipcode",
)
# What a writer may send -> the column it changes. `address_1` and `zip_code` are older spellings.
WRITABLE = {
    "first_name": "first",
    "last_name": "last",
    "telephone": "phone",
    "email": "email",
    "birthday": "birthday",
    "birth_year": "birth_year",
    "gender": "gender",
    "customer_type": "kind",
    "drivers_license": "license",
    "address": "address",
    "address_1": "address",
    "city": "city",
    "state": "state",
    "zipcode": "zip_code",
    "zip_code": "zip_code",
    "active": "active",
    "loyalty": "loyalty",
    "loyalty_member": "loyalty",
    "marketing_opt_in": "marketing",
    "sms_opt_in": "sms_in",
    "sms_opt_out": "sms_out",
    "terms_agreed": "terms",
}
COLLECTION = {"inventories": "inventory"}  # everything else is called as its path
_BROKEN_DATES = ("not a date", "2026-13-45T25:00:00.000Z")


def envelope(resource: str, rows: bytes, total: int, page: int, per_page: int) -> bytes:
    """`total_records`, `current_page`, `total_pages`, `per_page`, then the array."""
    head = (
        f'{{"total_records":{total},"current_page":{page},'
        f'"total_pages":{-(-total // per_page)},"per_page":{per_page},'
        f'"{COLLECTION.get(resource, resource)}":['
    )
    return head.encode() + rows + b"]}"


def customer(row: Shopper) -> Wire:
    wire: Wire = {
        "id": row.id,
        "first_name": row.first,
        "last_name": row.last,
        "telephone": row.phone,
        "email": row.email,
        "birthday": row.birthday,
        "birth_year": row.birth_year,
        "gender": row.gender,
        "customer_type": row.kind,
        "address": row.address,
        "city": row.city,
        "state": row.state,
        "zipcode": row.zip_code,
        "active": row.active,
        "points": row.points,
        "loyalty": row.loyalty,
        "marketing_opt_in": row.marketing,
        "sms_opt_in": row.sms_in,
        "sms_opt_out": row.sms_out,
        "terms_agreed": row.terms,
        "created_at": iso(row.created),
        "updated_at": iso(row.updated),
    }
    if row.quirk == "no_id":
        wire["id"] = None
    elif row.quirk == "strings":
        wire.update({key: as_text(value) for key, value in wire.items()})
    return wire


def full_customer(row: Shopper) -> Wire:
    """The customer as the answer by id has it, with fields that AIQ must not store."""
    return {
        **customer(row),
        "drivers_license": row.license,
        "id_expiration": "2031-01-01" if row.license else None,
        "medical_card_expiration": "2030-01-01" if row.kind == "medical" else None,
    }


def without_identity(wire: Wire) -> Wire:
    return {key: None if key in IDENTITY else value for key, value in wire.items()}


def without_customer(wire: Wire) -> Wire:
    return {**wire, "customer_id": None}


def sale(row: Sale, venue: Venue, products: list[Product]) -> Wire:
    wire: Wire = {
        "id": row.id,
        "is_medical": row.medical,
        "ordered_at": iso(row.ordered),
        "ordered_at_local": iso_local(row.ordered, venue.rails_zone),
        "sale_type": row.sale_type,
        "order_source": row.source,
        "status": row.status,
        "terminal_till_id": row.till,
        "terminal_id": row.terminal,
        "local_order_id": row.number,
        "customer_id": row.shopper,
        "user_id": row.user,
        "sub_total": row.sub_total,
        "discount": row.discount,
        "tax": row.tax,
        "total": row.total,
        "cost": row.cost,
        "items": [_item(row, at, products) for at in range(len(row.lines))],
        "sales_tenders": [
            {
                "sales_tender_id": row.id * 2 + 1,
                "subtotal": row.sub_total - row.discount,
                "tax": row.tax,
                "total": row.total,
                "payment_method_name": row.tender,
            }
        ],
        "created_at": iso(row.created),
        "updated_at": iso(row.updated),
    }
    _break_sale(wire, row)
    return wire


def _break_sale(wire: Wire, row: Sale) -> None:
    if row.quirk == "missing_id":
        wire["id"] = None
    elif row.quirk == "bad_date":
        wire["ordered_at"] = pick(_BROKEN_DATES, row.id)
    elif row.quirk == "bad_money":
        wire["total"] = pick(BROKEN_MONEY, row.id)
    elif row.quirk == "strings":
        wire.update({key: as_text(value) for key, value in wire.items()})
        for item in wire["items"]:
            item.update({key: as_text(value) for key, value in item.items()})


def _item(row: Sale, at: int, products: list[Product]) -> Wire:
    line = row.lines[at]
    product = products[line.product]
    weight = product.unit_weight
    return {
        "item_id": row.id * 8 + at,
        "sales_history_id": row.id,
        "product_id": product.id,
        "inventory_id": line.lot,
        "lot_id": line.lot % 9973,
        "lot_number": f"LOT-{line.lot % 9973:04d}",
        "is_marijuana": weight > 0,
        "quantity": line.quantity,
        "weight": round(weight * line.quantity, 3),
        "unit_weight": weight,
        "unit_of_weight": "g",
        "weight_in_grams": round(weight * line.quantity, 3),
        "cost": line.cost,
        "sub_total": line.sub_total,
        "tax": line.tax,
        "discount": line.discount,
        "total": line.total,
        "sku": product.sku,
        "category": product.category,
        "brand": product.brand,
        "product_name": product.name,
        "family_name": f"{product.category} family",
        "tier_name": None,
        "discount_list": [{"coupon_id": line.coupon, "coupon_name": COUPON_NAMES.get(line.coupon)}]
        if line.coupon
        else [],
    }


Renderer = Callable[[Any], Wire]
