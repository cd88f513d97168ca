"""The ports for what a commit makes happen outside the tables of facts (architecture.md §1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from chalicelib.domain.consent import ConsentAct
from chalicelib.domain.contact_states import AskCause
from chalicelib.domain.words import Channel, Instant, Platform, ScopeId, Uid


@dataclass(frozen=True, slots=True)
class Ask:
    """A persona whose settings want it asked for SMS consent.

    `number` is E.164, `record` the persona's id, `platform` whose setting is the cause; or, of a
    shopper who wished for it when they signed up, where they did.
    """

    number: str
    record: str
    platform: Platform
    cause: AskCause = "setting"


KEPT_REFUSAL = 0
"""The `seq` of an opt-out that outlived the erasure of its shopper, who is back."""


@dataclass(frozen=True, slots=True)
class ConsentFlag:
    """A POS's last word about a contact; it counts from `at`, when the POS changed it.

    `seq` counts the words of that record: (record, channel, seq) names this one for ever.
    """

    channel: Channel
    contact: str
    value: Literal["yes", "no"]
    platform: Platform
    record: str
    seq: int
    at: Instant


@dataclass(frozen=True, slots=True)
class StatedConsent:
    """What a shopper, or somebody for them, said of the consent of one contact: an entry of its
    log. `id` names it for ever."""

    channel: Channel
    contact: str
    act: ConsentAct
    id: str
    at: Instant
    source: str
    actor: str = ""
    wording: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscountedSale:
    """A sale of a POS, by its id there. `former`: the source record that it was taken from."""

    platform: Platform
    scope: ScopeId
    ext_id: str
    former: str = ""


@dataclass(frozen=True, slots=True)
class DiscountName:
    """A name under which a POS showed a discount in a sale, and its id there, "" for none."""

    platform: Platform
    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class CommitEffects:
    """What a commit makes happen outside its tables.

    `watch_ahead`: the account is to be looked at daily, because a sale waits for its time.
    `signups`: records of signups that were stored. `sales`: those that may show that a discount of
    AIQ was taken, or given back; `names`: the names of discounts in sales, by platform.
    """

    flags: tuple[ConsentFlag, ...] = ()
    asks: tuple[Ask, ...] = ()
    watch_ahead: bool = False
    signups: tuple[str, ...] = ()
    sales: tuple[DiscountedSale, ...] = ()
    names: tuple[DiscountName, ...] = ()

    def __bool__(self) -> bool:
        by_message = self.flags or self.asks or self.watch_ahead
        return bool(by_message or self.signups or self.sales or self.names)


class Effects(Protocol):
    """Takes what a commit requests, while the commit holds the account's lock."""

    def request(self, uid: Uid, effects: CommitEffects, *, after_seconds: int = 0) -> None:
        """Have a worker carry the effects out a moment later, at least once and in any order;
        `after_seconds` at the earliest.

        Once it returns, nothing can lose them; what it raises ends the commit, whose intent then
        has the next one request them again.
        """
        ...


class ConsentNotes(Protocol):
    """Notes in the consent log what commits request; the same again changes nothing, in whatever
    order it comes."""

    def note_asks(self, uid: Uid, asks: Sequence[Ask]) -> None:
        """Note that these numbers are to be asked; a number already noted, asked or opted out stays
        as it is."""
        ...

    def note_said(self, uid: Uid, said: Sequence[StatedConsent]) -> None:
        """Append what was said to the consent log; the same again changes nothing."""
        ...

    def note_flags(self, uid: Uid, flags: Sequence[ConsentFlag]) -> None:
        """Append the flags to the consent log; the same flag again changes nothing."""
        ...
