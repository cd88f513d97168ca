"""Take the backup of every source of an account, as a part of its audience run (product.md §10)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import BackupKind, Uid
from chalicelib.services.freezing.take_backup import TakeBackup, TimeLeft
from chalicelib.services.job_messages.account_jobs import PurgeMessage
from chalicelib.services.ports.audiences import AudienceRuns
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.integrations import Integrations


@dataclass(frozen=True, slots=True)
class RunBackups:
    """The `TakesBackups` port."""

    taking: TakeBackup
    integrations: Integrations
    runs: AudienceRuns
    jobs: JobQueue

    def take(self, uid: Uid, run: str, time_left: TimeLeft) -> bool:
        """Take the backups of this run, or go on with them; whether all are taken."""
        self._purge_what_is_due(uid)
        trigger = self.runs.run(uid, run).trigger
        kind: BackupKind = "nightly" if trigger == "night" else "on_demand"
        return all(
            self.taking.take(uid, card.platform, run, kind, time_left)
            for card in self.integrations.for_account(uid)
            if card.state != "draft"
        )

    def _purge_what_is_due(self, uid: Uid) -> None:
        """Have the data of sources deleted for good whose removal can be undone no more."""
        for card in self.integrations.for_account(uid):
            frozen = card.frozen
            if frozen is None or not frozen.removes or frozen.gone_at is None:
                continue
            if frozen.gone_at <= self.taking.clock.now():
                self.jobs.send(PurgeMessage(uid, card.platform, frozen.at).body())
