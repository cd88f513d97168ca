"""The services of syncs built from their adapters; see `wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints import wiring, wiring_changes
from chalicelib.entrypoints.wiring import once

if TYPE_CHECKING:
    from chalicelib.services.outcome import Outcomes
    from chalicelib.services.plan import Planner
    from chalicelib.services.ports.common import JobQueue, SyncQueue
    from chalicelib.services.ports.runs import RunViews, SyncControl, SyncStates
    from chalicelib.services.runs import RunService
    from chalicelib.services.sync import SyncWorker

COLLECT_AFTER_OBJECTS = 50_000
"""About two pages of sales, 10 MB."""


@once
def sync_states() -> SyncStates:
    from chalicelib.adapters.sync_state import DynamoSyncStates

    return DynamoSyncStates(config().table_sync, wiring.clock())


@once
def sync_queue(name: SyncQueue) -> JobQueue:
    from chalicelib.adapters.queues import SqsQueue

    found = config()
    return SqsQueue(found.queue_sync_url if name == "sync" else found.queue_sync_own_server_url)


@once
def run_service() -> RunService:
    from chalicelib.services.runs import RunService

    return RunService(
        sync_states(),
        wiring.credentials(),
        wiring.integrations(),
        sync_queue,
        wiring.ids(),
        wiring.clock(),
    )


def runs() -> RunViews:
    return run_service()


def sync_control() -> SyncControl:
    return run_service()


@once
def planner() -> Planner:
    from chalicelib.adapters.keys import DUE_SHARDS
    from chalicelib.services.plan import Planner

    return Planner(
        wiring.credentials(),
        run_service(),
        wiring.pos_gateway(),
        wiring.notifier(),
        wiring.clock(),
        shards=DUE_SHARDS,
    )


@once
def sync_worker(queue: SyncQueue) -> SyncWorker:
    from chalicelib.services.slice import SliceParts
    from chalicelib.services.sync import SyncWorker

    _collect_seldom()
    return SyncWorker(
        accounts=wiring.accounts(),
        integrations=wiring.integrations(),
        credentials=wiring.credentials(),
        imports=wiring_changes.import_locks(),
        states=sync_states(),
        parts=SliceParts(sync_states(), wiring.commits(), wiring.inventories(), wiring.clock()),
        gateway=wiring.pos_gateway(),
        key_ring=wiring.key_ring(),
        queue=sync_queue(queue),
        outcomes=_outcomes(),
        places=wiring.stores().places,
        clock=wiring.clock(),
        reserve_seconds=config().sync_reserve_seconds,
    )


def _collect_seldom() -> None:
    """Facts hold no cycles, so reference counts free them; looking for cycles after every 700th
    object, through all that was imported, is a fifth of a run's CPU."""
    import gc

    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 10, 10)


def _outcomes() -> Outcomes:
    from chalicelib.services.catalogue import Catalogue
    from chalicelib.services.leaving import Leaving
    from chalicelib.services.outcome import Outcomes
    from chalicelib.services.store_keys import StoreKeyWatch

    return Outcomes(
        accounts=wiring.accounts(),
        credentials=wiring.credentials(),
        states=sync_states(),
        store_keys=StoreKeyWatch(
            wiring.stores(),
            wiring.store_service().refresh_unmapped,
            wiring.store_service().zones_moved,
        ),
        catalogue=Catalogue(wiring.stores(), wiring.inventories()),
        shared_keys=wiring.facts(),
        gateway=wiring.pos_gateway(),
        notifier=wiring.notifier(),
        imports=wiring_changes.import_locks(),
        leaving=Leaving(
            wiring_changes.leavers(), wiring.facts(), wiring.pos_gateway(), wiring.notifier()
        ),
        clock=wiring.clock(),
    )
