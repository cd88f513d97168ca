"""Wallets, redemption URLs and refunds as AIQ's API has them (reference/aiq.md §1.5, §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from chalicelib.config import config
from chalicelib.domain.api_keys import Sender
from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import POINT, Minor, Points, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.caller_address import called_base
from chalicelib.entrypoints.http.errors import MethodNotAllowed
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner.front import NAME, PARTNER
from chalicelib.entrypoints.partner.shapes import Warned

if TYPE_CHECKING:
    from chalicelib.domain.redemptions import Redemption
    from chalicelib.services.rewards.redeem import Till
    from chalicelib.services.rewards.wallet import WalletOffer, WalletView

resource = Resource(__name__, tag="Wallets", front=PARTNER)

REDEEM = "/api/v1.1/discount/redeem/{uid}/{discount}/{token}"
REFUND = "/api/v1.1/discount/refund/{uid}"
POST_OR_PUT = "A redemption URL takes PUT or POST."


def _number(points: int) -> object:
    """Hundredths as a JSON number: whole ones without a fraction, as clients of AIQ know them."""
    return points // POINT if points % POINT == 0 else points / POINT


def _as_text(value: object) -> object:
    """A number where a text belongs is taken as one: phones and ids come as JSON numbers too."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _as_number(value: object) -> object:
    """Digits as text are a store's number; what is no number is not said."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _as_minor(value: object) -> object:
    """An amount in the currency, as number or text, in minor units."""
    try:
        return None if value in (None, "") else round(float(str(value)) * 100)
    except (ValueError, OverflowError):
        return None


Number = Annotated[
    Points,
    PlainSerializer(_number, when_used="json"),
    WithJsonSchema({"type": "number", "examples": [120.5]}),
]
Text = Annotated[str, BeforeValidator(_as_text), Field(max_length=254)]
StoreNumber = Annotated[int | None, BeforeValidator(_as_number)]
Amount = Annotated[Minor | None, BeforeValidator(_as_minor)]


class WalletInput(Input):
    """Whose wallet: the phone decides, the e-mail without a usable one (S15)."""

    phone: Text | None = Field(default=None, examples=["2065550123"])
    email: Text | None = Field(default=None, examples=["shopper@example.com"])
    store_id: StoreNumber = Field(default=None, alias="storeID", examples=[1])


class PinInput(WalletInput):
    """A PIN that the shopper was sent, and read out."""

    code: Text = Field(examples=["0042"])


class PinSent(Answer):
    """Where the PIN went: `sms` or `email`."""

    sent: str


class DiscountTemplate(Answer):
    """A discount that the shopper may redeem, now (`available`) or with more points. `expiration`:
    epoch seconds after its last moment, 0 for none. `minSpend` is in the currency."""

    id: str
    pos_discount_id: str = Field(serialization_alias="posDiscountID")
    name: str
    page_title: str = Field(serialization_alias="pageTitle")
    avatar: str = ""
    in_store_redemption: bool = Field(default=True, serialization_alias="inStoreRedemption")
    redemption_url: str = Field(serialization_alias="redemptionURL")
    points_deduction: Number = Field(serialization_alias="pointsDeduction")
    dollar_value: Number = Field(serialization_alias="dollarValue")
    percentage_value: Number = Field(serialization_alias="percentageValue")
    reusable: bool
    tier_discount: bool = Field(default=False, serialization_alias="tierDiscount")
    available: bool
    expiration: int
    stores: list[int]
    min_spend: Number = Field(serialization_alias="minSpend")
    why_not: str = Field(serialization_alias="whyNot")


class WalletAnswer(Answer):
    """`loyaltyPoints` are never below zero; `balance` tells the true figure."""

    contact_id: str = Field(serialization_alias="contactID")
    loyalty_points: Number = Field(serialization_alias="loyaltyPoints")
    balance: Number
    hide_points: bool = Field(default=False, serialization_alias="hidePointsInWallet")
    loyalty_member: bool = Field(serialization_alias="loyaltyMember")
    templates: list[DiscountTemplate] = Field(serialization_alias="discountTemplates")
    warnings: list[Warned] = Field(default_factory=list)


class OrderInput(Input):
    """What the till knows of the order, none of it needed (S5)."""

    store_id: StoreNumber = Field(default=None, alias="storeID", examples=[1])
    subtotal: Amount = Field(default=None, examples=[40.0])
    order_id: Text = Field(default="", alias="orderID", examples=["R-1001"])


class RedemptionAnswer(Answer):
    """`redemptionID` is what a refund names. `refunded`: the points were given back."""

    redemption_id: str = Field(serialization_alias="redemptionID")
    contact_id: str = Field(serialization_alias="contactID")
    template_id: str = Field(serialization_alias="templateID")
    name: str
    points_deducted: Number = Field(serialization_alias="pointsDeducted")
    dollar_value: Number = Field(serialization_alias="dollarValue")
    percentage_value: Number = Field(serialization_alias="percentageValue")
    redeemed_at: int = Field(serialization_alias="redeemedAt")
    refunded: bool


class RefundInput(Input):
    contact_id: Text = Field(alias="contactID", examples=["4f1c9a2b7d3e5f60718293a4b5c6d7e8"])
    template_id: Text = Field(alias="templateID", examples=["dsc_01JQ3Z8Q0V9T2M5X7R4N6K1B8C"])
    redemption_id: Text = Field(alias="redemptionID", examples=["4f1c9a2b"])


@resource.post("/api/v2/wallet", right="till")
def open_wallet(body: WalletInput, caller: Sender) -> WalletAnswer:
    """Show a shopper's points and discounts, without a PIN."""
    return shown_wallet(caller, body.phone, body.email, body.store_id)


