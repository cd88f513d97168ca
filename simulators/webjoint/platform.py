"""How the retailers of Webjoint differ: a company with facilities, deliveries under way, and no
returns as rows of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from simulators.retailer import names
from simulators.retailer.platforms import FATES, OPEN, Fields, Platform
from simulators.retailer.shapes import Lot, Product, Sale, Venue, WorldSpec

VENUES = (
    ("Delta Delivery", "Delta", "Sacramento", "CA", "California", "95814"),
    ("Mission Green", "Mission", "San Francisco", "CA", "California", "94110"),
    ("Lake Merritt Collective", "Merritt", "Oakland", "CA", "California", "94610"),
    ("Alum Rock Care", "Alum", "San Jose", "CA", "California", "95127"),
)


STEPS = ("pending", "accepted", "preparing", "out_for_delivery", "completed")
STATUSES = {
    "pending": "Pending",
    "accepted": "Accepted",
    "preparing": "Preparing",
    "out_for_delivery": "OutForDelivery",
    "completed": "Complete",
    "refunded": "Refunded",
    "voided": "Cancelled",
    **{word: word.title().replace("_", "") for word in names.UNKNOWN_STATUSES},
}


def step_of(row: Sale) -> str:
    """The word of the order's status, where "open" stands for any of those under way."""
    return STEPS[row.id % 4] if row.status == "open" else row.status


def status_word(row: Sale) -> str:
    return STATUSES.get(step_of(row), row.status)


def company_id(spec: WorldSpec) -> int:
    return 12 + spec.seed * 7 % 900


def facility_id(spec: WorldSpec, venue: Venue) -> int:
    return company_id(spec) * 10 + venue.ordinal + 1


def order_id(spec: WorldSpec, venue: Venue, row: Sale) -> str:
    """Company, facility, customer (0 for nobody), order."""
    return f"{company_id(spec)}-{facility_id(spec, venue)}-{row.shopper or 0}-{row.id}"


class WebjointPlatform(Platform):
    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del venue
        return str(company_id(spec))

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        return str(facility_id(spec, venue))

    def sale_id(self, spec: WorldSpec, venue: Venue, row: Sale) -> str:
        """The facility and the order: the customer of an order may change."""
        return f"{self.store_key(spec, venue)}:{row.id}"

    def stock(self, products: Sequence[Product], lots: Iterable[Lot]) -> list[Lot]:
        """Every product with the sum of its packages; it is broken where one of them is."""
        on_hand: dict[int, float] = defaultdict(float)
        for_sale: set[int] = set()
        quirks: dict[int, str] = {}
        for lot in lots:
            on_hand[lot.product] += max(0.0, float(lot.quantity))
            if lot.active and float(lot.quantity) > 0:
                for_sale.add(lot.product)
            if lot.quirk:
                quirks[lot.product] = lot.quirk
        return [
            Lot(
                id=product.id,
                product=product.id,
                quantity=f"{on_hand[product.id]:.1f}",
                price=product.price,
                active=product.id in for_sale,
                room=None,
                created=0,
                updated=0,
                quirk=quirks.get(product.id, ""),
            )
            for product in products
        ]

    def other_words(self, kind: str, row: Any, fields: Fields, spec: WorldSpec) -> Fields:
        if kind == "stores":
            return {"market": row.venue.state, "address": row.venue.street}
        if kind == "sales":
            delivery = "Pickup" if row.source == "pos" else "Delivery"
            return {"status": status_word(row), "channel": delivery}
        if kind == "inventory":
            return {"ext_id": f"{company_id(spec)}-{fields['store_key']}-{row.id}"}
        return {}


WEBJOINT = WebjointPlatform(
    "webjoint",
    venues=VENUES,
    fates=(*FATES, (OPEN, 0.015)),
    refund_rows=0.0,
    no_shopper=0.03,
    roaming=0.2,
    unsent_fields={
        "stores": "time_zone",
        "customers": "gender pos_loyalty_member sms_consent terms_agreed",
        "sales": "original_ext_id employee_id medical cost tenders",
        "items": "sku brand category subtotal tax total cost discounts discount_ids",
        "inventory": "cost updated_at",
    },
    numbers_in_shop=True,
)
