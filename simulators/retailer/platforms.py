"""How one platform's retailers differ from another's: in the data, and to the oracle.

`Platform("posabit")` is the yardstick; a simulator's own package overrules what differs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.retailer import names
from simulators.retailer.shapes import Line, Lot, Product, Sale, Shopper, Venue, WorldSpec

Fields = dict[str, Any]
"""Fields of the common shape, as a row should be read."""

# What became of a sale; a small integer in the columns.
PLAIN, REFUND_ROW, REFUNDED, VOIDED, LOWERED, LATE, UNKNOWN = range(7)
BAD_DATE, BAD_MONEY, MISSING_ID, STRINGS, OPEN = range(7, 12)
FATES = (
    (REFUNDED, 0.007),
    (VOIDED, 0.005),
    (LOWERED, 0.006),
    (LATE, 0.020),
    (UNKNOWN, 0.004),
    (BAD_DATE, 0.001),
    (BAD_MONEY, 0.001),
    (MISSING_ID, 0.001),
    (STRINGS, 0.010),
)


@dataclass(frozen=True)
class Platform:
    """Describes the retailers of one platform. Shares are of the rows asked for.

    `fates`: what becomes of sales. `refund_rows`: returns as rows of their own. `no_shopper`: sales
    without a customer. `roaming`: of the sales with one, those at another shop than the customer's
    own. `numbers_in_shop`: each shop counts its own sales, so that two have the same numbers.
    `final`: statuses of a sale that happened. `vendor_mail`: the domain of addresses that the
    vendor makes up, None where it makes none.

    What the POS tells: `tells_zone`: of each shop; `wall_clock`: times are those of the shop's
    clock, without a zone; `links_returns`: which sale a return takes back; `tells_sms`: who refuses
    texts; `tells_changes`: when a customer was changed;
    `tells_birth_year`: the year of birth besides the day; `history_by`: the column of a sale that
    decides whether a first sync gets it, "updated" or "ordered". `unsent_fields`: by kind of row
    (`stores`, `customers`, `sales`, `items`, `inventory`) the fields of the common shape that the
    POS does not send, in one text.
    """

    name: str
    venues: tuple[tuple[str, str, str, str, str, str], ...] = names.VENUES
    fates: tuple[tuple[int, float], ...] = FATES
    refund_rows: float = 0.007
    no_shopper: float = 0.08
    roaming: float = 0.0
    numbers_in_shop: bool = False
    final: tuple[str, ...] = ("completed", "refunded")
    vendor_mail: str | None = None
    tells_zone: bool = False
    wall_clock: bool = False
    links_returns: bool = False
    tells_sms: bool = False
    tells_changes: bool = True
    tells_birth_year: bool = False
    history_by: str = "updated"
    unsent_fields: Mapping[str, str] = field(default_factory=dict)

    def scope(self, spec: WorldSpec, venue: Venue) -> str:
        """The POS's own id of what a credential opens; shops may share one."""
        del spec
        return venue.code

    def store_key(self, spec: WorldSpec, venue: Venue) -> str:
        """The POS's name of the shop in the data."""
        del spec
        return venue.code

    def customer_id(self, row: Shopper) -> str:
        return str(row.id)

    def sale_id(self, spec: WorldSpec, venue: Venue, row: Sale) -> str:
        del spec, venue
        return str(row.id)

    def history_time(self, row: Sale) -> int:
        """The instant (ms) that decides whether a sale is in the history of a first sync."""
        instant: int = getattr(row, self.history_by)
        return instant

    def lines(self, row: Sale) -> Sequence[Line]:
        """The lines that the POS sends of a sale."""
        return row.lines

    def stock(self, products: Sequence[Product], lots: Iterable[Lot]) -> list[Lot]:
        """The rows that the POS sends as the inventory of a shop."""
        del products
        return list(lots)

    def other_words(self, kind: str, row: Any, fields: Fields, spec: WorldSpec) -> Fields:
        """The fields that the POS words otherwise than the world does. `kind`: as in
        `unsent_fields`; `fields`: those of the row in the world's words."""
        del kind, row, fields, spec
        return {}

    def salt(self, spec: WorldSpec) -> str:
        """The beginning of every seed, so that platforms of one retailer have different rows."""
        return str(spec.seed) if self.name == "posabit" else f"{spec.seed}:{self.name}"

    def rng(self, spec: WorldSpec, what: str) -> random.Random:
        return random.Random(f"{self.salt(spec)}:{what}")


POSABIT = Platform(
    "posabit",
    vendor_mail=names.VENDOR_MAIL_DOMAIN,
    tells_zone=True,
    tells_sms=True,
    tells_birth_year=True,
    unsent_fields={"sales": "original_ext_id", "items": "unit_price", "inventory": "cost"},
)
