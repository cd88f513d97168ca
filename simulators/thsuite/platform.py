"""How the retailers of THSuite differ: a token for each store, many buyers without a profile."""

from __future__ import annotations

from typing import Any

from simulators.retailer.platforms import Fields, Platform
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

    def other_words(self, kind: str, row: Any, fields: Fields, spec: WorldSpec) -> Fields:
        del spec
        if kind == "sales":
            return {"employee_name": f"Employee {row.user}"}
        if kind in ("items", "inventory"):
            prefix = "li" if kind == "items" else "pkg"
            product = f"p_{fields['product_ext_id']}"
            return {"ext_id": f"{prefix}_{fields['ext_id']}", "product_ext_id": product}
        return {}


THSUITE = ThsuitePlatform(
    "thsuite",
    venues=VENUES,
    no_shopper=0.2,
    links_returns=True,
    tells_sms=True,
    unsent_fields={
        "stores": "time_zone market license address phone",
        "customers": "terms_agreed",
        "sales": "channel employee_id cost",
        "items": "discount_ids",
    },
)
