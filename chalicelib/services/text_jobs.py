"""What travels on the `texts` queue. A message that is not one of these is poison."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.words import Instant

VERSION = 1


@dataclass(frozen=True, slots=True)
class RequestJob:
    """Look at what is wanted of this number, and send it if it may go."""

    uid: str
    number: str

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "request", **asdict(self)}


@dataclass(frozen=True, slots=True)
class SendTest:
    """*Send me a test*: to `number`, once, as text `id` of the account's local `day`."""

    uid: str
    number: str
    id: str
    at: Instant
    day: str

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "test", **asdict(self)}


@dataclass(frozen=True, slots=True)
class InboundText:
    """A shopper's message: End User Messaging's two-way payload, and when its topic took it.

    `number` wrote to `destination`, an account's origination number. `id` is `inboundMessageId`.
    """

    id: str
    number: str
    destination: str
    body_text: str
    at: Instant

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "inbound", **asdict(self)}


TextJob = RequestJob | SendTest | InboundText


def parse(body: Any) -> TextJob:
    """Raises PoisonMessage when it names no job we know, or lacks what the job needs."""
    match body:
        case {"v": 1, "job": "request", "uid": str(uid), "number": str(number)}:
            return RequestJob(uid, number)
        case {
            "v": 1,
            "job": "test",
            "uid": str(uid),
            "number": str(number),
            "id": str(text),
            "at": int(at),
            "day": str(day),
        }:
            return SendTest(uid, number, text, at, day)
        case {
            "v": 1,
            "job": "inbound",
            "id": str(message),
            "number": str(number),
            "destination": str(destination),
            "body_text": str(text),
            "at": int(at),
        }:
            return InboundText(message, number, destination, text, at)
    raise PoisonMessage("the message names no text job we know, or not all of it")


def inbound(payload: Any, at: Instant) -> InboundText:
    """End User Messaging's two-way payload. Raises PoisonMessage for anything else."""
    match payload:
        case {
            "originationNumber": str(number),
            "destinationNumber": str(destination),
            "messageBody": str(text),
            "inboundMessageId": str(message),
        } if number and destination and message:
            return InboundText(message, number, destination, text, at)
    raise PoisonMessage("this is no inbound text message")
