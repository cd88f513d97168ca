"""Accounts and the people in them (product.md §13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict
from chalicelib.domain.roles import Role
from chalicelib.domain.words import Uid
from chalicelib.services.accounts.time_zones import check_time_zone
from chalicelib.services.job_messages import AFTER_THE_REQUEST_SECONDS, RemapMessage
from chalicelib.services.ports.accounts import Account, Accounts, People, User, find_user
from chalicelib.services.ports.audit import SYSTEM, Audit, AuditEntry, changed_fields
from chalicelib.services.ports.common import Clock, JobQueue

UID_TRIES = 5
IN_ALREADY = "This person is in the account already: change their role instead."
DECIDING = ("merge_on_name_and_birth_date", "minimum_age", "time_zone")
"""What personas follow from: keys, ages, and the local days of sales."""

LAST_OWNER = "An account keeps at least one Owner: make somebody else Owner first."


@dataclass(frozen=True, slots=True)
class AccountService:
    """Creates and changes accounts, and lets people in and out.

    `draw_uid` gives account numbers of 4 to 10 digits; a taken one is drawn again. `jobs` is the
    queue of background work over an account.
    """

    accounts: Accounts
    audit: Audit
    people: People
    clock: Clock
    draw_uid: Callable[[], Uid]
    jobs: JobQueue

    def create(
        self,
        name: str,
        owner_email: str,
        *,
        uid: Uid | None = None,
        time_zone: str = "America/Los_Angeles",
        currency: str = "USD",
    ) -> Account:
        """Create an account and invite its first Owner.

        Raises Conflict when `uid` is taken, InvalidInput for an unknown time zone.
        """
        check_time_zone(time_zone)
        sub = self.people.invite(owner_email)
        for attempt in range(1, UID_TRIES + 1):
            account = Account(
                uid=uid or self.draw_uid(),
                name=name,
                time_zone=time_zone,
                currency=currency,
                sync_hour=3,
                sync_every_hours=6,
                minimum_age=21,
                merge_on_name_and_birth_date=False,
                created_at=self.clock.now(),
            )
            owner = User(uid=account.uid, sub=sub, email=owner_email, role="Owner")
            try:
                self.accounts.create(account, owner)
            except Conflict:
                if uid is not None or attempt == UID_TRIES:
                    raise
                continue
            break
        self._record(account.uid, SYSTEM, "account.created", "account", after=asdict(account))
        return account

    def change(self, uid: Uid, version: int, changes: Mapping[str, Any], *, actor: str) -> Account:
        """Set the named fields of the account as it was at `version`.

        Another merge rule, minimum age or time zone derives every persona again in the background.

        Raises StaleVersion, or InvalidInput for a time zone nobody knows.
        """
        if "time_zone" in changes:
            check_time_zone(changes["time_zone"])
        before = self.accounts.get(uid)
        wanted = replace(before, **changes, version=version)
        for name in DECIDING:
            if getattr(before, name) != getattr(wanted, name):
                # Before the save: dying in between leaves a job for nothing, and never a save
                # without its job.
                body = RemapMessage(uid, reason=name).body()
                self.jobs.send(body, delay_seconds=AFTER_THE_REQUEST_SECONDS)
        after = self.accounts.update(wanted)
        was, now = changed_fields(asdict(before), asdict(after), changes)
        if now:
            self._record(uid, actor, "account.changed", "account", was, now)
        return after

    def users(self, uid: Uid) -> list[User]:
        """Return everybody ever invited, the active ones first, by e-mail."""
        return sorted(self.accounts.users(uid), key=lambda user: (not user.active, user.email))

    def invite(self, uid: Uid, email: str, role: Role, *, actor: str) -> User:
        """Let a person in, also one who was deactivated. Raises Conflict for who is in already."""
        if any(user.email == email and user.active for user in self.accounts.users(uid)):
            raise Conflict(IN_ALREADY)
        sub = self.people.invite(email)
        user = User(uid=uid, sub=sub, email=email, role=role)
        known = next((each for each in self.accounts.users(uid) if each.sub == sub), None)
        if known is None:
            self.accounts.add_user(user)
        elif known.active:  # the same mailbox, written in another way
            raise Conflict(IN_ALREADY)
        else:
            self.accounts.change_user(user, other_owner=None)
        self._record(uid, actor, "user.invited", f"user:{sub}", after={"role": role})
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
        """Give a person another role, or let them in or out.

        Raises NotFound; Conflict when the account would be left without an active Owner.
        """
        users = self.accounts.users(uid)
        before = find_user(users, sub)
        after = replace(
            before,
            role=before.role if role is None else role,
            active=before.active if active is None else active,
        )
        if after == before:
            return before
        self.accounts.change_user(after, other_owner=_other_owner(users, before, after))
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
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        entry = AuditEntry(self.clock.now(), actor, action, subject, before, after)
        self.audit.record(uid, entry)


def _is_owner(user: User) -> bool:
    return user.role == "Owner" and user.active


def _other_owner(users: list[User], before: User, after: User) -> User | None:
    """Return an Owner who stays when this change takes one away; None when it takes none.

    Raises Conflict when nobody else is an Owner.
    """
    if not _is_owner(before) or _is_owner(after):
        return None
    others = [user for user in users if _is_owner(user) and user.sub != before.sub]
    if not others:
        raise Conflict(LAST_OWNER)
    return others[0]
