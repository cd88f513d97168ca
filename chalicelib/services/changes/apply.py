"""Put what was previewed into force: one transaction, then a job (product.md §7, §8; ADR 13)."""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.settings import SMS_OPT_IN_AFTER, TRUST_FLAGS, card_settings
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant, MembersChoice
from chalicelib.services.changes.preview import GOOD_FOR, PreviewChange, is_outdated
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.integrations.settings import settings_after
from chalicelib.services.job_messages.account_jobs import ApplyMessage
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.changes import (
    LOYALTY,
    AppliedChange,
    ChangedMeanwhile,
    Changes,
    Job,
    Preview,
    job_id,
)
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.integrations import FlagTrust, Integration
from chalicelib.services.ports.texting import TextingSettings

JOB_AFTER_SECONDS = 2
"""The job's message is sent before the change is written: a change without its job would never
reach anybody, a job without its change does nothing."""

UNKNOWN = "There is no such token: preview the change first."
USED = "This preview was applied already: here is a fresh one."
LATE = "This preview is too old: here is a fresh one."
OTHERS = "The token belongs to other values: here is a preview of these."
MOVED = "The rules or the card were changed since this preview: here is a fresh one."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyChange:
    """Applies what was previewed: writes it in one transaction, then leaves the rest to a job."""

    changes: Changes
    previews: PreviewChange
    texting: TextingSettings
    jobs: JobQueue
    clock: Clock

    def apply(
        self, proposal: Proposal, token: str, version: int, members: MembersChoice, *, actor: str
    ) -> Job:
        """Put the change into force and queue its background work.

        `version`: of the card, or of the rules for loyalty, as the caller saw it. Raises
        StaleVersion; Conflict when the token is not good for exactly this change now, with the id
        of a fresh preview in `details["preview"]` if it ever was a token: others cost no count.
        """
        _must_be_current(version, proposal)
        preview = self.require_token(proposal, token)
        try:
            return self._write(proposal, preview, members, actor)
        except ChangedMeanwhile:
            raise self._refusal(MOVED, proposal) from None

    def preview(self, proposal: Proposal) -> tuple[Preview, tuple[str, ...]]:
        """Start a preview of the change; with it, notes of what it sets beside what was asked."""
        return self.previews.start(proposal), proposal.notes

    def apply_unasked(self, proposal: Proposal, *, actor: str, version: int | None = None) -> Job:
        """Put a change into force that needs no preview, and queue its background work.

        `version`: of the card, where the caller saw one. Raises StaleVersion when it is another by
        now, Conflict when the rules were changed at the same moment.
        """
        if version is not None:
            _must_be_current(version, proposal)
        try:
            return self._write(proposal, None, "keep", actor)
        except ChangedMeanwhile:
            raise Conflict("The rules were changed at the same moment: try again.") from None

    def require_token(self, proposal: Proposal, token: str) -> Preview:
        """Return the preview of a token that is good for exactly this change now.

        Raises Conflict, with the id of a fresh preview in `details` if it ever was a token.
        """
        name, _, secret = token.partition(".")
        try:
            preview = self.changes.preview(proposal.uid, name)
        except NotFound:
            raise Conflict(UNKNOWN) from None
        if preview.ready_at is None or not hmac.compare_digest(
            secret.encode(errors="replace"), preview.secret.encode()
        ):
            raise Conflict(UNKNOWN)
        if (reason := self._objection(preview, preview.ready_at, proposal)) is not None:
            raise self._refusal(reason, proposal)
        return preview

    def _objection(self, preview: Preview, ready_at: Instant, proposal: Proposal) -> str | None:
        if preview.used:
            return USED
        if self.clock.now() > ready_at + GOOD_FOR:
            return LATE
        if preview.subject != proposal.subject or preview.changes != proposal.changes:
            return OTHERS
        return MOVED if is_outdated(preview, proposal) else None

    def _refusal(self, reason: str, proposal: Proposal) -> Conflict:
        return Conflict(reason, preview=self.previews.start(proposal).id)

    def _write(
        self, proposal: Proposal, preview: Preview | None, members: MembersChoice, actor: str
    ) -> Job:
        now = self.clock.now()
        rules = proposal.rules_with_keeps(members, now)
        job = Job(
            id=job_id(rules.version + 1),
            uid=proposal.uid,
            subject=proposal.subject,
            rules_version=rules.version + 1,
            actor=actor,
            changes=proposal.changes,
            before=proposal.before,
            made_at=now,
            total=preview.counts.personas if preview else 0,
        )
        applied = AppliedChange(
            rules=rules,
            job=job,
            audit=_audit(proposal, job, preview, members),
            integration=self._card_after(proposal, actor, now),
            preview=preview,
        )
        message = ApplyMessage(job.uid, job.id)
        self.jobs.send(message.body(), delay_seconds=JOB_AFTER_SECONDS)
        self.changes.apply(applied)
        return job

    def _card_after(self, proposal: Proposal, actor: str, now: Instant) -> Integration | None:
        """The card as the change leaves it; None for loyalty rules."""
        card, changes = proposal.card, proposal.changes
        if card is None:
            return None
        listed = {row.key: changes[row.key] for row in card_settings() if row.key in changes}
        after = replace(card, settings=settings_after(card, listed))
        if TRUST_FLAGS in changes:
            trust = card.flag_trust or FlagTrust(actor, now)
            after = replace(after, flag_trust=trust if changes[TRUST_FLAGS] else None)
        if SMS_OPT_IN_AFTER not in changes:
            return after
        if changes[SMS_OPT_IN_AFTER] is None:
            # The job takes back the requests that wait; until it has, nothing goes out.
            return replace(after, sms_from=None, sms_stopped=True, sms_before=None)
        before = card.settings.get(SMS_OPT_IN_AFTER)
        time_to_cancel = self.texting.get(proposal.uid).start_after_minutes * MINUTE
        return replace(
            after,
            sms_from=now + time_to_cancel,
            sms_stopped=False,
            sms_before=before if isinstance(before, str) else None,
        )


def _must_be_current(version: int, proposal: Proposal) -> None:
    current = proposal.card.version if proposal.card else proposal.rules.version
    if version != current:
        raise StaleVersion("It was changed meanwhile: read it again.")


def _audit(
    proposal: Proposal, job: Job, preview: Preview | None, members: MembersChoice
) -> AuditEntry:
    counts: dict[str, object] = {}
    if preview is not None:
        counts = {k: v for k, v in asdict(preview.counts).items() if k != "largest" and v}
    loyalty = proposal.subject == LOYALTY
    return AuditEntry(
        at=job.made_at,
        actor=job.actor,
        action="loyalty.changed" if loyalty else "settings.changed",
        subject=proposal.subject,
        before=dict(job.before),
        after={**job.changes, "members": members, "counts": counts, "job": job.id},
    )
