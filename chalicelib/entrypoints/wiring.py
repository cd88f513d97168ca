"""Services built from their adapters, once per process and only when first asked for.

One function per collaborator, cached and typed by its protocol. Imports stand inside the functions:
every Lambda imports `app.py`, and most need few of these.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.config import config

if TYPE_CHECKING:
    from chalicelib.services.accounts import AccountService
    from chalicelib.services.cards import Cards
    from chalicelib.services.connect import ConnectService
    from chalicelib.services.credentials import CredentialService
    from chalicelib.services.key_ring import KeyRing
    from chalicelib.services.notify import Notifier
    from chalicelib.services.ports.accounts import Accounts, Audit, Notifications
    from chalicelib.services.ports.common import Clock, Ids, JobQueue
    from chalicelib.services.ports.integrations import Credentials, Integrations
    from chalicelib.services.ports.people import OperatorTopic, People
    from chalicelib.services.ports.personas import PersonaViews
    from chalicelib.services.ports.pos import PosGateway
    from chalicelib.services.ports.runs import RunViews, SyncControl
    from chalicelib.services.ports.stores import Inventories, Stores
    from chalicelib.services.settings import SettingsService
    from chalicelib.services.stores import StoreService


F = TypeVar("F", bound=Callable[..., Any])

_made: list[Any] = []


def once(build: F) -> F:
    """Cache a builder; `reset` empties all of them."""
    cached = cache(build)
    _made.append(cached)
    return cached  # type: ignore[return-value]  # same call, remembered


def reset() -> None:
    """Forget everything built and read, so that tests start clean."""
    config.cache_clear()
    for cached in _made:
        cached.cache_clear()


@once
def clock() -> Clock:
    from chalicelib.adapters.clock import SystemClock

    return SystemClock()


@once
def ids() -> Ids:
    from chalicelib.adapters.ids import UlidIds

    return UlidIds(clock())


@once
def accounts() -> Accounts:
    from chalicelib.adapters.accounts import DynamoAccounts

    return DynamoAccounts(config().table_accounts)


@once
def notifications() -> Notifications:
    from chalicelib.adapters.notifications import DynamoNotifications

    return DynamoNotifications(config().table_accounts)


@once
def audit() -> Audit:
    from chalicelib.adapters.audit import DynamoAudit

    return DynamoAudit(config().table_accounts, ids())


@once
def people() -> People:
    from chalicelib.adapters.people import CognitoPeople

    return CognitoPeople(config().user_pool_id)


@once
def operator_topic() -> OperatorTopic:
    from chalicelib.adapters.people import SnsOperatorTopic

    return SnsOperatorTopic(config().topic_operator_arn)


@once
def account_service() -> AccountService:
    from chalicelib.services.accounts import AccountService

    return AccountService(accounts(), audit(), people(), clock(), draw_uid)


def draw_uid() -> str:
    """Six digits, not the first zero."""
    return str(100_000 + secrets.randbelow(900_000))


@once
def notifier() -> Notifier:
    from chalicelib.services.notify import Notifier

    return Notifier(notifications(), operator_topic(), clock())


@once
def personas() -> PersonaViews:
    raise NotImplementedError


@once
def runs() -> RunViews:
    raise NotImplementedError


@once
def sync_control() -> SyncControl:
    raise NotImplementedError


@once
def integrations() -> Integrations:
    from chalicelib.adapters.integrations import DynamoIntegrations

    return DynamoIntegrations(config().table_integrations)


@once
def credentials() -> Credentials:
    from chalicelib.adapters.credentials import DynamoCredentials

    return DynamoCredentials(config().table_integrations)


@once
def stores() -> Stores:
    from chalicelib.adapters.stores import DynamoStores

    return DynamoStores(config().table_stores)


@once
def inventories() -> Inventories:
    from chalicelib.adapters.inventories import DynamoInventories

    return DynamoInventories(config().table_stores)


@once
def key_ring() -> KeyRing:
    from chalicelib.adapters.crypto import KmsBox
    from chalicelib.services.key_ring import KeyRing

    return KeyRing(KmsBox(config().kms_key_id))


@once
def jobs_queue() -> JobQueue:
    from chalicelib.adapters.queues import SqsQueue

    return SqsQueue(config().queue_jobs_url)


@once
def pos_gateway() -> PosGateway:
    raise NotImplementedError


@once
def cards() -> Cards:
    from chalicelib.services.cards import Cards

    return Cards(pos_gateway(), integrations(), credentials())


@once
def connect_service() -> ConnectService:
    from chalicelib.services.connect import ConnectService

    return ConnectService(
        pos=pos_gateway(),
        integrations=integrations(),
        credentials=credentials(),
        sync=sync_control(),
        audit=audit(),
        clock=clock(),
    )


@once
def credential_service() -> CredentialService:
    from chalicelib.services.credentials import CredentialService

    return CredentialService(
        pos=pos_gateway(),
        integrations=integrations(),
        credentials=credentials(),
        stores=stores(),
        accounts=accounts(),
        key_ring=key_ring(),
        sync=sync_control(),
        audit=audit(),
        notifier=notifier(),
        clock=clock(),
        ids=ids(),
    )


@once
def settings_service() -> SettingsService:
    from chalicelib.services.settings import SettingsService

    return SettingsService(pos_gateway(), integrations(), audit(), clock())


@once
def store_service() -> StoreService:
    from chalicelib.services.stores import StoreService

    return StoreService(stores(), jobs_queue(), audit(), notifier(), clock())
