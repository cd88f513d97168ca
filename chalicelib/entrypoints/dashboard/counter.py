"""The Staff (Budtender) view: look up, show the wallet, redeem, undo (product.md §13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from chalicelib.domain.words import Channel, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import (
    Answer,
    Input,
    Moment,
    OptionalText,
    PointsIn,
    PointsOut,
)

if TYPE_CHECKING:
    from chalicelib.domain.redemptions import Redemption

resource = Resource(__name__, tag="Counter", front=FRONT)

COUNTER = "/api/accounts/{uid}/counter"
CONTACT = "4f1c9a2b7d3e5f60718293a4b5c6d7e8"
DISCOUNT = "dsc_01JQ3Z8Q0V9T2M5X7R4N6K1B8C"

LARGE_BODY = 1024 * 1024
MOST_SIGNATURE = 700_000
"""Characters: half a megabyte as base64."""

ContactId = Annotated[str, Field(max_length=64, examples=[CONTACT])]


class CounterStore(Answer):
    id: int
    name: str


class CounterAnswer(Answer):
    """What the view needs before anybody is looked up. `fields`: of the sign-up."""

    account: str
    currency: str
    locale: str
    stores: list[CounterStore]
    pin_needed: bool
    fields: list[str]


class LookUp(Input):
    """A phone or an e-mail, in the body: neither belongs in an address."""

    phone: str | None = Field(default=None, max_length=40, examples=["206 555 0123"])
    email: str | None = Field(default=None, max_length=254, examples=["shopper@example.com"])


class ShopperAnswer(Answer):
    contact_id: str
    name: str
    last_four: str
    member: bool
    points: PointsOut


class LookUpAnswer(Answer):
    """`shopper` is null for a phone or e-mail that nobody has."""

    shopper: ShopperAnswer | None


class CounterOffer(Answer):
    """`why_not`: in words, where it is not available. Money is in minor units."""

    discount: str
    name: str
    points: PointsOut
    amount_off: int | None
    percent_off: float | None
    min_spend: int
    available: bool
    why_not: str
    ends_at: Moment | None


class CounterRedemptionAnswer(Answer):
    """`undo_until`: null where you cannot undo it."""

    id: str
    name: str
    points: PointsOut
    at: Moment
    undo_until: Moment | None


class CounterWalletAnswer(Answer):
    """`balance` may lie below zero; `points` are what can be spent."""

    shopper: ShopperAnswer
    points: PointsOut
    balance: PointsOut
    offers: list[CounterOffer]
    recent: list[CounterRedemptionAnswer]


class CounterStoreQuery(Input):
    store: int | None = Field(default=None, examples=[1], description="Where the till stands.")


class CounterRedeem(Input):
    contact_id: ContactId
    discount: str = Field(max_length=64, examples=[DISCOUNT])
    points: PointsIn = Field(examples=[100], description="The price that was shown.")
    store: int | None = Field(default=None, examples=[1])
    pin: str | None = Field(
        default=None, max_length=10, examples=["0042"], description="Where `pin_needed`."
    )


class PinAsked(Input):
    contact_id: ContactId


class PinSentAnswer(Answer):
    """How the PIN went to the shopper."""

    sent: Channel


class RedeemedAnswer(Answer):
    """`points`: what left the balance, or came back (`refunded`)."""

    id: str
    discount: str
    name: str
    points: PointsOut
    at: Moment
    refunded: bool


class OptOutInput(Input):
    channels: list[Channel] = Field(min_length=1, max_length=2, examples=[["sms"]])
    told: Literal["counter", "phone"] = Field(
        default="counter", examples=["counter"], description="Where the shopper said so."
    )


class CounterOptOut(OptOutInput):
    contact_id: ContactId


class CounterSignUp(Input):
    """What a shopper told at the counter. `consent`: they want texts and e-mails; it counts where
    they signed, else a text asks them. The signature is a picture as data URL, or the full name."""

    phone: str = Field(default="", max_length=40, examples=["206 555 0123"])
    email: str = Field(default="", max_length=254, examples=["shopper@example.com"])
    first: OptionalText = Field(default="", examples=["Maria"])
    last: OptionalText = Field(default="", examples=["Quick"])
    birth_date: str = Field(default="", max_length=10, examples=["1990-12-31"])
    consent: bool = Field(default=False, examples=[True])
    signature: str = Field(default="", max_length=MOST_SIGNATURE, examples=[""])
    signed_name: OptionalText = Field(default="", examples=["Maria Quick"])
    store: int | None = Field(default=None, examples=[1])


class CounterSignedUp(Answer):
    """`warnings`: what could not be taken, in words."""

    contact_id: str
    member: bool
    warnings: list[str]


@resource.get(COUNTER, right="counter:use")
def get_counter(uid: Uid) -> CounterAnswer:
    """Read what the Staff view needs."""
    account = wiring.outside.accounts().get(uid)
    stores = wiring.outside.stores().for_account(uid)
    return CounterAnswer(
        account=account.name,
        currency=account.currency,
        locale=account.shown_locale,
        stores=[CounterStore(id=each.id, name=each.nickname or each.name) for each in stores],
        pin_needed=account.counter_pin,
        fields=["phone", "email", "first", "last", "birth_date", "consent", "signature", "store"],
    )


@resource.post(f"{COUNTER}/lookup", right="counter:use")
def look_up_shopper(uid: Uid, body: LookUp) -> LookUpAnswer:
    """Find the shopper who has this phone or e-mail."""
    found = wiring.rewards.counter().look_up(uid, phone=body.phone, email=body.email)
    return LookUpAnswer(shopper=None if found is None else ShopperAnswer.model_validate(found))


@resource.get(COUNTER + "/wallet/{contact_id}", right="counter:use")
def get_counter_wallet(
    uid: Uid, contact_id: str, query: CounterStoreQuery, caller: Caller
) -> CounterWalletAnswer:
    """Show a shopper's points, their discounts, and what was redeemed just now."""
    shown = wiring.rewards.counter().wallet(uid, contact_id, query.store, actor=caller.actor)
    offers = []
    for offer in shown.wallet.offers:
        each = offer.discount
        offers.append(
            CounterOffer(
                discount=each.id,
                name=each.name,
                points=each.price,
                amount_off=each.amount_off or None,
                percent_off=each.percent_off / 100 if each.percent_off else None,
                min_spend=each.min_spend,
                available=offer.refusal is None,
                why_not=offer.why_not,
                ends_at=offer.ends_at,
            )
        )
    return CounterWalletAnswer(
        shopper=ShopperAnswer.model_validate(shown.shopper),
        points=shown.wallet.points,
        balance=shown.wallet.balance,
        offers=offers,
        recent=[CounterRedemptionAnswer.model_validate(each) for each in shown.recent],
    )


