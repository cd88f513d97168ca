"""Notifications to an account and to the operator, as the services see them (product.md §12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.words import Instant, Severity, Uid


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


class Notifications(Protocol):
    def raise_(self, uid: Uid, notification: Notification) -> bool:
        """Open or refresh it; True when it was not open before (then the operator is told once).

        Opening marks the account first, so that a digest names it (`ports.digests.Marks`).
        """
        ...

    def clear(self, uid: Uid, kind: str, subject: str, at: Instant) -> None: ...

    def open_for(self, uid: Uid) -> list[Notification]: ...

    def all_for(self, uid: Uid) -> list[Notification]: ...


class OperatorTopic(Protocol):
    """Tells the operator what an account's people should do."""

    def publish(self, subject: str, text: str) -> None:
        """`subject`: under 100 ASCII characters. Neither carries personal data."""
        ...
