"""What a POS sends by itself, signed as Standard Webhooks has it (partner-api.md S20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from chalice.app import Request
from pydantic import Field, ValidationError

from chalicelib.domain.call_names import NamedCall, digest_of
from chalicelib.domain.errors import Unavailable, field_fault, invalid_fields
from chalicelib.domain.times import MINUTE, SECOND, from_text
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http import reading
from chalicelib.entrypoints.http.routing import Front, Operation, Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner import envelope
from chalicelib.entrypoints.partner.shapes import TextIn
from chalicelib.entrypoints.partner.signups import LoyaltyInput
from chalicelib.observability import count, logger

LARGEST = 200 * 1024
"""It travels in a message of SQS, which takes 256 KB."""
AHEAD = 5 * MINUTE
TYPES = ("signup", "profile.changed")
TOLD = ("first", "last", "birth_date", "address", "state", "store", "joins", "sms", "emails")
QUEUE_DOWN = "The event could not be stored: send it again."


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed: the webhooks of an account's POS. `body`: the digest of what was signed."""

    uid: Uid
    platform: Platform
    webhook_id: str
    body: str


def _identify(request: Request, _: Operation) -> SignedBy:
    """Verify the signature over the body's bytes, before anything of it is read."""
    path = {name: unquote(value) for name, value in (request.uri_params or {}).items()}
    uid, platform = Uid(path.get("uid", "")), Platform(path.get("platform", ""))
    body = reading.raw_body(request, LARGEST)
    webhook_id = wiring.api_keys.webhook_secrets().verify(uid, platform, request.headers, body)
    return SignedBy(uid, platform, webhook_id, digest_of(body))


def _admit(signed: SignedBy, _operation: Operation, _uid: Uid) -> SignedBy:
    return signed


def _pass_over(_signed: SignedBy, operation: Operation, names: list[str]) -> None:
    count("UnknownFields", len(names), route=operation.name)


SIGNED = Front(
    rights=frozenset({"webhook"}),
    identify=_identify,
    admit=_admit,
    answer=envelope.answer,
    refuse=envelope.refuse,
    unknown_fields=_pass_over,
    body_limit=LARGEST,
    prefixes=("/api/webhooks/",),
)

resource = Resource(__name__, tag="Webhooks", front=SIGNED)


class WebhookEvent(Input):
    """`data` has the fields of a signup, and `pos_id`, the POS's own id of the shopper."""

    type: TextIn = ""
    occurred_at: Any = None
    data: Any = None


class ShopperOfEvent(LoyaltyInput):
    pos_id: TextIn = Field(default="")


class Accepted(Answer):
    """`accepted`: false for a type that AIQ does not know, which is counted and passed over."""

    accepted: bool


@resource.post("/api/webhooks/{platform}/{uid}", right="webhook", status=202)
def take_webhook(platform: Platform, uid: Uid, body: WebhookEvent, caller: SignedBy) -> Accepted:
    """Take a signed event; it is worked off a moment later, once."""
    calls, now = wiring.api_keys.named_calls(), wiring.outside.clock().now()
    name = digest_of(b"webhook", platform.encode(), caller.webhook_id.encode())
    known = calls.find(uid, name)
    if known is not None:
        if known.body != caller.body:
            count("WebhookConflicts", platform=platform)
        return Accepted(accepted=True)
    if body.type not in TYPES:
        count("UnknownWebhooks", platform=platform)
        return Accepted(accepted=False)
    message = _message(uid, platform, body, caller.webhook_id, now)
    try:
        wiring.queues.webhooks_queue().send(message)
    except Exception:  # noqa: BLE001 -- whatever SQS says, the sender is to try again
        logger().exception("webhook.not_queued", platform=platform)
        raise Unavailable(QUEUE_DOWN, retry_after=5) from None
    calls.end(uid, name, NamedCall(caller.body, now, 202))
    return Accepted(accepted=True)


def _message(
    uid: Uid, platform: Platform, body: WebhookEvent, webhook_id: str, now: Instant
) -> dict[str, object]:
    from chalicelib.services.job_messages.webhook_messages import WebhookMessage

    if not isinstance(body.data, dict):
        raise invalid_fields(field_fault("data", "give an object", {"mobilePhone": "2065550123"}))
    try:
        shopper = ShopperOfEvent.model_validate(body.data, extra="ignore")
    except ValidationError:
        raise invalid_fields(field_fault("data", "cannot be read", None)) from None
    at = _occurred_at(body.occurred_at, now)
    signup = shopper.signup_of(platform)
    told: dict[str, object] = {name: getattr(signup, name) for name in TOLD}
    told |= {"phone": signup.phone, "email": signup.email, "may_ask": signup.may_ask}
    # Of ASCII it fits the message whole; half a picture would be no signature.
    told["signature"] = signup.signature if signup.signature.isascii() else ""
    return WebhookMessage(uid, platform, body.type, webhook_id, at, shopper.pos_id, told).body()


def _occurred_at(value: Any, now: Instant) -> Instant:
    """RFC 3339, or epoch seconds; at most five minutes ahead."""
    try:
        at = from_text(value) if isinstance(value, str) else int(value) * SECOND
    except (TypeError, ValueError, OverflowError):
        at = -1
    if not 0 <= at <= now + AHEAD:
        reason = "give when it happened, at most 5 minutes ahead"
        raise invalid_fields(field_fault("occurred_at", reason, "2026-03-01T08:00:00Z"))
    return at
