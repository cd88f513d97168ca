"""What the schedules' functions do."""

from __future__ import annotations

from chalice.app import CloudWatchEvent


def plan_syncs(event: CloudWatchEvent) -> None:
    raise NotImplementedError


def watch_dead_letters(event: CloudWatchEvent) -> None:
    raise NotImplementedError
