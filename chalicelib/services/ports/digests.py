"""Digests of notifications by e-mail, as the services see them (product.md §12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Instant, Severity, Uid


@dataclass(frozen=True, slots=True)
class Reader:
    """What is kept of a user who was ever chosen.

    `claimed_at`: when their last digest was begun; `told`: the openings that digests told them of
    and that were open then, see `services.digest.opening`.
    """

    severities: frozenset[Severity] = frozenset()
    claimed_at: Instant | None = None
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mark:
    """An account that may have something new to tell, and when that was said last."""

    uid: Uid
    at: Instant


class Readers(Protocol):
    def readers(self, uid: Uid) -> Mapping[str, Reader]:
        """Everybody of the account who was ever chosen, by `sub`. Strongly consistent."""
        ...

    def choose(self, uid: Uid, sub: str, severities: frozenset[Severity]) -> None: ...


class Marks(Protocol):
    def mark(self, uid: Uid, at: Instant) -> None:
        """The account may have something new to tell from `at` on. Say it before it is so."""
        ...


class Digests(Readers, Marks, Protocol):
    def marked(self) -> Iterator[Mark]:
        """Every marked account, found without looking at the others. Strongly consistent."""
        ...

    def unmark(self, mark: Mark) -> None:
        """Take the mark away, unless the account was marked again meanwhile."""
        ...

    def claim(self, uid: Uid, sub: str, before: Reader, at: Instant) -> bool:
        """Begin the user's digest of `at`; False when another was begun since `before` was read."""
        ...

    def tell(self, uid: Uid, sub: str, at: Instant, told: frozenset[str]) -> None:
        """The digest claimed at `at` went: keep `told`, unless a later one was begun meanwhile."""
        ...


class MailRefused(AiqError):
    """Nothing was sent. `details['refused_as']`: the mail service's own code, where it gave one."""

    code = "mail_refused"


class MailUnknown(AiqError):
    """It may have been sent, or not."""

    code = "mail_unknown"


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None:
        """Send one plain e-mail, once, without any retry.

        Raises MailRefused, MailUnknown.
        """
        ...
