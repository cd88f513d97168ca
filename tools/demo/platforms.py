"""The retailer of the demo: what each POS holds, and how its credentials are filled in.

Whatever sets one POS apart from another is a line of this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulators.oracle.reading import Reading

Facts = Mapping[str, Any]
"""What a simulator says when it starts (docs/reference/simulators.md)."""

LOOPBACK = ("127.0.0.0/8",)
"""Where the simulated servers of the retailer stand: the stack's EgressAllowedRanges."""

OVERLAP = 0.4
"""Of each POS's shoppers, the share who are people of one town, whom the others know too."""

STOCK = {"products": 120, "old-lots": 300}
"""A small shop's, sold-out lots included: read whole in each sync, at the pace of the POS."""


@dataclass(frozen=True, slots=True)
class Pos:
    """One POS of the retailer.

    `fields`: of a credential, filled in from the simulator's facts and, with `each`, from one of
    the shops listed there: one credential for each. `trust`: what the retailer lets pass for their
    own server. `reading`: what is left out of the oracle because the credential leaves it out.
    `scope`: what AIQ knows the server by, where the POS itself does not say.
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
        """The simulator's options; `now` is the instant (ms) that its year of sales ends at."""
        sizes = {"stores": self.stores, "shoppers": self.shoppers, "sales": self.sales}
        return {"seed": 7, "now": now, "overlap": OVERLAP, **STOCK, **sizes}

    def credentials(self, facts: Facts) -> list[dict[str, str]]:
        """The fields of every credential, always in the same order."""
        shops = facts[self.each] if self.each else [{}]
        return [filled(self.fields, {**facts, **shop}) for shop in shops]

    def known(self, reading: Reading, facts: Facts) -> Reading:
        """What the oracle should hear: the source records by the scope that AIQ gives them."""
        if self.scope is None:
            return reading
        scope = self.scope.format_map(facts)
        records = [each._replace(id=(scope, each.id[-1])) for each in reading.records]
        return replace(reading, records=records)


def filled(texts: Mapping[str, str], facts: Facts) -> dict[str, str]:
    """`{"host": "127.0.0.1:{port}"}` with the facts in their places."""
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
