"""The consent log, and whom a contact belongs to, as the services see them (product.md §9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.personas import Persona
from chalicelib.domain.words import Channel, Instant, Platform, Uid


@dataclass(frozen=True, slots=True)
class Contact:
    """One number or address: its state, and its whole log."""

    state: ContactState
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class DueContact:
    """A contact whose wanted request is to be looked at from `due_at` on."""

    uid: Uid
    number: str
    due_at: Instant


@dataclass(frozen=True, slots=True)
class DueText:
    """A text that should have ended by `due_at`."""

    uid: Uid
    day: str
    at: Instant
    id: str
    due_at: Instant


Due = DueContact | DueText


class ContactStates(Protocol):
    """Reads what is known of phone numbers."""

    def states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        """Return the state of each number; one never heard of has an empty state."""
        ...

    def eventual_states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        """`states` by eventually consistent reads, which cost half the read units."""
        ...


class ConsentLog(ContactStates, Protocol):
    """The log of each contact, and the state that follows from it.

    Every write is one transaction, so that a state never lacks what its log says.
    """

    def read(self, uid: Uid, channel: Channel, contact: str) -> Contact:
        """Return the contact, strongly consistent; an empty one when it was never heard of."""
        ...

    def write(
        self, uid: Uid, before: ContactState, after: ContactState, entries: Sequence[Entry] = ()
    ) -> bool:
        """Save `after` at `before.version` + 1 and append `entries`, none of which is there yet.

        False when the row is no longer at `before.version`, or an entry is there: read again.
        """
        ...

    def due(self, shard: int, until: Instant, limit: int, after: Due | None = None) -> list[Due]:
        """Return the contacts and texts of a shard that are due, the longest due first: those that
        follow `after`."""
        ...

    def due_later(self, uid: Uid, shard: int, now: Instant) -> Iterator[DueContact]:
        """Yield the account's contacts of a shard that are due after `now`, the soonest first."""
        ...

    def claim(self, due: Due, next_at: Instant) -> bool:
        """Set `due_at` to `next_at` if it still is what was read; False when another was first."""
        ...

    def count_waiting(self, uid: Uid) -> int:
        """Return how many requests of the account are wanted and have not been made."""
        ...


@dataclass(frozen=True, slots=True)
class HeldPersona:
    """The persona that holds a record today, as texting needs to know it.

    `asked_by`: platforms whose *Send SMS double opt-ins … purchased after* covers it today.
    `numbers`: the distinct phones of its records, those that not too many share first, then those
    of the most recently updated record. The first is the one it may be texted at, unless it
    `shares` it. `refused`: numbers that a POS says are opted out, by the last word of a record; the
    consent log hears of it a moment after the record.
    """

    persona: Persona
    asked_by: tuple[Platform, ...]
    numbers: tuple[str, ...]
    refused: frozenset[str] = frozenset()

    def shares(self, number: str) -> bool:
        """Whether too many shoppers carry this number of the persona for it to be texted."""
        own = self.persona.own_phones
        return own is not None and number not in own


class HeldPersonas(Protocol):
    """Finds the personas that hold a record or a phone number today."""

    def of_record(self, uid: Uid, record: str) -> HeldPersona | None:
        """Return the persona that holds the record; None when no persona does."""
        ...

    def of_number(self, uid: Uid, number: str) -> list[HeldPersona]:
        """Return every persona with a record that carries the number."""
        ...
