"""How the retailers of Auphan differ: Canadian, one server for all stores, most sales unnamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.retailer.platforms import Fields, Platform
from simulators.retailer.shapes import Line, Sale, Venue, WorldSpec

VENUES = (
    ("Main St", "Main", "Toronto", "ON", "Ontario", "M5V 2T6"),
    ("Côte-des-Neiges", "Mistral", "Montréal", "QC", "Québec", "H3T 1Y6"),
    ("Rideau Market", "Rideau", "Ottawa", "ON", "Ontario", "K1N 5X8"),
    ("Bow River", "Bow", "Calgary", "AB", "Alberta", "T2P 1J9"),
)
SCOPE = "auphan-server"

# Status of an invoice -> number in the `invoice_status` variable, word on the report.
STATUSES: dict[str, tuple[str, str]] = {
    "open": ("1", "Open"),
    "completed": ("2", "Closed"),
    "voided": ("3", "Voided"),
    "refunded": ("4", "Refunded"),
    "on_hold": ("5", "On Hold"),
    "in_dispute": ("6", "In Dispute"),
}
GROUPS = {"employee": "Staff", "medical": "Medical", "recreational": "Regular"}


def status_of(row: Sale) -> tuple[str, str]:
    """Number and word; a status that Auphan does not have is shown as it is."""
    return STATUSES.get(row.status, ("", row.status))


class AuphanPlatform(Platform):
    """The retailers of Auphan: one credential opens the server, customers shop at any store."""

    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del spec, venue
        return SCOPE

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name

    def sale_id(self, spec: WorldSpec, venue: Venue, row: Sale) -> str:
        """Each shop counts its own invoices."""
        return f"{self.store_key(spec, venue)}:{row.id}"

    def lines(self, row: Sale) -> Sequence[Line]:
        """The lines, with one more for the difference where they do not add up to the invoice."""
        lines = list(row.lines)
        missing = row.missing_from_lines()
        if any(missing.values()):
            quantity = -1 if missing["total"] < 0 else 1
            lines.append(lines[-1]._replace(quantity=quantity, **missing))
        return lines

    def other_words(self, kind: str, row: Any, fields: Fields, spec: WorldSpec) -> Fields:
        del fields, spec
        if kind == "customers":
            return {"type": GROUPS.get(row.kind, row.kind)}
        return {"status": status_of(row)[1]} if kind == "sales" else {}


AUPHAN = AuphanPlatform(
    "auphan",
    venues=VENUES,
    no_shopper=0.7,
    roaming=0.25,
    numbers_in_shop=True,
    wall_clock=True,
    tells_changes=False,
    history_by="ordered",
    unsent_fields={
        "stores": "time_zone market license address phone",
        "customers": "gender pos_loyalty_member pos_points sms_consent email_consent terms_agreed"
        " updated_at",
        "sales": "original_ext_id channel medical cost tenders updated_at",
        "items": "ext_id product_ext_id brand unit_price cost discounts discount_ids",
        "inventory": "product_ext_id brand strain active updated_at",
    },
)
