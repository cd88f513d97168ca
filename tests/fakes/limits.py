"""Counters and raised limits in memory."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.limits import LimitName
from chalicelib.domain.slots import Slots
from chalicelib.domain.words import Instant


class FreeThrottle:
    """Lets through what the limit allows, for ever the same period."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], int] = {}

    def take(self, uid: str, what: str, limit: int, seconds: int) -> int | None:
        count = self.taken.get((uid, what), 0)
        if count >= limit:
            return seconds
        self.taken[uid, what] = count + 1
        return None


class MemoryRaisedLimits:
    def __init__(self) -> None:
        self.raised: dict[tuple[str, LimitName], int] = {}
        self.reads = 0

    def get(self, uid: str, name: LimitName) -> int | None:
        self.reads += 1
        return self.raised.get((uid, name))

    def put(self, uid: str, name: LimitName, most: int | None) -> None:
        if most is None:
            self.raised.pop((uid, name), None)
        else:
            self.raised[uid, name] = most


class MemorySlotRows:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Slots] = {}

    def take(self, uid: str, queue: str, message: str, until: Instant, most: int) -> bool:
        slots = self.rows.get((uid, queue))
        if slots is None or slots.first is not None or len(slots.held) >= most:
            return False
        held = {**slots.held, message: until}
        self.rows[uid, queue] = replace(slots, held=held, seq=slots.seq + 1)
        return True

    def give_back(self, uid: str, queue: str, message: str) -> None:
        slots = self.rows.get((uid, queue), Slots())
        if message in slots.held:
            held = {one: end for one, end in slots.held.items() if one != message}
            self.rows[uid, queue] = replace(slots, held=held, seq=slots.seq + 1)

    def read(self, uid: str, queue: str) -> Slots:
        return self.rows.get((uid, queue), Slots())

    def save(self, uid: str, queue: str, slots: Slots) -> bool:
        if self.read(uid, queue).seq != slots.seq:
            return False
        self.rows[uid, queue] = replace(slots, seq=slots.seq + 1)
        return True
