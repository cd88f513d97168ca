"""Who changed what, as the services see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.words import Instant, Uid

SYSTEM = "system"
"""The actor of what nobody did by hand."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the account's activity log: `actor` did `action` to `subject` at `at`.

    `before` and `after` hold the fields that differ, None for what was not there.
    """

    at: Instant
    actor: str
    action: str
    subject: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Narrows the activity log; None does not. `subject` is whole or its part before a colon:
    `store` takes every store. Entries are taken from `since` to before `until`."""

    actor: str | None = None
    subject: str | None = None
    since: Instant | None = None
    until: Instant | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves out anything."""
        return self != EVERYTHING

    def takes(self, entry: AuditEntry) -> bool:
        """Whether the entry is by this actor and of this subject."""
        subject = self.subject
        is_of_subject = subject is None or (
            entry.subject == subject or entry.subject.startswith(f"{subject}:")
        )
        return is_of_subject and self.actor in (None, entry.actor)


EVERYTHING = AuditFilter()


class Audit(Protocol):
    """The account's activity log."""

    def record(self, uid: Uid, entry: AuditEntry) -> None: ...

    def entries(
        self, uid: Uid, limit: int, before: str | None, wanted: AuditFilter = EVERYTHING
    ) -> tuple[list[AuditEntry], str | None]:
        """The newest first of those wanted; `before` and the second value continue the list.

        A page may be short while more follow. Raises BadPosition.
        """
        ...


def changed_fields(
    before: Mapping[str, object], after: Mapping[str, object], names: Iterable[str]
) -> tuple[dict[str, object], dict[str, object]]:
    """The named fields that differ, with their values before and after; both empty if none do."""
    changed = [name for name in names if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in changed}, {name: after.get(name) for name in changed}
