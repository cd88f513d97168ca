"""The messages of the webhooks queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from chalicelib.domain.errors import NewerMessage
from chalicelib.domain.words import Platform
from chalicelib.services.job_messages.base import (
    NON_EMPTY,
    VERSION,
    WIRE,
    Account,
    Message,
    Milliseconds,
    Text,
    of_this_version,
    read_message,
)


@dataclass(frozen=True, slots=True, config=WIRE)
class WebhookMessage(Message):
    """Work off an event that a POS sent, signed. `type`: `signup` or `profile.changed`; `id`: the
    event's; `at`: when it happened; `told`: fields of `ports.signups.SignUp`."""

    job: Literal["webhook"] = field(default="webhook", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    type: Text
    id: Text
    at: Milliseconds
    pos_id: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


_WEBHOOK = TypeAdapter(WebhookMessage)


def webhook_event(body: Any) -> WebhookMessage:
    """Read a message of the webhooks queue. Raises NewerMessage, PoisonMessage."""
    message = of_this_version(body)
    if isinstance(kind := message.get("job"), str) and kind != "webhook":
        raise NewerMessage(VERSION, kind)
    return read_message(_WEBHOOK, message)
