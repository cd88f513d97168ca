"""Queue what is due: held requests whose window opens, second ones, what dead workers left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.times import MINUTE
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.texting import ConsentLog, Due, DueContact, KillSwitch
from chalicelib.services.texting.text_jobs import LostText, RequestJob

BATCH = 100
LOOK_AGAIN_AFTER = 30 * MINUTE
"""Until its job has been done, a head stays in the index as its own watchdog: one whose message was
lost is queued again."""

SPREAD_SECONDS = 240
"""The requests of one look go spread over the time until the next."""


class Release:
    """`shards`: how many the index of due heads has."""

    def __init__(
        self, log: ConsentLog, queue: JobQueue, switch: KillSwitch, clock: Clock, *, shards: int
    ) -> None:
        self._log = log
        self._queue = queue
        self._switch = switch
        self._clock = clock
        self._shards = shards

    def release(self, time_left: Callable[[], bool]) -> int:
        """Queue what is due; how many. Nothing while the operator has stopped all texts. Stops when
        time is up: what is left stays due."""
        if self._switch.read().off:
            return 0
        queued = 0
        until = self._clock.now()
        for shard in range(self._shards):
            while time_left():
                due = self._log.due(shard, until, BATCH)
                queued += self._queue_all(due, queued)
                if len(due) < BATCH:
                    break
        return queued

    def _queue_all(self, due: list[Due], before: int) -> int:
        next_at = self._clock.now() + LOOK_AGAIN_AFTER
        claimed = [one for one in due if self._log.claim(one, next_at)]
        bodies: list[Mapping[str, object]] = [_job(one).body() for one in claimed]
        delays = [(before + number) % SPREAD_SECONDS for number in range(len(bodies))]
        if bodies:
            self._queue.send_many(bodies, delays=delays)
        return len(bodies)


def _job(due: Due) -> RequestJob | LostText:
    if isinstance(due, DueContact):
        return RequestJob(due.uid, due.number)
    return LostText(due.uid, due.day, due.at, due.id)
