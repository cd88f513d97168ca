"""Take the backup of every source of an account, as a part of its audience run (product.md §10)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import BackupKind, Uid
from chalicelib.services.freezing.take_backup import TakeBackup, TimeLeft
from chalicelib.services.ports.audiences import AudienceRuns
from chalicelib.services.ports.integrations import Integrations


@dataclass(frozen=True, slots=True)
class RunBackups:
    """The `TakesBackups` port."""

    taking: TakeBackup
    integrations: Integrations
    runs: AudienceRuns

    def take(self, uid: Uid, run: str, time_left: TimeLeft) -> bool:
        """Take the backups of this run, or go on with them; whether all are taken."""
        trigger = self.runs.run(uid, run).trigger
        kind: BackupKind = "nightly" if trigger == "night" else "on_demand"
        return all(
            self.taking.take(uid, card.platform, run, kind, time_left)
            for card in self.integrations.for_account(uid)
            if card.state != "draft"
        )
