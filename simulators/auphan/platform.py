"""How the retailers of Auphan differ: Canadian, one server for all stores, most sales unnamed."""

from __future__ import annotations

from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import Venue, WorldSpec

VENUES = (
    ("Main St", "Main", "Toronto", "ON", "Ontario", "M5V 2T6"),
    ("Côte-des-Neiges", "Mistral", "Montréal", "QC", "Québec", "H3T 1Y6"),
    ("Rideau Market", "Rideau", "Ottawa", "ON", "Ontario", "K1N 5X8"),
    ("Bow River", "Bow", "Calgary", "AB", "Alberta", "T2P 1J9"),
)
SCOPE = "auphan-server"


class AuphanPlatform(Platform):
    """The retailers of Auphan: one credential opens the server, customers shop at any store."""

    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        del spec, venue
        return SCOPE

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        del spec
        return venue.name


AUPHAN = AuphanPlatform(
    "auphan",
    venues=VENUES,
    no_shopper=0.7,
    roaming=0.25,
    wall_clock=True,
    tells_changes=False,
    history_by="ordered",
)
