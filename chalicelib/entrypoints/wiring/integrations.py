"""Builds the services of integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.words import Uid
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import gateways, outside, queues, sync

if TYPE_CHECKING:
    from chalicelib.services.integrations.cards import Cards
    from chalicelib.services.integrations.connect import ConnectService
    from chalicelib.services.integrations.grid import IntegrationGrid
    from chalicelib.services.integrations.settings import SettingsService


@once
def cards() -> Cards:
    from chalicelib.services.integrations.cards import Cards

    return Cards(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        rules=outside.rule_book(),
        runs=outside.sync_states(),
        clock=outside.clock(),
    )


def grid() -> IntegrationGrid:
    from chalicelib.services.integrations.grid import integration_grid

    return integration_grid(gateways.pos_gateway().platforms())


@once
def connect_service() -> ConnectService:
    from chalicelib.services.integrations.connect import ConnectService

    return ConnectService(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        sync=sync.sync_control(),
        derive_again=derive_again,
        audit=outside.audit(),
        clock=outside.clock(),
    )


def derive_again(uid: Uid, reason: str) -> None:
    from chalicelib.services.job_messages.account_jobs import RemapMessage

    queues.jobs_queue().send(RemapMessage(uid, reason=reason).body())


@once
def settings_service() -> SettingsService:
    from chalicelib.services.integrations.settings import SettingsService

    return SettingsService(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        accounts=outside.accounts(),
        rules=outside.rule_book(),
        audit=outside.audit(),
        clock=outside.clock(),
    )
