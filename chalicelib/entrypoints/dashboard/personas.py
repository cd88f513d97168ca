"""Personas, live (product.md §6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from chalicelib.domain.words import (
    ConsentState,
    KeyKind,
    PersonaSort,
    Platform,
    SaleKind,
    ScopeId,
    Uid,
)
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import (
    Answer,
    Input,
    Listing,
    Moment,
    PointsIn,
    PointsOut,
    ShortText,
)

if TYPE_CHECKING:
    from chalicelib.services.ports.personas import PersonaFilter, PersonaView

resource = Resource(__name__, tag="Personas", front=FRONT)

SALES_SHOWN = 20


class PersonaQuery(Listing):
    """What may stand in a URL: nothing that says who somebody is."""

    is_: Literal["member"] | None = Field(default=None, alias="is", examples=["member"])
    source: str | None = Field(
        default=None,
        max_length=40,
        examples=["posabit"],
        description="One platform of *Sourced from*.",
    )
    sort: PersonaSort = Field(
        default="inserted",
        examples=["name"],
        description="By when AIQ first saw them, or by first + last name.",
    )
    dir: Literal["asc", "desc"] | None = Field(
        default=None,
        examples=["asc"],
        description="`desc` for `inserted`, `asc` for `name`, unless said.",
    )


class PersonaSearch(PersonaQuery):
    """A search goes in the body: phones, e-mails and names stay out of URLs and logs."""

    phone: str | None = Field(default=None, max_length=40, examples=["+12065550123"])
    email: str | None = Field(default=None, max_length=254, examples=["shopper@example.com"])
    contact_id: str | None = Field(
        default=None,
        max_length=64,
        examples=["4f1c9a2b7d3e5f60718293a4b5c6d7e8"],
        description="Any contactID ever given.",
    )
    source_id: str | None = Field(
        default=None, max_length=200, examples=["1834"], description="The POS's own id."
    )
    name: str | None = Field(
        default=None, max_length=120, examples=["jo"], description="Beginning of first + last name."
    )


class PersonaAnswer(Answer):
    """One persona in a list. `id` is the contactID; `favourite_store` a store's number; `points`
    the ledger's balance, which may lie below zero; `consent` that of the number at which the person
    may be texted."""

    id: str
    first: str
    last: str
    phone: str | None
    email: str | None
    sources: list[str]
    favourite_store: int | None
    member: bool
    points: PointsOut
    flags: list[str]
    inserted_at: Moment
    updated_at: Moment | None
    consent: ConsentState


class PointsAdjustment(Input):
    """`amount` is given, or taken when below zero; `reason` stands in the ledger."""

    amount: PointsIn = Field(examples=[-20.5])
    reason: ShortText = Field(examples=["Goodwill after a wrong order"])

    @field_validator("amount")
    @classmethod
    def _not_zero(cls, amount: int) -> int:
        if amount == 0:
            raise ValueError("give or take something")
        return amount


class PointsAnswer(Answer):
    """The balance afterwards, which may lie below zero."""

    contact_id: str
    points: PointsOut


class PersonaPage(Answer):
    items: list[PersonaAnswer]
    next_cursor: str | None


class MemberAnswer(Answer):
    """A source record: the shopper as one POS knows them. `note`: why AIQ still shows one whom the
    backup lacks that their source uses."""

    id: str
    platform: Platform
    scope: ScopeId
    ext_id: str
    first: str
    last: str
    phone: str | None
    email: str | None
    birth_date: str | None
    first_seen: Moment
    updated_at: Moment | None
    flags: list[str]
    note: str | None


class SaleLineAnswer(Answer):
    """`quantity` is decimal text, `total` in minor units of the sale's currency."""

    name: str
    quantity: str
    total: int | None
    category: str | None
    brand: str | None
    returned: bool


class SaleAnswer(Answer):
    """Money is in minor units of `currency`; `record` is the source record it is anchored to.
    `gone`: gone from the POS, which no longer shows the sale; it counts as void. `flags` name what
    of it could not be read."""

    platform: Platform
    scope: ScopeId
    ext_id: str
    record: str
    number: str | None
    kind: SaleKind
    status: str
    is_final: bool
    gone: bool
    ordered_at: Moment
    ordered_at_text: str
    store_key: str
    store: int | None
    currency: str
    total: int
    discount: int
    tax: int
    items: list[SaleLineAnswer]
    flags: list[str]


class SalePage(Answer):
    items: list[SaleAnswer]
    next_cursor: str | None


class SaidAnswer(Answer):
    """A reason in a sentence; `code` is stable, `data` says the same in values."""

    code: str
    sentence: str
    data: dict[str, Any]


class PostingAnswer(Answer):
    """One ledger entry: the difference it made. Its id is the cause and its place in the list."""

    amount: PointsOut
    at: Moment


class LedgerEntryAnswer(Answer):
    """A cause of points: what it holds now, why, and every entry. `at`: when the sale was ordered,
    or the cause was first posted. `actor_name`: who adjusted or redeemed, as people call them."""

    cause: str
    kind: Literal["sale", "import", "expiry", "adjustment", "redemption"]
    record: str
    platform: Platform
    at: Moment
    amount: PointsOut
    why: SaidAnswer
    postings: list[PostingAnswer]
    actor: str
    actor_name: str = ""


class LedgerPage(Answer):
    items: list[LedgerEntryAnswer]
    next_cursor: str | None


