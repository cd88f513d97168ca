"""Texts, their log and their settings, as the services see them (product.md §9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import AiqError
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import Instant, TextKind, TextState, Uid


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
    """Counts how many `texts`, of how many `parts`, went or may have gone in a day or month.

    Of `unknown` texts nobody knows whether they went.
    """

    texts: int = 0
    parts: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits the texts of a day and the parts of a month that may be reserved."""

    daily: int
    monthly_parts: int


Begun = Literal["begun", "changed", "taken", "daily_cap", "monthly_budget"]
"""`changed`: somebody else wrote the contact's state meanwhile; `taken`: the text was begun before.
"""


class TextLog(Protocol):
    """The texts of each account. A text begins once, then is sent or not, and ends once."""

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
        or nothing.

        Without `caps` it is counted and never refused for the count. `ends_by`: when to look at a
        text that has not ended, given when no contact's state is written with it.
        """
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
        """Write down the text's outcome; a refused text is no longer counted.

        False when the contact's state was changed meanwhile, or the text has ended before: read
        again.
        """
        ...

    def get(self, uid: Uid, day: str, at: Instant, text: str) -> Text | None:
        """Return the text of this id, begun on that day and at that time; None for none."""
        ...

    def texts(
        self, uid: Uid, day: str, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """Return a local day's texts, the newest first; the second value continues the list."""
        ...

    def totals(self, uid: Uid, period: str) -> TextTotals:
        """Return the totals of a day (`2026-01-31`) or a month (`2026-01`)."""
        ...


@dataclass(frozen=True, slots=True)
class UnclearReply:
    """A shopper's message that nobody could classify; a person reads it (product.md §9).

    `id` is the inbound message's. `requested_at`: when the latest request before it was made.
    """

    id: str
    at: Instant
    number: str
    text: str
    requested_at: Instant | None = None


class UnclearReplies(Protocol):
    """The replies of each account that wait for a person, for 30 days at most."""

    def add(self, uid: Uid, reply: UnclearReply) -> None:
        """Keep the reply; the same one again changes nothing."""
        ...

    def waiting_replies(self, uid: Uid) -> list[UnclearReply]:
        """Return the replies that wait, the oldest first."""
        ...

    def get(self, uid: Uid, reply_id: str) -> UnclearReply | None: ...

    def remove(self, uid: Uid, reply_id: str) -> None: ...


class NumberUnusable(AiqError):
    """The carrier cannot or may not deliver to the number.

    `details['opted_out']`: the number opted out at the carrier.
    """

    code = "number_unusable"


class TextRefused(AiqError):
    """Nothing was sent, for a reason that is not the number's: it may be tried again later."""

    code = "text_refused"
    retriable = True


class TextUnknown(AiqError):
    """The text may have been sent, or not: it must not be sent again."""

    code = "text_unknown"


class TextSender(Protocol):
    """Hands texts to the carrier."""

    def send(self, origination: str, number: str, body: str) -> str:
        """Publish once, without any retry, and return the message id.

        Raises NumberUnusable, TextRefused, TextUnknown.
        """
        ...


@dataclass(frozen=True, slots=True)
class Holders:
    """The accounts of an origination number.

    `former`: those that gave it up; their shoppers still answer to it.
    """

    current: Uid | None = None
    former: tuple[Uid, ...] = ()


class TextingSettings(Protocol):
    """Keeps each account's rules for texts, and which account has which origination number."""

    def get(self, uid: Uid) -> TextingRules:
        """Return the rules, strongly consistent; the defaults (version 0) when none were set."""
        ...

    def save(self, uid: Uid, before: TextingRules, after: TextingRules) -> TextingRules:
        """Save at `before.version` + 1. The same transaction claims the number and gives up the one
        before.

        Raises StaleVersion; Conflict when another account has the number, or it is not assigned to
        this one, unless it has it already.
        """
        ...

    def assign(self, number: str, uid: Uid) -> None:
        """Reserve the number for this account, which alone can take it then.

        Raises Conflict when another account has it.
        """
        ...

    def holders(self, number: str) -> Holders:
        """Return the accounts that have, or once had, this origination number."""
        ...


@dataclass(frozen=True, slots=True)
class Switch:
    """The operator's kill switch: while `off`, no text goes, answers to shoppers included."""

    off: bool = False
    by: str = ""
    at: Instant = 0
    reason: str = ""


class KillSwitch(Protocol):
    """The operator's switch that stops all texts of all accounts."""

    def read(self) -> Switch:
        """Return the switch as it was at most 60 s ago."""
        ...

    def turn(self, switch: Switch) -> None: ...


class Joins(Protocol):
    """Makes persons members; the commit of facts provides it."""

    def join(self, uid: Uid, record: str, reason: str, at: Instant) -> object:
        """Write the membership reason (`double_opt_in:posabit`) on that source record.

        Idempotent. Raises CommitBusy and LeaseLost; the same call may be made again.
        """
        ...
