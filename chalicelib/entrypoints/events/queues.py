"""Handlers of SQS queues. Each gets one message at a time (batch size 1).

A message is read, `WORKERS` names the worker of its kind, and the worker handles it. Else:

- What fails is named in the answer, and SQS delivers it again: in seconds (`retries.py`).
- What can never be handled goes to the dead-letter queue at once, unchanged (ADR 5).
- A message of an account that holds its share of the queue's slots already waits: it is sent again
  with a ticket that says since when it waits, so that SQS's count of deliveries begins anew
  (docs/reference/limits.md).
- What a POS pushed of a source that uses AIQ's last backup is sent again, delayed, until that ends.
- What only newer code knows waits for that code (ADR 17). The handler sends it again, delayed, and
  SQS deletes the one received: a crash in between doubles it, which jobs bear, and never loses it;
  as a new message it is not buried by SQS's count of deliveries. After about a day of waiting it
  goes to the dead-letter queue, which keeps it for 14 days; `make redrive` lets it wait anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalice.app import SQSEvent

from chalicelib.domain.errors import AiqError, NewerMessage, PoisonMessage, SourceStandsStill
from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.retries import receive_count, retry_seconds
from chalicelib.observability import count, logger

if TYPE_CHECKING:
    from chalicelib.domain.words import Uid
    from chalicelib.services.ports.common import JobQueue, SyncQueue
    from chalicelib.services.ports.dead_letters import DeadLetterQueue
    from chalicelib.services.ports.limits import SlotQueue

RESERVE_SECONDS = 10.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15, 900
MOST_WAITS = 101
"""With waits that double from the first to the longest: 24 hours."""

WORKERS: Mapping[str, Callable[[Any], Any]] = {
    "sync": lambda queue: wiring.sync.sync_worker(queue),  # noqa: PLW0108 -- named when called
    "remap": lambda _: wiring.derivation.remapper(),
    "preview": lambda _: wiring.changes.preview_change(),
    "apply": lambda _: wiring.changes.work_off_change(),
    "expire": lambda _: wiring.loyalty.expiry_worker(),
    "take_over": lambda _: wiring.loyalty.take_over_worker(),
    "keep": lambda _: wiring.loyalty.keep_worker(),
    "standing": lambda _: wiring.freezing.standing_job(),
    "switch_check": lambda _: wiring.switching.check_worker(),
    "switch_decide": lambda _: wiring.switching.decide_all(),
    "purge": lambda _: wiring.privacy.purge_worker(),
    "offboard": lambda _: wiring.privacy.offboard_worker(),
    "erase": lambda _: wiring.privacy.erase_worker(),
    "held": lambda _: wiring.texting.held_requests(),
    "audience": lambda _: wiring.audiences.run_worker(),
    "export": lambda _: wiring.audiences.export_worker(),
    "contact_sync": lambda _: wiring.contact_sync.worker(),
    "signups": lambda _: wiring.contact_sync.hand_on(),
    "request": lambda _: wiring.texting.request_sender(),
    "test": lambda _: wiring.texting.send_tests(),
    "discount_lists": lambda _: wiring.rewards.discount_lists(),
    "discounts": lambda _: wiring.rewards.recogniser(),
    "pin": lambda _: wiring.texting.send_pins(),
    "lost": lambda _: wiring.texting.lost_texts(),
    "inbound": lambda _: wiring.texting.inbound(),
    "effects": lambda _: wiring.consent.effects_worker(),
    "webhook": lambda _: wiring.signups.webhook_worker(),
    "said": lambda _: wiring.consent.stated_consent_worker(),
}
"""Kind of job → what builds its worker, given the queue. A worker's `handle` takes the message and,
of a sync or background work, how much time is left."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message as SQS delivered it. `ticket`: its place in the line for a slot."""

    id: str
    ticket: str


def sync(event: SQSEvent, queue: SyncQueue) -> dict[str, Any]:
    """Go on with a sync run, in a slot of its account."""
    from chalicelib.services.job_messages.sync_messages import sync_message
    from chalicelib.services.limits.slots import NoSlot

    remaining = _remaining(event)

    def work(body: Any, delivery: _Delivery) -> None:
        message = sync_message(body)
        worker = WORKERS[message.job](queue)
        try:
            with _slot(message.uid, queue, delivery, remaining):
                worker.handle(message, remaining)
        except NoSlot:
            worker.note_waiting(message, _waited_seconds(delivery))
            raise
        logger().info(
            "sync.slice",
            uid=message.uid,
            platform=message.platform,
            run=message.run,
            hop=message.hop,
        )

    dead = wiring.queues.sync_dead_letters(queue)
    return _each(event, work, dead, lambda: wiring.queues.sync_queue(queue))


def account_job(event: SQSEvent) -> dict[str, Any]:
    """Go on with background work over an account, in a slot of its account."""
    from chalicelib.services.job_messages import account_jobs

    remaining = _remaining(event)

    def time_left() -> bool:
        return remaining() > RESERVE_SECONDS

    def work(body: Any, delivery: _Delivery) -> None:
        message = account_jobs.account_job(body)
        with _slot(message.uid, "jobs", delivery, remaining):
            personas = WORKERS[message.job]("jobs").handle(message, time_left)
        name = type(message).__name__.removesuffix("Message").lower()
        logger().info(f"job.{name}", uid=message.uid, personas=personas, hop=message.hop)

    return _each(event, work, wiring.queues.jobs_dead_letters(), wiring.queues.jobs_queue)


