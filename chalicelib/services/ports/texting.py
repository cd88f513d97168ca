"""Consent and texts, as the services see them (product.md §9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import AiqError
from chalicelib.domain.personas import Persona
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import Channel, Instant, Platform, TextKind, TextState, Uid


@dataclass(frozen=True, slots=True)
class Contact:
    """One number or address: its state, and its whole log."""

    state: ContactState
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """One text message of the account's log: what was sent to whom, when, why.

    `id`, `at` and `day` are deterministic, so that one cause gives one text, however often its
    job comes. `day` is the account's local one, `2026-01-31`; texts are kept and counted under it.
    `why`: `posabit`, an inbound message's id …
    """

    id: str
    uid: Uid
    kind: TextKind
    number: str
    body: str
    parts: int
    at: Instant
    day: str
    why: str = ""
    state: TextState = "sending"
    message_id: str | None = None

    @property
    def month(self) -> str:
        return self.day[: len("2026-01")]


@dataclass(frozen=True, slots=True)
class TextTotals:
    """`texts` and `parts` that went or may have; `unknown` of them nobody knows."""

    texts: int = 0
    parts: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """How many texts of a day and parts of a month may be reserved at most."""

    daily: int
    monthly_parts: int


Begun = Literal["begun", "changed", "taken", "daily_cap", "monthly_budget"]
"""`changed`: somebody else wrote the contact's state meanwhile; `taken`: the text was begun before.
"""


class ContactStates(Protocol):
    def states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        """The states of these numbers; one never heard of gets an empty state."""
        ...

    def eventual_states(self, uid: Uid, numbers: Iterable[str]) -> dict[str, ContactState]:
        """`states` by eventually consistent reads, which cost half the read units."""
        ...


class ConsentLog(ContactStates, Protocol):
    """Logs and states of contacts. Every write is one transaction, so that a state never lacks what
    its log says."""

    def read(self, uid: Uid, channel: Channel, contact: str) -> Contact:
        """Strongly consistent; an empty contact when it was never heard of."""
        ...

    def write(
        self, uid: Uid, before: ContactState, after: ContactState, entries: Sequence[Entry] = ()
    ) -> bool:
        """Save `after` at `before.version` + 1 and append `entries`, none of which is there yet.

        False when the row is no longer at `before.version`, or an entry is there: read again.
        """
        ...

    def due(self, shard: int, until: Instant, limit: int) -> list[Due]:
        """The contacts and texts of a shard that are to be looked at, the longest due first."""
        ...

    def claim(self, due: Due, next_at: Instant) -> bool:
        """Move `due_at` on if it still is what was read; False when another was first."""
        ...

    def waiting(self, uid: Uid) -> int:
        """How many requests of the account are wanted and have not been made."""
        ...


@dataclass(frozen=True, slots=True)
class DueContact:
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


class TextLog(Protocol):
    """The account's messages. A text is begun once, then sent or not, and ends once."""

    def begin(
        self,
        text: Text,
        caps: Caps | None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
        ends_by: Instant | None = None,
    ) -> Begun:
        """Write the text down as `sending`, with its contact's state and entries, and count it: all
        or nothing. Without `caps` it is counted and never refused for the count. `ends_by`: when
        to look at a text without a state that has not ended."""
        ...

    def end(
        self,
        text: Text,
        state: TextState,
        message_id: str | None = None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
    ) -> bool:
        """Write its outcome down; a refused one is no longer counted. False when the contact's
        state was changed meanwhile, or the text has ended before: read again."""
        ...

    def get(self, uid: Uid, day: str, at: Instant, text: str) -> Text | None:
        """By its id, and the day and time it was begun at."""
        ...

    def texts(
        self, uid: Uid, day: str, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """A local day's texts, the newest first."""
        ...

    def counts(self, uid: Uid, period: str) -> TextTotals:
        """Of a day (`2026-01-31`) or a month (`2026-01`)."""
        ...


class NumberUnusable(AiqError):
    """The carrier cannot or may not deliver to the number. `details['opted_out']`: by its will."""

    code = "number_unusable"


class TextRefused(AiqError):
    """Nothing was sent, for a reason that is not the number's: it may be tried again later."""

    code = "text_refused"
    retriable = True


class TextUnknown(AiqError):
    """It may have been sent, or not: it must not be sent again."""

    code = "text_unknown"


class TextSender(Protocol):
    def send(self, origination: str, number: str, body: str) -> str:
        """Publish once, without any retry; the message id.

        Raises NumberUnusable, TextRefused, TextUnknown.
        """
        ...


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose an origination number is. `once`: who gave it up; their shoppers still answer to it."""

    now: Uid | None = None
    once: tuple[Uid, ...] = ()


class TextingSettings(Protocol):
    def get(self, uid: Uid) -> TextingRules:
        """Strongly consistent; the defaults (version 0) when nothing was ever set."""
        ...

    def save(self, uid: Uid, before: TextingRules, after: TextingRules) -> TextingRules:
        """Save at `before.version` + 1, and claim the number and give up the one before in the same
        transaction.

        Raises StaleVersion; Conflict when another account has the number, or it may not take it.
        """
        ...

    def assign(self, number: str, uid: Uid) -> None:
        """Keep the number for this account. Once one has been assigned, no account takes a number
        that was not assigned to it. Raises Conflict when another account has it."""
        ...

    def holders(self, number: str) -> Holders:
        """The accounts that have, or once had, this origination number."""
        ...


@dataclass(frozen=True, slots=True)
class Switch:
    """The operator's kill switch: while `off`, no text goes, answers to shoppers included."""

    off: bool = False
    by: str = ""
    at: Instant = 0
    reason: str = ""


class KillSwitch(Protocol):
    def read(self) -> Switch:
        """As it was at most 60 s ago."""
        ...

    def turn(self, switch: Switch) -> None: ...


@dataclass(frozen=True, slots=True)
class HeldPersona:
    """What the core says today of the persona that holds a record.

    `asked_by`: platforms whose *Send SMS double opt-ins … purchased after* covers it today.
    `numbers`: the distinct phones of its records, that of the most recently updated record first,
    which is the one it may be texted at.
    """

    persona: Persona
    asked_by: tuple[Platform, ...]
    numbers: tuple[str, ...]


class HeldPersonas(Protocol):
    def of_record(self, uid: Uid, record: str) -> HeldPersona | None:
        """Of the persona that holds the record today; None when no persona does."""
        ...

    def of_number(self, uid: Uid, number: str) -> list[HeldPersona]:
        """Of every persona with a record that carries the number."""
        ...


class Joins(Protocol):
    def join(self, uid: Uid, record: str, reason: str, at: Instant) -> None:
        """Write the membership reason (`double_opt_in:posabit`) on that source record.

        Idempotent."""
        ...


class Throttle(Protocol):
    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        """Count one of `what`; None when it is within `limit` in this period of `seconds`, else the
        seconds until the next period."""
        ...
