"""Find the credentials that are due and queue one run each (architecture.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import (
    Clock,
    Measure,
    PassOver,
    measure_nothing,
    pass_over_nothing,
)
from chalicelib.services.ports.integrations import Credentials, DueCredential
from chalicelib.services.sync.next_run import is_stale
from chalicelib.services.sync.notices import RunNotices
from chalicelib.services.sync.runs import RunService

BATCH = 100
LOOK_AGAIN_AFTER = 30 * MINUTE
"""Until its run ends and sets the next time, a credential stays in the index as its own watchdog:
a run whose message was lost is pushed again."""

SPREAD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Planner:
    """Queues runs. `shards`: how many the `due` index has. `enlist` hears of every account that has
    a run, perhaps often."""

    credentials: Credentials
    runs: RunService
    notices: RunNotices
    clock: Clock
    shards: int
    pass_over: PassOver = pass_over_nothing
    measure: Measure = measure_nothing
    enlist: Callable[[Uid], None] = lambda _: None

    def plan(self, time_left: Callable[[], bool]) -> int:
        """Queue runs for the credentials that are due and return how many were queued.

        Stops when time is up: what is left stays due.
        """
        queued, oldest = 0, self.clock.now()
        until = oldest
        for shard in range(self.shards):
            while time_left():
                due = self.credentials.due(shard, until, BATCH)
                oldest = min([oldest, *(each.due_at for each in due)])
                queued += sum(self._try(each, number) for number, each in enumerate(due))
                if len(due) < BATCH:
                    break
        self.measure({"PlanLagSeconds": (until - oldest) / 1000})
        return queued

    def _try(self, due: DueCredential, number: int) -> bool:
        return self.pass_over(lambda: self._queue(due, number), otherwise=False, uid=due.uid)

    def _queue(self, due: DueCredential, number: int) -> bool:
        if not self.credentials.claim_due(due, self.clock.now() + LOOK_AGAIN_AFTER):
            return False
        try:
            self.runs.start(
                due.uid,
                due.platform,
                due.credential,
                "schedule",
                delay_seconds=number % SPREAD_SECONDS,
            )
            self._raise_when_stale(due)
            self.enlist(due.uid)
        except (NotFound, Conflict):
            self._take_out(due)
            return False
        return True

    def _take_out(self, due: DueCredential) -> None:
        """Take a credential that was removed or disconnected a moment ago out of the index."""
        with suppress(NotFound):
            self.credentials.set_due(due.uid, due.platform, due.credential, None)

    def _raise_when_stale(self, due: DueCredential) -> None:
        credential = self.credentials.get(due.uid, due.platform, due.credential)
        if is_stale(credential, self.clock.now()):
            self.notices.raise_stale(credential)
