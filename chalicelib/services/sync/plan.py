"""Find the credentials that are due and queue one run each (architecture.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.times import DAY, MINUTE
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credentials, DueCredential
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.sync.runs import RunService

BATCH = 100
LOOK_AGAIN_AFTER = 30 * MINUTE
"""Until its run ends and sets the next time, a credential stays in the index as its own watchdog:
a run whose message was lost is pushed again."""

SPREAD_SECONDS = 60
STALE_AFTER = DAY


class Planner:
    """`shards`: how many the `due` index has."""

    def __init__(
        self,
        credentials: Credentials,
        runs: RunService,
        gateway: PosGateway,
        notifier: Notifier,
        clock: Clock,
        *,
        shards: int,
    ) -> None:
        self._credentials = credentials
        self._runs = runs
        self._gateway = gateway
        self._notifier = notifier
        self._clock = clock
        self._shards = shards

    def plan(self, time_left: Callable[[], bool]) -> int:
        """Queue runs for what is due; how many. Stops when time is up: what is left stays due."""
        queued = 0
        until = self._clock.now()
        for shard in range(self._shards):
            while time_left():
                due = self._credentials.due(shard, until, BATCH)
                queued += sum(self._queue(one, number) for number, one in enumerate(due))
                if len(due) < BATCH:
                    break
        return queued

    def _queue(self, due: DueCredential, number: int) -> bool:
        if not self._credentials.claim_due(due, self._clock.now() + LOOK_AGAIN_AFTER):
            return False
        try:
            self._runs.start(
                due.uid,
                due.platform,
                due.credential,
                "schedule",
                delay_seconds=number % SPREAD_SECONDS,
            )
            self._say_when_stale(due)
        except (NotFound, Conflict):
            self._take_out(due)
            return False
        return True

    def _take_out(self, due: DueCredential) -> None:
        """Removed or disconnected a moment ago: nothing is due any more."""
        with suppress(NotFound):
            self._credentials.set_due(due.uid, due.platform, due.credential, None)

    def _say_when_stale(self, due: DueCredential) -> None:
        found = self._credentials.get(due.uid, due.platform, due.credential)
        last_good = found.last_good_run_at or found.created_at
        if self._clock.now() - last_good >= STALE_AFTER:
            self._notifier.raise_(
                due.uid,
                "stale_source",
                f"{due.platform}:{due.credential}",
                title=self._gateway.platform(due.platform).title,
                scope=found.scope or found.id,
            )
