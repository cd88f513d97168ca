"""Digests of notifications by e-mail, as the services see them (product.md §12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Instant, Severity, Uid


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user for whom digests were ever chosen.

    `claimed_at`: when their last digest was begun. `sent_openings`: the openings of notifications
    that their digests named and that were open then, see `opening_id` of
    `services/notifications/digest.py`.
    """

    severities: frozenset[Severity] = frozenset()
    claimed_at: Instant | None = None
    sent_openings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mark:
    """An account that may have something new to tell since `at`."""

    uid: Uid
    at: Instant


class Marks(Protocol):
    """Marks the accounts that a digest may be due for."""

    def mark(self, uid: Uid, at: Instant) -> None:
        """Mark the account from `at` on. Call it before there is something to tell."""
        ...


class Digests(Marks, Protocol):
    """Keeps who gets digests of an account's notifications, and what each digest named."""

    def recipients(self, uid: Uid) -> Mapping[str, Recipient]:
        """Return every recipient of the account by `sub`, strongly consistent."""
        ...

    def choose(self, uid: Uid, sub: str, severities: frozenset[Severity]) -> None:
        """Set the severities that the user gets; none for no digests."""
        ...

    def all_marks(self) -> Iterator[Mark]:
        """Yield every marked account, strongly consistent, without looking at the others."""
        ...

    def unmark(self, mark: Mark) -> None:
        """Take the mark away, unless the account was marked again meanwhile."""
        ...

    def claim(self, uid: Uid, sub: str, before: Recipient, at: Instant) -> bool:
        """Begin the user's digest of `at`; False when another was begun since `before` was read."""
        ...

    def record_sent(self, uid: Uid, sub: str, at: Instant, openings: frozenset[str]) -> None:
        """Keep the openings of the digest claimed at `at`, unless a later one was begun."""
        ...


class MailRefused(AiqError):
    """Nothing was sent. `details['refused_as']`: the mail service's own code, where it gave one."""

    code = "mail_refused"


class MailUnknown(AiqError):
    """The e-mail may have been sent, or not."""

    code = "mail_unknown"


class Mailer(Protocol):
    """Hands e-mails to the mail service."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Send one plain e-mail, once, without any retry.

        Raises MailRefused, MailUnknown.
        """
        ...
