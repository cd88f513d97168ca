"""Who of an account gets which notifications by e-mail (product.md §12): nobody, until chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

from chalicelib.domain.errors import Conflict
from chalicelib.domain.words import Severity, Uid
from chalicelib.services.notifications.digest import SEVERITIES, may_get_digests
from chalicelib.services.ports.accounts import Accounts, User, find_user
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.digests import Digests, Recipient

NO_SENDER = (
    "This deployment sends no e-mail: its operator has given it no sender address. What is chosen"
    " is kept, and e-mails begin once there is one."
)


NOT_SEEN = "No e-mail goes to this person before they have logged in to the account once."


@dataclass(frozen=True, slots=True)
class Member:
    """A user with the severities they get by e-mail, mildest first.

    They get none while they may not see notifications, whatever was chosen. `email_note`: why no
    e-mail comes though one is chosen.
    """

    user: User
    email_severities: tuple[Severity, ...]
    email_note: str | None


@dataclass(frozen=True, slots=True)
class DigestChoices:
    """Reads and changes which notifications each user gets by e-mail.

    `sends`: whether the deployment can send e-mail at all.
    """

    digests: Digests
    accounts: Accounts
    audit: Audit
    clock: Clock
    _: KW_ONLY
    sends: bool

    def of(self, uid: Uid, users: Iterable[User]) -> list[Member]:
        """Return these users of the account, in their order, with what was chosen for them."""
        recipients = self.digests.recipients(uid)
        return [
            self._member(user, recipients.get(user.sub, Recipient()).severities) for user in users
        ]

    def me(self, uid: Uid, sub: str) -> Member:
        """Return this user with what was chosen for them. Raises NotFound."""
        return self.of(uid, [find_user(self.accounts.users(uid), sub)])[0]

    def choose(self, uid: Uid, sub: str, severities: Iterable[Severity], *, actor: str) -> Member:
        """Set these severities and no others. What is open already comes in the first digest.

        Raises NotFound, and Conflict for a user who may not see notifications.
        """
        user, wanted = find_user(self.accounts.users(uid), sub), frozenset(severities)
        if wanted and not may_get_digests(user):
            raise Conflict(_why_not(user))
        before = self.digests.recipients(uid).get(sub, Recipient()).severities
        if wanted != before:
            now = self.clock.now()
            self.digests.mark(uid, now)
            self.digests.choose(uid, sub, wanted)
            entry = AuditEntry(
                now,
                actor,
                "user.emails_chosen",
                f"user:{sub}",
                {"email_severities": list(in_order(before))},
                {"email_severities": list(in_order(wanted))},
            )
            self.audit.record(uid, entry)
        return self._member(user, wanted)

    def _member(self, user: User, severities: frozenset[Severity]) -> Member:
        chosen = in_order(severities) if may_get_digests(user) else ()
        return Member(user, chosen, self._email_note(user))

    def _email_note(self, user: User) -> str | None:
        if not self.sends:
            return NO_SENDER
        return None if user.has_logged_in else NOT_SEEN


def in_order(severities: Iterable[Severity]) -> tuple[Severity, ...]:
    """Return each severity once, the mildest first."""
    chosen = frozenset(severities)
    return tuple(severity for severity in SEVERITIES if severity in chosen)


def _why_not(user: User) -> str:
    if user.invitation == "pending":
        return "This person has not accepted the invitation yet: choose e-mails for them then."
    if not user.active:
        return "This person is deactivated: let them back in first."
    return f"The role {user.role} sees no notifications: choose another role first."
