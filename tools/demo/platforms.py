"""The retailer of the demo: the world of each POS, and how its credentials are filled in.

Whatever differs between two POS is a line of this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulators.oracle.reading import Reading

Facts = Mapping[str, Any]
"""The JSON that a simulator prints when it starts (docs/reference/simulators.md)."""

LOOPBACK = ("127.0.0.0/8",)
"""The addresses of the retailer's simulated servers: the stack's EgressAllowedRanges."""

OVERLAP = 0.4
"""The share of each POS's shoppers who are people of one town, whom the others know too."""

STOCK = {"products": 120, "old-lots": 300}
"""The stock of a small shop: each sync reads all of it, sold-out lots too, at the POS's pace."""


@dataclass(frozen=True, slots=True)
class Pos:
    """Describes one POS of the retailer.

    `fields`: of a credential, filled in from the simulator's facts; with `each`, one credential for
    each of the shops listed there. `trust`: what the retailer accepts of their own server, e.g.
    plain HTTP. `reading`: options of the oracle's reading, so that it leaves out what the
    credential leaves out. `scope`: AIQ's name of the server, where the POS itself has none.
    """

    platform: str
    fields: Mapping[str, str]
    stores: int
    shoppers: int
    sales: int
    each: str | None = None
    trust: Mapping[str, bool] = field(default_factory=dict)
    reading: Mapping[str, str] = field(default_factory=dict)
    scope: str | None = None

    def world(self, now: int) -> dict[str, float]:
        """The simulator's options; `now` is the instant (ms) at which its year of sales ends."""
        sizes = {"stores": self.stores, "shoppers": self.shoppers, "sales": self.sales}
        return {"seed": 7, "now": now, "overlap": OVERLAP, **STOCK, **sizes}

    def credentials(self, facts: Facts) -> list[dict[str, str]]:
        """The fields of every credential, always in the same order."""
        shops = facts[self.each] if self.each else [{}]
        return [fill_in(self.fields, {**facts, **shop}) for shop in shops]

    def with_scope(self, reading: Reading, facts: Facts) -> Reading:
        """The oracle's reading, with the source records under the scope that AIQ gives them."""
        if self.scope is None:
            return reading
        scope = self.scope.format_map(facts)
        records = [each._replace(id=(scope, each.id[-1])) for each in reading.records]
        return replace(reading, records=records)


def fill_in(texts: Mapping[str, str], facts: Facts) -> dict[str, str]:
    """The texts with the facts for their placeholders, e.g. `{"host": "127.0.0.1:{port}"}`."""
    return {name: text.format_map(facts) for name, text in texts.items()}


ADDRESS = "127.0.0.1:{port}"
PLAIN_HTTP = {"allow_http": True}

RETAILER: Sequence[Pos] = (
    Pos(
        "posabit",
        {"store_name": "{name}", "key": "{token}"},
        stores=2,
        shoppers=600,
        sales=2000,
        each="venues",
    ),
    Pos("thsuite", {"api_key": "{token}"}, stores=1, shoppers=350, sales=1000, each="stores"),
    Pos(
        "webjoint",
        {
            "api_key": "{api_key}",
            "company_id": "{company_id}",
            "facility_ids": "{stores[0][id]}, {stores[1][id]}",
        },
        stores=3,
        shoppers=400,
        sales=1200,
        reading={"stores": "{stores[0][id]},{stores[1][id]}"},
    ),
    Pos(
        "auphan",
        {"host": ADDRESS, "api_key": "{api_key}"},
        stores=2,
        shoppers=350,
        sales=1000,
        trust=PLAIN_HTTP,
        scope=ADDRESS,
    ),
    Pos(
        "profitek",
        {"host": ADDRESS, "store_name": "{store_name}", "auth_key": "{auth_key}"},
        stores=1,
        shoppers=300,
        sales=800,
        each="stores",
        trust=PLAIN_HTTP,
    ),
)
