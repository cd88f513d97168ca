"""Builds the services of credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import gateways, loyalty, notifications, outside, sync

if TYPE_CHECKING:
    from chalicelib.services.credentials.credentials import CredentialService


@once
def credential_service() -> CredentialService:
    from chalicelib.services.credentials.credentials import CredentialService

    return CredentialService(
        pos=gateways.pos_gateway(),
        permits=gateways.permits(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        stores=outside.stores(),
        accounts=outside.accounts(),
        key_ring=outside.key_ring(),
        sync=sync.sync_control(),
        raised_limits=outside.raised_limits(),
        withdraw_import=loyalty.import_locks().withdraw,
        markets=loyalty.markets(),
        audit=outside.audit(),
        notifier=notifications.notifier(),
        clock=outside.clock(),
        ids=outside.ids(),
    )