@resource.post(f"{COUNTER}/signup", right="counter:use", body_limit=LARGE_BODY)
def sign_up_at_counter(
    uid: Uid, body: CounterSignUp, idempotency_key: str, caller: Caller
) -> CounterSignedUp:
    """Sign a shopper up; the same again is the same shopper."""
    from chalicelib.services.ports.signups import SignUp

    signup = SignUp(
        source="staff",
        actor=caller.actor,
        phone=body.phone,
        email=body.email,
        first=body.first,
        last=body.last,
        birth_date=body.birth_date,
        store="" if body.store is None else str(body.store),
        sms=body.consent or None,
        emails=body.consent or None,
        signature=body.signature if body.consent else "",
        signed_name=body.signed_name if body.consent else "",
        id=f"{caller.actor}#{idempotency_key}",
    )
    done = wiring.signups.service().sign_up(uid, signup)
    return CounterSignedUp(
        contact_id=done.contact_id,
        member=done.member,
        warnings=[warning.message for warning in done.warnings],
    )


@resource.post(f"{COUNTER}/pin", right="counter:use", limited=True)
def ask_for_pin_at_counter(uid: Uid, body: PinAsked, caller: Caller) -> PinSentAnswer:
    """Send a shopper a PIN, by text or else by e-mail."""
    counter = wiring.rewards.counter()
    return PinSentAnswer(sent=counter.ask_for_pin(uid, body.contact_id, actor=caller.actor))


@resource.post(f"{COUNTER}/redeem", right="counter:use", limited=True)
def redeem_at_counter(
    uid: Uid, body: CounterRedeem, idempotency_key: str, caller: Caller
) -> RedeemedAnswer:
    """Redeem a discount; sent again with the same Idempotency-Key it is done once."""
    done = wiring.rewards.counter().redeem(
        uid,
        body.contact_id,
        body.discount,
        body.points,
        idempotency_key,
        store=body.store,
        pin=body.pin,
        actor=caller.actor,
    )
    return _redeemed(done)


@resource.post(COUNTER + "/redeem/{redemption}/undo", right="counter:use")
def undo_redemption(uid: Uid, redemption: str, caller: Caller) -> RedeemedAnswer:
    """Give back what you redeemed within the last ten minutes."""
    return _redeemed(wiring.rewards.counter().undo(uid, redemption, actor=caller.actor))


@resource.post(f"{COUNTER}/opt-out", right="counter:use", status=204)
def opt_out_at_counter(uid: Uid, body: CounterOptOut, caller: Caller) -> None:
    """Opt a shopper out of texts or e-mail, as they told you."""
    wiring.rewards.told_opt_outs().opt_out(
        uid, body.contact_id, body.channels, body.told, actor=caller.actor
    )


@resource.post(
    "/api/accounts/{uid}/personas/{contact_id}/opt-out", right="personas:write", status=204
)
def opt_persona_out(uid: Uid, contact_id: str, body: OptOutInput, caller: Caller) -> None:
    """Opt a shopper out of texts or e-mail, as they told somebody; logged with your name."""
    wiring.rewards.told_opt_outs().opt_out(
        uid, contact_id, body.channels, body.told, actor=caller.actor
    )


def _redeemed(done: Redemption) -> RedeemedAnswer:
    return RedeemedAnswer(
        id=done.id,
        discount=done.discount,
        name=done.name,
        points=done.price,
        at=done.at,
        refunded=not done.counts,
    )
