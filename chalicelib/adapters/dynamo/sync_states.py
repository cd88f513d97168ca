"""Runs, their leases and checkpoints in DynamoDB (docs/reference/design.md, table `sync`).

Every write of a worker is conditional on its lease's fencing token: a worker that lost its lease
cannot move the checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    bind,
    failed_conditions,
    query_page,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import sync_keys
from chalicelib.adapters.dynamo.pieces import (
    LONGEST_IN_A_ROW,
    PieceRow,
    put_pieces,
    read_pieces,
)
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.run_text import read_view, view_text
from chalicelib.adapters.dynamo.set_aside import DynamoSetAside, SetAsideRow
from chalicelib.adapters.dynamo.stream_states import (
    DynamoStreamStates,
    ManifestRow,
    SaleDayRow,
    StreamsRow,
)
from chalicelib.domain.errors import LeaseLost, NotFound
from chalicelib.domain.times import DAY
from chalicelib.domain.words import CredentialId, Instant, Platform, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.runs import (
    Lease,
    LeaseBusy,
    RunError,
    RunGone,
    RunView,
)

RUN = re.compile(r"[A-Za-z0-9_]+")
"""The form of a position in the list of runs."""

LEASE_SECONDS = 180
"""Longer than the longest page takes: every checkpoint is a heartbeat."""

ABANDONED_AFTER_SECONDS = 6 * 3600
"""A run without a heartbeat for so long is given up; its messages are in the dead-letter queue."""

CHECKPOINT, CHECKPOINT_PIECES = "CHECKPOINT", "pieces"
PIECES_KEPT_DAYS = 30
"""Longer than any run waits to go on; every checkpoint leaves those of the one before."""

ABANDONED = RunError("abandoned", "us", "The run was not heard of again; another took its place.")


class StateRow(Row):
    run = UnicodeAttribute()
    fence = NumberAttribute(default=0)
    moved = NumberAttribute(null=True)
    """The fence under which the run last moved its checkpoint."""
    worked = NumberAttribute(null=True)
    """Milliseconds that the run's workers had its lease, up to the last checkpoint."""
    hop = NumberAttribute(default=0)
    ended = BooleanAttribute(default=False)
    stop = BooleanAttribute(null=True)
    heard_at = NumberAttribute()
    held_until = NumberAttribute(null=True)
    checkpoint = BinaryAttribute(null=True, legacy_encoding=False)
    view = UnicodeAttribute()


class RunRow(Row):
    credential = UnicodeAttribute()
    view = UnicodeAttribute()


