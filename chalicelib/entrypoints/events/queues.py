"""Handlers of SQS queues. Each gets one message at a time (batch size 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from chalice.app import SQSEvent

from chalicelib.domain.errors import PoisonMessage
from chalicelib.entrypoints import wiring
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.services.job_messages import AccountJob
    from chalicelib.services.ports.common import SyncQueue
    from chalicelib.services.ports.dead_letters import DeadLetterQueue

RESERVE_SECONDS = 10.0


def sync(event: SQSEvent, queue: SyncQueue) -> dict[str, Any]:
    """Go on with a sync run."""
    from chalicelib.services.job_messages import SyncMessage

    def work(body: Any) -> None:
        message = SyncMessage.parse(body)
        wiring.sync.sync_worker(queue).handle(message, _remaining(event))
        logger().info(
            "sync.slice",
            uid=message.uid,
            platform=message.platform,
            run=message.run,
            hop=message.hop,
        )

    return _each(event, wiring.outside.sync_dead_letters(queue), work)


def account_job(event: SQSEvent) -> dict[str, Any]:
    """Go on with background work over an account."""
    from chalicelib.services import job_messages as messages

    remaining = _remaining(event)

    def time_left() -> bool:
        return remaining() > RESERVE_SECONDS

    def work(body: Any) -> None:
        message = messages.account_job(body)
        personas = _run_job(message, time_left)
        name = type(message).__name__.removesuffix("Message").lower()
        logger().info(f"job.{name}", uid=message.uid, personas=personas, hop=message.hop)

    return _each(event, wiring.outside.jobs_dead_letters(), work)


def text(event: SQSEvent) -> dict[str, Any]:
    """Send a request or a test, or read a shopper's message that could not be read at once."""
    from chalicelib.services.texting import text_jobs

    def work(body: Any) -> None:
        job = text_jobs.parse(body)
        match job:
            case text_jobs.RequestJob():
                outcome: str | None = wiring.texting.request_sender().handle(job.uid, job.number)
                logger().info("text.request", uid=job.uid, outcome=outcome)
            case text_jobs.SendTest():
                outcome = wiring.texting.send_tests().handle(job)
                logger().info("text.test", uid=job.uid, outcome=outcome)
            case text_jobs.LostText():
                outcome = wiring.texting.lost_texts().handle(job)
                logger().info("text.lost", uid=job.uid, outcome=outcome)
            case text_jobs.InboundText():
                uid, reply = wiring.texting.inbound().handle(job)
                logger().info("text.inbound", uid=uid, outcome=reply)

    return _each(event, wiring.outside.texts_dead_letters(), work)


def _run_job(message: AccountJob, time_left: Callable[[], bool]) -> int:
    from chalicelib.services import job_messages as messages

    match message:
        case messages.PreviewMessage():
            return wiring.changes.preview_change().handle(message, time_left)
        case messages.ApplyMessage():
            return wiring.changes.work_off_change().handle(message, time_left)
        case messages.ExpiryMessage():
            return wiring.loyalty.expiry_worker().handle(message, time_left)
        case _:
            return wiring.derivation.remapper().handle(message, time_left)


def _each(event: SQSEvent, dead: DeadLetterQueue, work: Callable[[Any], None]) -> dict[str, Any]:
    """Handle each record; the answer names those that SQS is to deliver again."""
    failed = []
    for record in event.to_dict()["Records"]:
        try:
            _handle(record, dead, work)
        except Exception:  # noqa: BLE001 -- the last stop: it is logged, and SQS delivers again
            logger().exception("job.failed", queue=dead.name, message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(record: Any, dead: DeadLetterQueue, work: Callable[[Any], None]) -> None:
    """Do the work; a poison message goes to the dead-letter queue at once, as no retry can help."""
    try:
        work(_json(record["body"]))
    except PoisonMessage as error:
        dead.bury(record["body"], error.message)
        logger().error("job.poison", queue=dead.name, message_id=record["messageId"])


def _json(body: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PoisonMessage("the message is no JSON") from None


def _remaining(event: SQSEvent) -> Callable[[], float]:
    context: Any = event.context
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
