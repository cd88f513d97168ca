"""Give an account its share of the slots of a queue, and no more (product.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chalicelib.domain.limits import SLOT_LIMITS
from chalicelib.domain.slots import SHORTEST_WAIT, ask_for_slot, share_of
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.limits import RaisedLimits, SlotQueue, SlotRows

TRIES = 5
"""As often as others of the same account come in between."""


class NoSlot(Exception):
    """The account holds its share of the queue's slots: the message is to come back after `wait`
    seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("the account's slots are taken")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class AccountSlots:
    """Gives out the slots of the queues. `slots`: how many this process's queue has.

    A slot comes free when its work ends or, with a worker that died, when its process must have
    ended. A raised limit is read only once the default share is used up.
    """

    rows: SlotRows
    raised: RaisedLimits
    clock: Clock
    slots: int

    @contextmanager
    def hold(
        self, uid: Uid, queue: SlotQueue, message: str, ticket: str, seconds: float
    ) -> Iterator[None]:
        """Hold a slot for the work on `message`, for at most so many seconds. Raises NoSlot."""
        self._take(uid, queue, message, ticket, seconds)
        try:
            yield
        finally:
            self.rows.give_back(uid, queue, message)

    def _take(self, uid: Uid, queue: SlotQueue, message: str, ticket: str, seconds: float) -> None:
        most = share_of(self.slots)
        now = self.clock.now()
        until = now + int(seconds * SECOND)
        if self.rows.take(uid, queue, message, until, most):
            return
        most = max(most, self.raised.get(uid, SLOT_LIMITS[queue]) or 0)
        for _ in range(TRIES):
            known = self.rows.read(uid, queue)
            asked, wait = ask_for_slot(known, message, ticket, now, until, most)
            if asked == known or self.rows.save(uid, queue, asked):
                if wait is None:
                    return
                raise NoSlot(wait)
        raise NoSlot(SHORTEST_WAIT)
