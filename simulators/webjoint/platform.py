"""How the retailers of Webjoint differ: a company with facilities, deliveries under way, and no
returns as rows of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from simulators.retailer.platforms import FATES, OPEN, Platform
from simulators.retailer.shapes import Lot, Product, Sale, Stocked, Venue, WorldSpec

VENUES = (
    ("Delta Delivery", "Delta", "Sacramento", "CA", "California", "95814"),
    ("Mission Green", "Mission", "San Francisco", "CA", "California", "94110"),
    ("Lake Merritt Collective", "Merritt", "Oakland", "CA", "California", "94610"),
    ("Alum Rock Care", "Alum", "San Jose", "CA", "California", "95127"),
)


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
        return order_id(spec, venue, row)

    def stock(self, products: Sequence[Product], lots: Iterable[Lot]) -> list[Stocked]:
        """Every product with the sum of its packages; it is broken where one of them is."""
        on_hand: dict[int, float] = defaultdict(float)
        quirks: dict[int, str] = {}
        for lot in lots:
            on_hand[lot.product] += max(0.0, float(lot.quantity))
            if lot.quirk:
                quirks[lot.product] = lot.quirk
        return [
            Stocked(f"{on_hand[product.id]:.1f}", quirks.get(product.id, ""))
            for product in products
        ]


WEBJOINT = WebjointPlatform(
    "webjoint",
    venues=VENUES,
    fates=(*FATES, (OPEN, 0.015)),
    refund_rows=0.0,
    no_shopper=0.03,
    roaming=0.2,
)
