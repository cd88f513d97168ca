"""Cuts what takes too long, from one thread of the process: a thread for each request would cost
as much CPU as reading thirty records does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

NEVER = float("inf")


class Cut:
    """A cut that is due unless it is taken back. `is_late`: it was made."""

    __slots__ = ("is_late", "make")

    def __init__(self, make: Callable[[], None]) -> None:
        self.make: Callable[[], None] | None = make
        self.is_late = False


class Watchdog:
    """Makes the cuts that are due. `make` must not wait, nor raise."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Cut]] = []
        self._order = count()
        self._thread: threading.Thread | None = None
        self._wakes_at = NEVER

    def cut_after(self, seconds: float, make: Callable[[], None]) -> Cut:
        cut, at = Cut(make), time.monotonic() + seconds
        with self._changed:
            self._forget_taken_back()
            heappush(self._due, (at, next(self._order), cut))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._changed.notify()
        return cut

    def take_back(self, cut: Cut) -> None:
        """Do not make the cut, if that is not done yet. Nothing is kept of what it would end."""
        with self._changed:
            cut.make = None

    def _watch(self) -> None:
        while True:
            with self._changed:
                make = self._next_due()
                if make is None:
                    left = self._wakes_at - time.monotonic()
                    self._changed.wait(None if self._wakes_at == NEVER else max(0.0, left))
                    continue
            make()

    def _next_due(self) -> Callable[[], None] | None:
        """The cut to make now; None, and when to look again in `_wakes_at`, where none is due."""
        self._forget_taken_back()
        self._wakes_at = self._due[0][0] if self._due else NEVER
        if self._wakes_at > time.monotonic():
            return None
        *_, cut = heappop(self._due)
        make, cut.make, cut.is_late = cut.make, None, True
        return make

    def _forget_taken_back(self) -> None:
        while self._due and self._due[0][2].make is None:
            heappop(self._due)
