"""The consent log: POS's flags, wishes to ask, and what a person may read of it (product.md §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.asking import Mobile
from chalicelib.domain.consent import Entry, derive_consent
from chalicelib.domain.contact_states import ContactState, WantedRequest, plan_request, with_consent
from chalicelib.domain.errors import AiqError
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog, Contact
from chalicelib.services.ports.effects import Ask, ConsentFlag

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
    """What is known of the consent of one contact: the newest 200 entries, the newest first."""

    channel: Channel
    contact: str
    head: ContactState
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ConsentService:
    """The `Effects` port, and the history. `mobile`: can the number be a US or Canadian mobile."""

    log: ConsentLog
    clock: Clock
    mobile: Mobile

    def want(self, uid: Uid, asks: Sequence[Ask]) -> None:
        """Note that these numbers are to be asked. What cannot be a mobile is not even noted."""
        now = self.clock.now()
        wanted = {
            ask.number: WantedRequest(ask.record, ask.platform, now)
            for ask in reversed(asks)
            if self.mobile(ask.number)
        }
        for number, head in self.log.states(uid, wanted).items():
            noted = plan_request(head, wanted[number])
            if noted != head and not self.log.write(uid, head, noted):
                self._want_again(uid, number, wanted[number])

    def observe(self, uid: Uid, flags: Sequence[ConsentFlag]) -> None:
        """Append POS's flags. A "no" always counts; a "yes" comes from a trusted source only and
        never lifts an opt-out."""
        by_contact: dict[tuple[Channel, str], list[Entry]] = {}
        for flag in flags:
            by_contact.setdefault((flag.channel, flag.contact), []).append(_entry_of(flag))
        for (channel, contact), entries in by_contact.items():
            append(self.log, self.clock, uid, channel, contact, entries)

    def history(
        self, uid: Uid, contacts: Iterable[tuple[Channel, str]]
    ) -> tuple[ContactHistory, ...]:
        """What the log says of each contact: POS's flags, requests, the shopper's own acts."""
        return tuple(self._history(uid, channel, contact) for channel, contact in contacts)

    def _history(self, uid: Uid, channel: Channel, contact: str) -> ContactHistory:
        found = self.log.read(uid, channel, contact)
        newest = sorted(found.entries, key=lambda entry: (entry.at, entry.id), reverse=True)
        return ContactHistory(channel, contact, found.state, tuple(newest[:ENTRIES_SHOWN]))

    def _want_again(self, uid: Uid, number: str, wanted: WantedRequest) -> None:
        def step(contact: Contact) -> bool:
            noted = plan_request(contact.state, wanted)
            return noted == contact.state or self.log.write(uid, contact.state, noted)

        insist(self.log, uid, "sms", number, step)


def append(
    log: ConsentLog,
    clock: Clock,
    uid: Uid,
    channel: Channel,
    contact: str,
    entries: Sequence[Entry],
) -> None:
    """Append what is not in the log yet, and let the head follow. Raises ContactBusy."""
    told = list({entry.id: entry for entry in entries}.values())

    def step_with(some: Sequence[Entry]) -> Callable[[Contact], bool]:
        def step(found: Contact) -> bool:
            known = {entry.id for entry in found.entries}
            new = [entry for entry in some if entry.id not in known]
            if not new:
                return True
            head = with_consent(found.state, derive_consent([*found.entries, *new]), clock.now())
            return log.write(uid, found.state, head, new)

        return step

    for start in range(0, len(told), ENTRIES_A_WRITE):
        insist(log, uid, channel, contact, step_with(told[start : start + ENTRIES_A_WRITE]))


def insist(
    log: ConsentLog, uid: Uid, channel: Channel, contact: str, step: Callable[[Contact], bool]
) -> None:
    """Read the contact and take a step, again while others write it too. Raises ContactBusy."""
    for _ in range(WRITE_TRIES):
        if step(log.read(uid, channel, contact)):
            return
    raise ContactBusy("Others keep changing this contact; try again.")


def _entry_of(flag: ConsentFlag) -> Entry:
    return Entry(
        id=f"flag#{flag.record}#{flag.seq:08d}",
        at=flag.at,
        act="flag_yes" if flag.value == "yes" else "flag_no",
        source=flag.platform,
        actor=f"platform:{flag.platform}",
        evidence={"kind": "pos_flag", "record": flag.record, "seq": flag.seq},
    )
