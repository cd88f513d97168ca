"""Work off erasures.

The job does the steps that the table of row kinds names. Each may be done again, and says in the
erasure's row how far it is, so that a worker that dies is followed by one that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain.errors import (
    NotFound,
    StaleVersion,
)
from chalicelib.domain.times import to_datetime
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Channel, Instant, Platform
from chalicelib.services.derivation.erase import ContactPlace, EraseFacts, Person, contacts_of
from chalicelib.services.job_messages.account_jobs import EraseMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.privacy import CurrentTombstones, Erasure, Erasures, PersonalRows
from chalicelib.services.privacy.certificate import certificate_of
from chalicelib.services.privacy.erase_lists import EraseLists
from chalicelib.services.privacy.erase_sources import EraseSources
from chalicelib.services.privacy.row_kinds import Step, steps
from chalicelib.services.signups.signatures import signer_of

TimeLeft = Callable[[], bool]
WAIT_SECONDS = 15
LONGEST_WAIT_SECONDS = 600
LOOKS_FOR_ITS_ROW = 20
RUNS_AT_ONCE = 100


class ErasureBlocked(Exception):
    """Something must end first: the job looks again a moment later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseWorker:
    """Works off erasures."""

    erase_facts: EraseFacts
    tombstones: CurrentTombstones
    log: ConsentLog
    rows: PersonalRows
    sources: EraseSources
    lists: EraseLists
    erasures: Erasures
    jobs: JobQueue
    clock: Clock

    def handle(self, message: EraseMessage, time_left: TimeLeft) -> int:
        """Go on with the erasure; returns how many steps were ended."""
        try:
            erasure = self.erasures.get(message.uid, message.erasure)
        except NotFound:
            if message.hop < LOOKS_FOR_ITS_ROW:
                self._send_again(message, delay_seconds=2)
            return 0
        ended = 0
        try:
            while erasure.state == "erasing":
                erasure = self._step(erasure, time_left)
                ended += 1
                if erasure.state == "erasing" and not time_left():
                    self._send_again(message)
                    break
        except ErasureBlocked:
            # Longer each time: it may take as long as a large source is put back.
            delay = min(WAIT_SECONDS * (1 + message.hop), LONGEST_WAIT_SECONDS)
            self._send_again(message, delay_seconds=delay)
        except StaleVersion:  # another worker has the same message, and is ahead
            self._send_again(message, delay_seconds=WAIT_SECONDS)
        return ended

    def advance(self, erasure: Erasure, until: Step) -> Erasure:
        """Do the steps before `until`, however long they take.

        Raises ErasureBlocked, StaleVersion.
        """
        while erasure.state == "erasing" and erasure.step != until:
            erasure = self._step(erasure, lambda: True)
        return erasure

    def _step(self, erasure: Erasure, time_left: TimeLeft) -> Erasure:
        """Do the erasure's step, or a part of it, and save how far it is."""
        wanted = steps()
        step: Step = erasure.step or wanted[0]  # type: ignore[assignment]
        acts: Mapping[Step, Callable[[Erasure, TimeLeft], Erasure]] = {
            "tombstones": self._bury,
            "facts": self._facts,
            "contacts": self._contacts,
            "texts": self._texts,
            "replies": self._replies,
            "set_aside": self._set_aside,
            "notes": self._notes,
            "facts_log": self._facts_log,
            "backups": self._backups,
            "lists": self._lists,
            "exports": self._exports,
        }
        erasure = acts[step](replace(erasure, step=step), time_left)
        if erasure.position:
            return self.erasures.save(erasure)
        behind = wanted[wanted.index(step) + 1 :]
        if behind:
            return self.erasures.save(replace(erasure, step=behind[0]))
        return self.erasures.save(self._ended(erasure))

    def _bury(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        """Note all that speaks of the person, then write the tombstones, under one lock."""
        noted = erasure

        def note(person: Person) -> dict[ContactPlace, Instant]:
            nonlocal noted
            noted = self.erasures.save(_with_person(erasure, person, self.clock.now()))
            out: dict[ContactPlace, Instant] = {}
            for place in person.own:
                consent = self.log.read(erasure.uid, *place).state.consent
                if consent.state == "opted_out":
                    out[place] = consent.since or self.clock.now()
            return out

        self.erase_facts.bury(erasure.uid, erasure.records, erasure.id, note)
        return noted

    def _facts(self, erasure: Erasure, time_left: TimeLeft) -> Erasure:
        """Unlink the sales page by page, then empty the records and delete their rows."""
        uid, records = erasure.uid, erasure.records
        while taken := self.erase_facts.unlink_sales(uid, records):
            erasure = _counted(erasure, "sales", taken)
            if not time_left():
                return replace(erasure, position="sales")
        self.erase_facts.empty(uid, records)
        erasure = _counted(erasure, "rows of records", self.erase_facts.forget(uid, records))
        return replace(_counted(erasure, "records", len(records)), position="")

    def _contacts(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        """Delete what was said of the contacts, but for what a new signup of theirs told since:
        under the lock, so that none comes between the look and the deletion."""
        gone = 0

        def erase(tombstones: Tombstones) -> None:
            nonlocal gone
            for channel, contact in erasure.own:
                held = tombstones.of("phone" if channel == "sms" else "email", contact)
                since = None if held is None else held.lifted_at
                gone += self.rows.erase_contact(erasure.uid, channel, contact, since)

        self.erase_facts.beside_tombstones(erasure.uid, erase)
        return _counted(erasure, "consents", gone) if erasure.own else erasure

    def _texts(self, erasure: Erasure, time_left: TimeLeft) -> Erasure:
        """Day by day from when AIQ first saw them: a day of texts is one partition."""
        numbers = _of(erasure, "sms")
        if not numbers:
            return erasure
        last = to_datetime(self.clock.now()).date() + timedelta(days=1)
        day = to_datetime(erasure.since).date() - timedelta(days=1)
        while day <= last:
            if (text := day.isoformat()) > erasure.position:
                gone = self.rows.erase_texts(erasure.uid, numbers, text)
                erasure = replace(_counted(erasure, "texts", gone), position=text)
                if not time_left():
                    return erasure
            day += timedelta(days=1)
        return replace(erasure, position="")

    def _replies(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        gone = self.rows.erase_replies(erasure.uid, _of(erasure, "sms"))
        return _counted(erasure, "replies", gone)

    def _set_aside(self, erasure: Erasure, time_left: TimeLeft) -> Erasure:
        """Run by run: what POS sent and nobody could read may be about the person."""
        traces = traces_of(erasure)
        for platform in self._platforms(erasure):
            at, _, run = erasure.position.partition("/")
            if at > platform:
                continue
            after = run if at == platform else ""
            while runs := self.rows.runs(erasure.uid, platform, after, RUNS_AT_ONCE):
                for after in runs:
                    gone = self.rows.erase_asides(erasure.uid, after, traces)
                    erasure = _counted(erasure, "set-aside rows", gone)
                erasure = replace(erasure, position=f"{platform}/{after}")
                if not time_left():
                    return erasure
        return replace(erasure, position="")

    def _notes(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        gone = self.rows.erase_notes(erasure.uid, erasure.records)
        return _counted(erasure, "notes", gone)

    def _facts_log(self, erasure: Erasure, time_left: TimeLeft) -> Erasure:
        tombstones = self.tombstones.current_tombstones(erasure.uid)
        for platform in self._platforms(erasure):
            at, _, after = erasure.position.partition("/")
            if at > platform:
                continue
            behind, gone = self.sources.erase_from_log(
                erasure.uid, platform, after if at == platform else "", tombstones, time_left
            )
            erasure = _counted(erasure, "log entries", gone)
            if behind is not None:
                return replace(erasure, position=f"{platform}/{behind}")
            gone = self.sources.erase_from_pushes(erasure.uid, platform, traces_of(erasure))
            erasure = _counted(erasure, "pushes that wait", gone)
        return replace(erasure, position="")

    def _backups(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        """Erase the person from the backups.

        Raises ErasureBlocked while a backup is being taken or facts are being put back, and before
        older erasures have ended: two at once would undo each other's lists.
        """
        uid = erasure.uid
        others = self.erasures.of_account(uid)
        if any(each.state == "erasing" and each.id < erasure.id for each in others):
            raise ErasureBlocked
        tombstones = self.tombstones.current_tombstones(uid)
        platforms = self._platforms(erasure)
        if any(self.sources.is_busy(uid, platform) for platform in platforms):
            raise ErasureBlocked
        for platform in platforms:
            gone = self.sources.erase_from_backups(uid, platform, tombstones)
            erasure = _counted(erasure, "backups", gone)
            self.sources.remove_unnamed(uid, platform)
        return erasure

    def _lists(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        """Erase the person from the lists.

        Raises ErasureBlocked while an audience run writes them.
        """
        if self.lists.is_run_under_way(erasure.uid):
            raise ErasureBlocked
        gone = self.lists.erase_from_lists(erasure.uid, erasure.records, erasure.id)
        return _counted(erasure, "lines of lists", gone)

    def _exports(self, erasure: Erasure, _: TimeLeft) -> Erasure:
        signers = [*erasure.records, *(signer_of(*contact) for contact in erasure.own)]
        until = erasure.buried_at or self.clock.now()
        gone = self.lists.erase_signatures(erasure.uid, signers, until)
        erasure = _counted(erasure, "signatures", gone)
        return _counted(erasure, "exports", self.lists.erase_exports(erasure.uid))

    def _ended(self, erasure: Erasure) -> Erasure:
        """The erasure with its certificate, and without whom it was about."""
        now = self.clock.now()
        return replace(
            erasure,
            state="done",
            step="",
            position="",
            contacts=(),
            own=(),
            places=(),
            raw=(),
            ended_at=now,
            certificate=certificate_of(erasure, now),
        )

    def _platforms(self, erasure: Erasure) -> list[Platform]:
        """The platforms of the account, and those that the person's records are of."""
        of_records = {platform for platform, _, _ in erasure.places}
        return sorted({*self.sources.platforms(erasure.uid), *of_records})

    def _send_again(self, message: EraseMessage, *, delay_seconds: int = 0) -> None:
        onward = replace(message, hop=next_hop(message.hop))
        self.jobs.send(onward.body(), delay_seconds=delay_seconds)


def traces_of(erasure: Erasure) -> Traces:
    """Return what the person may have left in a row that a POS sent."""
    ext_ids = [ext_id for _, _, ext_id in erasure.places]
    return Traces.of(_of(erasure, "sms"), _of(erasure, "email"), ext_ids, erasure.raw)


def _of(erasure: Erasure, channel: Channel) -> list[str]:
    return [contact for of, contact in erasure.own if of == channel]


def _with_person(erasure: Erasure, person: Person, now: Instant) -> Erasure:
    """The erasure with all that the person has by now; what a try before noted stays."""
    records = {*erasure.records, *(record.id for record in person.records)}
    places = {(r.platform, r.scope, r.customer.ext_id) for r in person.records}
    raw = {
        text
        for record in person.records
        for text in (record.customer.phone_raw, record.customer.email_raw)
        if text
    }
    seen = [record.first_seen for record in person.records]
    return replace(
        erasure,
        records=tuple(sorted(records)),
        contacts=tuple(sorted({*erasure.contacts, *contacts_of(person.records)})),
        own=tuple(sorted({*erasure.own, *person.own})),
        places=tuple(sorted({*erasure.places, *places})),
        raw=tuple(sorted({*erasure.raw, *raw})),
        since=min([*seen, erasure.since or now]),
        buried_at=now,
        counts={},
    )


def _counted(erasure: Erasure, what: str, number: int) -> Erasure:
    counts = dict(erasure.counts)
    counts[what] = counts.get(what, 0) + number
    return replace(erasure, counts=counts)
