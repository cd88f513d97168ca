"""Handlers of schedules."""

from __future__ import annotations

from typing import Any

from chalice.app import CloudWatchEvent

from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.observability import count, logger

RESERVE_MS = 10_000


def plan_syncs(event: CloudWatchEvent) -> None:
    """Queue a run for every credential that is due, and a job for every account that is due for its
    daily look at expiring points or for its nightly audience run; go on with the shoppers that a
    POS is to know."""
    context: Any = event.context

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MS)

    queued = wiring.sync.planner().plan(time_left)
    expiring = wiring.loyalty.expiry_planner().plan(time_left)
    wiring.audiences.planner().plan(time_left)
    wiring.contact_sync.planner().plan(time_left)
    logger().info("plan.done", due=queued, expiring=expiring)
    _tick("plan-syncs")


def release_texts(event: CloudWatchEvent) -> None:
    """Queue the requests for consent that are due, and those that a dead worker left."""
    context: Any = event.context
    queued = wiring.texting.release().release(
        lambda: context.get_remaining_time_in_millis() > RESERVE_MS
    )
    logger().info("texts.released", due=queued)
    _tick("release-texts")


def send_digests(event: CloudWatchEvent) -> None:
    """E-mail new notifications to whoever chose them. Raises MailRefused, which is alarmed."""
    from chalicelib.services.ports.digests import MailRefused

    if not config().digest_sender:
        _tick("send-digests")
        return
    context: Any = event.context
    done = wiring.notifications.digest_sender().send(
        lambda: context.get_remaining_time_in_millis() > RESERVE_MS
    )
    logger().info("digests.sent", sent=done.sent)
    _tick("send-digests")
    if done.unknown:
        logger().warning("digests.unknown", count=done.unknown)
    for code in sorted(set(done.refused_as)):
        logger().error("digests.refused", code=code)
    if done.refused_as:
        count("EmailsRefused", len(done.refused_as))
        raise MailRefused("The mail service refused digests.", refused_as=done.refused_as[0])


def watch_dead_letters(event: CloudWatchEvent) -> None:  # noqa: ARG001 -- the time is all it says
    """Notify accounts and the operator of jobs in the dead-letter queues."""
    waiting = wiring.notifications.dead_letter_watch().look()
    logger().info("dead_letters.looked", count=waiting)
    _tick("watch-dead-letters")


def _tick(schedule: str) -> None:
    """Count a tick that came to its end: an alarm rings when a schedule has none for a while."""
    count("Ticks", schedule=schedule)
