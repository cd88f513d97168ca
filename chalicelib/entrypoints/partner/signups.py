"""Signups in real time, and whether somebody is a member (product.md §11)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from chalicelib.domain.api_keys import Sender
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner.front import LARGE_BODY, PARTNER
from chalicelib.entrypoints.partner.shapes import FlagIn, LongTextIn, TextIn, Warned

if TYPE_CHECKING:
    from chalicelib.services.ports.signups import SignedUp, SignUp

resource = Resource(__name__, tag="Signups", front=PARTNER)

FIELDS = {
    "phone": "mobilePhone",
    "email": "email",
    "birth_date": "birthdate",
    "store": "favoriteStoreID",
    "signature": "signature",
}
"""AIQ's names of what a warning is about."""


def _address(value: Any) -> str:
    """An address as text, or of the parts that POS send apart."""
    if isinstance(value, dict):
        parts = (value.get(part) for part in ("street", "city", "state", "zipCode", "zip"))
        return ", ".join(str(part) for part in parts if part)[:500]
    return value[:500] if isinstance(value, str) else ""


class LoyaltyInput(Input):
    """A signup or an update. Only what is said counts: a blank field changes nothing."""

    mobile_phone: TextIn = Field(
        default="",
        validation_alias=AliasChoices("mobilePhone", "phone", "mobile_phone"),
        examples=["2065550123"],
    )
    home_phone: TextIn = Field(default="", validation_alias="homePhone")
    email: TextIn = Field(default="", examples=["ana@example.com"])
    first: TextIn = Field(default="", validation_alias=AliasChoices("firstName", "first_name"))
    last: TextIn = Field(default="", validation_alias=AliasChoices("lastName", "last_name"))
    address: Annotated[str, BeforeValidator(_address)] = ""
    state: TextIn = ""
    birth_date: TextIn = Field(
        default="", validation_alias=AliasChoices("birthdate", "dob", "dateOfBirth", "birthDate")
    )
    store_id: TextIn = Field(default="", validation_alias="favoriteStoreID")
    store_name: TextIn = Field(default="", validation_alias="favoriteStore")
    loyalty: FlagIn = None
    sms: FlagIn = Field(default=None, validation_alias=AliasChoices("smsoptin", "smsOptIn"))
    emails: FlagIn = Field(default=None, validation_alias=AliasChoices("emailOptIn", "emailoptin"))
    disable_sms: FlagIn = Field(default=None, validation_alias="disableSMS")
    signature: LongTextIn = Field(
        default="",
        validation_alias=AliasChoices("signature", "customerSignature", "signatureURL"),
    )
    uid: TextIn = ""
    custom_attributes: Any = Field(default=None, validation_alias="customAttributes")

    def signup(self, sender: Sender, *, asks: bool = False) -> SignUp:
        """Return what was told. `asks`: a text asks for consent, whatever the call says of it."""
        told = self.signup_of(sender.platform)
        return replace(
            told,
            key=sender.key,
            actor=sender.actor,
            store=told.store or (str(sender.store) if sender.store else ""),
            sms=True if asks else told.sms,
            captures_consent=sender.captures_consent and not asks,
        )

    def signup_of(self, platform: Platform) -> SignUp:
        """Return what was told, by nobody yet."""
        from chalicelib.services.ports.signups import SignUp

        store = self.store_id if _names_a_store(self.store_id) else self.store_name
        return SignUp(
            platform=platform,
            actor="",
            phone=self.mobile_phone or self.home_phone,
            email=self.email,
            first=self.first,
            last=self.last,
            birth_date=self.birth_date,
            address=self.address,
            state=self.state,
            store=store or self.store_id,
            joins=self.loyalty is not False,
            sms=self.sms,
            emails=self.emails,
            may_ask=not self.disable_sms,
            signature=self.signature,
        )


def _names_a_store(text: str) -> bool:
    return text.strip() not in ("", "0")


class SignedUpAnswer(Answer):
    """`contactID`: the persona's id, for good. `srcID`: the id of this signup's record."""

    contact_id: str = Field(serialization_alias="contactID")
    src_id: str = Field(serialization_alias="srcID")
    loyalty: bool
    warnings: list[Warned]


def answer_of(done: SignedUp) -> SignedUpAnswer:
    """Return AIQ's answer to a signup."""
    return SignedUpAnswer(
        contact_id=done.contact_id,
        src_id=done.record,
        loyalty=done.member,
        warnings=[
            Warned(field=FIELDS.get(w.field, w.field), message=w.message) for w in done.warnings
        ],
    )


@resource.post("/api/v2/loyalty", right="till", body_limit=LARGE_BODY)
def sign_up(body: LoyaltyInput, caller: Sender) -> SignedUpAnswer:
    """Sign a shopper up, or update one: to be found at once."""
    done = wiring.signups.service().sign_up(caller.uid, body.signup(caller))
    return answer_of(done)


@resource.post("/api/v1.1/loyaltyContact/{uid}", right="till", body_limit=LARGE_BODY)
def sign_up_and_ask(uid: Uid, body: LoyaltyInput, caller: Sender) -> SignedUpAnswer:
    """Sign a shopper up, and ask by text for consent: the older call."""
    signup = body.signup(caller, asks=body.disable_sms is not True)
    return answer_of(wiring.signups.service().sign_up(uid, signup))
