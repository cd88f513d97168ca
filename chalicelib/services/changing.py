"""Preview a change of rules, and apply what was previewed (product.md §7, §8; ADR 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.records import Instant
from chalicelib.domain.times import MINUTE
from chalicelib.services.census import Census
from chalicelib.services.messages import ApplyMessage, PreviewMessage, further, went_on
from chalicelib.services.ports.accounts import AuditEntry
from chalicelib.services.ports.changes import (
    LOYALTY,
    Applied,
    Askable,
    Changes,
    Glimpses,
    Job,
    MovedOn,
    Preview,
    job_id,
)
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.facts import PersonaList
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.proposals import Members, Proposal, Proposals
from chalicelib.services.settings import settings_after
from chalicelib.services.terms import TermsReader

PAGE = 100
INLINE_SECONDS = 5.0
"""How long a request counts before a job goes on; API Gateway waits 29 s."""

GOOD_FOR = 30 * MINUTE
SMS_AFTER = 60 * MINUTE
"""Between applying and the first text: time to cancel."""

JOB_AFTER_SECONDS = 2
"""The job's message is sent before the change is written: a change without its job would never
reach anybody, a job without its change does nothing."""

TimeLeft = Callable[[], bool]

UNKNOWN = "There is no such token: here is a fresh preview."
USED = "This preview was applied already: here is a fresh one."
LATE = "This preview is too old: here is a fresh one."
OTHERS = "The token belongs to other values: here is a preview of these."
MOVED = "The rules or the card were changed since this preview: here is a fresh one."


class Previews:
    """Counts, inline as far as time allows, then on the jobs queue."""

    def __init__(
        self,
        *,
        changes: Changes,
        proposals: Proposals,
        glimpses: Glimpses,
        personas: PersonaList,
        askable: Askable,
        terms: TermsReader,
        jobs: JobQueue,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._proposals = proposals
        self._glimpses = glimpses
        self._personas = personas
        self._askable = askable
        self._terms = terms
        self._jobs = jobs
        self._ids = ids
        self._clock = clock

    def start(self, proposal: Proposal) -> Preview:
        """Count what the change would do; what is not counted in time goes on in the background."""
        preview = Preview(
            id=self._ids.new("prv"),
            uid=proposal.uid,
            subject=proposal.subject,
            changes=proposal.changes,
            rules_version=proposal.rules.version,
            settings_version=proposal.card.version if proposal.card else 0,
            secret=self._ids.new("tok"),
            made_at=self._clock.now(),
        )
        ends = self._clock.monotonic() + INLINE_SECONDS
        counted = self._count(preview, proposal, lambda: self._clock.monotonic() < ends)
        saved = self._changes.save_preview(counted)
        if saved.state == "counting":
            self._jobs.send(PreviewMessage(saved.uid, saved.id).body())
        return saved

    def get(self, uid: str, preview: str) -> Preview:
        """Raises NotFound."""
        return self._changes.preview(uid, preview)

    def handle(self, message: PreviewMessage, time_left: TimeLeft) -> int:
        """Go on counting; how many were counted by now. A late or double message does nothing."""
        try:
            preview = self._changes.preview(message.uid, message.preview)
        except NotFound:
            return 0
        if preview.state != "counting" or message.hop < preview.hop:
            return 0
        proposal = self._proposals.again(preview)
        if _moved(preview, proposal):
            counted = replace(preview, state="outdated")
        else:
            counted = self._count(preview, proposal, time_left)
        if counted.state == "counting":
            counted = replace(counted, hop=further(message.hop))
            self._jobs.send(PreviewMessage(message.uid, message.preview, counted.hop).body())
        try:
            self._changes.save_preview(counted)
        except StaleVersion:
            return 0
        return counted.counts.personas

    def _count(self, preview: Preview, proposal: Proposal, time_left: TimeLeft) -> Preview:
        terms = replace(self._terms.today(preview.uid), rules=proposal.wanted)
        census = Census(self._glimpses, self._askable, proposal, terms)
        while True:
            ids, following = self._personas.in_turn(preview.uid, PAGE, preview.after)
            counts = census.page(ids, preview.counts) if ids else preview.counts
            after = went_on(preview.after, following)
            preview = replace(preview, counts=counts, after=after)
            if after is None:
                return replace(preview, state="ready", ready_at=self._clock.now())
            if not time_left():
                return preview


class Changing:
    """Applies what was previewed: one transaction, then a job."""

    def __init__(
        self,
        *,
        changes: Changes,
        previews: Previews,
        jobs: JobQueue,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._previews = previews
        self._jobs = jobs
        self._clock = clock

    def apply(
        self, proposal: Proposal, token: str, version: int, members: Members, *, actor: str
    ) -> Job:
        """Put the change into force and queue its background work.

        `version`: of the card, or of the rules for loyalty, as the caller saw it. Raises
        StaleVersion; Conflict with the id of a fresh preview in `details["preview"]` when the token
        is not good for exactly this change now.
        """
        current = proposal.card.version if proposal.card else proposal.rules.version
        if version != current:
            raise StaleVersion("It was changed meanwhile: read it again.")
        preview = self._redeemed(proposal, token)
        try:
            return self._write(proposal, preview, members, actor)
        except MovedOn:
            raise self._refused(MOVED, proposal) from None

    def preview(self, proposal: Proposal) -> tuple[Preview, tuple[str, ...]]:
        """What the change would do, and what it sets beside what was asked for."""
        return self._previews.start(proposal), proposal.notes

    def apply_unasked(self, proposal: Proposal, *, actor: str) -> Job:
        """Put a change into force that takes back what nobody has felt yet. Raises Conflict."""
        try:
            return self._write(proposal, None, "keep", actor)
        except MovedOn:
            raise Conflict("The rules were changed at the same moment: try again.") from None

    def job(self, uid: str, job: str) -> Job:
        """Raises NotFound."""
        return self._changes.job(uid, job)

    def latest_job(self, uid: str) -> Job | None:
        return self._changes.latest_job(uid)

    def _redeemed(self, proposal: Proposal, token: str) -> Preview:
        name, _, secret = token.partition(".")
        try:
            preview = self._previews.get(proposal.uid, name)
        except NotFound:
            raise self._refused(UNKNOWN, proposal) from None
        if (why := self._why_not(preview, secret, proposal)) is not None:
            raise self._refused(why, proposal)
        return preview

    def _why_not(self, preview: Preview, secret: str, proposal: Proposal) -> str | None:
        if secret != preview.secret or preview.ready_at is None:
            return UNKNOWN
        if preview.used:
            return USED
        if self._clock.now() > preview.ready_at + GOOD_FOR:
            return LATE
        if preview.subject != proposal.subject or preview.changes != proposal.changes:
            return OTHERS
        return MOVED if _moved(preview, proposal) else None

    def _refused(self, why: str, proposal: Proposal) -> Conflict:
        return Conflict(why, preview=self._previews.start(proposal).id)

    def _write(
        self, proposal: Proposal, preview: Preview | None, members: Members, actor: str
    ) -> Job:
        now, rules = self._clock.now(), proposal.keeping(members)
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
        applied = Applied(
            rules=rules,
            job=job,
            audit=_audit(proposal, job, preview, members),
            integration=_card_after(proposal, now),
            preview=preview,
        )
        message = ApplyMessage(job.uid, job.id)
        self._jobs.send(message.body(), delay_seconds=JOB_AFTER_SECONDS)
        self._changes.apply(applied)
        return job


def token_of(preview: Preview) -> str | None:
    """What applying needs; None before all are counted."""
    return f"{preview.id}.{preview.secret}" if preview.state == "ready" else None


def valid_until(preview: Preview) -> Instant | None:
    """When its token ends."""
    return None if preview.ready_at is None else preview.ready_at + GOOD_FOR


def _moved(preview: Preview, proposal: Proposal) -> bool:
    settings_version = proposal.card.version if proposal.card else 0
    versions = preview.rules_version, preview.settings_version
    return versions != (proposal.rules.version, settings_version)


def _card_after(proposal: Proposal, now: Instant) -> Integration | None:
    card, changes = proposal.card, proposal.changes
    if card is None:
        return None
    shown = {name: value for name, value in changes.items() if name != "trusts_opt_in_flags"}
    after = replace(card, settings=settings_after(card, shown))
    if changes.get("sms_opt_in_after") is not None:
        before = card.settings.get("sms_opt_in_after")
        after = replace(
            after,
            sms_from=now + SMS_AFTER,
            sms_stopped=False,
            sms_before=before if isinstance(before, str) else None,
        )
    return after


def _audit(proposal: Proposal, job: Job, preview: Preview | None, members: Members) -> AuditEntry:
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
