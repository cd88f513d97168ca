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
    from chalicelib.services.notify import Notifier
    from chalicelib.services.ports.accounts import Accounts, Audit, Notifications
    from chalicelib.services.ports.common import Clock, Ids
    from chalicelib.services.ports.people import OperatorTopic, People
    from chalicelib.services.ports.personas import PersonaViews
    from chalicelib.services.ports.runs import RunViews, SyncControl


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
