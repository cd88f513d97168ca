"""How Webjoint writes its rows (reference/pos.md §2.5): camel case, dollars as text."""

from __future__ import annotations

from typing import Any

from simulators.retailer import names
from simulators.retailer.shapes import Lot, Product, Sale, Shopper
from simulators.retailer.world import Shop
from simulators.retailer.zones import iso
from simulators.serving.wire_values import BROKEN_MONEY, as_text, pick, two_decimals

from .platform import company_id, facility_id, order_id, status_word

Wire = dict[str, Any]

MONEY = ("subtotal", "discount", "taxes", "deliveryFee", "total", "price")
_BROKEN_DATES = ("not a date", "2026-13-45T25:00:00.000Z")


def dollars(cents: int) -> str:
    return two_decimals(cents / 100)


def facility(shop: Shop, company: int) -> Wire:
    venue = shop.venue
    return {
        "id": int(shop.key),
        "companyId": company,
        "name": venue.name,
        "address": venue.street,
        "city": venue.city,
        "state": venue.state,
        "zip": venue.zip_code,
        "phone": venue.telephone,
        "license": venue.license,
        "active": True,
    }


def customer(row: Shopper, shop: Shop) -> Wire:
    wire: Wire = {
        "id": None if row.quirk == "no_id" else row.id,
        "facilityId": int(shop.key),
        "firstName": row.first,
        "lastName": row.last,
        "name": f"{row.first} {row.last}".strip(),
        "email": row.email,
        "phone": row.phone,
        "dateOfBirth": row.birthday,
        "type": row.kind,
        "address": row.address,
        "city": row.city,
        "state": row.state,
        "zip": row.zip_code,
        "blocked": not row.active,
        "loyaltyPoints": row.points,
        "marketingOptIn": row.marketing,
        "created": iso(row.created),
        "modified": iso(row.updated),
    }
    return _retyped(wire) if row.quirk == "strings" else wire


def order(row: Sale, shop: Shop, products: list[Product]) -> Wire:
    spec, venue = shop.receipts.spec, shop.venue
    missing = row.quirk == "missing_id"
    wire: Wire = {
        "id": None if missing else row.id,
        "_id": None if missing else order_id(spec, venue, row),
        "companyId": company_id(spec),
        "facilityId": facility_id(spec, venue),
        "customerId": row.shopper,
        "orderNumber": row.number,
        "status": status_word(row),
        "type": "Pickup" if row.source == "pos" else "Delivery",
        "subtotal": dollars(row.sub_total),
        "discount": dollars(row.discount),
        "taxes": dollars(row.tax),
        "deliveryFee": "0.00",
        "total": dollars(row.total),
        "paymentType": row.tender,
        "created": iso(row.ordered),
        "modified": iso(row.updated),
        "details": [_detail(row, at, products) for at in range(len(row.lines))],
    }
    if row.quirk == "bad_date":
        wire["created"] = pick(_BROKEN_DATES, row.id)
    elif row.quirk == "bad_money":
        wire["total"] = pick(BROKEN_MONEY, row.id)
    elif row.quirk == "strings":
        wire = {
            **_retyped(wire),
            "details": [_retyped(line) for line in wire["details"]],
        }
    return wire


def _detail(row: Sale, at: int, products: list[Product]) -> Wire:
    line = row.lines[at]
    product = products[line.product]
    return {
        "id": row.id * 8 + at,
        "productId": product.id,
        "variantId": variant_id(product),
        "name": product.name,
        "quantity": line.quantity,
        "price": dollars(product.price),
        "discount": dollars(line.discount),
    }


def variant_id(product: Product) -> int:
    return product.id * 10 + 1


def product(row: Product, stocked: Lot, shop: Shop, created: int) -> Wire:
    spec, brand = shop.receipts.spec, names.BRANDS.index(row.brand) + 1
    sound = stocked.quirk != "missing_id"
    price = "n/a" if stocked.quirk == "bad_money" else dollars(row.price)
    category = [each[0] for each in names.CATEGORIES].index(row.category) + 1
    return {
        "id": row.id if sound else None,
        "compositeId": f"{company_id(spec)}-{shop.key}-{row.id}" if sound else None,
        "facilityId": int(shop.key),
        "name": row.name,
        "quantity": stocked.quantity,
        "type": "Weight" if row.category == "Flower" else "Unit",
        "lineage": row.lineage,
        "brandId": brand,
        "forSale": stocked.active,
        "created": iso(created),
        "brand": {"id": brand, "name": row.brand},
        "strain": {"name": row.strain, "indicaSativaRatio": "50/50"} if row.strain else None,
        "category": {"id": category, "name": row.category},
        "subCategory": None,
        "image": {"url": f"https://images.example.com/{row.id}.jpg"},
        "variants": [
            {
                "id": variant_id(row),
                "productId": row.id,
                "sku": row.sku,
                "unit": row.unit,
                "price": price,
                "flavor": None,
                "created": iso(created),
            }
        ],
    }


def package(row: Lot, shop: Shop, costs: dict[int, int]) -> Wire:
    where = int(shop.key) * 10
    return {
        "id": None if row.quirk == "missing_id" else row.id,
        "facilityId": int(shop.key),
        "productId": row.product,
        "costPerItem": "n/a" if row.quirk == "bad_money" else dollars(costs[row.product]),
        "received": iso(row.created),
        "packageQuantities": [
            {
                "productId": row.product,
                "locationId": where,
                "location": {"name": row.room or "Warehouse"},
                "quantity": row.quantity,
            }
        ],
    }


def _retyped(wire: Wire) -> Wire:
    """The row with the types turned round: numbers as text, money as numbers, booleans as 1 and
    0."""
    return {key: float(value) if key in MONEY else as_text(value) for key, value in wire.items()}
