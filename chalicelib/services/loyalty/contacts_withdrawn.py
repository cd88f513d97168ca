"""Contacts that a listing blanks: few are taken over at its end, many wait for a person (§6).

A commit of a run stores the telling of a shopper who lost a contact beside the record, which stays
as it is (`SourceRecord.withheld`), and the run notes the record. At the end of the customers
listing the notes are judged. What waits is decided by the tellings beside the records alone: who
got the contact back meanwhile has none, so that a note may name too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.listing_checks import are_contacts_withdrawn
from chalicelib.domain.part_size import PartSize
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.account_jobs import TakeOverMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.loyalty.members_left import LeaverNotes
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.commits import Committed
from chalicelib.services.ports.common import Clock, JobQueue, do_nothing
from chalicelib.services.ports.contacts_withdrawn import (
    BlankedRow,
    Withdrawal,
    Withdrawals,
    WithdrawalState,
    WithheldNote,
)
from chalicelib.services.ports.pos import PosGateway

SHOPPERS_A_NOTE = 500
"""Shoppers in one note of a withdrawal."""

KEPT = "kept#"
"""Begins the places of the notes of a withdrawal."""

NOTHING_WAITS = "No contacts wait to be taken over."
BEING_TAKEN_OVER = "These contacts are being taken over already."


@dataclass(frozen=True, slots=True)
class CustomerListing:
    """A run's listing of customers, read to its end. `shoppers`: its rows that could be used;
    `full`: it is of everybody whom the POS has."""

    uid: Uid
    platform: Platform
    scope: ScopeId
    run: str
    shoppers: int
    full: bool


@dataclass(frozen=True, slots=True)
class WithdrawalNotice:
    """Raises, refreshes or clears the notification of what waits for a decision."""

    withdrawals: Withdrawals
    gateway: PosGateway
    notifier: Notifier

    def refresh(self, uid: Uid, platform: Platform) -> None:
        known = self.withdrawals.of_source(uid, platform)
        shoppers = sum(one.shoppers for one in known if one.state == "pending")
        if not shoppers:
            self.notifier.clear(uid, "contacts_withdrawn", platform)
            return
        title = self.gateway.platform(platform).title
        self.notifier.raise_(uid, "contacts_withdrawn", platform, title=title, shoppers=shoppers)


@dataclass(frozen=True, slots=True)
class ContactJudge:
    """Notes what the pages of a listing withheld, and judges it at the listing's end."""

    withdrawals: Withdrawals
    commits: FactCommits
    notice: WithdrawalNotice

    def waiting_records(self, uid: Uid, platform: Platform, scope: ScopeId) -> frozenset[str]:
        """Return the records of the scope that wait for a decision or were dismissed."""
        known = self.withdrawals.of_source(uid, platform)
        return frozenset(
            record
            for one in known
            if one.scope == scope
            for record in _records(self.withdrawals.notes(uid, one.run))
        )

    def judge(
        self,
        listing: CustomerListing,
        taken: Callable[[Committed], None],
        while_waiting: Callable[[], None] = do_nothing,
    ) -> list[BlankedRow]:
        """Take over what the listing withheld, or have it wait for a person where it is too much.

        `taken` hears of each commit, and may raise to have the rest judged later: judged again,
        everything comes out the same. `while_waiting`: see `FactCommits.commit`. Returns all that
        is settled now, for the run's manifest.
        """
        uid, run = listing.uid, listing.run
        notes = self.withdrawals.notes(uid, run)
        if not notes:
            return []
        last = _last_told(notes)
        blanked = [row for row in last.values() if row is not None]
        known = self.withdrawals.of_source(uid, listing.platform)
        earlier = {
            one: _records(self.withdrawals.notes(uid, one.run))
            for one in known
            if one.scope == listing.scope and one.run != run
        }
        new = [row for row in blanked if not any(row.record in ids for ids in earlier.values())]
        restored = {record for record, row in last.items() if row is None}
        self._restore(listing, restored, earlier)
        if any(one.run == run for one in known):
            # A worker judged this run and died before it dropped the notes of the run's pages.
            self.withdrawals.forget(uid, run, [n.place for n in notes if _is_of_a_page(n)])
        elif _is_withdrawn(listing, last, len(new), earlier):
            self._withhold(listing, new, notes)
        else:
            for committed in _taken_over(self.commits, uid, new, while_waiting):
                taken(committed)
        if known or restored or self.withdrawals.of_source(uid, listing.platform):
            self.notice.refresh(uid, listing.platform)
        self.forget(uid, listing.platform, run)
        return blanked

    def forget(self, uid: Uid, platform: Platform, run: str) -> None:
        """Delete a run's notes, unless a withdrawal needs them."""
        if any(one.run == run for one in self.withdrawals.of_source(uid, platform)):
            return
        self.withdrawals.forget(uid, run, [n.place for n in self.withdrawals.notes(uid, run)])

    def _withhold(
        self, listing: CustomerListing, new: Sequence[BlankedRow], notes: Iterable[WithheldNote]
    ) -> None:
        """Make what is new a withdrawal of its own; its notes name it and nothing else."""
        if not new:
            return
        uid, run = listing.uid, listing.run
        kept = [
            WithheldNote(f"{KEPT}{number:06d}", tuple(batch))
            for number, batch in enumerate(_batches(new))
        ]
        for note in kept:
            self.withdrawals.note(uid, run, note)
        places = {note.place for note in notes} - {note.place for note in kept}
        self.withdrawals.forget(uid, run, sorted(places))
        added = Withdrawal(run, listing.scope, "pending", len(new))
        _change(self.withdrawals, uid, listing.platform, lambda known: [*known, added])

    def _restore(
        self,
        listing: CustomerListing,
        restored: AbstractSet[str],
        earlier: Mapping[Withdrawal, AbstractSet[str]],
    ) -> None:
        """Take those who have their contacts back out of the withdrawals."""
        for one, records in earlier.items():
            left = records - restored
            if one.state != "taking over" and len(left) != one.shoppers:
                self._keep_only(listing, one.run, left)

    def _keep_only(self, listing: CustomerListing, run: str, left: AbstractSet[str]) -> None:
        """The notes come first: while they and the withdrawal differ, it is done again."""
        for note in self.withdrawals.notes(listing.uid, run):
            kept = tuple(row for row in note.withheld if row.record in left)
            if not kept:
                self.withdrawals.forget(listing.uid, run, [note.place])
            elif kept != note.withheld:
                self.withdrawals.note(listing.uid, run, note._replace(withheld=kept))

        def without(known: Sequence[Withdrawal]) -> list[Withdrawal]:
            fewer = [
                replace(one, shoppers=len(left))
                if one.run == run and one.state != "taking over"
                else one
                for one in known
            ]
            return [one for one in fewer if one.shoppers]

        _change(self.withdrawals, listing.uid, listing.platform, without)


