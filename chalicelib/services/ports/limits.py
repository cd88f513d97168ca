"""What an account may ask of what all accounts share: counters, and limits that were raised."""

from __future__ import annotations

from typing import Literal, Protocol

from chalicelib.domain.limits import LimitName
from chalicelib.domain.slots import Slots
from chalicelib.domain.words import Instant, Uid

SlotQueue = Literal["sync", "sync-own-server", "jobs"]
"""A queue whose slots the accounts share."""


class Throttle(Protocol):
    """Limits how often an account may do something."""

    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        """Count one of `what` in this period of `seconds`, unless `limit` were counted already.

        Returns None when it was counted, else the seconds until the next period.
        """
        ...


class RaisedLimits(Protocol):
    """Stores the limits that the operator raised for an account."""

    def get(self, uid: Uid, name: LimitName) -> int | None:
        """Return the raised limit; None where the default holds."""
        ...

    def put(self, uid: Uid, name: LimitName, most: int | None) -> None:
        """Raise the limit to `most`; None takes it back to the default."""
        ...


class SlotRows(Protocol):
    """Stores which slots of a queue an account holds."""

    def take(self, uid: Uid, queue: SlotQueue, message: str, until: Instant, most: int) -> bool:
        """Hold a slot for `message` where less than `most` are held and nobody is waiting; False
        where that is not so, or nothing is stored yet."""
        ...

    def give_back(self, uid: Uid, queue: SlotQueue, message: str) -> None:
        """Free the slot that is held for `message`, if one still is."""
        ...

    def read(self, uid: Uid, queue: SlotQueue) -> Slots: ...

    def save(self, uid: Uid, queue: SlotQueue, slots: Slots) -> bool:
        """Store what was read, changed; False when somebody else changed it meanwhile."""
        ...
