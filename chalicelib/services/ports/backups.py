"""Backups of sources: their rows, and the objects that hold their lines (product.md §10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.backups import Backup
from chalicelib.domain.errors import AiqError
from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.waiting_pushes import PushLine


class ObjectBad(AiqError):
    """An object of a backup is missing, cut or altered."""

    code = "backup_bad"
    actor = "us"


class Backups(Protocol):
    """The rows of backups; a backup is named by account, platform and id."""

    def save(self, backup: Backup) -> Backup:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def get(self, uid: Uid, platform: Platform, backup: str) -> Backup:
        """Raises NotFound."""
        ...

    def of_source(self, uid: Uid, platform: Platform) -> list[Backup]:
        """All backups of a source, newest first."""
        ...

    def delete(self, backups: Iterable[Backup]) -> None: ...


@dataclass(frozen=True, slots=True)
class SourceSwitch:
    """All that turning *Use AIQ's last backup* on, or off, writes at once.

    `rules` and `card` at the versions they were read at; `pins`: backups as they are to be saved;
    `line`: what a POS pushed meanwhile, into which nothing may have come since.
    """

    rules: Rules
    card: Integration
    audit: AuditEntry | None = None
    pins: tuple[Backup, ...] = ()
    line: PushLine | None = None


class SourceSwitches(Protocol):
    def apply(self, switch: SourceSwitch) -> Integration:
        """Write all of it or nothing; returns the card. Raises StaleVersion."""
        ...


class BackupObjects(Protocol):
    """Objects by key, in the bucket of backups. Keys of an account begin with its uid."""

    def put(self, key: str, body: bytes) -> None: ...

    def get(self, key: str) -> bytes:
        """Raises ObjectBad when there is none."""
        ...

    def size(self, key: str) -> int | None:
        """Return how many bytes the object has, None when there is none."""
        ...

    def keys(self, prefix: str) -> list[str]: ...

    def delete(self, keys: Sequence[str]) -> None: ...
