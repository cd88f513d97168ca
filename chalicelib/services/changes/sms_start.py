"""*Cancel* a source's opt-in requests until the first may go out, *Stop* them any time (§7)."""

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
    """Stops or cancels the double opt-in requests of a source for a person."""

    integrations: Integrations
    proposals: Proposals
    changing: ApplyChange
    audit: Audit
    clock: Clock

    def stop(self, uid: Uid, platform: Platform, version: int, *, actor: str) -> Integration:
        """Stop the messages of this source: nothing more is sent until the setting is applied anew.

        Returns the card. Raises StaleVersion, Conflict where no messages are planned.
        """
        card = self._card_with_messages(uid, platform)
        if card.sms_stopped:
            return card
        stopped = replace(card, sms_stopped=True, version=version)
        saved = self.integrations.save(stopped)
        now = self.clock.now()
        self.audit.record(uid, AuditEntry(now, actor, "sms.stopped", platform))
        return saved

    def cancel(self, uid: Uid, platform: Platform, *, actor: str) -> Job:
        """Put the setting back to its value before, while nothing was sent yet; return the job.

        Raises Conflict once messages may have gone out, or where none are planned.
        """
        card = self._card_with_messages(uid, platform)
        if card.sms_from is not None and card.sms_from <= self.clock.now():
            raise Conflict(BEGUN)
        before = None if card.sms_before is None else date.fromisoformat(card.sms_before)
        proposal = self.proposals.settings(uid, platform, {SMS_OPT_IN_AFTER: before})
        return self.changing.apply_unasked(proposal, actor=actor)

    def _card_with_messages(self, uid: Uid, platform: Platform) -> Integration:
        card = self.integrations.get(uid, platform)
        if card is None or card.settings.get(SMS_OPT_IN_AFTER) is None:
            raise Conflict(NOTHING_WAITS)
        return card