class DynamoSyncStates(DynamoStreamStates, DynamoSetAside):
    """The `SyncStates` port: runs and leases here, the rest from the bases."""

    def __init__(self, table: str, clock: Clock, *, lease_seconds: int = LEASE_SECONDS) -> None:
        bind(table, StateRow, RunRow, StreamsRow, ManifestRow, SaleDayRow, SetAsideRow, PieceRow)
        self._clock = clock
        self._lease_ms = lease_seconds * 1000

    def claim(self, run: RunView, now: Instant) -> RunView:
        state = self._state(run.uid, run.credential)
        if state is not None and not state.ended and not self._abandoned(state, now):
            return _view_as_heard(state)
        row = state or StateRow(*_state_key(run.uid, run.credential))
        as_read = StateRow.pk.does_not_exist() if state is None else StateRow.run == state.run
        actions = [
            StateRow.run.set(run.id),
            StateRow.ended.set(False),
            StateRow.hop.set(0),
            StateRow.moved.set(row.fence),
            StateRow.heard_at.set(now),
            StateRow.view.set(view_text(run)),
            StateRow.checkpoint.remove(),
            StateRow.stop.remove(),
            StateRow.worked.remove(),
        ]
        if not update_if(row, actions, as_read):
            return self.claim(run, now)
        _run_row(run).save()
        return run

    def live(self, uid: Uid, credential: CredentialId) -> RunView | None:
        state = self._state(uid, credential)
        return None if state is None or state.ended else read_view(state.view)

    def live_among(self, uid: Uid, credentials: Sequence[CredentialId]) -> list[RunView]:
        places = [_state_key(uid, credential) for credential in credentials]
        shown = ["pk", "sk", "ended", "heard_at", "view"]
        states = StateRow.batch_get(places, attributes_to_get=shown) if places else ()
        live = [state for state in states if not state.ended]
        return list(readable(sorted(live, key=lambda state: str(state.pk)), _view_as_heard))

    def acquire(
        self,
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        run: str,
        hop: int,
        now: Instant,
    ) -> Lease:
        state = StateRow(*_state_key(uid, credential))
        free = StateRow.held_until.does_not_exist() | (StateRow.held_until <= now)
        live = (StateRow.run == run) & (StateRow.ended == False) & (StateRow.hop <= hop)  # noqa: E712
        actions = [
            StateRow.fence.add(1),
            StateRow.held_until.set(now + self._lease_ms),
            StateRow.heard_at.set(now),
        ]
        if not update_if(state, actions, live & free):
            raise self._refusal(uid, credential, run, hop, now)
        checkpoint = orjson.loads(state.checkpoint) if state.checkpoint else None
        if checkpoint and CHECKPOINT_PIECES in checkpoint:
            names = checkpoint[CHECKPOINT_PIECES]
            checkpoint = orjson.loads(read_pieces(state.pk, CHECKPOINT, names))
        return Lease(
            uid=uid,
            platform=platform,
            credential=credential,
            run=run,
            fence=int(state.fence),
            checkpoint=checkpoint,
            view=read_view(state.view),
            stopping=bool(state.stop),
            takes=int(state.fence) - _last_moved_fence(state),
            taken_at=now,
            worked=int(state.worked or 0),
        )

    def _refusal(
        self, uid: Uid, credential: CredentialId, run: str, hop: int, now: Instant
    ) -> LeaseBusy | RunGone:
        state = self._state(uid, credential)
        if state is None or state.ended or state.run != run or hop < int(state.hop):
            return RunGone()
        return LeaseBusy(int(state.held_until or now + self._lease_ms))

    def checkpoint(self, lease: Lease, checkpoint: dict[str, Any], view: RunView) -> bool:
        now = self._clock.now()
        state = self._guarded(
            lease,
            [
                StateRow.checkpoint.set(_packed(lease, checkpoint, now)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(now),
                StateRow.held_until.set(now + self._lease_ms),
                StateRow.moved.set(lease.fence),
                StateRow.worked.set(lease.worked_until(now)),
            ],
        )
        return not state.stop

    def renew(self, lease: Lease) -> None:
        now = self._clock.now()
        self._guarded(
            lease, [StateRow.heard_at.set(now), StateRow.held_until.set(now + self._lease_ms)]
        )

    def hand_over(self, lease: Lease, checkpoint: dict[str, Any], view: RunView, hop: int) -> None:
        now = self._clock.now()
        self._guarded(
            lease,
            [
                StateRow.checkpoint.set(_packed(lease, checkpoint, now)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(max(now, view.resume_at or 0)),
                StateRow.hop.set(hop),
                StateRow.moved.set(lease.fence),
                StateRow.worked.set(lease.worked_until(now)),
                StateRow.held_until.remove(),
            ],
        )

    def finish(self, lease: Lease, view: RunView) -> None:
        state = StateRow(*_state_key(lease.uid, lease.credential))

        def writes(transaction: TransactWrite) -> None:
            transaction.save(_run_row(view))
            transaction.update(
                state,
                actions=[
                    StateRow.ended.set(True),
                    StateRow.view.set(view_text(view)),
                    StateRow.heard_at.set(self._clock.now()),
                    StateRow.held_until.remove(),
                    StateRow.checkpoint.remove(),
                ],
                condition=_is_holder(lease),
            )

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise LeaseLost("Another worker took this run over.") from None

    def note_waiting(self, uid: Uid, credential: CredentialId, run: str, now: Instant) -> None:
        row = StateRow(*_state_key(uid, credential))
        waits = (StateRow.run == run) & (StateRow.ended == False)  # noqa: E712
        nobody = StateRow.held_until.does_not_exist() & (StateRow.heard_at < now)
        update_if(row, [StateRow.heard_at.set(now)], waits & nobody)

    def request_stop(self, uid: Uid, credential: CredentialId) -> None:
        row = StateRow(*_state_key(uid, credential))
        live = StateRow.pk.exists() & (StateRow.ended == False)  # noqa: E712
        update_if(row, [StateRow.stop.set(True)], live)

    def runs(
        self, uid: Uid, platform: Platform, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        pk = sync_keys.runs(uid, platform)
        rows, last = query_page(RunRow, pk, limit, before, RUN, newest_first=True)
        return list(readable(rows, lambda row: self._fresh(read_view(row.view)))), last

    def run(self, uid: Uid, platform: Platform, run: str) -> RunView:
        row = RunRow.find(sync_keys.runs(uid, platform), run)
        if row is None:
            raise NotFound("There is no such sync run.")
        return self._fresh(read_view(row.view))

    def _fresh(self, view: RunView) -> RunView:
        """Return the live view of a run that had not ended when it was stored."""
        if view.ended_at is not None:
            return view
        state = self._state(view.uid, view.credential)
        if state is not None and state.run == view.id:
            return read_view(state.view)
        return replace(view, state="failed", error=ABANDONED)

    def _state(self, uid: Uid, credential: CredentialId) -> StateRow | None:
        return StateRow.find(*_state_key(uid, credential))

    def _abandoned(self, state: StateRow, now: Instant) -> bool:
        return int(state.heard_at) < now - ABANDONED_AFTER_SECONDS * 1000

    def _guarded(self, lease: Lease, actions: list[Action]) -> StateRow:
        state = StateRow(*_state_key(lease.uid, lease.credential))
        if not update_if(state, actions, _is_holder(lease)):
            raise LeaseLost("Another worker took this run over.")
        return state


def _view_as_heard(state: StateRow) -> RunView:
    """Return the live run's view; its heartbeat is also that of a message that waits for a slot."""
    view = read_view(state.view)
    heard_at = int(state.heard_at)
    if view.state == "waiting" or heard_at <= (view.heartbeat_at or view.queued_at):
        return view
    return replace(view, heartbeat_at=heard_at)


def _last_moved_fence(state: StateRow) -> int:
    """Return the fence under which the run last moved its checkpoint.

    A run that was claimed before the row stored it counts as moved by the lease before this one.
    The first run of a credential begins at 0.
    """
    return int(state.fence - 1 if state.moved is None else state.moved)


def _is_holder(lease: Lease) -> Condition:
    holder: Condition = (StateRow.fence == lease.fence) & (StateRow.run == lease.run)
    return holder


def _packed(lease: Lease, checkpoint: dict[str, Any], now: Instant) -> bytes:
    """Return what stands in the row: the checkpoint, or the names of its pieces where it is too
    long."""
    packed = orjson.dumps(checkpoint)
    if len(packed) <= LONGEST_IN_A_ROW:
        return packed
    pk, _ = _state_key(lease.uid, lease.credential)
    names = put_pieces(pk, CHECKPOINT, packed, expires=now + PIECES_KEPT_DAYS * DAY)
    return orjson.dumps({CHECKPOINT_PIECES: names})


def _run_row(view: RunView) -> RunRow:
    return RunRow(
        sync_keys.runs(view.uid, view.platform),
        view.id,
        credential=view.credential,
        view=view_text(view),
    )


def _state_key(uid: Uid, credential: CredentialId) -> tuple[str, str]:
    return sync_keys.credential_state(uid, credential), sync_keys.STATE_SK
