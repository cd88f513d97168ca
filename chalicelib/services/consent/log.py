"""Write the consent log, and read of it what a person may see (product.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.domain.consent import Entry, derive_consent
from chalicelib.domain.consent_requests import Mobile
from chalicelib.domain.contact_states import ContactState, WantedRequest, plan_request, with_consent
from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.ports.audit import SYSTEM
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.effects import KEPT_REFUSAL, Ask, ConsentFlag, StatedConsent

WRITE_TRIES = 8
ENTRIES_A_WRITE = 50
"""A transaction takes 100 rows; many records may carry one number, each with a flag."""

ENTRIES_SHOWN = 200


class ContactBusy(AiqError):
    """Others kept writing the same contact; the same work may be tried again."""

    code = "contact_busy"
    retriable = True


@dataclass(frozen=True, slots=True)
class ContactHistory:
    """The consent log of one contact as it is shown: the newest 200 entries, the newest first."""

    channel: Channel
    contact: str
    state: ContactState
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ConsentService:
    """Implements the `ConsentNotes` port over the consent log, and reads a contact's history.

    `mobile`: whether a number can be a mobile of the US or Canada.
    """

    log: ConsentLog
    clock: Clock
    mobile: Mobile

    def note_asks(self, uid: Uid, asks: Sequence[Ask]) -> None:
        """See `ConsentNotes.note_asks`. A number that cannot be a mobile is not even noted."""
        now = self.clock.now()
        wanted = {
            ask.number: WantedRequest(ask.record, ask.platform, now, ask.cause)
            for ask in reversed(asks)
            if self.mobile(ask.number)
        }
        for number, state in self.log.states(uid, wanted).items():
            planned = plan_request(state, wanted[number])
            if planned != state and not self.log.write(uid, state, planned):
                self._want_again(uid, number, wanted[number])

    def note_flags(self, uid: Uid, flags: Sequence[ConsentFlag]) -> None:
        """See `ConsentNotes.note_flags`. A "no" always counts; a "yes" comes from a trusted source
        only and never lifts an opt-out."""
        by_contact: dict[tuple[Channel, str], list[Entry]] = {}
        for flag in flags:
            by_contact.setdefault((flag.channel, flag.contact), []).append(_flag_entry(flag))
        for (channel, contact), entries in by_contact.items():
            append_entries(self.log, self.clock, uid, channel, contact, entries)

    def note_said(self, uid: Uid, said: Sequence[StatedConsent]) -> None:
        """See `ConsentNotes.note_said`."""
        by_contact: dict[tuple[Channel, str], list[Entry]] = {}
        for word in said:
            by_contact.setdefault((word.channel, word.contact), []).append(_said_entry(word))
        for (channel, contact), entries in by_contact.items():
            append_entries(self.log, self.clock, uid, channel, contact, entries)

    def history(
        self, uid: Uid, contacts: Iterable[tuple[Channel, str]]
    ) -> tuple[ContactHistory, ...]:
        """Return what the log says of each contact: POS's flags, requests, the shopper's acts."""
        return tuple(self._history(uid, channel, contact) for channel, contact in contacts)

    def _history(self, uid: Uid, channel: Channel, address: str) -> ContactHistory:
        contact = self.log.read(uid, channel, address)
        newest = sorted(contact.entries, key=lambda entry: (entry.at, entry.id), reverse=True)
        return ContactHistory(channel, address, contact.state, tuple(newest[:ENTRIES_SHOWN]))

    def _want_again(self, uid: Uid, number: str, wanted: WantedRequest) -> None:
        def step(contact: Contact) -> bool:
            planned = plan_request(contact.state, wanted)
            return planned == contact.state or self.log.write(uid, contact.state, planned)

        write_until_current(self.log, uid, "sms", number, step)


def append_entries(
    log: ConsentLog,
    clock: Clock,
    uid: Uid,
    channel: Channel,
    address: str,
    entries: Sequence[Entry],
) -> None:
    """Append the entries that the log does not have yet, with the state that follows.

    Raises ContactBusy.
    """
    by_id = {entry.id: entry for entry in entries}

    def append_batch(batch: Sequence[Entry], contact: Contact) -> bool:
        known = {entry.id for entry in contact.entries}
        new = [entry for entry in batch if entry.id not in known]
        if not new:
            return True
        consent = derive_consent([*contact.entries, *new])
        state = with_consent(contact.state, consent, clock.now())
        return log.write(uid, contact.state, state, new)

    for start in range(0, len(by_id), ENTRIES_A_WRITE):
        batch = list(by_id.values())[start : start + ENTRIES_A_WRITE]
        write_until_current(log, uid, channel, address, partial(append_batch, batch))


def write_until_current(
    log: ConsentLog, uid: Uid, channel: Channel, address: str, step: Callable[[Contact], bool]
) -> None:
    """Read the contact and call `step`, again while others write the contact too.

    `step` returns whether it wrote, or had nothing to write. Raises ContactBusy.
    """
    for _ in range(WRITE_TRIES):
        if step(log.read(uid, channel, address)):
            return
    raise ContactBusy("Others keep changing this contact; try again.")


def _said_entry(word: StatedConsent) -> Entry:
    return Entry(
        id=word.id,
        at=word.at,
        act=word.act,
        source=word.source,
        actor=word.actor,
        wording=word.wording,
        evidence=word.evidence,
    )


def _flag_entry(flag: ConsentFlag) -> Entry:
    if flag.seq == KEPT_REFUSAL:
        return Entry(
            id=f"kept#{flag.at:015d}",
            at=flag.at,
            act="flag_no",
            source="aiq",
            actor=SYSTEM,
            evidence={"kind": "kept_at_erasure"},
        )
    return Entry(
        id=f"flag#{flag.record}#{flag.seq:08d}",
        at=flag.at,
        act="flag_yes" if flag.value == "yes" else "flag_no",
        source=flag.platform,
        actor=f"platform:{flag.platform}",
        evidence={"kind": "pos_flag", "record": flag.record, "seq": flag.seq},
    )
