"""Builds the services of contact sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import derivation, gateways, outside, queues

if TYPE_CHECKING:
    from chalicelib.services.contact_sync.view import ContactSyncService
    from chalicelib.services.contact_sync.work_off import (
        ContactSyncPlanner,
        ContactSyncWorker,
        HandOnSignups,
    )


@once
def worker() -> ContactSyncWorker:
    from chalicelib.services.contact_sync.create_shopper import CreateShopper
    from chalicelib.services.contact_sync.note_signups import NoteSignups
    from chalicelib.services.contact_sync.pos_shoppers import OpenPosShoppers
    from chalicelib.services.contact_sync.work_off import ContactSyncWorker

    intents, personas, clock = (
        outside.shopper_intents(),
        derivation.persona_lookup(),
        outside.clock(),
    )
    return ContactSyncWorker(
        notes=NoteSignups(intents, outside.integrations(), personas, clock),
        creator=CreateShopper(intents, personas, clock),
        intents=intents,
        integrations=outside.integrations(),
        pos=OpenPosShoppers(
            credentials=outside.credentials(),
            accounts=outside.accounts(),
            stores=outside.stores(),
            gateway=gateways.shopper_gateway(),
            permits=gateways.permits(),
            key_ring=outside.key_ring(),
            clock=outside.clock(),
        ),
        jobs=queues.jobs_queue(),
        ids=outside.ids(),
        clock=clock,
    )


@once
def service() -> ContactSyncService:
    from chalicelib.services.contact_sync.view import ContactSyncService

    return ContactSyncService(
        intents=outside.shopper_intents(),
        integrations=outside.integrations(),
        personas=derivation.persona_lookup(),
        pos=gateways.pos_gateway(),
        jobs=queues.jobs_queue(),
        audit=outside.audit(),
        clock=outside.clock(),
    )


@once
def hand_on() -> HandOnSignups:
    from chalicelib.services.contact_sync.work_off import HandOnSignups

    return HandOnSignups(queues.jobs_queue())


@once
def planner() -> ContactSyncPlanner:
    from chalicelib.services.contact_sync.work_off import ContactSyncPlanner

    return ContactSyncPlanner(
        outside.shopper_intents(), queues.jobs_queue(), outside.clock(), pass_over
    )
