"""Builds the services of accounts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from chalicelib.domain.words import Uid
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside, queues, typed_contacts

if TYPE_CHECKING:
    from chalicelib.services.accounts.accounts import AccountService
    from chalicelib.services.accounts.activity import ActivityLog
    from chalicelib.services.accounts.names import ActorNames


@once
def account_service() -> AccountService:
    from chalicelib.services.accounts.accounts import AccountService

    return AccountService(
        outside.accounts(),
        outside.audit(),
        outside.people(),
        outside.clock(),
        draw_uid,
        queues.jobs_queue(),
        typed_contacts.read_contact,
    )


@once
def names() -> ActorNames:
    from chalicelib.services.accounts.names import ActorNames

    return ActorNames(outside.accounts(), outside.audit())


@once
def activity() -> ActivityLog:
    from chalicelib.services.accounts.activity import ActivityLog

    return ActivityLog(outside.accounts(), outside.audit(), names())


def draw_uid() -> Uid:
    """Draw a new account's number: six digits, the first not zero."""
    return Uid(str(100_000 + secrets.randbelow(900_000)))
