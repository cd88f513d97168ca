"""Accounts, users, notifications and audit, as the services see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.roles import Role
from chalicelib.domain.words import Instant, Severity


@dataclass(frozen=True, slots=True)
class Account:
    """One retailer. `sync_hour` is the local hour of the daily sync; `version` serves If-Match."""

    uid: str
    name: str
    time_zone: str
    currency: str
    sync_hour: int
    sync_every_hours: int
    minimum_age: int
    merge_on_name_and_birth_date: bool
    created_at: Instant
    version: int = 1


@dataclass(frozen=True, slots=True)
class User:
    uid: str
    sub: str
    email: str
    role: Role
    active: bool = True


@dataclass(frozen=True, slots=True)
class Notification:
    """Something a person should do. One per (kind, subject); raising it again refreshes it.

    `subject` says what it is about (`posabit`, `posabit:crd_…`); `link` is a dashboard path.
    """

    kind: str
    subject: str
    severity: Severity
    title: str
    what_to_do: str
    link: str
    raised_at: Instant
    refreshed_at: Instant
    cleared_at: Instant | None = None
    data: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    at: Instant
    actor: str
    action: str
    subject: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None


class Accounts(Protocol):
    def get(self, uid: str) -> Account:
        """Raises NotFound."""
        ...

    def create(self, account: Account, owner: User) -> None:
        """Raises Conflict when the uid is taken."""
        ...

    def update(self, account: Account) -> Account:
        """Save at `account.version` + 1. Raises StaleVersion."""
        ...

    def add_user(self, user: User) -> None:
        """Raises Conflict when the person is in the account already, active or not."""
        ...

    def change_user(self, user: User, *, other_owner: User | None) -> None:
        """Save an existing user, if `other_owner` still is an active Owner at that moment.

        Raises Conflict when not, NotFound when the user is not in the account.
        """
        ...

    def users(self, uid: str) -> list[User]: ...

    def accounts_of(self, sub: str) -> list[User]:
        """One row per account the person may open."""
        ...


class Notifications(Protocol):
    def raise_(self, uid: str, notification: Notification) -> bool:
        """Open or refresh it; True when it was not open before (then the operator is told once).

        Opening marks the account first, so that a digest tells of it (`ports.digests.Marks`).
        """
        ...

    def clear(self, uid: str, kind: str, subject: str, at: Instant) -> None: ...

    def open_for(self, uid: str) -> list[Notification]: ...

    def all_for(self, uid: str) -> list[Notification]: ...


class Audit(Protocol):
    def record(self, uid: str, entry: AuditEntry) -> None: ...

    def entries(
        self, uid: str, limit: int, before: str | None
    ) -> tuple[list[AuditEntry], str | None]: ...