@dataclass(frozen=True, slots=True)
class WithdrawalChoice:
    """Carries out what a person decides about withdrawn contacts."""

    withdrawals: Withdrawals
    notice: WithdrawalNotice
    jobs: JobQueue
    audit: Audit
    clock: Clock

    def decide(self, uid: Uid, platform: Platform, choice: str, *, actor: str) -> int:
        """Take them over (`apply`) or keep the shoppers as they are (`dismiss`); return how many
        shoppers it is about.

        Raises NotFound for another choice, Conflict if nothing waits.
        """
        if choice == "apply":
            return self.apply(uid, platform, actor=actor)
        if choice == "dismiss":
            return self.dismiss(uid, platform, actor=actor)
        raise NotFound("There is nothing here.")

    def apply(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Have a job take over what waits; once more, while it is at work, sends it again.

        Raises Conflict if nothing waits.
        """
        before = self._move(uid, platform, "taking over")
        waiting = [one for one in before if one.state == "pending"]
        chosen = waiting or [one for one in before if one.state == "taking over"]
        if not chosen:
            self.notice.refresh(uid, platform)
            raise Conflict(NOTHING_WAITS)
        self.jobs.send(TakeOverMessage(uid, platform).body())
        return self._record(uid, platform, "contacts.taken_over", chosen, actor, new=bool(waiting))

    def dismiss(self, uid: Uid, platform: Platform, *, actor: str) -> int:
        """Let the shoppers keep their contacts while the POS goes on without them.

        Raises Conflict if nothing waits.
        """
        before = self._move(uid, platform, "dismissed")
        chosen = [one for one in before if one.state == "pending"]
        if not chosen:
            self.notice.refresh(uid, platform)
            taking = any(one.state == "taking over" for one in before)
            raise Conflict(BEING_TAKEN_OVER if taking else NOTHING_WAITS)
        return self._record(uid, platform, "contacts.dismissed", chosen, actor, new=True)

    def _move(self, uid: Uid, platform: Platform, state: WithdrawalState) -> list[Withdrawal]:
        """Bring all that is pending into a state; return the withdrawals as they were before."""
        return _change(
            self.withdrawals,
            uid,
            platform,
            lambda known: [
                replace(one, state=state) if one.state == "pending" else one for one in known
            ],
        )

    def _record(
        self,
        uid: Uid,
        platform: Platform,
        action: str,
        chosen: Sequence[Withdrawal],
        actor: str,
        *,
        new: bool,
    ) -> int:
        shoppers = sum(one.shoppers for one in chosen)
        if new:
            after: dict[str, object] = {"shoppers": shoppers}
            entry = AuditEntry(self.clock.now(), actor, action, platform, after=after)
            self.audit.record(uid, entry)
        self.notice.refresh(uid, platform)
        return shoppers


@dataclass(frozen=True, slots=True)
class TakeOverWorker:
    """Works off the job that lets withdrawn contacts count."""

    withdrawals: Withdrawals
    commits: FactCommits
    leaving: LeaverNotes
    jobs: JobQueue

    def handle(self, message: TakeOverMessage, time_left: Callable[[], bool]) -> int:
        """Take over note by note, and note which members leave; returns how many personas changed.

        When the time is up, the rest is queued: a note that is done twice changes nothing.
        """
        uid, platform, changed = message.uid, message.platform, 0
        for one in self.withdrawals.of_source(uid, platform):
            if one.state != "taking over":
                continue
            for note in self.withdrawals.notes(uid, one.run):
                for committed in _taken_over(self.commits, uid, note.withheld):
                    changed += committed.personas
                    if committed.leavers:
                        self.leaving.add(uid, platform, committed.leavers)
                self.withdrawals.forget(uid, one.run, [note.place])
                if not time_left():
                    self.jobs.send(replace(message, hop=next_hop(message.hop)).body())
                    return changed
            self._close(uid, platform, one.run)
        return changed

    def _close(self, uid: Uid, platform: Platform, run: str) -> None:
        _change(
            self.withdrawals, uid, platform, lambda known: [one for one in known if one.run != run]
        )


def _taken_over(
    commits: FactCommits,
    uid: Uid,
    rows: Sequence[BlankedRow],
    while_waiting: Callable[[], None] = do_nothing,
) -> Iterator[Committed]:
    """Take the records over in parts that let others of the account have their turn (ADR 19)."""
    size, start = PartSize(), 0
    while start < len(rows):
        records = [row.record for row in rows[start : start + size.facts]]
        committed = commits.take_over(uid, records, while_waiting=while_waiting)
        size.learn(len(records), committed.held_seconds)
        start += len(records)
        yield committed


def _change(
    withdrawals: Withdrawals,
    uid: Uid,
    platform: Platform,
    change: Callable[[Sequence[Withdrawal]], list[Withdrawal]],
) -> list[Withdrawal]:
    """Change what is known, whoever else does so at the same time; return what it was before."""
    while True:
        known = withdrawals.of_source(uid, platform)
        after = change(known)
        if after == known or withdrawals.put(uid, platform, after, instead_of=known):
            return known


def _last_told(notes: Iterable[WithheldNote]) -> dict[str, BlankedRow | None]:
    """Return by record the telling withheld last; None where its contacts came back after it."""
    last: dict[str, BlankedRow | None] = {}
    for note in notes:
        last.update({row.record: row for row in note.withheld})
        last.update(dict.fromkeys(note.restored))
    return last


def _is_withdrawn(
    listing: CustomerListing,
    last: Mapping[str, BlankedRow | None],
    new: int,
    earlier: Mapping[Withdrawal, AbstractSet[str]],
) -> bool:
    """Whether the listing blanks too many: those it blanks anew, and those who wait for a decision
    and are in it. A full listing shows all of these, most of them in rows that are known."""
    waiting: set[str] = set()
    for one, records in earlier.items():
        if one.state == "pending":
            waiting |= records
    shown = {
        record
        for record in waiting
        if (listing.full or record in last) and last.get(record, True) is not None
    }
    return are_contacts_withdrawn(new + len(shown), listing.shoppers)


def _is_of_a_page(note: WithheldNote) -> bool:
    """Whether a page made the note, and not the judge."""
    return not note.place.startswith(KEPT)


def _records(notes: Iterable[WithheldNote]) -> frozenset[str]:
    return frozenset(row.record for note in notes for row in note.withheld)


def _batches(rows: Sequence[BlankedRow]) -> Iterator[Sequence[BlankedRow]]:
    for start in range(0, len(rows), SHOPPERS_A_NOTE):
        yield rows[start : start + SHOPPERS_A_NOTE]
