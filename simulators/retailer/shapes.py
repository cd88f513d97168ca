"""The rows of a simulated retailer's world. Instants are milliseconds, money is cents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

SMALL_WORLD = 300
"""Below so many rows, rare kinds appear only if their proportion says so."""


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """Decides everything about a world: equal specs give byte-identical data.

    `shoppers` and `sales` are the rows that listings of all venues return together, broken rows
    and refund rows included. `now` is the instant (ms) the year of sales ends at. `mess` is a
    factor on the proportions of messy data; 0 gives only complete shoppers (phone and e-mail) and
    completed three-line sales. `old_sales` adds that share of sales more than two years old.
    `old_lots` is the number of sold-out inventory rows per venue. `overlap` is the share of
    shoppers who are people of `town`, known to the retailer's other platforms too (`town.py`).
    """

    now: int
    seed: int = 7
    shoppers: int = 2000
    stores: int = 2
    sales: int = 8000
    products: int = 240
    old_lots: int = 3000
    mess: float = 1.0
    old_sales: float = 0.0
    overlap: float = 0.0
    town: int = 1

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def messy(self, share: float, rows: int) -> int:
        """How many of `rows` belong to a messy kind with this share: at least one, unless the world
        is clean or too small."""
        if not share or not self.mess:
            return 0
        return max(1 if rows >= SMALL_WORLD else 0, round(share * self.mess * rows))


class Venue(NamedTuple):
    ordinal: int
    code: str
    name: str
    license: str
    region: str
    state: str
    city: str
    street: str
    zip_code: str
    telephone: str
    rails_zone: str
    tax_rate: str
    token: str
    feed_key: str


class Product(NamedTuple):
    id: int
    sku: str
    name: str
    brand: str
    category: str
    strain: str | None
    lineage: str | None
    price: int
    cost: int
    unit_weight: float

    @property
    def unit(self) -> str:
        return "g" if self.category == "Flower" else "each"


class Shopper(NamedTuple):
    """A customer row. Contact fields hold the POS's raw text, good or bad.

    `quirk`: "" or one of "no_id" (the row is sent without its id), "strings" (numbers sent as
    strings, booleans as 1 and 0).
    """

    id: int
    first: str
    last: str
    phone: str | None
    email: str | None
    birthday: str | None
    birth_year: int | None
    gender: str | None
    kind: str
    license: str | None
    address: str
    city: str
    state: str
    zip_code: str
    active: bool
    points: int
    loyalty: bool
    marketing: bool
    sms_in: bool
    sms_out: bool
    terms: bool
    created: int
    updated: int
    quirk: str


class Line(NamedTuple):
    product: int
    lot: int
    quantity: int
    sub_total: int
    discount: int
    tax: int
    total: int
    cost: int
    coupon: int | None


class Sale(NamedTuple):
    """A sales history row. `ordered` is the true instant even where the row sends garbage.

    `quirk`: "" or one of "missing_id", "bad_date", "bad_money" (what is broken), "strings".
    `origin`: the sale that a return takes back, else 0.
    """

    id: int
    shopper: int | None
    ordered: int
    created: int
    updated: int
    status: str
    sale_type: str
    source: str
    medical: bool
    till: int
    terminal: int
    user: int
    number: str
    sub_total: int
    discount: int
    tax: int
    total: int
    cost: int
    lines: tuple[Line, ...]
    tender: str
    quirk: str
    origin: int = 0

    def missing_from_lines(self) -> dict[str, int]:
        """By column: the cents that the sale has over its lines (a lowered sale has fewer)."""
        return {
            column: getattr(self, column) - sum(getattr(line, column) for line in self.lines)
            for column in ("sub_total", "discount", "tax", "total")
        }


class Lot(NamedTuple):
    """An inventory row. `quirk`: "" or "missing_id", "bad_money"."""

    id: int
    product: int
    quantity: str
    price: int
    active: bool
    room: str | None
    created: int
    updated: int
    quirk: str


class Coupon(NamedTuple):
    id: int
    name: str
    amount: int
    percent: bool
    active: bool
    created: int
    updated: int
