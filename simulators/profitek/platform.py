"""How the retailers of Profitek differ: western Canada, a store known by its name alone."""

from __future__ import annotations

from typing import Any

from simulators.retailer.platforms import Fields, Platform
from simulators.retailer.shapes import Venue, WorldSpec

VENUES = (
    ("Kitsilano", "Kits", "Vancouver", "BC", "British Columbia", "V6K 1N8"),
    ("Okanagan Landing", "Orchard", "Kelowna", "BC", "British Columbia", "V1Y 6N2"),
    ("Whyte Avenue", "Whyte", "Edmonton", "AB", "Alberta", "T6E 2A3"),
)

# Status of a sale -> the word in `Type`. Only `IsVoid` marks a void.
TYPES = {
    "completed": "Sale",
    "voided": "Sale",
    "open": "Open",
    "refunded": "Refunded",
    "on_hold": "OnHold",
    "in_dispute": "InDispute",
}
CUSTOMER_TYPES = {"employee": "Employee", "medical": "Medical", "recreational": "Regular"}


class ProfitekPlatform(Platform):
    """The retailers of Profitek: one AuthKey opens one Store Name, the key of everything."""

    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name

    def other_words(self, kind: str, row: Any, fields: Fields, spec: WorldSpec) -> Fields:
        """A line has its number and the cost of one piece."""
        del spec
        if kind == "customers":
            return {"type": CUSTOMER_TYPES.get(row.kind, row.kind)}
        if kind == "sales":
            return {
                "status": "Return" if row.sale_type == "refund" else TYPES[row.status],
                "number": f"A-{row.number}",
                "employee_id": f"E{row.user}",
            }
        if kind == "items":
            number = int(fields["ext_id"]) % 8 + 1
            return {"ext_id": str(number), "cost": row.cost // row.quantity}
        return {}


PROFITEK = ProfitekPlatform(
    "profitek",
    venues=VENUES,
    wall_clock=True,
    history_by="ordered",
    unsent_fields={
        "stores": "time_zone market license address phone",
        "customers": "gender pos_loyalty_member sms_consent email_consent terms_agreed",
        "sales": "original_ext_id channel medical cost tenders",
        "items": "product_ext_id brand subtotal tax total discounts discount_ids",
        "inventory": "product_ext_id brand strain",
    },
)
