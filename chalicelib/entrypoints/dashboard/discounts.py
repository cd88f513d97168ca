"""Discounts: made here, mirrored in the POS (product.md §11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import (
    Answer,
    Change,
    DayIn,
    Input,
    Moment,
    PointsIn,
    PointsOut,
    ShortText,
)

if TYPE_CHECKING:
    from chalicelib.domain.discounts import Discount
    from chalicelib.services.rewards.discounts import ListedDiscount

resource = Resource(__name__, tag="Discounts", front=FRONT)

DISCOUNTS = "/api/accounts/{uid}/discounts"
DISCOUNT = DISCOUNTS + "/{discount}"

MOST_POINTS = 100_000_000
"""In hundredths: a million points."""
MOST_MONEY = 10_000_000
MOST_HOURS = 24 * 366

Price = Annotated[PointsIn, Field(ge=0, le=MOST_POINTS)]
Money = Annotated[int, Field(ge=0, le=MOST_MONEY)]
Percent = Annotated[float, Field(ge=0, le=100, multiple_of=0.01)]
PosId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
MOST_STORES = 200


class MirrorAnswer(Answer):
    """How the discount stands in a POS that redeems; `name_there`: its name there, where it
    differs."""

    platform: Platform
    state: Literal["mirrored", "missing", "name_differs", "ambiguous"]
    name_there: str | None = None


class DiscountAnswer(Answer):
    """`id` is what a POS links to. `points` is its price; `amount_off` and `min_spend` are in minor
    units. `stores`: numbers, empty for all. Days are local, the last one included.
    `redemptions`: how often it was redeemed and not given back."""

    id: str
    name: str
    points: PointsOut
    amount_off: int | None
    percent_off: float | None
    stores: list[int]
    starts_on: date | None
    ends_on: date | None
    reusable: bool
    cooldown_hours: int
    min_spend: int
    pos_ids: dict[str, str]
    active: bool
    mirrors: list[MirrorAnswer]
    redemptions: int
    created_at: Moment
    version: int


class DiscountList(Answer):
    items: list[DiscountAnswer]


class DiscountInput(Input):
    """Give one of `amount_off` and `percent_off`."""

    name: ShortText = Field(examples=["$5 off"])
    points: Price = Field(examples=[100], description="What it takes of the balance.")
    amount_off: Money | None = Field(default=None, examples=[500], description="Minor units.")
    percent_off: Percent | None = Field(default=None, examples=[10])
    stores: list[int] = Field(default_factory=list, max_length=MOST_STORES, examples=[[1]])
    starts_on: DayIn | None = Field(default=None, examples=["2026-03-01"])
    ends_on: DayIn | None = Field(default=None, examples=["2026-03-31"])
    reusable: bool = Field(default=True, examples=[True], description="More than once a shopper.")
    cooldown_hours: int = Field(default=0, ge=0, le=MOST_HOURS, examples=[24])
    min_spend: Money = Field(default=0, examples=[2000], description="Minor units.")
    pos_ids: dict[str, PosId] = Field(
        default_factory=dict,
        max_length=10,
        examples=[{"posabit": "47370"}],
        description="The id of its twin in each POS, which finds it before the name does.",
    )
    active: bool = Field(default=True, examples=[True])


class DiscountChange(Change):
    """The fields to change."""

    name: ShortText = Field(default="", examples=["$5 off"])
    points: Price = Field(default=0, examples=[100])
    amount_off: Money | None = Field(default=None, examples=[500])
    percent_off: Percent | None = Field(default=None, examples=[10])
    stores: list[int] = Field(default_factory=list, max_length=MOST_STORES, examples=[[1]])
    starts_on: DayIn | None = Field(default=None, examples=["2026-03-01"])
    ends_on: DayIn | None = Field(default=None, examples=["2026-03-31"])
    reusable: bool = Field(default=True, examples=[True])
    cooldown_hours: int = Field(default=0, ge=0, le=MOST_HOURS, examples=[24])
    min_spend: Money = Field(default=0, examples=[2000])
    pos_ids: dict[str, PosId] = Field(
        default_factory=dict, max_length=10, examples=[{"posabit": "47370"}]
    )
    active: bool = Field(default=True, examples=[True])


@resource.get(DISCOUNTS, right="discounts:read")
def list_discounts(uid: Uid) -> DiscountList:
    """List the discounts, the first created first."""
    listed = wiring.rewards.discount_service().all_discounts(uid)
    return DiscountList(items=[_answer(each) for each in listed])


@resource.post(DISCOUNTS, right="discounts:write", status=201)
def create_discount(uid: Uid, body: DiscountInput, caller: Caller) -> DiscountAnswer:
    """Create a discount."""
    fields = _fields(body.model_dump())
    service = wiring.rewards.discount_service()
    return _listed(uid, service.create(uid, fields, actor=caller.actor))


@resource.get(DISCOUNT, right="discounts:read")
def get_discount(uid: Uid, discount: str) -> DiscountAnswer:
    """Read a discount."""
    found = wiring.rewards.discount_service().get(uid, discount)
    return _listed(uid, found)


@resource.patch(DISCOUNT, right="discounts:write")
def change_discount(
    uid: Uid, discount: str, body: DiscountChange, version: int, caller: Caller
) -> DiscountAnswer:
    """Change a discount. Wallets that were shown keep their price and worth for a day."""
    changes = _fields(body.sent_fields())
    service = wiring.rewards.discount_service()
    return _listed(uid, service.change(uid, discount, version, changes, actor=caller.actor))


@resource.delete(DISCOUNT, right="discounts:write")
def delete_discount(uid: Uid, discount: str, version: int, caller: Caller) -> None:
    """Delete a discount; what was redeemed stays in the ledgers."""
    wiring.rewards.discount_service().delete(uid, discount, version, actor=caller.actor)


def _fields(sent: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `Discount` from those of a request."""
    fields = dict(sent)
    if "points" in fields:
        fields["price"] = fields.pop("points")
    if "amount_off" in fields or "percent_off" in fields:
        fields["amount_off"] = fields.get("amount_off") or 0
        fields["percent_off"] = round((fields.get("percent_off") or 0) * 100)
    if "stores" in fields:
        fields["stores"] = tuple(sorted(set(fields["stores"])))
    return fields


def _listed(uid: Uid, discount: Discount) -> DiscountAnswer:
    listed = wiring.rewards.discount_service().all_discounts(uid)
    shown = next((each for each in listed if each.discount.id == discount.id), None)
    return _answer(replace(shown, discount=discount)) if shown else _answer(_unlisted(discount))


def _unlisted(discount: Discount) -> ListedDiscount:
    """A discount that was deleted a moment ago."""
    from chalicelib.services.rewards.discounts import ListedDiscount

    return ListedDiscount(discount, 0, {})


def _answer(listed: ListedDiscount) -> DiscountAnswer:
    discount = listed.discount
    return DiscountAnswer(
        id=discount.id,
        name=discount.name,
        points=discount.price,
        amount_off=discount.amount_off or None,
        percent_off=discount.percent_off / 100 if discount.percent_off else None,
        stores=list(discount.stores),
        starts_on=discount.starts_on,
        ends_on=discount.ends_on,
        reusable=discount.reusable,
        cooldown_hours=discount.cooldown_hours,
        min_spend=discount.min_spend,
        pos_ids=dict(discount.pos_ids),
        active=discount.active,
        mirrors=[
            MirrorAnswer(platform=platform, state=mirror.state, name_there=mirror.name_there)
            for platform, mirror in listed.mirrors.items()
        ],
        redemptions=listed.redemptions,
        created_at=discount.created_at,
        version=discount.version,
    )
