"""How POSaBIT writes what belongs to a store: stock, coupons, info, menus, online orders."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.retailer.shapes import Coupon, Lot, Product, Venue
from simulators.retailer.zones import iso

from .wire import Wire


def inventory(row: Lot, products: Mapping[int, Product]) -> Wire:
    product = products[row.product]
    quantity = row.quantity
    return {
        "id": None if row.quirk == "missing_id" else row.id,
        "product_id": row.product,
        "name": product.name,
        "unit": product.unit,
        "price": "n/a" if row.quirk == "bad_money" else row.price,
        "med_price": row.price * 9 // 10,
        "last_price": row.price + 100,
        "quantity_on_hand": quantity,
        "sellable_quantity": quantity if row.room != "Vault" else "0.0",
        "ecomm_quantity": quantity if row.room else "0.0",
        "vendor": f"{product.brand} Farms",
        "vendor_license": f"4{product.id % 100_000:05d}",
        "brand": product.brand,
        "category": product.category,
        "compliance_type": "marijuana" if product.strain else "non_marijuana",
        "flower_type": product.lineage,
        "concentrate_type": None,
        "product_type": product.lineage,
        "product_family": product.category,
        "tags": [],
        "description": f"{product.name} by {product.brand}",
        "description_html": None,
        "image": [],
        "active": row.active,
        "bulk_item": False,
        "strain": product.strain,
        "thc_measure": f"{15 + product.id % 15}.2%" if product.strain else None,
        "cbd_measure": "0.1%" if product.strain else None,
        "sku": product.sku,
        "discountable": True,
        "tier_name": None,
        "doh_compliant": False,
        "created_at": iso(row.created),
        "updated_at": iso(row.updated),
        "rooms": [{"name": row.room, "quantity": quantity}] if row.room else [],
    }


def coupon(row: Coupon) -> Wire:
    return {
        "id": row.id,
        "name": row.name,
        "discount_type": "percent" if row.percent else "dollar",
        "discount": str(row.amount),
        "active": row.active,
        "created_at": iso(row.created),
        "updated_at": iso(row.updated),
    }


def info(venue: Venue) -> Wire:
    """Venue info; `rate` is cut off where `tax_rate` is exact."""
    return {
        "code": venue.code,
        "name": venue.name,
        "license": venue.license,
        "region": venue.region,
        "locale": "en-US",
        "vertical": "dispensaries",
        "logo_thumb": None,
        "logo_medium": None,
        "telephone": venue.telephone,
        "address": f"{venue.street}, {venue.city}, {venue.state} {venue.zip_code}",
        "street_address_line_1": venue.street,
        "city": venue.city,
        "state": venue.state,
        "zip_code": venue.zip_code,
        "country": "US",
        "timezone": venue.rails_zone,
        "latitude": f"{40 + venue.ordinal}.2529",
        "longitude": f"-{100 + venue.ordinal}.4443",
        "domains": [f"{venue.code}.example.com"],
        "tax_rates": [
            {
                "id": 100 + venue.ordinal,
                "name": "Excise",
                "rate": int(float(venue.tax_rate) * 100),
                "tax_rate": venue.tax_rate,
                "price_included": False,
            },
            {
                "id": 200 + venue.ordinal,
                "name": "Accessories",
                "rate": 837,
                "tax_rate": "8.375",
                "price_included": True,
            },
        ],
        "payment_methods": ["Cash", "Debit", "POSaBIT Pay"],
        "venue_settings": {"online_order_curbside": "1"},
    }


def venue_list(venues: list[Venue]) -> Wire:
    """The answer to an integrator who names no venue: every venue with its token."""
    return {"venues": [{**info(venue), "token": venue.token} for venue in venues]}


def menu_feed(venue: Venue, products: list[Product], lots: list[Lot]) -> Wire:
    """A menu: the products in stock by category, at most 150 of them."""
    in_stock = {lot.product: lot.quantity for lot in lots if float(lot.quantity) > 0}
    groups: dict[str, list[Wire]] = {}
    for product in [row for row in products if row.id in in_stock][:150]:
        groups.setdefault(product.category, []).append(_menu_item(product, in_stock[product.id]))
    return {
        "menu_feed": {
            "title": f"{venue.name} menu",
            "feed_key": venue.feed_key,
            "description": None,
            "feed_type": "api",
            "menu_groups": [
                {
                    "name": name,
                    "category_guid": f"cat-{name.lower()}",
                    "description": None,
                    "image": None,
                    "menu_items": items,
                }
                for name, items in groups.items()
            ],
        }
    }


def _menu_item(product: Product, quantity: str) -> Wire:
    price = {
        "id": product.id * 10,
        "name": "each",
        "price_cents": product.price,
        "unit": "1",
        "unit_type": "each",
        "quantity_on_hand": quantity,
    }
    return {
        "id": product.id,
        "name": product.name,
        "brand": product.brand,
        "strain": product.strain,
        "flower_type": product.lineage,
        "product_type": product.lineage,
        "product_image": None,
        "brand_logo": None,
        "thc": {"low": 15, "high": 20, "unit_type": "%"},
        "cbd": None,
        "prices": [price],
    }


def incoming_order(number: int, venue: Venue, at: int) -> Wire:
    return {
        "incoming_order": {
            "id": number,
            "reference_no": f"REF-{number}",
            "customer_type": "recreational",
            "customer_id": None,
            "aasm_state": "pending",
            "source": "online_store",
            "order_type": "pickup",
            "country": "US",
            "state_abbrev": venue.state,
            "total": 4500,
            "tip_amount": 0,
            "created_at": iso(at),
            "updated_at": iso(at),
        },
        "order_items": [],
    }
