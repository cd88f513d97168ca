"""Ask for sync runs and look at them (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.calls import calls_stopped
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.integration_states import may_sync
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import CredentialId, Instant, Platform, RunTrigger, Uid
from chalicelib.services.job_messages.sync_messages import SyncMessage
from chalicelib.services.ports.common import Clock, Ids, JobQueue, SyncQueue
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.runs import RunView, SetAside, SyncStates

STALLED_AFTER = 10 * MINUTE
"""A live run without a heartbeat for so long has lost its message: its worker died, or the queue's
retries are far apart. Another message is harmless: the lease and the hop see to that."""


@dataclass(frozen=True, slots=True)
class RunService:
    """Starts, stops and shows sync runs. `queue_of`: gives a sync queue by its name."""

    states: SyncStates
    credentials: Credentials
    integrations: Integrations
    queue_of: Callable[[SyncQueue], JobQueue]
    ids: Ids
    clock: Clock

    def start(
        self,
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        trigger: RunTrigger,
        *,
        delay_seconds: int = 0,
    ) -> RunView:
        """Queue a run now, unless one lives. Returns the live run. Raises NotFound, Conflict."""
        connected = self._connected(uid, platform, credential)
        return self._queue(connected, trigger, None, delay_seconds)

    def reread(
        self, uid: Uid, platform: Platform, credential: CredentialId, since: Instant
    ) -> RunView:
        """Queue a run that reads history again from `since`. Raises NotFound, Conflict."""
        connected = self._connected(uid, platform, credential)
        queued = self._queue(connected, "reread", since, 0)
        if queued.reread_from != since:
            raise Conflict("A sync of this credential is running; re-read when it has ended.")
        return queued

    def request_stop(self, uid: Uid, platform: Platform, credential: CredentialId) -> None:
        """End the live run: at its next checkpoint, within 2 s of work; one that waits, at once."""
        self.states.request_stop(uid, credential)
        live = self.states.live(uid, credential)
        if live is None or live.state != "waiting":
            return
        try:
            own_server = self.credentials.get(uid, platform, credential).own_server
        except NotFound:
            own_server = False
        self._send(live, own_server=own_server)

    def recent(
        self, uid: Uid, platform: Platform, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        """Read the source's runs, newest first, and where the list goes on."""
        return self.states.runs(uid, platform, limit, before)

    def get(self, uid: Uid, platform: Platform, run: str) -> RunView:
        """Read a run, with live progress while it lives. Raises NotFound."""
        return self.states.run(uid, platform, run)

    def set_aside(
        self, uid: Uid, platform: Platform, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        """Read the records that the run set aside, and where the list goes on. Raises NotFound."""
        self.states.run(uid, platform, run)
        return self.states.asides(uid, run, limit, after)

    def _connected(self, uid: Uid, platform: Platform, credential: CredentialId) -> Credential:
        connected = self.credentials.get(uid, platform, credential)
        integration = self.integrations.get(uid, platform)
        state = integration.state if integration else "draft"
        if not may_sync(state):
            raise calls_stopped(state)
        return connected

    def _queue(
        self,
        credential: Credential,
        trigger: RunTrigger,
        reread_from: Instant | None,
        delay_seconds: int,
    ) -> RunView:
        now = self.clock.now()
        new = RunView(
            id=self.ids.new("run"),
            uid=credential.uid,
            platform=credential.platform,
            credential=credential.id,
            state="queued",
            trigger=trigger,
            queued_at=now,
            reread_from=reread_from,
        )
        live = self.states.claim(new, now)
        if live.id == new.id or _has_lost_its_message(live, now):
            self._send(live, own_server=credential.own_server, delay_seconds=delay_seconds)
        return live

    def _send(self, live: RunView, *, own_server: bool, delay_seconds: int = 0) -> None:
        message = SyncMessage(live.uid, live.platform, live.credential, live.id, live.hops)
        queue = self.queue_of("sync-own-server" if own_server else "sync")
        queue.send(message.body(), delay_seconds=delay_seconds)


def _has_lost_its_message(live: RunView, now: Instant) -> bool:
    if live.state == "waiting":
        return live.resume_at is not None and live.resume_at <= now
    return (live.heartbeat_at or live.queued_at) < now - STALLED_AFTER