class JoinedPairAnswer(Answer):
    """Two source records that carry the same key: the strongest one that both have."""

    a: str
    b: str
    key: KeyKind


class PersonaDetail(PersonaAnswer):
    """A persona whole: every source record, every other id that leads here, the latest sales, and
    why the shopper is (not) a member and is (not) to be asked for SMS consent.

    `joins`: what holds the records together, one pair fewer than there are records. `won`: field of
    the profile → id of the record that it comes from."""

    birth_date: str | None
    merged_ids: list[str]
    members: list[MemberAnswer]
    why_member: list[SaidAnswer]
    why_asked: list[SaidAnswer]
    joins: list[JoinedPairAnswer]
    won: dict[str, str]
    sales: SalePage


@resource.get("/api/accounts/{uid}/personas", right="personas:read")
def list_personas(uid: Uid, query: PersonaQuery) -> PersonaPage:
    """List personas. A page may be short while `next_cursor` goes on."""
    from chalicelib.services.ports.personas import PersonaFilter

    return _page(uid, query, PersonaFilter())


@resource.post("/api/accounts/{uid}/personas/search", right="personas:read")
def search_personas(uid: Uid, body: PersonaSearch) -> PersonaPage:
    """Find personas by phone, e-mail, contactID, source id or the beginning of their name."""
    from chalicelib.services.ports.personas import PersonaFilter

    search = PersonaFilter(
        phone=body.phone,
        email=body.email,
        contact_id=body.contact_id,
        source_id=body.source_id,
        name=body.name,
    )
    return _page(uid, body, search)


@resource.post(
    "/api/accounts/{uid}/personas/{contact_id}/points", right="points:adjust", limited=True
)
def adjust_points(
    uid: Uid, contact_id: str, body: PointsAdjustment, idempotency_key: str, caller: Caller
) -> PointsAnswer:
    """Give or take points by hand; sent again with the same Idempotency-Key it is done once."""
    points = wiring.loyalty.adjuster().adjust(
        uid, contact_id, body.amount, body.reason, idempotency_key, actor=caller.actor
    )
    return PointsAnswer(contact_id=contact_id, points=points)


def _page(uid: Uid, query: PersonaQuery, search: PersonaFilter) -> PersonaPage:
    search = replace(
        search,
        source=query.source,
        member=None if query.is_ is None else True,
        sort=query.sort,
        descending=query.sort == "inserted" if query.dir is None else query.dir == "desc",
    )
    after = cursors().unseal(query.cursor, uid, "personas", search)
    rows, position = wiring.personas.personas().search(uid, search, query.limit, after)
    return PersonaPage(
        items=[PersonaAnswer.model_validate(row) for row in rows],
        next_cursor=cursors().seal(position, uid, "personas", search),
    )


@resource.get("/api/accounts/{uid}/personas/{contact_id}", right="personas:read")
def get_persona(uid: Uid, contact_id: str) -> PersonaDetail:
    """Read the persona that holds the record of this contactID today."""
    view = wiring.personas.personas().get(uid, contact_id)
    return _detail(view, _sales(uid, contact_id, SALES_SHOWN, None))


@resource.get("/api/accounts/{uid}/personas/{contact_id}/sales", right="personas:read")
def list_persona_sales(uid: Uid, contact_id: str, query: Listing) -> SalePage:
    """List a persona's sales, the newest first."""
    return _sales(uid, contact_id, query.limit, query.cursor)


@resource.get("/api/accounts/{uid}/personas/{contact_id}/ledger", right="personas:read")
def list_persona_ledger(uid: Uid, contact_id: str, query: Listing) -> LedgerPage:
    """List how each point came, the newest sale first, sales that earned nothing included."""
    after = cursors().unseal(query.cursor, uid, "ledger", contact_id)
    entries, position = wiring.personas.ledgers().entries(uid, contact_id, query.limit, after)
    names = wiring.accounts.names().names_of(uid, [entry.actor for entry in entries])
    return LedgerPage(
        items=[
            LedgerEntryAnswer.model_validate(entry).model_copy(
                update={"actor_name": names.get(entry.actor, entry.actor)}
            )
            for entry in entries
        ],
        next_cursor=cursors().seal(position, uid, "ledger", contact_id),
    )


def _sales(uid: Uid, contact_id: str, limit: int, cursor: str | None) -> SalePage:
    after = cursors().unseal(cursor, uid, "sales", contact_id)
    sales, position = wiring.personas.personas().sales(uid, contact_id, limit, after)
    return SalePage(
        items=[SaleAnswer.model_validate(sale) for sale in sales],
        next_cursor=cursors().seal(position, uid, "sales", contact_id),
    )


def _detail(view: PersonaView, sales: SalePage) -> PersonaDetail:
    row = PersonaAnswer.model_validate(view.row)
    return PersonaDetail(
        **row.model_dump(),
        birth_date=view.birth_date,
        merged_ids=list(view.merged_ids),
        members=[MemberAnswer.model_validate(member) for member in view.members],
        why_member=[SaidAnswer.model_validate(reason) for reason in view.why_member],
        why_asked=[SaidAnswer.model_validate(reason) for reason in view.why_asked],
        joins=[JoinedPairAnswer.model_validate(pair) for pair in view.joins],
        won=dict(view.won),
        sales=sales,
    )
