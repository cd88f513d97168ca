"""Queue the texts that are due: held requests, second requests, what dead workers left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass

from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.job_messages.text_jobs import LostText, RequestJob
from chalicelib.services.ports.common import Clock, JobQueue, PassOver, pass_over_nothing
from chalicelib.services.ports.consent import ConsentLog, Due, DueContact
from chalicelib.services.ports.texting import KillSwitch

BATCH = 100
LOOK_AGAIN_AFTER = 30 * MINUTE
"""A contact stays in the index of due contacts until its job has been done, so that one whose
message was lost is queued again."""

SPREAD_SECONDS = 240
"""The requests of one run are spread over the time until the next."""


@dataclass(frozen=True, slots=True)
class Release:
    """Queues a job for every contact and text that is due.

    `shards`: how many the index of what is due has.
    """

    log: ConsentLog
    queue: JobQueue
    switch: KillSwitch
    clock: Clock
    _: KW_ONLY
    shards: int
    pass_over: PassOver = pass_over_nothing

    def release(self, time_left: Callable[[], bool]) -> int:
        """Queue what is due and return how many jobs that were.

        While the operator has stopped all texts, queues only what a dead worker left *sending*, for
        it to end; the rest stays due. Stops when time is up: what is left stays due too.
        """
        stopped = self.switch.read().off
        queued = 0
        until = self.clock.now()
        for shard in range(self.shards):
            last: Due | None = None
            while time_left():
                due = self.log.due(shard, until, BATCH, last)
                queued += self._queue_all(self._left_sending(due) if stopped else due, queued)
                if len(due) < BATCH:
                    break
                last = due[-1]
        return queued

    def _left_sending(self, due: list[Due]) -> list[Due]:
        """Return those of which a text was begun and has not ended."""
        numbers: dict[Uid, list[str]] = {}
        for each in due:
            if isinstance(each, DueContact):
                numbers.setdefault(each.uid, []).append(each.number)
        states = {uid: self.log.eventual_states(uid, known) for uid, known in numbers.items()}
        return [
            each
            for each in due
            if not isinstance(each, DueContact) or states[each.uid][each.number].sending
        ]

    def _queue_all(self, due: list[Due], before: int) -> int:
        next_at = self.clock.now() + LOOK_AGAIN_AFTER
        claimed = [each for each in due if self._claim(each, next_at)]
        bodies: list[Mapping[str, object]] = [_job(each).body() for each in claimed]
        delays = [(before + number) % SPREAD_SECONDS for number in range(len(bodies))]
        if bodies:
            self.queue.send_many(bodies, delays=delays)
        return len(bodies)

    def _claim(self, due: Due, next_at: Instant) -> bool:
        return self.pass_over(lambda: self.log.claim(due, next_at), otherwise=False, uid=due.uid)


def _job(due: Due) -> RequestJob | LostText:
    if isinstance(due, DueContact):
        return RequestJob(due.uid, due.number)
    return LostText(due.uid, due.day, due.at, due.id)
