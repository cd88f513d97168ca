"""What a POS without a pull API pushes (reference/aiq.md §1.5, partner-api.md S3, S9, S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, ConfigDict, Field, ValidationError, model_validator

from chalicelib.domain.api_keys import Sender
from chalicelib.domain.errors import TooLarge, field_fault, invalid_fields
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner.front import PARTNER
from chalicelib.entrypoints.partner.shapes import TextIn, Warned
from chalicelib.entrypoints.partner.signups import LoyaltyInput

if TYPE_CHECKING:
    from chalicelib.domain.records import InventoryItem
    from chalicelib.services.signups.pushes import PushedMember, PushedVisit, PushResult

resource = Resource(__name__, tag="Pushes", front=PARTNER)

MOST = 100
LARGEST = 1024 * 1024
LONGEST_ID = 1024
"""Bytes: what names a row of the table."""


class MemberInput(LoyaltyInput):
    pos_id: TextIn = Field(
        default="", validation_alias=AliasChoices("pos_id", "srcID", "posID", "id")
    )

    def member(self, caller: Sender) -> PushedMember:
        from chalicelib.services.signups.pushes import PushedMember

        return PushedMember(pos_id=self.pos_id, told=self.signup_of(caller.platform))


class LineInput(Input):
    name: TextIn = ""
    sku: TextIn = ""
    brand: TextIn = ""
    category: TextIn = ""
    price: TextIn = ""
    discount: TextIn = ""
    quantity: TextIn = ""


class VisitInput(Input):
    pos_id: TextIn = ""
    pos_user: TextIn = ""
    pos_type: TextIn = ""
    transaction_date: TextIn = ""
    location: TextIn = ""
    employee_name: TextIn = Field(default="", validation_alias="budtenderName")
    employee_id: TextIn = Field(default="", validation_alias="budtenderID")
    total: TextIn = Field(default="", validation_alias="transaction_total")
    status: TextIn = ""
    updated_at: TextIn = ""
    lines: list[LineInput] | None = Field(default=None, validation_alias="visit_details_attributes")


class SaleInput(Input):
    """A sale, and who bought."""

    member: MemberInput | None = None
    visit: VisitInput


class StockInput(Input):
    id: TextIn = Field(
        default="", validation_alias=AliasChoices("product_id", "productID", "id", "SKU", "sku")
    )
    sku: TextIn = Field(default="", validation_alias=AliasChoices("SKU", "sku"))
    name: TextIn = ""
    brand: TextIn = ""
    category: TextIn = ""
    strain: TextIn = ""
    quantity: TextIn = ""
    location: TextIn = ""


def _of_a_list(schema: dict[str, Any]) -> None:
    items = schema.pop("properties")["items"]["items"]
    del schema["required"], schema["additionalProperties"]
    schema.update(type="array", items=items)


class Many(Input):
    """Up to 100 of what a call takes one of: the body is the list.

    No RootModel: importing that costs every cold start a tenth of what `app` may cost.
    """

    model_config = ConfigDict(json_schema_extra=_of_a_list)

    items: list[Any]

    @model_validator(mode="before")
    @classmethod
    def _take_list(cls, value: Any) -> dict[str, Any]:
        if not isinstance(value, list):
            raise ValueError("send a list")  # noqa: TRY004 -- what pydantic reports as the input's
        return {"items": value}


class PushedAnswer(Answer):
    """`errors`: what is wrong with it, so that nothing of it was stored."""

    pos_id: str
    contact_id: str | None = Field(default=None, serialization_alias="contactID")
    src_id: str | None = Field(default=None, serialization_alias="srcID")
    errors: list[Warned]
    warnings: list[Warned]


class PushedAnswers(Answer):
    results: list[PushedAnswer]


class Stored(Answer):
    stored: int


@resource.post("/api/v1.1/createUpdateMember/{uid}", right="push", body_limit=LARGEST)
def push_member(uid: Uid, body: MemberInput, caller: Sender) -> PushedAnswer:
    """Store a shopper of the POS."""
    [done] = wiring.signups.pushes().members(uid, caller.platform, [body.member(caller)])
    return _one(done)


@resource.post("/api/v1.1/createUpdateMembers/{uid}", right="push", body_limit=LARGEST)
def push_members(uid: Uid, body: Many, caller: Sender) -> PushedAnswers:
    """Store up to 100 shoppers of the POS."""
    members = [_read(MemberInput, each, at).member(caller) for at, each in _each(body)]
    return _answers(wiring.signups.pushes().members(uid, caller.platform, members))


@resource.post("/api/v1.1/createUpdateSale/{uid}", right="push", body_limit=LARGEST)
def push_sale(uid: Uid, body: SaleInput, caller: Sender) -> PushedAnswer:
    """Store a sale of the POS, whole as it is told."""
    [done] = wiring.signups.pushes().sales(uid, caller.platform, [_visit(body, caller)])
    return _one(done)


@resource.post("/api/v1.1/createUpdateSales/{uid}", right="push", body_limit=LARGEST)
def push_sales(uid: Uid, body: Many, caller: Sender) -> PushedAnswers:
    """Store up to 100 sales of the POS."""
    visits = [_visit(_read(SaleInput, each, at), caller) for at, each in _each(body)]
    return _answers(wiring.signups.pushes().sales(uid, caller.platform, visits))


@resource.post("/api/v1.1/createUpdateInventory/{uid}", right="push", body_limit=LARGEST)
def push_inventory(uid: Uid, body: Many, caller: Sender) -> Stored:
    """Store the current stock of up to 100 products."""
    items = [_item(_read(StockInput, each, at), at) for at, each in _each(body)]
    wiring.signups.pushes().inventory(uid, caller.platform, items)
    return Stored(stored=len(items))


def _each(body: Many) -> list[tuple[int, Any]]:
    if len(body.items) > MOST:
        raise TooLarge(f"Send at most {MOST} at once.", limit=MOST)
    return list(enumerate(body.items))


def _read(kind: Any, value: Any, at: int) -> Any:
    try:
        return kind.model_validate(value, extra="ignore")
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_input=False, include_context=False)
        name = ".".join(str(step) for step in (at, *first["loc"]))
        raise invalid_fields(field_fault(name, str(first["msg"]), None)) from None


def _visit(sale: SaleInput, caller: Sender) -> PushedVisit:
    from chalicelib.services.signups.pushes import PushedLine, PushedMember, PushedVisit

    visit = sale.visit
    member = sale.member
    has_contact = member is not None and (member.mobile_phone or member.home_phone or member.email)
    shopper = None
    if member is not None and has_contact:
        pos_id = member.pos_id or visit.pos_user
        contact = member.mobile_phone or member.home_phone or member.email
        told = member.signup_of(caller.platform)
        shopper = PushedMember(pos_id=pos_id or f"contact:{contact}", told=told)
    return PushedVisit(
        pos_id=visit.pos_id,
        pos_user=visit.pos_user,
        location=visit.location,
        at=visit.transaction_date,
        total=visit.total,
        status=visit.status,
        channel=visit.pos_type,
        employee_id=visit.employee_id,
        employee_name=visit.employee_name,
        updated_at=visit.updated_at,
        lines=None
        if visit.lines is None
        else [PushedLine(**line.model_dump()) for line in visit.lines],
        member=shopper,
    )


def _item(item: StockInput, at: int) -> InventoryItem:
    from chalicelib.domain.records import InventoryItem

    if not item.id:
        raise invalid_fields(field_fault(f"{at}.SKU", "give a product id or an SKU", "SKU-1"))
    if len(item.id.encode()) > LONGEST_ID:
        reason = f"give an id of at most {LONGEST_ID} bytes"
        raise invalid_fields(field_fault(f"{at}.SKU", reason, "SKU-1"))
    return InventoryItem(
        ext_id=item.id,
        store_key=item.location,
        name=item.name,
        quantity=item.quantity,
        currency="",
        sku=item.sku or None,
        brand=item.brand or None,
        category=item.category or None,
        strain=item.strain or None,
    )


def _one(done: PushResult) -> PushedAnswer:
    if done.refused is not None:
        raise invalid_fields(field_fault(*done.refused))
    return _shown(done)


def _answers(done: list[PushResult]) -> PushedAnswers:
    return PushedAnswers(results=[_shown(each) for each in done])


def _shown(done: PushResult) -> PushedAnswer:
    errors = [] if done.refused is None else [done.refused]
    return PushedAnswer(
        pos_id=done.pos_id,
        contact_id=done.contact_id or None,
        src_id=done.record or None,
        errors=[Warned(field=name, message=words) for name, words in errors],
        warnings=[Warned(field=name, message=words) for name, words in done.warnings],
    )
