"""The port for what a commit makes happen outside the tables of facts (architecture.md §1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from chalicelib.domain.words import Channel, Instant, Platform, Uid


@dataclass(frozen=True, slots=True)
class Ask:
    """A persona whose settings want it asked for SMS consent.

    `number` is E.164, `record` the persona's id, `platform` whose setting is the cause.
    """

    number: str
    record: str
    platform: Platform


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


class Effects(Protocol):
    """Takes what a commit requests, once or, after a crash, several times: both are idempotent."""

    def note_asks(self, uid: Uid, asks: Sequence[Ask]) -> None:
        """Note that these numbers are to be asked; a number already noted, asked or opted out stays
        as it is."""
        ...

    def note_flags(self, uid: Uid, flags: Sequence[ConsentFlag]) -> None:
        """Append the flags to the consent log; the same flag again changes nothing."""
        ...
