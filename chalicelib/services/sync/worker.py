"""Run one credential's sync job, page by page, until it ends or its time is up (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import (
    AiqError,
    CallsStopped,
    FilterIgnored,
    LeaseLost,
    NotFound,
    PermissionMissing,
    RateLimited,
    SourceStandsStill,
    StaleVersion,
    UnexpectedAnswer,
)
from chalicelib.domain.slots import LONGEST_WAIT
from chalicelib.domain.words import Instant, RunState, Stream
from chalicelib.services.job_messages.base import MAX_HOPS
from chalicelib.services.job_messages.sync_messages import SyncMessage
from chalicelib.services.limits.run_time import OwnServerTime
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.integrations import Credentials
from chalicelib.services.ports.runs import Lease, LeaseBusy, RunGone, SyncStates
from chalicelib.services.sync.ending import RunEnding
from chalicelib.services.sync.next_run import seconds_to_wait
from chalicelib.services.sync.open_run import OpenRun
from chalicelib.services.sync.run_in_progress import RunInProgress, RunTools, Stopped
from chalicelib.services.sync.run_result import RunEnd
from chalicelib.services.sync.store_keys_seen import StoreKeyWatch

MAX_IDLE_HOPS = 3
MAX_TAKES = 5
"""As often as the queue delivers a message."""

NOTED_EVERY_SECONDS = 300
"""Well before a run without a heartbeat counts as stalled (`runs.STALLED_AFTER`)."""

MAX_LEASE_TRIES = 40
LONGEST_DELAY_SECONDS = 900

Remaining = Callable[[], float]
"""Seconds until this process is killed."""


class NoProgress(AiqError):
    code = "no_progress"


class _TimeIsUp(Exception):
    """Another process is to go on."""


@dataclass(frozen=True, slots=True)
class SyncWorker:
    """Takes the sync messages of one queue, `queue`, and sends their continuations there.

    `reserve_seconds`: how long before its deadline a process stops reading.
    """

    credentials: Credentials
    states: SyncStates
    tools: RunTools
    opener: OpenRun
    store_keys: StoreKeyWatch
    ending: RunEnding
    own_server_time: OwnServerTime
    queue: JobQueue
    clock: Clock
    reserve_seconds: float = 30.0

    def handle(self, message: SyncMessage, remaining: Remaining) -> None:
        """Work on the run that the message names; a late or double message does nothing.

        Raises only what a later delivery of the same message may mend.
        """
        now = self.clock.now()
        try:
            lease = self.states.acquire(
                message.uid, message.platform, message.credential, message.run, message.hop, now
            )
        except RunGone:
            return
        except LeaseBusy as busy:
            self._send_again(message, busy.until - now)
            return
        with suppress(LeaseLost):
            self._work(lease, message, remaining)

    def note_waiting(self, message: SyncMessage, waited_seconds: int) -> None:
        """Keep the run alive, now and then, while its message waits for a slot of the queue: else
        others would send more messages for it."""
        if waited_seconds % NOTED_EVERY_SECONDS < LONGEST_WAIT:
            self.states.note_waiting(message.uid, message.credential, message.run, self.clock.now())

    def _send_again(self, message: SyncMessage, held_for: Instant) -> None:
        """Look again later, when another worker may have given its lease back."""
        if message.tries >= MAX_LEASE_TRIES:
            return
        wait = min(1 + message.tries * 2, held_for // 1000 + 1)
        again = replace(message, tries=message.tries + 1)
        self.queue.send(again.body(), delay_seconds=wait)

    def _work(self, lease: Lease, message: SyncMessage, remaining: Remaining) -> None:
        run = RunInProgress(self.tools, lease, message.hop)
        if lease.takes > MAX_TAKES:
            self._give_up(run)
            return
        try:
            self._advance(run, message, remaining)
        except LeaseLost:
            raise
        except Exception:
            # What this process holds of the run may be half done, so a fresh one gives it up.
            if lease.takes >= MAX_TAKES and not run.has_checkpointed:
                self._give_up(RunInProgress(self.tools, lease, message.hop))
            raise

    def _give_up(self, run: RunInProgress) -> None:
        """End a run that no process gets on with; what it read until then belongs to its scope."""
        lease = run.lease
        with suppress(NotFound):
            credential = self.credentials.get(lease.uid, lease.platform, lease.credential)
            run.intake.scope = credential.scope
        self._fail(
            run,
            # The workers that failed left no error that could be shown.
            NoProgress(
                "Something on our side failed again and again at the same place. The next run tries"
                " anew; if this stays, tell support."
            ),
        )

    def _advance(self, run: RunInProgress, message: SyncMessage, remaining: Remaining) -> None:
        """Read on until the run ends, breaks off, or is for another process to go on with."""
        try:
            self.opener.open(run)
            self._read_streams(run, remaining)
        except _TimeIsUp:
            self._hand_over(run, message)
        except RateLimited as limited:
            self._wait(run, message, limited)
        except (Stopped, CallsStopped, SourceStandsStill):
            self._stop(run)
        except AiqError as error:
            if _another_delivery_may_mend(error):
                raise
            self._fail(run, error)
        else:
            self._end(run, "complete")
        finally:
            run.close()

    def _read_streams(self, run: RunInProgress, remaining: Remaining) -> None:
        def go_on() -> None:
            run.checkpoint_when_due()
            if remaining() < self.reserve_seconds:
                raise _TimeIsUp

        run.judge_contacts(go_on)
        while (stream := run.progress.next_stream()) is not None:
            try:
                self._read(run, stream, remaining)
            except PermissionMissing as error:
                run.skip(stream, error)
            except (UnexpectedAnswer, FilterIgnored) as error:
                if stream == "stores":  # without which the others would be misread
                    raise
                run.skip(stream, error)
            run.judge_contacts(go_on)
            run.checkpoint_when_due()

    def _read(self, run: RunInProgress, stream: Stream, remaining: Remaining) -> None:
        plan = run.start_stream(stream)
        while True:
            if remaining() < self.reserve_seconds:
                raise _TimeIsUp
            if run.is_own_server:
                self.own_server_time.check(run.lease.uid, run.lease.worked_until(self.clock.now()))
            page = run.fetch(plan)
            run.take(stream, page)
            if page.cursor is None:
                break
            run.checkpoint_when_due()
        run.complete(stream, page)
        if stream == "stores":
            progress, keys = run.progress, run.known_store_keys
            self.store_keys.record_listed(
                run.lease, run.intake.scope, progress.began, progress.store_names, keys
            )

    def _end(self, run: RunInProgress, end: RunEnd) -> None:
        result = run.result(end)
        self.ending.end(result, lambda: run.save_streams(result))
        run.finish(result.state)

    def _fail(self, run: RunInProgress, error: AiqError) -> None:
        """End the run; what it committed stays, no watermark of an unread stream moves."""
        run.break_off(error)
        self._end(run, "broken off")

    def _stop(self, run: RunInProgress) -> None:
        """End a run that a person stopped: nobody is told, and nothing is due."""
        result = run.result("stopped")
        run.save_streams(result)
        run.finish(result.state)

    def _hand_over(self, run: RunInProgress, message: SyncMessage) -> None:
        """Have another process go on, unless that comes to no end."""
        progress = run.progress
        progress.idle_hops = 0 if run.pages_taken else progress.idle_hops + 1
        if progress.idle_hops >= MAX_IDLE_HOPS or message.hop >= MAX_HOPS:
            used_up = "The run used up its continuations without coming to an end."
            self._fail(run, NoProgress(used_up))
            return
        self._continue(run, message, "running", delay_seconds=1)

    def _wait(self, run: RunInProgress, message: SyncMessage, limited: RateLimited) -> None:
        """The POS asked for patience: delay the job, never sleep (product.md §5)."""
        progress = run.progress
        wait = seconds_to_wait(limited, progress.waits)
        progress.waits += 1
        if message.hop >= MAX_HOPS:
            self._fail(run, limited)
            return
        progress.resume_at = self.clock.now() + wait * 1000
        if wait <= LONGEST_DELAY_SECONDS:
            self._continue(run, message, "waiting", delay_seconds=wait)
            return
        lease, at = run.lease, progress.resume_at
        try:
            self.credentials.set_due(lease.uid, lease.platform, lease.credential, at)
        except NotFound:
            self._stop(run)
            return
        run.hand_over("waiting", message.hop + 1)

    def _continue(
        self, run: RunInProgress, message: SyncMessage, state: RunState, *, delay_seconds: int
    ) -> None:
        """Send first, then give the lease back: dying in between leaves two messages, not none."""
        run.append()
        onward = replace(message, hop=message.hop + 1, tries=0)
        self.queue.send(onward.body(), delay_seconds=delay_seconds)
        run.hand_over(state, onward.hop)


def _another_delivery_may_mend(error: AiqError) -> bool:
    if isinstance(error, LeaseLost | StaleVersion):
        return True
    return error.actor == "us" and error.retriable
