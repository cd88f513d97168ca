"""Take the effects of a commit out of its lock: messages carry them to a worker (ADR 25).

A message has the effects themselves, not where to read them: a flag that the next page replaces is
a fact of the consent log too. All that it holds may come late, twice and in any order: an entry of
the log has the time from which it counts, and whether a number is asked is judged when the request
is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.tombstones import NO_TOMBSTONES
from chalicelib.domain.words import Uid
from chalicelib.services.job_messages.text_jobs import (
    DiscountsMessage,
    EffectsMessage,
    SignupsMessage,
    StatedConsentMessage,
)
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.effects import Ask, CommitEffects, ConsentFlag, ConsentNotes
from chalicelib.services.ports.loyalty import Expiries
from chalicelib.services.ports.privacy import CurrentTombstones

MESSAGE_BYTES = 200_000
"""SQS takes 256 KB."""

MOST_SIGNUPS = 1000
"""Of one message, whose ids then take 40 KB."""

MOST_SALES = 100
"""Of one message: each may cost a commit."""

ITEM_BYTES = 200
"""A flag or an ask as JSON at most, but for its contact."""


@dataclass(frozen=True, slots=True)
class QueuedEffects:
    """Implements the `Effects` port: a page's effects are one message, of many opt-outs several."""

    queue: JobQueue

    def request(self, uid: Uid, effects: CommitEffects, *, after_seconds: int = 0) -> None:
        """See `Effects.request`."""
        for first in range(0, len(effects.signups), MOST_SIGNUPS):
            signups = SignupsMessage(uid, effects.signups[first : first + MOST_SIGNUPS])
            self.queue.send(signups.body(), delay_seconds=after_seconds)
        for discounts in _of_discounts(uid, effects):
            self.queue.send(discounts.body(), delay_seconds=after_seconds)
        for part in filter(None, _parts(effects)):
            message = EffectsMessage(uid, part.flags, part.asks, part.watch_ahead)
            self.queue.send(message.body(), delay_seconds=after_seconds)


@dataclass(frozen=True, slots=True)
class EffectsWorker:
    """Carries out the effects that a message holds, but for those of who was erased meanwhile."""

    notes: ConsentNotes
    expiries: Expiries
    tombstones: CurrentTombstones | None = None

    def handle(self, message: EffectsMessage) -> int:
        """Flags come before asks, so that who opted out is not noted first. Return how many of both
        there were."""
        if message.watch_ahead:
            self.expiries.watch_ahead(message.uid)
        flags, asks = self._of_the_living(message)
        if flags:
            self.notes.note_flags(message.uid, flags)
        if asks:
            self.notes.note_asks(message.uid, asks)
        return len(flags) + len(asks)

    def _of_the_living(
        self, message: EffectsMessage
    ) -> tuple[tuple[ConsentFlag, ...], tuple[Ask, ...]]:
        flags, asks = message.flags, message.asks
        if self.tombstones is None or not (flags or asks):
            return flags, asks
        held = self.tombstones.current_tombstones(message.uid)
        if not held:
            return flags, asks
        return (
            tuple(f for f in flags if not held.silences(f.record, f.channel, f.contact, f.at)),
            tuple(a for a in asks if not held.silences(a.record, "sms", a.number)),
        )


@dataclass(frozen=True, slots=True)
class StatedConsentWorker:
    """Notes what was said of consent with a signup, and whom it wants asked."""

    notes: ConsentNotes
    tombstones: CurrentTombstones | None = None

    def handle(self, message: StatedConsentMessage) -> int:
        """What was said comes before who is to be asked; of who was erased meanwhile nothing is
        noted. Return how many of both there were."""
        held = self.tombstones.current_tombstones(message.uid) if self.tombstones else NO_TOMBSTONES
        said = [s for s in message.said if not held.silences("", s.channel, s.contact, s.at)]
        asks = [a for a in message.asks if not held.silences(a.record, "sms", a.number)]
        if said:
            self.notes.note_said(message.uid, said)
        if asks:
            self.notes.note_asks(message.uid, asks)
        return len(said) + len(asks)


def _of_discounts(uid: Uid, effects: CommitEffects) -> Iterator[DiscountsMessage]:
    names = effects.names
    for first in range(0, len(effects.sales), MOST_SALES):
        yield DiscountsMessage(uid, effects.sales[first : first + MOST_SALES], names)
        names = ()
    if names:
        yield DiscountsMessage(uid, (), names)


def _parts(effects: CommitEffects) -> Iterator[CommitEffects]:
    """Split the effects into parts that fit a message. Those of one contact follow each other, its
    flags first."""
    part: list[ConsentFlag | Ask] = []
    size, watch_ahead = 0, effects.watch_ahead
    items: list[ConsentFlag | Ask] = [*effects.flags, *effects.asks]
    for item in sorted(items, key=_contact):
        size += ITEM_BYTES + 2 * len(_contact(item).encode())
        if size > MESSAGE_BYTES:
            yield _part(part, watch_ahead=watch_ahead)
            part, watch_ahead = [], False
            size = ITEM_BYTES + 2 * len(_contact(item).encode())
        part.append(item)
    yield _part(part, watch_ahead=watch_ahead)


def _part(items: list[ConsentFlag | Ask], *, watch_ahead: bool) -> CommitEffects:
    flags = tuple(item for item in items if isinstance(item, ConsentFlag))
    asks = tuple(item for item in items if isinstance(item, Ask))
    return CommitEffects(flags, asks, watch_ahead)


def _contact(item: ConsentFlag | Ask) -> str:
    return item.contact if isinstance(item, ConsentFlag) else item.number
