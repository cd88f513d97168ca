"""Opt a number or an address in or out (reference/aiq.md §1.5, partner-api.md S1)."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field

from chalicelib.domain.api_keys import Sender
from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Channel, ConsentState, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner.front import PARTNER
from chalicelib.entrypoints.partner.shapes import FlagIn, LongTextIn, Warned, epoch

resource = Resource(__name__, tag="Consent", front=PARTNER)

WORDS = {"true": True, "1": True, "false": False, "0": False}


class OptInQuery(Input):
    """`doubleopt`: a text asks first. `loyalty=false`: no text asks."""

    doubleopt: FlagIn = None
    loyalty: FlagIn = None


class OptInBody(Input):
    signature: LongTextIn = Field(
        default="",
        validation_alias=AliasChoices("signature", "customerSignature", "signatureURL"),
    )


class PartnerConsent(Answer):
    """The state of the contact after the call. Times are epoch seconds, null for never."""

    state: ConsentState
    optin_time: int | None = Field(serialization_alias="optinTime")
    optout_time: int | None = Field(serialization_alias="optoutTime")
    optreq_time: int | None = Field(serialization_alias="optreqTime")
    warnings: list[Warned]


@resource.put("/api/v2/optin/text/{phone}/{state}", right="till")
def opt_texts_in(
    phone: str, state: str, query: OptInQuery, body: OptInBody, caller: Sender
) -> PartnerConsent:
    """Set the consent of a number, or ask for it."""
    return _take(caller, "sms", phone, state, query, body)


@resource.put("/api/v2/optin/email/{email}/{state}", right="till")
def opt_emails_in(
    email: str, state: str, query: OptInQuery, body: OptInBody, caller: Sender
) -> PartnerConsent:
    """Set the consent of an address."""
    return _take(caller, "email", email, state, query, body)


@resource.put("/api/v1.1/optin/{uid}/{phone}/{state}", right="till")
def opt_texts_in_by_account(
    uid: Uid,  # noqa: ARG001 -- it is the key's
    phone: str,
    state: str,
    query: OptInQuery,
    body: OptInBody,
    caller: Sender,
) -> PartnerConsent:
    """Set the consent of a number, or ask for it: the older call."""
    return _take(caller, "sms", phone, state, query, body)


def _take(
    caller: Sender,
    channel: Channel,
    contact: str,
    state: str,
    query: OptInQuery,
    body: OptInBody,
) -> PartnerConsent:
    from chalicelib.services.ports.signups import OptIn

    if state.lower() not in WORDS:
        raise NotFound("There is nothing here: end the address with true or false.")
    told = OptIn(
        channel=channel,
        contact=contact,
        wanted=WORDS[state.lower()],
        platform=caller.platform,
        actor=caller.actor,
        captures_consent=caller.captures_consent,
        signature=body.signature,
        asks=query.doubleopt is True,
        may_ask=query.loyalty is not False,
    )
    consent, warnings = wiring.signups.opt_ins().take(caller.uid, told)

    def since(wanted: Literal["opted_in", "opted_out"]) -> int | None:
        return epoch(consent.since) if consent.state == wanted else None

    return PartnerConsent(
        state=consent.state,
        optin_time=since("opted_in"),
        optout_time=since("opted_out"),
        optreq_time=epoch(consent.requested_at),
        warnings=[Warned(field="signature", message=warning) for warning in warnings],
    )
