"""Accounts and the people in them (product.md §13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound
from chalicelib.domain.roles import Role
from chalicelib.domain.times import is_zone
from chalicelib.domain.words import Uid
from chalicelib.services.job_messages import AFTER_THE_REQUEST_SECONDS, RemapMessage
from chalicelib.services.ports.accounts import Account, Accounts, User
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.people import People

SYSTEM = "system"
UID_TRIES = 5
IN_ALREADY = "This person is in the account already: change their role instead."
DECIDING = ("merge_on_name_and_birth_date", "minimum_age", "time_zone")
"""What personas follow from: keys, ages, and the local days of sales."""

LAST_OWNER = "An account keeps at least one Owner: make somebody else Owner first."


class AccountService:
    """`draw_uid` gives account numbers of 4 to 10 digits; a taken one is drawn again. `jobs` is the
    queue of background work over an account."""

    def __init__(
        self,
        accounts: Accounts,
        audit: Audit,
        people: People,
        clock: Clock,
        draw_uid: Callable[[], Uid],
        jobs: JobQueue,
    ) -> None:
        self._accounts = accounts
        self._audit = audit
        self._people = people
        self._clock = clock
        self._draw_uid = draw_uid
        self._jobs = jobs

    def create(
        self,
        name: str,
        owner_email: str,
        *,
        uid: Uid | None = None,
        time_zone: str = "America/Los_Angeles",
        currency: str = "USD",
    ) -> Account:
        """A new account with its first Owner, invited. Raises Conflict when `uid` is taken."""
        _check_zone(time_zone)
        sub = self._people.invite(owner_email)
        for attempt in range(1, UID_TRIES + 1):
            account = Account(
                uid=uid or self._draw_uid(),
                name=name,
                time_zone=time_zone,
                currency=currency,
                sync_hour=3,
                sync_every_hours=6,
                minimum_age=21,
                merge_on_name_and_birth_date=False,
                created_at=self._clock.now(),
            )
            owner = User(uid=account.uid, sub=sub, email=owner_email, role="Owner")
            try:
                self._accounts.create(account, owner)
            except Conflict:
                if uid is not None or attempt == UID_TRIES:
                    raise
                continue
            break
        self._record(account.uid, SYSTEM, "account.created", "account", None, asdict(account))
        return account

    def get(self, uid: Uid) -> Account:
        """Raises NotFound."""
        return self._accounts.get(uid)

    def change(self, uid: Uid, version: int, changes: Mapping[str, Any], *, actor: str) -> Account:
        """Set the named fields of the account as it was at `version`.

        Another merge rule, minimum age or time zone derives every persona again in the background.

        Raises StaleVersion, or InvalidInput for a time zone nobody knows.
        """
        if "time_zone" in changes:
            _check_zone(changes["time_zone"])
        before = self._accounts.get(uid)
        wanted = replace(before, **changes, version=version)
        for name in DECIDING:
            if getattr(before, name) != getattr(wanted, name):
                # Before the save: dying in between leaves a job for nothing, and never a save
                # without its job.
                body = RemapMessage(uid, reason=name).body()
                self._jobs.send(body, delay_seconds=AFTER_THE_REQUEST_SECONDS)
        after = self._accounts.update(wanted)
        changed = [name for name in changes if getattr(before, name) != getattr(after, name)]
        if changed:
            self._record(
                uid,
                actor,
                "account.changed",
                "account",
                {name: getattr(before, name) for name in changed},
                {name: getattr(after, name) for name in changed},
            )
        return after

    def users(self, uid: Uid) -> list[User]:
        """Everybody ever invited, the active ones first, by e-mail."""
        return sorted(self._accounts.users(uid), key=lambda user: (not user.active, user.email))

    def invite(self, uid: Uid, email: str, role: Role, *, actor: str) -> User:
        """Let somebody in; who was deactivated comes back. Raises Conflict for who is in."""
        if any(user.email == email and user.active for user in self._accounts.users(uid)):
            raise Conflict(IN_ALREADY)
        sub = self._people.invite(email)
        user = User(uid=uid, sub=sub, email=email, role=role)
        known = next((known for known in self._accounts.users(uid) if known.sub == sub), None)
        if known is None:
            self._accounts.add_user(user)
        elif known.active:  # the same mailbox, written in another way
            raise Conflict(IN_ALREADY)
        else:
            self._accounts.change_user(user, other_owner=None)
        self._record(uid, actor, "user.invited", f"user:{sub}", None, {"role": role})
        return user

    def change_user(
        self,
        uid: Uid,
        sub: str,
        *,
        actor: str,
        role: Role | None = None,
        active: bool | None = None,
    ) -> User:
        """Another role, or in or out. Raises NotFound, and Conflict for the last Owner."""
        users = self._accounts.users(uid)
        before = next((user for user in users if user.sub == sub), None)
        if before is None:
            raise NotFound("There is no such person in the account.")
        after = replace(
            before,
            role=before.role if role is None else role,
            active=before.active if active is None else active,
        )
        if after == before:
            return before
        self._accounts.change_user(after, other_owner=_other_owner(users, before, after))
        self._record(
            uid,
            actor,
            "user.changed",
            f"user:{sub}",
            {"role": before.role, "active": before.active},
            {"role": after.role, "active": after.active},
        )
        return after

    def _record(
        self,
        uid: Uid,
        actor: str,
        action: str,
        subject: str,
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        entry = AuditEntry(self._clock.now(), actor, action, subject, before, after)
        self._audit.record(uid, entry)


def _is_owner(user: User) -> bool:
    return user.role == "Owner" and user.active


def _other_owner(users: list[User], before: User, after: User) -> User | None:
    """An Owner who stays, when this change takes one away; None when it takes none."""
    if not _is_owner(before) or _is_owner(after):
        return None
    others = [user for user in users if _is_owner(user) and user.sub != before.sub]
    if not others:
        raise Conflict(LAST_OWNER)
    return others[0]


def _check_zone(name: str) -> None:
    if not is_zone(name):
        raise InvalidInput(
            "Some fields cannot be taken; nothing was stored.",
            errors=[
                {
                    "field": "time_zone",
                    "reason": "not an IANA time zone",
                    "example": "America/Los_Angeles",
                }
            ],
        )
