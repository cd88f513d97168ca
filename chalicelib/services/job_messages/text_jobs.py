"""The messages of the texts queue: texts to send or read, and what follows from a commit."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.outside_json import read_json
from chalicelib.domain.times import from_text
from chalicelib.domain.words import Instant
from chalicelib.services.job_messages.base import (
    BY_JOB,
    WIRE,
    Account,
    Message,
    Milliseconds,
    Text,
    of_this_version,
    read_message,
)
from chalicelib.services.job_messages.webhook_messages import (
    WebhookMessage,
)
from chalicelib.services.ports.effects import (
    Ask,
    ConsentFlag,
    DiscountedSale,
    DiscountName,
    StatedConsent,
)


@dataclass(frozen=True, slots=True, config=WIRE)
class RequestJob(Message):
    """Look at what is wanted of this number, and send it if it may go."""

    job: Literal["request"] = field(default="request", kw_only=True)
    uid: Account
    number: Text


@dataclass(frozen=True, slots=True, config=WIRE)
class SendTest(Message):
    """*Send me a test*: to `number`, once, as text `id` of the account's local `day`."""

    job: Literal["test"] = field(default="test", kw_only=True)
    uid: Account
    number: Text
    id: Text
    at: Milliseconds
    day: Text


@dataclass(frozen=True, slots=True, config=WIRE)
class SendPin(Message):
    """Send a PIN that a shopper asked for to their phone or e-mail, once, as text `id` of the
    account's local `day`. It is good for ten minutes, and of no use after them."""

    job: Literal["pin"] = field(default="pin", kw_only=True)
    uid: Account
    channel: Literal["sms", "email"]
    contact: Text
    code: Text = field(repr=False)
    id: Text
    at: Milliseconds
    day: Text


@dataclass(frozen=True, slots=True, config=WIRE)
class LostText(Message):
    """Look at text `id`, begun at `at`: it should have ended by now."""

    job: Literal["lost"] = field(default="lost", kw_only=True)
    uid: Account
    day: Text
    at: Milliseconds
    id: Text


@dataclass(frozen=True, slots=True, config=WIRE)
class InboundText(Message):
    """A shopper's message: End User Messaging's two-way payload, and when its topic took it.

    `number` wrote to `destination`, an account's origination number. `id` is `inboundMessageId`.
    """

    job: Literal["inbound"] = field(default="inbound", kw_only=True)
    id: Text
    number: Text
    destination: Text
    body_text: str
    at: Milliseconds


@dataclass(frozen=True, slots=True, config=WIRE)
class EffectsMessage(Message):
    """Carry out what a commit makes happen outside its tables, or a part of it: see
    `CommitEffects`."""

    job: Literal["effects"] = field(default="effects", kw_only=True)
    uid: Account
    flags: tuple[ConsentFlag, ...] = ()
    asks: tuple[Ask, ...] = ()
    watch_ahead: bool = False


@dataclass(frozen=True, slots=True, config=WIRE)
class SignupsMessage(Message):
    """Have contact sync look at signups that were just committed."""

    job: Literal["signups"] = field(default="signups", kw_only=True)
    uid: Account
    records: tuple[Text, ...]


@dataclass(frozen=True, slots=True, config=WIRE)
class StatedConsentMessage(Message):
    """Note what was said of consent with a signup, and whom to ask for it."""

    job: Literal["said"] = field(default="said", kw_only=True)
    uid: Account
    said: tuple[StatedConsent, ...] = ()
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True, config=WIRE)
class DiscountsMessage(Message):
    """Look for AIQ's discounts in these sales of POS, and keep their names: see `CommitEffects`."""

    job: Literal["discounts"] = field(default="discounts", kw_only=True)
    uid: Account
    sales: tuple[DiscountedSale, ...] = ()
    names: tuple[DiscountName, ...] = ()


TextJob = (
    RequestJob
    | SendTest
    | SendPin
    | LostText
    | InboundText
    | EffectsMessage
    | SignupsMessage
    | StatedConsentMessage
    | DiscountsMessage
    | WebhookMessage
)
_TEXT: TypeAdapter[TextJob] = TypeAdapter(Annotated[TextJob, BY_JOB], config=WIRE)


def text_job(body: Any) -> TextJob:
    """Read a message of the texts queue, or what Lambda's failure destination made of one of the
    inbound topic, when it is sent back from the dead letters. Raises NewerMessage, PoisonMessage.
    """
    match body:
        case {
            "requestPayload": {
                "Records": [{"Sns": {"Message": str(payload), "Timestamp": str(taken_at)}}]
            }
        }:
            try:
                return inbound_text(read_json(payload), from_text(taken_at))
            except ValueError:
                raise PoisonMessage("this is no inbound text message") from None
    return read_message(_TEXT, of_this_version(body))


def inbound_text(payload: Any, at: Instant) -> InboundText:
    """Read End User Messaging's two-way payload. Raises PoisonMessage for anything else."""
    match payload:
        case {
            "originationNumber": str(number),
            "destinationNumber": str(destination),
            "messageBody": str(text),
            "inboundMessageId": str(message),
        } if number and destination and message:
            return InboundText(message, number, destination, text, at)
    raise PoisonMessage("this is no inbound text message")
