"""Who changed what, as the services see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.words import Instant, Uid


@dataclass(frozen=True, slots=True)
class AuditEntry:
    at: Instant
    actor: str
    action: str
    subject: str
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None


class Audit(Protocol):
    def record(self, uid: Uid, entry: AuditEntry) -> None: ...

    def entries(
        self, uid: Uid, limit: int, before: str | None
    ) -> tuple[list[AuditEntry], str | None]: ...