@resource.get("/api/v2/wallet/{phone}", right="till")
def read_wallet(phone: str, caller: Sender) -> WalletAnswer:
    """Show a shopper's points and discounts, by phone."""
    return shown_wallet(caller, phone, None, None)


@resource.post("/api/v2/verify/wallet", right="till")
def ask_for_pin(body: WalletInput, caller: Sender) -> PinSent:
    """Text the shopper a PIN."""
    return _send_pin(body, caller)


@resource.post("/api/v2/verify/contact/wallet", right="till")
def ask_for_pin_of_contact(body: WalletInput, caller: Sender) -> PinSent:
    """Text or e-mail the shopper a PIN."""
    return _send_pin(body, caller)


@resource.post("/api/v2/view/wallet", right="till")
def view_wallet(body: PinInput, caller: Sender) -> WalletAnswer:
    """Show a wallet to who has its PIN."""
    return _view_with_pin(body, caller)


@resource.post("/api/v2/view/contact/wallet", right="till")
def view_contact_wallet(body: PinInput, caller: Sender) -> WalletAnswer:
    """Show a wallet to who has its PIN."""
    return _view_with_pin(body, caller)


@resource.put(REDEEM, right="till")
def redeem_by_put(
    uid: Uid, discount: str, token: str, body: OrderInput, caller: Sender
) -> RedemptionAnswer:
    """Redeem what a wallet showed; the same URL again gives the first answer."""
    return _redeem(uid, discount, token, body, caller)


@resource.post(REDEEM, right="till")
def redeem_by_post(
    uid: Uid, discount: str, token: str, body: OrderInput, caller: Sender
) -> RedemptionAnswer:
    """Redeem what a wallet showed; the same URL again gives the first answer."""
    return _redeem(uid, discount, token, body, caller)


@resource.head(REDEEM, right="till")
def ask_about_redemption_url(uid: Uid, discount: str, token: str) -> None:  # noqa: ARG001 -- the path
    """Redeem nothing, as by GET."""
    raise MethodNotAllowed(POST_OR_PUT)


@resource.get(REDEEM, right="till")
def look_at_redemption_url(uid: Uid, discount: str, token: str) -> None:  # noqa: ARG001 -- the path
    """Redeem nothing: whatever looks at links must not spend points."""
    raise MethodNotAllowed(POST_OR_PUT)


@resource.put(REFUND, right="till")
def refund_by_put(uid: Uid, body: RefundInput, caller: Sender) -> RedemptionAnswer:
    """Give the points of a redemption back, once."""
    return _refund(uid, body.contact_id, body.template_id, body.redemption_id, caller)


@resource.post(REFUND, right="till")
def refund_by_post(uid: Uid, body: RefundInput, caller: Sender) -> RedemptionAnswer:
    """Give the points of a redemption back, once."""
    return _refund(uid, body.contact_id, body.template_id, body.redemption_id, caller)


