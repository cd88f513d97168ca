"""Personas as the dashboard reads them (product.md §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from chalicelib.domain.ledger import Postings
from chalicelib.domain.persona_parts import JoinedPair
from chalicelib.domain.why import Explanation
from chalicelib.domain.words import (
    ConsentState,
    Instant,
    Minor,
    PersonaSort,
    Platform,
    Points,
    SaleKind,
    ScopeId,
    Uid,
)

LedgerKind = Literal["sale", "import", "expiry", "adjustment", "redemption"]


@dataclass(frozen=True, slots=True)
class PersonaFilter:
    """What a search asks for; None does not narrow it.

    `phone` and `email` are as typed: the service normalises them, and what cannot be a phone or an
    e-mail finds nobody. `contact_id` is any id ever given. `source_id` is the POS's own id of a
    shopper, in any scope. These four are exact filters; the others narrow what they find. `name` is
    a prefix of `first last`. `source` is a platform of *Sourced from*.
    """

    phone: str | None = None
    email: str | None = None
    contact_id: str | None = None
    source_id: str | None = None
    name: str | None = None
    source: str | None = None
    member: bool | None = None
    sort: PersonaSort = "inserted"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class PersonaRow:
    """One line of the list. `id` is the `contactID`; `favourite_store` a store's number; `consent`
    that of the number at which the person may be texted."""

    id: str
    first: str
    last: str
    phone: str | None
    email: str | None
    sources: tuple[str, ...]
    favourite_store: int | None
    member: bool
    points: Points
    flags: tuple[str, ...]
    inserted_at: Instant
    updated_at: Instant | None
    consent: ConsentState = "unknown"


@dataclass(frozen=True, slots=True)
class PersonaMember:
    """One source record of the persona; `id` is the contactID it owns, which leads here too."""

    id: str
    platform: Platform
    scope: ScopeId
    ext_id: str
    first: str
    last: str
    phone: str | None
    email: str | None
    birth_date: str | None
    first_seen: Instant
    updated_at: Instant | None
    flags: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a sale."""

    name: str
    quantity: str
    total: Minor | None
    category: str | None
    brand: str | None
    returned: bool


@dataclass(frozen=True, slots=True)
class PersonaSale:
    """One sale of a persona.

    `ordered_at_text` is the POS's own text; `store` the mapped store's number. `gone`: the POS no
    longer shows it, so that it counts as void.
    """

    platform: Platform
    scope: ScopeId
    ext_id: str
    record: str
    number: str | None
    kind: SaleKind
    status: str
    is_final: bool
    gone: bool
    ordered_at: Instant
    ordered_at_text: str
    store_key: str
    store: int | None
    currency: str
    total: Minor
    discount: Minor
    tax: Minor
    items: tuple[SaleLine, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonaView:
    """All of a persona but its sales. `merged_ids`: the other ids that lead here. `joins`: what
    holds its records together; `won`: field of the profile → the record that it comes from."""

    row: PersonaRow
    birth_date: str | None
    merged_ids: tuple[str, ...]
    members: tuple[PersonaMember, ...]
    why_member: tuple[Explanation, ...] = ()
    why_asked: tuple[Explanation, ...] = ()
    joins: tuple[JoinedPair, ...] = ()
    won: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One cause of points: its amount, where it comes from, and each posting with its time.

    `at`: when the sale was ordered, or the cause was first posted. `actor`: who adjusted.
    """

    cause: str
    kind: LedgerKind
    record: str
    platform: Platform
    at: Instant
    amount: Points
    why: Explanation
    postings: Postings
    actor: str = ""


class PersonaViews(Protocol):
    """Reads the personas of an account.

    A position handed out names rows by what follows the account in their keys, never the account
    itself, so that a forged one cannot lead out of it.
    """

    def search(
        self, uid: Uid, wanted: PersonaFilter, limit: int, after: str | None
    ) -> tuple[list[PersonaRow], str | None]:
        """Return one page of the personas asked for; the second value continues the list.

        A page may be short, even empty, while more follows. They come as `wanted` sorts; what an
        exact filter finds, and a search by name, has its own order.
        """
        ...

    def get(self, uid: Uid, contact_id: str) -> PersonaView:
        """Return the persona that holds the record of this id today. Raises NotFound."""
        ...

    def sales(
        self, uid: Uid, contact_id: str, limit: int, after: str | None
    ) -> tuple[list[PersonaSale], str | None]:
        """Return the sales of all its records, newest first; the second value continues the list.

        Raises NotFound.
        """
        ...
