"""How the retailers of Profitek differ: western Canada, a store known by its name alone."""

from __future__ import annotations

from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import Venue, WorldSpec

VENUES = (
    ("Kitsilano", "Kits", "Vancouver", "BC", "British Columbia", "V6K 1N8"),
    ("Okanagan Landing", "Orchard", "Kelowna", "BC", "British Columbia", "V1Y 6N2"),
    ("Whyte Avenue", "Whyte", "Edmonton", "AB", "Alberta", "T6E 2A3"),
)


class ProfitekPlatform(Platform):
    """The retailers of Profitek: one AuthKey opens one Store Name, the key of everything."""

    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name


PROFITEK = ProfitekPlatform("profitek", venues=VENUES, wall_clock=True, history_by="ordered")
