"""Accounts and the people in them (product.md §13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound, field_fault, invalid_fields
from chalicelib.domain.links import has_link
from chalicelib.domain.roles import Role
from chalicelib.domain.shown_text import HIDDEN_REASON, has_hidden
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Uid
from chalicelib.services.accounts.time_zones import check_time_zone
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS
from chalicelib.services.ports.accounts import Account, Accounts, People, User, find_user
from chalicelib.services.ports.audit import SYSTEM, Audit, AuditEntry, changed_fields
from chalicelib.services.ports.common import Clock, JobQueue

UID_TRIES = 5
IN_ALREADY = "This person is in the account already: change their role instead."
DECIDING = ("merge_on_name_and_birth_date", "placeholders", "minimum_age", "time_zone")
"""What personas follow from: keys, ages, and the local days of sales."""

PLACEHOLDER_EXAMPLE = "206-555-0100"

NOT_ACCEPTED = "This person has not accepted an invitation: invite them again."
NOT_INVITED = "This person is no longer invited: invite their address again."
HAS_LOG_IN = (
    "This person has a log-in already: what they are invited to shows when they log in, and there"
    " they can set a forgotten password anew."
)
NO_INVITATION = "There is no such invitation."
NAME_WITH_LINK = "a name without a web address: e-mails and invitations show it"

LAST_OWNER = "An account keeps at least one Owner: make somebody else Owner first."


@dataclass(frozen=True, slots=True)
class AccountService:
    """Creates and changes accounts, and lets people in and out.

    `draw_uid` gives account numbers of 4 to 10 digits; a taken one is drawn again. `jobs` is the
    queue of background work over an account. `read_contact` returns a typed phone in E.164 or an
    e-mail in lower case, None for what is neither.
    """

    accounts: Accounts
    audit: Audit
    people: People
    clock: Clock
    draw_uid: Callable[[], Uid]
    jobs: JobQueue
    read_contact: Callable[[str], str | None]

    def create(
        self,
        name: str,
        owner_email: str,
        *,
        uid: Uid | None = None,
        time_zone: str = "America/Los_Angeles",
        currency: str = "USD",
    ) -> Account:
        """Create an account and let its first Owner in.

        Raises Conflict when `uid` is taken, InvalidInput for an unknown time zone or a name with a
        web address.
        """
        check_time_zone(time_zone)
        _check_name(name)
        sub, now = self.people.invite(owner_email).sub, self.clock.now()
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
                created_at=now,
            )
            owner = User(account.uid, sub, owner_email, "Owner", invited_at=now)
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

        Another merge rule, placeholder, minimum age or time zone derives every persona again in the
        background.

        Raises StaleVersion, or InvalidInput for a time zone nobody knows, a name with a web
        address, or a placeholder that is neither phone nor e-mail.
        """
        before, wanted = self.with_changes(uid, changes)
        wanted = replace(wanted, version=version)
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

    def with_changes(self, uid: Uid, changes: Mapping[str, Any]) -> tuple[Account, Account]:
        """Return the account, and as it would be with these fields set. Raises InvalidInput."""
        if "name" in changes:
            _check_name(changes["name"])
        if "time_zone" in changes:
            check_time_zone(changes["time_zone"])
        if "placeholders" in changes:
            changes = {**changes, "placeholders": self._contacts(changes["placeholders"])}
        before = self.accounts.get(uid)
        return before, replace(before, **changes)

    def _contacts(self, typed: Sequence[str]) -> tuple[str, ...]:
        contacts = {text: self.read_contact(text) for text in typed}
        for text, contact in contacts.items():
            if contact is None:
                reason = f'"{text}" is neither a phone nor an e-mail'
                raise invalid_fields(field_fault("placeholders", reason, PLACEHOLDER_EXAMPLE))
        return tuple(sorted({contact for contact in contacts.values() if contact is not None}))

    def users(self, uid: Uid) -> list[User]:
        """Return everybody ever invited, the active ones first, by e-mail."""
        return sorted(self.accounts.users(uid), key=lambda user: (not user.active, user.email))

    def invite(self, uid: Uid, email: str, role: Role, *, actor: str) -> User:
        """Let a person in who has no log-in yet, or was in before; invite anybody else.

        Who has a log-in, maybe for another retailer's account, is in once they accept
        (`answer_invitation`). Who is in and has never logged in gets the invitation again. Raises
        Conflict for who is in otherwise, or with another role.
        """
        users = self.accounts.users(uid)
        if any(user.email == email and not _waits(user, role) for user in users if user.active):
            raise Conflict(IN_ALREADY)
        sub, is_new, is_mailed = self.people.invite(email)
        known = next((each for each in self.accounts.users(uid) if each.sub == sub), None)
        if known is not None and known.active:  # maybe the same mailbox, written in another way
            if not is_mailed or not _waits(known, role):
                raise Conflict(IN_ALREADY)
            return self._invited_again(known, actor)
        user = self._invited(uid, sub, email, role, known, is_new=is_new)
        if known is None:
            self.accounts.add_user(user)
        else:
            self.accounts.change_user(user, other_owner=None)
        self._record(uid, actor, "user.invited", f"user:{sub}", after={"role": role})
        return user

    def resend(self, uid: Uid, sub: str, *, actor: str) -> User:
        """Send the invitation again to who has never logged in: the first lapses after 7 days.

        Raises NotFound; Conflict for who is no longer in or invited, or has a log-in.
        """
        user = find_user(self.accounts.users(uid), sub)
        if not user.active and user.invitation != "pending":
            raise Conflict(NOT_INVITED)
        invited = self.people.invite(user.email)
        if invited.sub != sub:
            raise Conflict(NOT_INVITED)
        if not invited.is_mailed:
            raise Conflict(HAS_LOG_IN)
        return self._invited_again(user, actor)

    def _invited_again(self, user: User, actor: str) -> User:
        now = self.clock.now()
        self.accounts.mark_invited(user.uid, user.sub, now)
        self._record(user.uid, actor, "user.invited_again", f"user:{user.sub}")
        return replace(user, invited_at=now)

    def _invited(
        self, uid: Uid, sub: str, email: str, role: Role, known: User | None, *, is_new: bool
    ) -> User:
        """Return the user to save; `known`: their row in the account, if there is one."""
        was_in = known is not None and known.invitation is None
        if known is not None and was_in:
            return replace(known, email=email, role=role, active=True)
        user = User(uid, sub, email, role, invited_at=self.clock.now())
        return user if is_new else replace(user, active=False, invitation="pending")

    def answer_invitation(self, uid: Uid, sub: str, *, accept: bool) -> User:
        """Let the invited person in, or not, and return them. Raises NotFound when nobody invited
        them."""
        if not self.accounts.answer_invitation(uid, sub, self.clock.now(), accept=accept):
            raise NotFound(NO_INVITATION)
        actor = subject = f"user:{sub}"
        self._record(uid, actor, "user.accepted" if accept else "user.declined", subject)
        return find_user(self.accounts.users(uid), sub)

    def see(self, user: User) -> User:
        """Keep that the person is here, once a day, and return them as they stand then."""
        now = self.clock.now()
        if user.last_seen_at is not None and now - user.last_seen_at < DAY:
            return user
        self.accounts.mark_seen(user.uid, user.sub, now)
        return replace(user, last_seen_at=now)

    def change_user(
        self,
        uid: Uid,
        sub: str,
        *,
        actor: str,
        role: Role | None = None,
        active: bool | None = None,
    ) -> User:
        """Give a person another role, or let them in or out; False takes an invitation back.

        Raises NotFound; Conflict when the account would be left without an active Owner, or for
        letting somebody in who has not accepted an invitation.
        """
        users = self.accounts.users(uid)
        before = find_user(users, sub)
        after = replace(before, role=before.role if role is None else role)
        if active is not None and before.invitation is None:
            after = replace(after, active=active)
        elif active and before.invitation == "declined":
            raise Conflict(NOT_ACCEPTED)
        elif active is False:
            after = replace(after, invitation="declined")
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


def _check_name(name: str) -> None:
    """Raises InvalidInput for a name with a web address, or with what cannot be seen."""
    if has_hidden(name):
        raise invalid_fields(field_fault("name", HIDDEN_REASON, "Green Leaf"))
    if has_link(name):
        raise invalid_fields(field_fault("name", NAME_WITH_LINK, "Green Leaf"))


def _waits(user: User, role: Role) -> bool:
    """Whether the person was invited with this role and has never come in."""
    return user.role == role and not user.has_logged_in


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
