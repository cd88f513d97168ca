"""Run one credential's sync job, page by page, until it ends or its time is up (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.errors import (
    AiqError,
    LeaseLost,
    NotFound,
    PermissionMissing,
    RateLimited,
    StaleVersion,
)
from chalicelib.domain.words import Instant, RunState, Stream, Uid
from chalicelib.services.credentials.check import learn_scope
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.job_messages import MAX_HOPS, SyncMessage
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.integrations import Credential, Credentials, Integrations
from chalicelib.services.ports.pos import PosGateway, StreamPlan
from chalicelib.services.ports.runs import Lease, LeaseBusy, RunError, RunGone, SyncStates
from chalicelib.services.ports.stores import Places
from chalicelib.services.sync.ending import RunEnding, missing_permissions
from chalicelib.services.sync.run_slice import RunInProgress, RunTools, Stopped

MAX_IDLE_HOPS = 3
MAX_TAKES = 5
"""As often as the queue delivers a message."""

MAX_LEASE_TRIES = 40
LONGEST_DELAY_SECONDS = 900
FIRST_WAIT_SECONDS = 30

Remaining = Callable[[], float]
"""Seconds until this process is killed."""


class _TimeIsUp(Exception):
    """Go on in another process."""


class SyncWorker:
    """Takes the sync messages of one queue, `queue`, and sends their continuations there.

    `places`: an account's shops. `reserve_seconds`: how long before its deadline a slice stops.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        integrations: Integrations,
        credentials: Credentials,
        states: SyncStates,
        parts: RunTools,
        gateway: PosGateway,
        key_ring: KeyRing,
        queue: JobQueue,
        outcomes: RunEnding,
        imports: ImportLocks,
        places: Callable[[Uid], Places],
        clock: Clock,
        reserve_seconds: float = 30.0,
    ) -> None:
        self._accounts = accounts
        self._integrations = integrations
        self._credentials = credentials
        self._states = states
        self._parts = parts
        self._gateway = gateway
        self._key_ring = key_ring
        self._queue = queue
        self._outcomes = outcomes
        self._imports = imports
        self._places = places
        self._clock = clock
        self._reserve = reserve_seconds

    def handle(self, message: SyncMessage, remaining: Remaining) -> None:
        """Go on with the run the message speaks of; a late or double message does nothing.

        Raises only what a later delivery of the same message may mend.
        """
        now = self._clock.now()
        try:
            lease = self._states.acquire(
                message.uid, message.platform, message.credential, message.run, message.hop, now
            )
        except RunGone:
            return
        except LeaseBusy as busy:
            self._come_back(message, busy.until - now)
            return
        try:
            self._work(lease, message, remaining)
        except LeaseLost:
            return

    def _come_back(self, message: SyncMessage, held_for: Instant) -> None:
        if message.tries >= MAX_LEASE_TRIES:
            return
        wait = min(1 + message.tries * 2, held_for // 1000 + 1)
        again = replace(message, tries=message.tries + 1)
        self._queue.send(again.body(), delay_seconds=wait)

    def _work(self, lease: Lease, message: SyncMessage, remaining: Remaining) -> None:
        part = RunInProgress(self._parts, lease, message.hop)
        if lease.takes > MAX_TAKES:
            self._give_up(part)
            return
        try:
            self._go_on(part, message, remaining)
        except LeaseLost:
            raise
        except Exception:
            # What this process holds of the run may be half done: it ends where it was taken up.
            if lease.takes >= MAX_TAKES and not part.moved:
                self._give_up(RunInProgress(self._parts, lease, message.hop))
            raise

    def _give_up(self, part: RunInProgress) -> None:
        """End a run that no process gets on with; what it read until then belongs to its scope."""
        lease = part.lease
        with suppress(NotFound):
            found = self._credentials.get(lease.uid, lease.platform, lease.credential)
            part.taker.scope = found.scope
        self._outcomes.failed(part, _stuck())

    def _go_on(self, part: RunInProgress, message: SyncMessage, remaining: Remaining) -> None:
        try:
            self._open(part)
            self._read_streams(part, remaining)
        except _TimeIsUp:
            self._hand_over(part, message)
        except RateLimited as limited:
            self._wait(part, message, limited)
        except Stopped:
            self._outcomes.stopped(part)
        except AiqError as error:
            if _another_delivery_may_mend(error):
                raise
            self._outcomes.failed(part, error)
        else:
            self._outcomes.ended(part)
        finally:
            part.close()

    def _open(self, part: RunInProgress) -> None:
        """Open the POS and plan the run. Raises Stopped when the source is not connected."""
        lease = part.lease
        if lease.stopping:
            raise Stopped
        try:
            credential = self._credentials.get(lease.uid, lease.platform, lease.credential)
        except NotFound:
            raise Stopped from None
        integration = self._integrations.get(lease.uid, lease.platform)
        if integration is None or integration.state != "connected":
            raise Stopped
        account = self._accounts.get(lease.uid)
        info = self._gateway.platform(lease.platform)
        access = self._key_ring.access(
            credential, time_zone=account.time_zone, currency=account.currency
        )
        credential = learn_scope(self._gateway, self._credentials, credential, access)
        access = replace(access, scope=credential.scope, trust=credential.trust)
        if info.store_clock:
            zone = self._places(lease.uid).zone_of_scope(lease.platform, credential.scope)
            access = replace(access, time_zone=zone or account.time_zone)
        part.open(account, credential.scope, self._gateway.open(access))
        if not part.progress.streams:
            # The card says whether points are imported: those that do not read no rules.
            part.progress.imports = integration.settings.get("points_imported_on") is not None
            if part.progress.imports:
                self._plan_import(part, credential, account.time_zone)
            part.plan(info.streams, info.overlap_seconds, credential.history_from, account)
        if part.progress.importing:
            part.taker.import_run = lease.run

    def _plan_import(self, part: RunInProgress, credential: Credential, zone: str) -> None:
        """Whether the run's customers listing is to fix the points taken from the POS."""
        part.progress.importing = self._imports.wanted(
            part.lease.uid,
            part.lease.platform,
            credential.scope,
            run=part.lease.run,
            added=credential.created_at,
            began=part.progress.began,
            zone=zone,
        )

    def _read_streams(self, part: RunInProgress, remaining: Remaining) -> None:
        while (stream := part.progress.next_stream()) is not None:
            try:
                self._read(part, stream, remaining)
            except PermissionMissing as error:
                part.give_up(stream, told(error, stream), missing_permissions(error))
            part.checkpoint_when_due()

    def _read(self, part: RunInProgress, stream: Stream, remaining: Remaining) -> None:
        place = part.load(stream)
        began = part.progress.began
        plan = StreamPlan(stream, began, place.since, place.history_from, place.kind)
        while True:
            if remaining() < self._reserve:
                raise _TimeIsUp
            page = part.session.fetch(plan, place.cursor, part.taker.known(stream))
            part.take(stream, page)
            if page.cursor is None:
                part.complete(stream, full_listing=page.full_listing)
                if stream == "stores":
                    self._outcomes.stores_listed(part)
                return
            part.checkpoint_when_due()

    def _hand_over(self, part: RunInProgress, message: SyncMessage) -> None:
        progress = part.progress
        progress.idle_hops = 0 if part.fetched else progress.idle_hops + 1
        if progress.idle_hops >= MAX_IDLE_HOPS or message.hop >= MAX_HOPS:
            stuck = NoProgress("The run used up its continuations without coming to an end.")
            self._outcomes.failed(part, stuck)
            return
        self._continue(part, message, "running", delay_seconds=1)

    def _wait(self, part: RunInProgress, message: SyncMessage, limited: RateLimited) -> None:
        """The POS asked for patience: delay the job, never sleep (product.md §5)."""
        asked = limited.details.get("retry_after")
        progress = part.progress
        doubled = FIRST_WAIT_SECONDS * 2 ** min(progress.waits, 5)
        wait = int(asked) + 1 if isinstance(asked, int | float) else doubled
        progress.waits += 1
        if message.hop >= MAX_HOPS:
            self._outcomes.failed(part, limited)
            return
        progress.resume_at = self._clock.now() + wait * 1000
        if wait <= LONGEST_DELAY_SECONDS:
            self._continue(part, message, "waiting", delay_seconds=wait)
            return
        lease, at = part.lease, progress.resume_at
        try:
            self._credentials.set_due(lease.uid, lease.platform, lease.credential, at)
        except NotFound:
            self._outcomes.stopped(part)
            return
        part.hand_over("waiting", message.hop + 1)

    def _continue(
        self, part: RunInProgress, message: SyncMessage, state: RunState, *, delay_seconds: int
    ) -> None:
        """Send first, then give the lease back: dying in between leaves two messages, not none."""
        part.save()
        onward = replace(message, hop=message.hop + 1, tries=0)
        self._queue.send(onward.body(), delay_seconds=delay_seconds)
        part.hand_over(state, onward.hop)


class NoProgress(AiqError):
    code = "no_progress"


def _stuck() -> NoProgress:
    """A worker that fails or dies at the same place leaves nothing that says why."""
    return NoProgress(
        "Something on our side failed again and again at the same place. The next run tries anew;"
        " if this stays, tell support."
    )


def _another_delivery_may_mend(error: AiqError) -> bool:
    if isinstance(error, LeaseLost | StaleVersion):
        return True
    return error.actor == "us" and error.retriable


def told(error: AiqError, stream: Stream | None = None) -> RunError:
    """An error as the run shows it."""
    return RunError(error.code, error.actor, error.message, stream)
