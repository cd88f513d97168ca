"""When double opt-in requests of a source may go out: *Cancel* until then, *Stop* any time (§7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from chalicelib.domain.errors import Conflict
from chalicelib.domain.settings import SMS_OPT_IN_AFTER
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.changes.apply import ApplyChange
from chalicelib.services.changes.propose import Proposals
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.changes import Job
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integration, Integrations

NOTHING_WAITS = "No messages wait to be sent for this source."
BEGUN = "The messages have begun to go out: use Stop."


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsControl:
    """What a person does about messages that are planned or going out."""

    integrations: Integrations
    proposals: Proposals
    changing: ApplyChange
    audit: Audit
    clock: Clock

    def stop(self, uid: Uid, platform: Platform, version: int, *, actor: str) -> Integration:
        """Nothing more is sent; applying the setting again starts anew. Raises StaleVersion,
        Conflict."""
        card = self._planned(uid, platform)
        if card.sms_stopped:
            return card
        stopped = replace(card, sms_stopped=True, version=version)
        saved = self.integrations.save(stopped)
        now = self.clock.now()
        self.audit.record(uid, AuditEntry(now, actor, "sms.stopped", platform))
        return saved

    def cancel(self, uid: Uid, platform: Platform, *, actor: str) -> Job:
        """Take the setting back before anything was sent: it is again what it was before. Raises
        Conflict once messages may have gone out."""
        card = self._planned(uid, platform)
        if card.sms_from is not None and card.sms_from <= self.clock.now():
            raise Conflict(BEGUN)
        before = None if card.sms_before is None else date.fromisoformat(card.sms_before)
        proposal = self.proposals.settings(uid, platform, {SMS_OPT_IN_AFTER: before})
        return self.changing.apply_unasked(proposal, actor=actor)

    def _planned(self, uid: Uid, platform: Platform) -> Integration:
        card = self.integrations.get(uid, platform)
        if card is None or card.settings.get(SMS_OPT_IN_AFTER) is None:
            raise Conflict(NOTHING_WAITS)
        return card
