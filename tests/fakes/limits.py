"""Counters and raised limits in memory."""

from __future__ import annotations

from chalicelib.domain.limits import LimitName


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
