"""Count what a change of rules would do before anybody decides (product.md §7, §8; ADR 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.times import MINUTE, SECOND
from chalicelib.domain.words import Instant
from chalicelib.services.changes.count import CountChange
from chalicelib.services.changes.count_derived import CountDerived, page_of_whole_names
from chalicelib.services.changes.propose import Proposal, Proposals
from chalicelib.services.derivation.stages.sales import TellsZone
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import PreviewMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.ports.changes import (
    ACCOUNT,
    STORE,
    Askable,
    Changes,
    Preview,
    PreviewReads,
)
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.persona_list import PersonaList

PAGE = 100
INLINE_SECONDS = 5.0
"""How long a request counts before a job goes on; API Gateway waits 29 s."""

SHOWN_EVERY_SECONDS = 2.0
"""How often a count in the background shows how far it is."""

GOOD_FOR = 30 * MINUTE
"""How long a token is good once all are counted."""

SAME_FOR = MINUTE
"""How long the same question gets the same preview instead of another count."""

SETTLE_SECONDS = 2
"""How long the background leaves a preview alone that no request could begin: of many at once only
the last is counted."""

GIVEN_UP_AFTER = 30 * SECOND
"""A request ends within 29 s: one that counted and died keeps the others from it no longer."""

TimeLeft = Callable[[], bool]


class ProposesAgain(Protocol):
    def again(self, preview: Preview) -> Proposal:
        """Propose once more what a preview is of. Raises Conflict, NotFound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewChange:
    """Counts what a change would do, in the request as far as time allows, then by jobs."""

    changes: Changes
    proposals: Proposals
    terms_proposals: ProposesAgain
    facts: FactStore
    tells_zone: TellsZone
    preview_reads: PreviewReads
    personas: PersonaList
    askable: Askable
    terms: TermsReader
    jobs: JobQueue
    ids: Ids
    clock: Clock

    def start(self, proposal: Proposal) -> Preview:
        """Count what the change would do, and return the preview as far as it is counted.

        What is not counted within `INLINE_SECONDS` goes on in the background, and all of it where
        another request of the account counts. A subject has one live preview: an older one is
        counted no further, and whoever asks for the same within a minute gets the same.
        """
        if (same := self._same_as_before(proposal)) is not None:
            return same
        preview = Preview(
            id=self.ids.new("prv"),
            uid=proposal.uid,
            subject=proposal.subject,
            changes=proposal.changes,
            rules_version=proposal.rules.version,
            settings_version=proposal.settings_version,
            secret=self.ids.new("tok"),
            made_at=self.clock.now(),
        )
        saved = self.changes.save_preview(self._begin(preview, proposal))
        if saved.state == "counting":
            delay = 0 if saved.after else SETTLE_SECONDS
            self.jobs.send(PreviewMessage(saved.uid, saved.id).body(), delay_seconds=delay)
        return saved

    def _same_as_before(self, proposal: Proposal) -> Preview | None:
        """Return the subject's live preview where it is of the same change, and a moment old."""
        live = self.changes.live_preview(proposal.uid, proposal.subject)
        if live is None:
            return None
        try:
            preview = self.changes.preview(proposal.uid, live)
        except NotFound:
            return None
        is_same = preview.changes == proposal.changes and not is_outdated(preview, proposal)
        is_new = self.clock.now() - preview.made_at < SAME_FOR
        is_good = preview.state != "outdated" and not preview.used
        return preview if is_same and is_new and is_good else None

    def _begin(self, preview: Preview, proposal: Proposal) -> Preview:
        """Count in the request, as far as time allows and if no other request counts."""
        now = self.clock.now()
        if not self.changes.make_live(preview, now, now + GIVEN_UP_AFTER):
            return preview
        ends = self.clock.monotonic() + INLINE_SECONDS
        try:
            return self._count(preview, proposal, lambda: self.clock.monotonic() < ends)
        finally:
            self.changes.end_counting(preview)

    def handle(self, message: PreviewMessage, time_left: TimeLeft) -> int:
        """Go on counting, and return how many personas are counted by now.

        A late or double message does nothing and returns 0.
        """
        try:
            preview = self.changes.preview(message.uid, message.preview)
        except NotFound:
            return 0
        if preview.state != "counting" or message.hop < preview.hop:
            return 0
        if self._is_replaced(preview):
            preview = replace(preview, state="outdated")
        try:
            counted = preview
            if preview.state == "counting":
                counted = self._continue(preview, time_left)
            if counted.state == "counting":
                counted = replace(counted, hop=next_hop(message.hop))
                onward = PreviewMessage(message.uid, message.preview, counted.hop)
                self.jobs.send(onward.body())
            return self.changes.save_preview(counted).counts.personas
        except StaleVersion:  # another worker has the same message, and is ahead
            return 0

    def _continue(self, preview: Preview, time_left: TimeLeft) -> Preview:
        """Count as far as time allows, and save the progress every `SHOWN_EVERY_SECONDS`."""
        try:
            proposal = self._again(preview)
        except (Conflict, NotFound):  # what was asked for cannot be had any more
            return replace(preview, state="outdated")
        if is_outdated(preview, proposal):
            return replace(preview, state="outdated")
        while True:
            until = self.clock.monotonic() + SHOWN_EVERY_SECONDS

            def before_saving(until: float = until) -> bool:
                return time_left() and self.clock.monotonic() < until

            preview = self._count(preview, proposal, before_saving)
            if preview.state != "counting" or not time_left():
                return preview
            preview = self.changes.save_preview(preview)
            if self._is_replaced(preview):
                return replace(preview, state="outdated")

    def _is_replaced(self, preview: Preview) -> bool:
        """Whether somebody asked for another preview of the subject since."""
        live = self.changes.live_preview(preview.uid, preview.subject)
        return live is not None and live != preview.id

    def _count(self, preview: Preview, proposal: Proposal, time_left: TimeLeft) -> Preview:
        counting = self._counting(proposal)
        while True:
            ids, following = self._page(proposal, preview.after)
            counts = counting.page(ids, preview.counts) if ids else preview.counts
            after = next_position(preview.after, following)
            preview = replace(preview, counts=counts, after=after)
            if after is None:
                return replace(preview, state="ready", ready_at=self.clock.now())
            if not time_left():
                return preview

    def _again(self, preview: Preview) -> Proposal:
        is_of_terms = preview.subject == ACCOUNT or preview.subject.startswith(STORE)
        proposals = self.terms_proposals if is_of_terms else self.proposals
        return proposals.again(preview)

    def _counting(self, proposal: Proposal) -> CountChange | CountDerived:
        terms = replace(self.terms.current(proposal.uid), rules=proposal.rules_with_keeps("let_go"))
        if proposal.terms is not None:
            terms = proposal.terms.under(terms)
        elif not proposal.moves_markets:
            return CountChange(self.preview_reads, self.askable, proposal, terms)
        return CountDerived(self.facts, self.tells_zone, self.askable, proposal, terms)

    def _page(self, proposal: Proposal, after: str | None) -> tuple[list[str], str | None]:
        uid = proposal.uid
        if proposal.joins_by_name:
            return page_of_whole_names(self.personas, self.preview_reads, uid, PAGE, after)
        return self.personas.in_turn(uid, PAGE, after)


def token_of(preview: Preview) -> str | None:
    """The token that applying needs; None before all personas are counted."""
    return f"{preview.id}.{preview.secret}" if preview.state == "ready" else None


def valid_until(preview: Preview) -> Instant | None:
    """Until when the preview's token is good; None before all personas are counted."""
    return None if preview.ready_at is None else preview.ready_at + GOOD_FOR


def is_outdated(preview: Preview, proposal: Proposal) -> bool:
    """Whether the rules, or what the preview is of, were changed since it was made."""
    versions = preview.rules_version, preview.settings_version
    return versions != (proposal.rules.version, proposal.settings_version)
