"""Handlers of SNS topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from chalice.app import SNSEvent

from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.domain.times import from_text
from chalicelib.domain.words import Instant
from chalicelib.entrypoints import wiring
from chalicelib.observability import count, logger

if TYPE_CHECKING:
    from chalicelib.services.job_messages.text_jobs import InboundText


def inbound_sms(event: SNSEvent) -> None:
    """Read a shopper's message: at once or, when that fails, by the queue, which tries again.

    A message that cannot be read, or that went to a number of no account, goes to the dead-letter
    queue and raises an alarm.
    """
    from chalicelib.services.job_messages.text_jobs import inbound_text

    for record in event.to_dict()["Records"]:
        notice = record["Sns"]
        try:
            message = inbound_text(_json(notice["Message"]), _taken_at(notice))
        except PoisonMessage as error:
            _bury(notice["Message"], error)
            continue
        _read(message)


def _read(message: InboundText) -> None:
    try:
        uid, reply = wiring.texting.inbound().handle(message)
    except PoisonMessage as error:
        _bury(orjson.dumps(message.body()).decode(), error)
    except Exception:  # noqa: BLE001 -- the last stop: it is logged, and the queue tries again
        logger().exception("inbound.delayed")
        count("WorkerFailures", worker="inbound-sms")
        wiring.queues.texts_queue().send(message.body())
    else:
        logger().info("text.inbound", uid=uid, outcome=reply)


def _bury(raw: str, error: PoisonMessage) -> None:
    wiring.queues.texts_dead_letters().bury(raw, error.message)
    logger().error("inbound.buried", code=error.code)


def _taken_at(notice: Any) -> Instant:
    """Return when the topic took the message, now at the latest: it orders a shopper's messages."""
    now = wiring.outside.clock().now()
    try:
        return min(from_text(str(notice.get("Timestamp"))), now)
    except ValueError:
        return now


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except UnreadableJson:
        return None