def text(event: SQSEvent) -> dict[str, Any]:
    """Send a request or a test, carry out what a commit requested, or read a shopper's message that
    could not be read at once."""
    from chalicelib.services.job_messages.text_jobs import InboundText, text_job

    def work(body: Any, _: _Delivery) -> None:
        message = text_job(body)
        outcome = WORKERS[message.job]("texts").handle(message)
        if isinstance(message, InboundText):
            uid, outcome = outcome
        else:
            uid = message.uid
        logger().info(f"text.{message.job}", uid=uid, outcome=outcome)

    return _each(event, work, wiring.queues.texts_dead_letters(), wiring.queues.texts_queue)


def webhook(event: SQSEvent) -> dict[str, Any]:
    """Work off what a POS sent by webhook: apart from texts, so that neither delays the other."""
    from chalicelib.services.job_messages.webhook_messages import webhook_event

    def work(body: Any, _: _Delivery) -> None:
        message = webhook_event(body)
        outcome = WORKERS[message.job]("webhooks").handle(message)
        logger().info("webhook", uid=message.uid, platform=message.platform, outcome=outcome)

    return _each(event, work, wiring.queues.webhooks_dead_letters(), wiring.queues.webhooks_queue)


def _each(
    event: SQSEvent,
    work: Callable[[Any, _Delivery], None],
    dead: DeadLetterQueue,
    queue: Callable[[], JobQueue],
) -> dict[str, Any]:
    """Handle each record of `queue`; the answer names those that SQS is to deliver again."""
    failed = []
    for record in event.to_dict()["Records"]:
        try:
            _handle(record, work, dead, queue)
        except Exception as error:  # noqa: BLE001 -- the last stop: it is logged, and SQS delivers again
            logger().exception("job.failed", queue=dead.name, message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
            count("WorkerFailures", worker=dead.name)
            _ask_for_it_soon(record, queue, error)
    return {"batchItemFailures": failed}


def _ask_for_it_soon(record: Any, queue: Callable[[], JobQueue], error: Exception) -> None:
    """Let SQS deliver the record soon; if that fails too, when its visibility timeout ends."""
    receives = receive_count(record)
    wait = retry_seconds(receives, error)
    try:
        queue().delay_retry(record["receiptHandle"], wait)
    except Exception:  # noqa: BLE001 -- the message comes back in any case
        logger().exception("job.retry_not_set", message_id=record["messageId"])
    else:
        logger().info("job.retry", attempt=receives, wait=wait, message_id=record["messageId"])


def _handle(
    record: Any,
    work: Callable[[Any, _Delivery], None],
    dead: DeadLetterQueue,
    queue: Callable[[], JobQueue],
) -> None:
    from chalicelib.services.limits.slots import NoSlot

    waits, delivery = _waits(record), _delivery(record)
    try:
        work(_json(record["body"]), delivery)
    except NoSlot as full:
        queue().send_again(
            record["body"], waits=waits, delay_seconds=full.wait, ticket=delivery.ticket
        )
    except NewerMessage as newer:
        logger().warning("message.newer", kind=newer.kind, version=newer.version)
        if waits >= MOST_WAITS:
            _bury(record, dead, newer)
        else:
            delay = min(FIRST_WAIT_SECONDS * 2**waits, LONGEST_WAIT_SECONDS)
            queue().send_again(record["body"], waits=waits + 1, delay_seconds=delay)
    except SourceStandsStill:  # until its source takes anything again, however long that is
        queue().send_again(record["body"], waits=waits, delay_seconds=LONGEST_WAIT_SECONDS)
    except PoisonMessage as poison:
        _bury(record, dead, poison)


def _bury(record: Any, dead: DeadLetterQueue, error: AiqError) -> None:
    dead.bury(record["body"], error.message)
    logger().error("job.poison", queue=dead.name, message_id=record["messageId"])


def _waits(record: Any) -> int:
    """Return how often a message has waited for newer code."""
    attribute = record.get("messageAttributes", {}).get("waits", {})
    return int(attribute.get("stringValue", 0))


def _delivery(record: Any) -> _Delivery:
    from chalicelib.domain.slots import is_ticket, ticket_of

    message_id = record["messageId"]
    ticket = record.get("messageAttributes", {}).get("ticket", {}).get("stringValue") or ""
    if not is_ticket(ticket):
        ticket = ticket_of(wiring.outside.clock().now(), message_id)
    return _Delivery(message_id, ticket)


def _waited_seconds(delivery: _Delivery) -> int:
    from chalicelib.domain.slots import waiting_since

    return (wiring.outside.clock().now() - waiting_since(delivery.ticket)) // 1000


def _slot(
    uid: Uid, queue: SlotQueue, delivery: _Delivery, remaining: Callable[[], float]
) -> AbstractContextManager[None]:
    """Hold a slot of the queue for the account, until the process ends at the latest."""
    slots = wiring.limits.account_slots()
    return slots.hold(uid, queue, delivery.id, delivery.ticket, remaining())


def _json(body: str) -> Any:
    try:
        return read_json(body)
    except UnreadableJson:
        raise PoisonMessage("the message is no JSON") from None


def _remaining(event: SQSEvent) -> Callable[[], float]:
    context: Any = event.context
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
