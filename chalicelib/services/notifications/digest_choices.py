"""Who of an account gets which notifications by e-mail (product.md §12): nobody, until chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.words import Severity, Uid
from chalicelib.services.notifications.digest import SEVERITIES, may_be_told
from chalicelib.services.ports.accounts import Accounts, User
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.digests import Digests, Reader

NO_SENDER = (
    "This deployment sends no e-mail: its operator has given it no sender address. What is chosen"
    " is kept, and e-mails begin once there is one."
)


@dataclass(frozen=True, slots=True)
class Member:
    """A user with the severities they get by e-mail, mildest first; none while they may not see
    notifications, whatever was chosen. `email_note`: why no e-mail comes though one is chosen."""

    user: User
    email_severities: tuple[Severity, ...]
    email_note: str | None


class DigestChoices:
    """`sends`: whether the deployment can send e-mail at all."""

    def __init__(
        self, digests: Digests, accounts: Accounts, audit: Audit, clock: Clock, *, sends: bool
    ) -> None:
        self._digests = digests
        self._accounts = accounts
        self._audit = audit
        self._clock = clock
        self._note = None if sends else NO_SENDER

    def of(self, uid: Uid, users: Iterable[User]) -> list[Member]:
        """These users of the account, in their order, with what they chose."""
        readers = self._digests.readers(uid)
        return [self._member(user, readers.get(user.sub, Reader()).severities) for user in users]

    def me(self, uid: Uid, sub: str) -> Member:
        """Raises NotFound."""
        return self.of(uid, [self._user(uid, sub)])[0]

    def choose(self, uid: Uid, sub: str, severities: Iterable[Severity], *, actor: str) -> Member:
        """These severities and no others. What is open already comes in the first digest.

        Raises NotFound, and Conflict for a user who may not see notifications.
        """
        user, wanted = self._user(uid, sub), frozenset(severities)
        if wanted and not may_be_told(user):
            raise Conflict(_why_not(user))
        before = self._digests.readers(uid).get(sub, Reader()).severities
        if wanted != before:
            now = self._clock.now()
            self._digests.mark(uid, now)
            self._digests.choose(uid, sub, wanted)
            entry = AuditEntry(
                now,
                actor,
                "user.emails_chosen",
                f"user:{sub}",
                {"email_severities": list(in_order(before))},
                {"email_severities": list(in_order(wanted))},
            )
            self._audit.record(uid, entry)
        return self._member(user, wanted)

    def _user(self, uid: Uid, sub: str) -> User:
        for user in self._accounts.users(uid):
            if user.sub == sub:
                return user
        raise NotFound("There is no such person in the account.")

    def _member(self, user: User, severities: frozenset[Severity]) -> Member:
        return Member(user, in_order(severities) if may_be_told(user) else (), self._note)


def in_order(severities: Iterable[Severity]) -> tuple[Severity, ...]:
    chosen = frozenset(severities)
    return tuple(severity for severity in SEVERITIES if severity in chosen)


def _why_not(user: User) -> str:
    if not user.active:
        return "This person is deactivated: let them back in first."
    return f"The role {user.role} sees no notifications: choose another role first."
