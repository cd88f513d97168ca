"""How the retailers of THSuite differ: a token for each store, many buyers without a profile."""

from __future__ import annotations

from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import Sale, Shopper, Venue, WorldSpec

VENUES = (
    ("Chesapeake Wellness", "Calvert", "Baltimore", "MD", "Maryland", "21202"),
    ("Patapsco Remedies", "Patapsco", "Columbia", "MD", "Maryland", "21044"),
    ("Front Range Relief", "Larimer", "Denver", "CO", "Colorado", "80205"),
)


def store_id(venue: Venue) -> str:
    return f"st_{venue.ordinal + 1}"


def customer_id(number: int) -> str:
    return f"pat_{number}"


def receipt_id(number: int) -> str:
    return f"rcpt_{number}"


class ThsuitePlatform(Platform):
    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return store_id(venue)

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return store_id(venue)

    def customer_id(self, row: Shopper) -> str:
        return customer_id(row.id)

    def sale_id(self, spec: WorldSpec, venue: Venue, row: Sale) -> str:
        del spec, venue
        return receipt_id(row.id)


THSUITE = ThsuitePlatform(
    "thsuite", venues=VENUES, no_shopper=0.2, links_returns=True, tells_sms=True
)
