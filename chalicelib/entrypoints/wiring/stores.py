"""Builds the services of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import derivation, notifications, outside, queues

if TYPE_CHECKING:
    from chalicelib.services.stores.stores import StoreService


@once
def store_service() -> StoreService:
    from chalicelib.services.stores.stores import StoreService

    return StoreService(
        outside.stores(),
        queues.jobs_queue(),
        outside.audit(),
        notifications.notifier(),
        outside.clock(),
        derivation.rederivations(),
    )
