"""How the slots of a queue are shared: an account holds at most its share, the oldest waiter of the
account is the next one in (docs/reference/limits.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Instant

SHORTEST_WAIT, LONGEST_WAIT = 5, 60
"""Seconds after which a message without a slot asks again: the longer, the older it is, but for the
one that is next."""

PATIENCE = 60 * SECOND
"""How long after its time the next one is waited for; its message may have been lost."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of one queue that an account holds.

    `held`: message id → when its process ends at the latest, and the slot with it. `first`: the
    ticket of the oldest waiter that has asked, good until `first_until`. `seq`: the row's version.
    """

    held: Mapping[str, Instant] = field(default_factory=dict)
    first: str | None = None
    first_until: Instant = 0
    seq: int = 0


def share_of(slots: int) -> int:
    """Return how many of a queue's slots an account may hold: half, but at least one."""
    return max(1, slots // 2)


def ticket_of(since: Instant, message: str) -> str:
    """Return the ticket of a message that waits since then: older tickets sort before younger."""
    return f"{since:015d}#{message}"


def is_ticket(text: str) -> bool:
    return re.fullmatch(r"[0-9]{15}#.+", text) is not None


def waiting_since(ticket: str) -> Instant:
    return int(ticket.partition("#")[0])


def ask_for_slot(
    slots: Slots, message: str, ticket: str, now: Instant, until: Instant, most: int
) -> tuple[Slots, int | None]:
    """Return the slots after a message asked for one, and the seconds after which it asks again;
    None where it got one, `until` when it may hold it.

    A free slot is kept for the oldest waiter, so that nobody who came later is served before.
    """
    held = {one: end for one, end in slots.held.items() if end > now and one != message}
    first = slots.first if slots.first_until > now and slots.first != ticket else None
    is_older_waiting = first is not None and first < ticket
    if len(held) + is_older_waiting < most:
        first_until = slots.first_until if first else 0
        return Slots({**held, message: until}, first, first_until, slots.seq), None
    if is_older_waiting:
        age = (now - waiting_since(ticket)) // SECOND
        wait = min(max(SHORTEST_WAIT, age // 4), LONGEST_WAIT)
        return Slots(held, first, slots.first_until, slots.seq), wait
    first_until = now + SHORTEST_WAIT * SECOND + PATIENCE
    return Slots(held, ticket, first_until, slots.seq), SHORTEST_WAIT
