"""Builds the services of sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import (
    audience_starts,
    derivation,
    gateways,
    loyalty,
    notifications,
    outside,
    queues,
    stores,
    switching,
)
from chalicelib.observability import measure

if TYPE_CHECKING:
    from chalicelib.domain.words import Uid
    from chalicelib.services.ports.common import SyncQueue
    from chalicelib.services.ports.runs import RunViews, SyncControl
    from chalicelib.services.sync.ending import RunEnding
    from chalicelib.services.sync.notices import RunNotices
    from chalicelib.services.sync.plan import Planner
    from chalicelib.services.sync.runs import RunService
    from chalicelib.services.sync.store_keys_seen import StoreKeyWatch
    from chalicelib.services.sync.worker import SyncWorker

COLLECT_AFTER_OBJECTS = 50_000
"""Objects between two looks for cycles: about two pages of sales, 10 MB."""


@once
def run_service() -> RunService:
    from chalicelib.services.sync.runs import RunService

    return RunService(
        outside.sync_states(),
        outside.credentials(),
        outside.integrations(),
        queues.sync_queue,
        outside.ids(),
        outside.clock(),
    )


def runs() -> RunViews:
    """The part of the run service that reads."""
    return run_service()


def sync_control() -> SyncControl:
    """The part of the run service that starts runs."""
    return run_service()


@once
def planner() -> Planner:
    from chalicelib.adapters.dynamo.keys.integration_keys import DUE_SHARDS
    from chalicelib.services.sync.plan import Planner

    return Planner(
        outside.credentials(),
        run_service(),
        _notices(),
        outside.clock(),
        shards=DUE_SHARDS,
        pass_over=pass_over,
        measure=measure,
        enlist=audience_starts.starter().enlist,
    )


@once
def sync_worker(queue: SyncQueue) -> SyncWorker:
    from chalicelib.services.limits.run_time import OwnServerTime
    from chalicelib.services.sync.open_run import OpenRun
    from chalicelib.services.sync.run_in_progress import RunTools
    from chalicelib.services.sync.store_keys_seen import StoreKeyWatch
    from chalicelib.services.sync.worker import SyncWorker

    _collect_seldom()
    store_keys = StoreKeyWatch(
        outside.stores(),
        stores.store_service().refresh_unmapped,
        stores.store_service().queue_remap,
    )
    return SyncWorker(
        credentials=outside.credentials(),
        states=outside.sync_states(),
        tools=RunTools(
            outside.sync_states(),
            derivation.commits(),
            outside.inventories(),
            loyalty.contact_judge(),
            loyalty.leaver_notes(),
            outside.clock(),
        ),
        opener=OpenRun(
            sources=outside.sources(),
            credentials=outside.credentials(),
            gateway=gateways.pos_gateway(),
            permits=gateways.permits(),
            key_ring=outside.key_ring(),
            imports=loyalty.import_locks(),
            markets=loyalty.markets(),
            store_lookup=outside.stores().lookup,
            clock=outside.clock(),
        ),
        store_keys=store_keys,
        ending=_run_ending(store_keys),
        own_server_time=OwnServerTime(outside.raised_limits()),
        queue=queues.sync_queue(queue),
        clock=outside.clock(),
        reserve_seconds=config().sync_reserve_seconds,
    )


def _collect_seldom() -> None:
    """Let Python look for reference cycles seldom, and not in what was imported.

    Facts hold no cycles, so reference counts free them; looking after every 700th object is a fifth
    of a run's CPU.
    """
    import gc

    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 10, 10)


def _run_ending(store_keys: StoreKeyWatch) -> RunEnding:
    from chalicelib.services.sync.ending import RunEnding
    from chalicelib.services.sync.gone.products import InventoryLeavers

    return RunEnding(
        accounts=outside.accounts(),
        credentials=outside.credentials(),
        store_keys=store_keys,
        inventory_leavers=InventoryLeavers(outside.stores(), outside.inventories()),
        notices=_notices(),
        gateway=gateways.pos_gateway(),
        imports=loyalty.import_locks(),
        leaving=loyalty.leaver_notes(),
        clock=outside.clock(),
        measure=measure,
        after_first_sync=_after_first_sync,
    )


def _after_first_sync(uid: Uid) -> None:
    audience_starts.starter().request(uid, "first_sync")
    switching.start_check().after_first_sync(uid)


@once
def _notices() -> RunNotices:
    from chalicelib.services.sync.notices import RunNotices

    return RunNotices(notifications.notifier(), gateways.pos_gateway(), outside.facts())
