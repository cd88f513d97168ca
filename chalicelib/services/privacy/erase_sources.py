"""Erase shoppers from what is kept of a source's history, the facts log and pinned backups, and
from what its POS pushed that waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.freezing.clean_backup import clean_backup
from chalicelib.services.freezing.erased_lines import ErasedLines
from chalicelib.services.freezing.take_backup import ABANDONED_AFTER, TakeBackup, TimeLeft
from chalicelib.services.ports.backups import ObjectBad
from chalicelib.services.ports.integrations import Integrations
from chalicelib.services.ports.waiting_pushes import WaitingPushes


@dataclass(frozen=True, slots=True)
class EraseSources:
    """Every step may be done again; one that finds nothing changes nothing."""

    taking: TakeBackup
    integrations: Integrations
    pushes: WaitingPushes

    def platforms(self, uid: Uid) -> list[Platform]:
        """The platforms of which anything may be kept, in their order."""
        return sorted(card.platform for card in self.integrations.for_account(uid))

    def erase_from_log(
        self,
        uid: Uid,
        platform: Platform,
        after: str,
        tombstones: Tombstones,
        time_left: TimeLeft,
    ) -> tuple[str | None, int]:
        """See `FactsLog.rewrite`."""
        erased = ErasedLines(uid, platform, tombstones, self.taking.lines)
        return self.taking.log.rewrite(uid, platform, after, erased.change, time_left)

    def find_pushes(self, uid: Uid, platform: Platform, traces: Traces) -> list[dict[str, Any]]:
        """See `WaitingPushes.find`."""
        return self.pushes.find(uid, platform, traces)

    def erase_from_pushes(self, uid: Uid, platform: Platform, traces: Traces) -> int:
        """See `WaitingPushes.erase`."""
        return self.pushes.erase(uid, platform, traces)

    def is_busy(self, uid: Uid, platform: Platform) -> bool:
        """Whether a backup of the source is being taken, or its facts are being put back: both read
        objects that must not change meanwhile."""
        card = self.integrations.get(uid, platform)
        if card is not None and card.frozen is not None and card.frozen.rolling is not None:
            return True
        now = self.taking.clock.now()
        return any(
            backup.state == "building" and now - backup.heartbeat_at <= ABANDONED_AFTER
            for backup in self.taking.backups.of_source(uid, platform)
        )

    def erase_from_backups(self, uid: Uid, platform: Platform, tombstones: Tombstones) -> int:
        """Rewrite the backups that somebody pinned, and where facts stood that were put back.
        Return how many were rewritten."""
        taking = self.taking
        rewritten = 0
        for backup in taking.backups.of_source(uid, platform):
            if backup.state != "verified" or not (backup.pinned_by or backup.kind == "ahead"):
                continue
            try:
                rewritten += clean_backup(taking, backup, tombstones) is not backup
            except ObjectBad:  # what cannot be read shows nobody; freezing says what to do
                continue
        return rewritten

    def remove_unnamed(self, uid: Uid, platform: Platform) -> None:
        """Delete the objects that no backup names any more."""
        self.taking.prune(uid, platform)