@resource.put(REFUND + "/{contact_id}/{discount}/{redemption}", right="till")
def refund_path_by_put(
    uid: Uid, contact_id: str, discount: str, redemption: str, caller: Sender
) -> RedemptionAnswer:
    """Give the points of a redemption back, once."""
    return _refund(uid, contact_id, discount, redemption, caller)


@resource.post(REFUND + "/{contact_id}/{discount}/{redemption}", right="till")
def refund_path_by_post(
    uid: Uid, contact_id: str, discount: str, redemption: str, caller: Sender
) -> RedemptionAnswer:
    """Give the points of a redemption back, once."""
    return _refund(uid, contact_id, discount, redemption, caller)


def _send_pin(body: WalletInput, caller: Sender) -> PinSent:
    _check_asked(body.phone, body.email)
    service = wiring.rewards.pins()
    channel = service.send(caller.uid, phone=body.phone, email=body.email, actor=caller.actor)
    return PinSent(sent=channel)


def _view_with_pin(body: PinInput, caller: Sender) -> WalletAnswer:
    _check_asked(body.phone, body.email)
    wiring.rewards.pins().confirm(
        caller.uid,
        body.code,
        phone=body.phone,
        email=body.email,
        actor=caller.actor,
        call=resource.current_request.headers.get(NAME, "").strip(),
    )
    return shown_wallet(caller, body.phone, body.email, body.store_id)


def _check_asked(phone: str | None, email: str | None) -> None:
    if not (phone or email):
        raise invalid_fields(field_fault("phone", "give a phone or an e-mail", "2065550123"))


def shown_wallet(
    caller: Sender, phone: str | None, email: str | None, store: int | None
) -> WalletAnswer:
    """Return the wallet; a key that is bound to a store says where the till stands."""
    _check_asked(phone, email)
    service = wiring.rewards.wallets()
    view = service.open(caller.uid, phone=phone, email=email, store=caller.store or store)
    return wallet_answer(caller, view)


def wallet_answer(caller: Sender, view: WalletView) -> WalletAnswer:
    base = called_base(resource.current_request, config().front_secret)
    return WalletAnswer(
        contact_id=view.contact_id,
        loyalty_points=view.points,
        balance=view.balance,
        loyalty_member=view.persona.member,
        templates=[_template(caller, offer, base) for offer in view.offers],
        warnings=[Warned(field=field, message=message) for field, message in view.warnings],
    )


def _template(caller: Sender, offer: WalletOffer, base: str) -> DiscountTemplate:
    each = offer.discount
    path = REDEEM.format(uid=caller.uid, discount=each.id, token=offer.token)
    return DiscountTemplate(
        id=each.id,
        pos_discount_id=each.pos_ids.get(caller.platform, ""),
        name=each.name,
        page_title=each.name,
        redemption_url=base + path,
        points_deduction=each.price,
        dollar_value=each.amount_off,
        percentage_value=each.percent_off,
        reusable=each.reusable,
        available=offer.refusal is None,
        expiration=0 if offer.ends_at is None else offer.ends_at // SECOND,
        stores=list(each.stores),
        min_spend=each.min_spend,
        why_not=offer.why_not,
    )


def _redeem(
    uid: Uid, discount: str, token: str, body: OrderInput, caller: Sender
) -> RedemptionAnswer:
    till = _till(caller, body)
    return _answer(wiring.rewards.redeemer().by_token(uid, discount, token, till))


def _till(caller: Sender, body: OrderInput) -> Till:
    from chalicelib.services.rewards.redeem import Till

    store = caller.store or body.store_id
    return Till(caller.actor, store, body.subtotal, body.order_id.strip())


def _refund(
    uid: Uid, contact_id: str, discount: str, redemption: str, caller: Sender
) -> RedemptionAnswer:
    service = wiring.rewards.redeemer()
    return _answer(service.refund(uid, contact_id, discount, redemption, caller.actor))


def _answer(done: Redemption) -> RedemptionAnswer:
    return RedemptionAnswer(
        redemption_id=done.id,
        contact_id=done.contact,
        template_id=done.discount,
        name=done.name,
        points_deducted=done.price,
        dollar_value=done.amount_off,
        percentage_value=done.percent_off,
        redeemed_at=done.at // SECOND,
        refunded=not done.counts,
    )
