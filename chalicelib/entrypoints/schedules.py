"""What the schedules' functions do."""

from __future__ import annotations

from typing import Any

from chalice.app import CloudWatchEvent

from chalicelib.entrypoints import wiring, wiring_changes, wiring_texts
from chalicelib.observability import logger

RESERVE_MS = 10_000


def plan_syncs(event: CloudWatchEvent) -> None:
    """Queue a run for every credential that is due, and the daily look at what time changes."""
    context: Any = event.context

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MS)

    queued = wiring.planner().plan(time_left)
    expiring = wiring_changes.expiry_planner().plan(time_left)
    logger().info("plan.done", due=queued, expiring=expiring)


def release_texts(event: CloudWatchEvent) -> None:
    """Queue the requests for consent that are due, and what dead workers left."""
    context: Any = event.context
    queued = wiring_texts.release().release(
        lambda: context.get_remaining_time_in_millis() > RESERVE_MS
    )
    logger().info("texts.released", due=queued)


def watch_dead_letters(event: CloudWatchEvent) -> None:  # noqa: ARG001 -- the time is all it says
    """Tell people of work that failed for good."""
    waiting = wiring.dead_letter_watch().look()
    logger().info("dead_letters.looked", count=waiting)
