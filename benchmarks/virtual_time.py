"""Runs workers side by side in virtual time: how long they wait for each other, not for us.

Each worker is a thread with a core of its own, and one thread runs at a time. Its CPU passes as it
is measured, its sleeps and calls as the simulation says. So an hour with slow answers takes a few
minutes, and no busy machine makes anybody wait longer.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

from chalicelib.domain.words import Instant

_Waiting = tuple[float, int, "Worker"]


class Ended(BaseException):
    """The run is over. No code of ours may catch it."""


class Worker:
    """One process of the simulated world. `name` says whose work it does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = threading.Semaphore(0)
        self.mark = 0.0
        """The CPU seconds of its thread that have passed in virtual time."""


class VirtualTime:
    """The time, and whose turn it is; also the `Clock` port of everybody in it.

    `start_at`: what `now` says at the beginning, in ms since 1970.
    """

    def __init__(self, start_at: Instant) -> None:
        self.seconds = 0.0
        self.errors: list[BaseException] = []
        self._start_at = start_at
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self._running: Worker | None = None
        self._alive = 0
        self._over = False
        self._all_ended = threading.Event()

    def now(self) -> Instant:
        return self._start_at + round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        """The time with the CPU of the current slice."""
        worker = self.worker
        return self.seconds + time.thread_time() - worker.mark

    def sleep(self, seconds: float) -> None:
        """Let the CPU of the slice and then these seconds pass."""
        worker = self.worker
        used = time.thread_time() - worker.mark
        self._pass(worker, used + seconds)
        worker.mark = time.thread_time()

    def free(self) -> float:
        """Return the CPU seconds of the current slice: what is done until `forgive` costs none."""
        return time.thread_time() - self.worker.mark

    def forgive(self, used: float) -> None:
        """Take the slice's CPU to be `used` seconds, whatever was done since."""
        self.worker.mark = time.thread_time() - used

    @property
    def worker(self) -> Worker:
        if self._running is None:
            raise AssertionError("nobody runs")
        return self._running

    def start(self, name: str, act: Callable[[], None], at: float = 0.0) -> None:
        """Begin a worker at this second."""
        worker = Worker(name)
        self._alive += 1
        threading.Thread(target=self._live, args=(worker, act), daemon=True).start()
        heapq.heappush(self._waiting, (at, next(self._numbers), worker))

    def run(self, until: float) -> None:
        """Let everybody work until this second. Raises what a worker raised."""
        self.start("end", self._end, until)
        self._resume_next()
        self._all_ended.wait()
        if self.errors:
            raise self.errors[0]

    def _end(self) -> None:
        self._over = True

    def _live(self, worker: Worker, act: Callable[[], None]) -> None:
        worker.turn.acquire()
        try:
            if not self._over:
                worker.mark = time.thread_time()
                act()
        except Ended:
            pass
        except BaseException as error:  # noqa: BLE001 -- raised by `run`
            self.errors.append(error)
            self._over = True
        self._alive -= 1
        if self._alive:
            self._resume_next()
        else:
            self._all_ended.set()

    def _pass(self, worker: Worker, seconds: float) -> None:
        if self._over:
            raise Ended
        wake = self.seconds + seconds
        if self._waiting[0][0] >= wake:
            self.seconds = wake
            return
        heapq.heappush(self._waiting, (wake, next(self._numbers), worker))
        self._resume_next()
        worker.turn.acquire()
        if self._over:
            raise Ended

    def _resume_next(self) -> None:
        at, _, worker = heapq.heappop(self._waiting)
        self.seconds = max(self.seconds, at)
        self._running = worker
        worker.turn.release()
