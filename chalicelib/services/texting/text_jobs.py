"""What travels on the `texts` queue. A message that is not one of these is poison."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.times import from_text
from chalicelib.domain.words import Instant, Uid

VERSION = 1


@dataclass(frozen=True, slots=True)
class RequestJob:
    """Look at what is wanted of this number, and send it if it may go."""

    uid: Uid
    number: str

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "request", **asdict(self)}


@dataclass(frozen=True, slots=True)
class SendTest:
    """*Send me a test*: to `number`, once, as text `id` of the account's local `day`."""

    uid: Uid
    number: str
    id: str
    at: Instant
    day: str

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "test", **asdict(self)}


@dataclass(frozen=True, slots=True)
class LostText:
    """Look at text `id`, begun at `at`: it should have ended by now."""

    uid: Uid
    day: str
    at: Instant
    id: str

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "lost", **asdict(self)}


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


TextJob = RequestJob | SendTest | LostText | InboundText


def parse(body: Any) -> TextJob:
    """Also reads what Lambda's failure destination wraps, when it is sent back to the queue.

    Raises PoisonMessage when it names no job we know, or lacks what the job needs.
    """
    match body:
        case {"v": 1, "job": "request", "uid": str(uid), "number": str(number)}:
            return RequestJob(Uid(uid), number)
        case {
            "v": 1,
            "job": "test",
            "uid": str(uid),
            "number": str(number),
            "id": str(text),
            "at": int(at),
            "day": str(day),
        }:
            return SendTest(Uid(uid), number, text, at, day)
        case {
            "v": 1,
            "job": "lost",
            "uid": str(uid),
            "day": str(day),
            "at": int(at),
            "id": str(text),
        }:
            return LostText(Uid(uid), day, at, text)
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
        case {
            "requestPayload": {"Records": [{"Sns": {"Message": str(told), "Timestamp": str(at)}}]}
        }:
            return _given_up(told, at)
    raise PoisonMessage("the message names no text job we know, or not all of it")


def _given_up(told: str, at: str) -> InboundText:
    """What Lambda sent to the dead letters when the topic's function failed however often it was
    called: a shopper's message like any other. Raises PoisonMessage."""
    try:
        return inbound(orjson.loads(told), from_text(at))
    except ValueError:
        raise PoisonMessage("this is no inbound text message") from None


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
