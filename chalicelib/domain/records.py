"""The common shape every POS is normalised to (reference/pos.md §7).

Money is an integer in minor units of `currency`. An instant is an integer: milliseconds since
1970-01-01T00:00Z; the POS's own text is stored with it where it may be needed. Unknown is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chalicelib.domain.words import Instant, Minor, SaleKind, Stream

Consent = Literal["yes", "no", "unknown"]

NOT_STORED = {"not_stored": True}
"""Metadata of a field that says how a row was read, and is no part of the fact."""

NOT_READ = {"not_read": True}
"""Metadata of a field that is stored with the fact, and that no row of a POS tells."""

ADDED_LATER = {"added_later": True}
"""Metadata of a field that facts once had not: while it is empty it is no part of their digest, so
that known records are not all written again."""

BESIDE = {"beside": True}
"""Metadata of a field that is stored with the fact and never is a change of it alone: it is no part
of its digest, so that known records are not all written again."""

BAD_POINTS = "bad_pos_points"
"""The flag of a shopper whose balance could not be read."""

CLAIMED = "claimed_"
"""Begins the flag of a field that a public form told: nobody proved it (partner-api.md S4)."""

STREAMS: tuple[Stream, ...] = ("stores", "customers", "sales", "inventory")


@dataclass(frozen=True, slots=True)
class StoreFact:
    """A shop as the POS names it; `key` is the store key that mapping ties to an AIQ store."""

    key: str
    name: str
    time_zone: str | None = None
    market: str | None = None
    license: str | None = None
    address: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """One shopper as one POS knows them. `phone` is E.164, `email` is lower-cased.

    `phone` and `email` are None when the raw text is missing, malformed or a placeholder; the
    reason is then among `flags` (`bad_phone`, `placeholder_phone`, `bad_email`,
    `placeholder_email`). Other flags: `test`, `employee`, `inactive`, `minor`, and `bad_<field>`
    for a field that could not be read and is not said, `claimed_<field>` for one that a public form
    told: no merge key, and it takes no proven one's place. `pos_points`: a balance as the POS shows
    it, whole or with at most two decimals, so that it is exact in hundredths. `favourite_store`:
    the store of AIQ that a signup chose. `told_before`: of a record that signed up several times,
    `field@instant` of what an earlier signup than the latest told. `pos_scope`: of a record that
    was pushed, the scope in which its POS lists the same id.
    """

    ext_id: str
    first: str = ""
    last: str = ""
    phone_raw: str | None = None
    phone: str | None = None
    email_raw: str | None = None
    email: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    type: str | None = None
    state: str | None = None
    address: str | None = None
    pos_loyalty_member: bool | None = None
    pos_points: float | None = None
    sms_consent: Consent = "unknown"
    email_consent: Consent = "unknown"
    terms_agreed: bool | None = None
    active: bool = True
    merged_into: str | None = None
    store_key: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    flags: frozenset[str] = frozenset()
    favourite_store: int | None = field(default=None, metadata=ADDED_LATER)
    told_before: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    pos_scope: str | None = field(default=None, metadata=ADDED_LATER)


class NamedDiscount(NamedTuple):
    """A discount as a POS names it. `id`: the POS's own id of it; "" where it is not said."""

    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of a sale; `quantity` is the POS's decimal text, exact, or empty: not said.

    `discounts`: their names; `discount_ids`: the POS's ids of the same, in the same order, "" for
    one without; empty where no discount has one.
    """

    name: str
    quantity: str
    total: Minor | None = None
    ext_id: str | None = None
    product_ext_id: str | None = None
    sku: str | None = None
    brand: str | None = None
    category: str | None = None
    unit_price: Minor | None = None
    subtotal: Minor | None = None
    discount: Minor = 0
    tax: Minor | None = None
    cost: Minor | None = None
    discounts: tuple[str, ...] = ()
    returned: bool = False
    discount_ids: tuple[str, ...] = field(default=(), metadata=BESIDE)

    @property
    def named_discounts(self) -> tuple[NamedDiscount, ...]:
        ids = self.discount_ids or ("",) * len(self.discounts)
        return tuple(map(NamedDiscount, self.discounts, ids))


@dataclass(frozen=True, slots=True)
class Tender:
    """What a sale was paid with; `amount` is None where the POS does not say it."""

    name: str
    amount: Minor | None


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale, return or void. `discount` is absolute; the sign of a return is in `total`.

    `status` is the POS's own word; an unknown word is kept, counted, makes no sale final, and
    leaves a final one final. `is_status_known`, which is not stored: whether the profile knows it.
    `wall_clock`: what the shop's clock showed, as if it were UTC, where the POS tells no zone;
    `ordered_at` then follows the zone that AIQ knows of the shop. `gone`: the POS no longer shows
    it, so that it counts as void; whatever the POS shows is not gone. `former_ext_id`, which is not
    stored: the id under which AIQ may have stored the sale while its POS's ids were taken for more
    unique than they are (ADR 20). `flags`: `bad_<field>` for a field that could not be read and is
    not said, `bad_items.<field>` in a line; `cut_items` where not all lines fit a row of a table.
    """

    ext_id: str
    store_key: str
    ordered_at: Instant
    ordered_at_text: str
    currency: str
    total: Minor
    kind: SaleKind = "sale"
    status: str = ""
    is_final: bool = True
    number: str | None = None
    customer_ext_id: str | None = None
    original_ext_id: str | None = None
    channel: str | None = None
    employee_id: str | None = None
    employee_name: str | None = None
    medical: bool | None = None
    subtotal: Minor = 0
    discount: Minor = 0
    tax: Minor = 0
    fees: Minor = 0
    tip: Minor = 0
    cost: Minor | None = None
    tenders: tuple[Tender, ...] = ()
    items: tuple[LineItem, ...] = ()
    updated_at: Instant | None = None
    wall_clock: Instant | None = None
    gone: bool = field(default=False, metadata=NOT_READ)
    is_status_known: bool = field(default=True, compare=False, metadata=NOT_STORED)
    former_ext_id: str | None = field(default=None, compare=False, metadata=NOT_STORED)
    flags: frozenset[str] = field(default=frozenset(), metadata=ADDED_LATER)

    @property
    def happened(self) -> bool:
        """Whether it counts as a sale or a return that took place."""
        return self.is_final and not self.gone


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """The current stock of one product in a store; `quantity` is decimal text, or empty: not
    said. `flags`: as a sale's."""

    ext_id: str
    store_key: str
    name: str
    quantity: str
    currency: str
    product_ext_id: str | None = None
    sku: str | None = None
    brand: str | None = None
    category: str | None = None
    strain: str | None = None
    price: Minor | None = None
    cost: Minor | None = None
    unit: str | None = None
    active: bool = True
    updated_at: Instant | None = None
    flags: frozenset[str] = field(default=frozenset(), metadata=ADDED_LATER)


Fact = StoreFact | Customer | Sale | InventoryItem


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, set aside with the reason so that a person can look at it.

    `field` names the POS's field, `reason` is a stable code (`missing_id`, `bad_date`, `bad_money`,
    `wrong_shape` …), `row` the POS's row as received. `at`, which is
    not stored: the earliest of the times when it was made and changed, as far as they can be read.
    """

    stream: Stream
    reason: str
    field: str
    row: dict[str, object]
    ext_id: str | None = None
    at: Instant | None = None
