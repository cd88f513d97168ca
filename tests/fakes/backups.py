"""Backups and their objects in memory, which can be lost, altered, or crash between two writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.backups import Backup
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.services.ports.backups import ObjectBad, SourceSwitch
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Integration
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook
from tests.fakes.waiting_pushes import MemoryWaitingPushes


class MemoryBackups:
    """`step` is called before each write."""

    def __init__(self, step: Callable[[], object] = do_nothing) -> None:
        self.rows: dict[tuple[str, str, str], Backup] = {}
        self._step = step

    def save(self, backup: Backup) -> Backup:
        self._step()
        self.check(backup)
        return self.put(backup)

    def check(self, backup: Backup) -> None:
        held = self.rows.get((backup.uid, backup.platform, backup.id))
        if (held.seq if held else 0) != backup.seq:
            raise StaleVersion("somebody else goes on with it")

    def put(self, backup: Backup) -> Backup:
        saved = replace(backup, seq=backup.seq + 1)
        self.rows[backup.uid, backup.platform, backup.id] = saved
        return saved

    def get(self, uid: str, platform: str, backup: str) -> Backup:
        if (uid, platform, backup) not in self.rows:
            raise NotFound("there is no such backup")
        return self.rows[uid, platform, backup]

    def of_source(self, uid: str, platform: str) -> list[Backup]:
        found = [b for (u, p, _), b in self.rows.items() if (u, p) == (uid, platform)]
        return sorted(found, key=lambda b: b.id, reverse=True)

    def delete(self, backups: Iterable[Backup]) -> None:
        for backup in backups:
            self._step()
            del self.rows[backup.uid, backup.platform, backup.id]


class MemoryObjects:
    def __init__(self, step: Callable[[], object] = do_nothing) -> None:
        self.bodies: dict[str, bytes] = {}
        self.puts = 0
        self._step = step

    def put(self, key: str, body: bytes) -> None:
        self._step()
        self.puts += 1
        self.bodies[key] = body

    def get(self, key: str) -> bytes:
        if key not in self.bodies:
            raise ObjectBad("An object of the backup is missing.")
        return self.bodies[key]

    def size(self, key: str) -> int | None:
        return len(self.bodies[key]) if key in self.bodies else None

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.bodies if key.startswith(prefix))

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._step()
            del self.bodies[key]


class MemorySwitches:
    def __init__(
        self,
        rules: MemoryRuleBook,
        integrations: MemoryIntegrations,
        backups: MemoryBackups,
        audit: MemoryAudit,
        step: Callable[[], object] = do_nothing,
        *,
        pushes: MemoryWaitingPushes | None = None,
    ) -> None:
        self._rules, self._integrations = rules, integrations
        self._pushes = pushes or MemoryWaitingPushes(rules)
        self._backups, self._audit, self._step = backups, audit, step

    def apply(self, switch: SourceSwitch) -> Integration:
        self._step()
        uid, card = switch.card.uid, switch.card
        held = self._integrations.get(uid, card.platform)
        if self._rules.get(uid).version != switch.rules.version:
            raise StaleVersion("the rules were changed meanwhile")
        if (held.version if held else 0) != card.version:
            raise StaleVersion("the integration was changed meanwhile")
        if switch.line and self._pushes.line(uid, card.platform).last != switch.line.last:
            raise StaleVersion("the POS pushed something meanwhile")
        for backup in switch.pins:
            self._backups.check(backup)
        self._rules.save(uid, switch.rules)
        for backup in switch.pins:
            self._backups.put(backup)
        if switch.audit:
            self._audit.record(uid, switch.audit)
        return self._integrations.save(card)
