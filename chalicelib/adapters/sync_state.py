"""The sync table behind the `SyncStates` port (docs/reference/design.md, table `sync`).

Everything a worker writes is guarded by its lease's fence: a worker that slept through its lease
can neither move the checkpoint nor overwrite a manifest.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action

from chalicelib.adapters import keys
from chalicelib.adapters.run_text import read_view, view_text
from chalicelib.adapters.tables import Row, TableMeta, bind, condition_failed
from chalicelib.domain.errors import LeaseLost, NotFound
from chalicelib.domain.records import Instant, Reject, Stream
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.runs import (
    Lease,
    LeaseBusy,
    RunError,
    RunGone,
    RunView,
    SetAside,
    StreamState,
)

LEASE_SECONDS = 180
"""Longer than the longest page: a heartbeat comes with every checkpoint."""

ABANDONED_AFTER_SECONDS = 6 * 3600
"""A run unheard of for so long is given up; its messages are long dead-lettered."""

ABANDONED = RunError("abandoned", "us", "The run was not heard of again; another took its place.")

ASIDE_DAYS = 90


class StateRow(Row):
    class Meta(TableMeta):
        pass

    run = UnicodeAttribute()
    fence = NumberAttribute(default=0)
    hop = NumberAttribute(default=0)
    ended = BooleanAttribute(default=False)
    stop = BooleanAttribute(null=True)
    heard_at = NumberAttribute()
    held_until = NumberAttribute(null=True)
    checkpoint = BinaryAttribute(null=True, legacy_encoding=False)
    view = UnicodeAttribute()


class StreamRow(Row):
    class Meta(TableMeta):
        pass

    watermark = NumberAttribute(null=True)
    generation = NumberAttribute(default=0)
    deltas = NumberAttribute(default=0)
    last_listing = NumberAttribute(default=0)
    store_key_sales = JSONAttribute(null=True)
    days = JSONAttribute(null=True)
    last_run = UnicodeAttribute(null=True)
    fence = NumberAttribute()


class ManifestRow(Row):
    class Meta(TableMeta):
        pass

    packed = BinaryAttribute(legacy_encoding=False)
    fence = NumberAttribute()


class RunRow(Row):
    class Meta(TableMeta):
        pass

    credential = UnicodeAttribute()
    view = UnicodeAttribute()


class AsideRow(Row):
    class Meta(TableMeta):
        pass

    body = UnicodeAttribute()
    expires_at = NumberAttribute()


class DynamoSyncStates:
    """The `SyncStates` port."""

    def __init__(self, table: str, clock: Clock, *, lease_seconds: int = LEASE_SECONDS) -> None:
        bind(table, StateRow, StreamRow, ManifestRow, RunRow, AsideRow)
        self._clock = clock
        self._lease_ms = lease_seconds * 1000

    def claim(self, run: RunView, now: Instant) -> RunView:
        state = self._state(run.uid, run.credential)
        if state is not None and not state.ended and not self._abandoned(state, now):
            return read_view(state.view)
        row = state or StateRow(*_state_place(run.uid, run.credential))
        as_read = StateRow.pk.does_not_exist() if state is None else StateRow.run == state.run
        try:
            row.update(
                actions=[
                    StateRow.run.set(run.id),
                    StateRow.ended.set(False),
                    StateRow.hop.set(0),
                    StateRow.heard_at.set(now),
                    StateRow.view.set(view_text(run)),
                    StateRow.checkpoint.remove(),
                    StateRow.stop.remove(),
                ],
                condition=as_read,
            )
        except UpdateError as error:
            if condition_failed(error):
                return self.claim(run, now)
            raise
        self._put_run(run)
        return run

    def live(self, uid: str, credential: str) -> RunView | None:
        state = self._state(uid, credential)
        return None if state is None or state.ended else read_view(state.view)

    def acquire(
        self, uid: str, platform: str, credential: str, run: str, hop: int, now: Instant
    ) -> Lease:
        state = self._state(uid, credential)
        if state is None or state.ended or state.run != run or hop < int(state.hop):
            raise RunGone
        if state.held_until is not None and int(state.held_until) > now:
            raise LeaseBusy(int(state.held_until))
        fence = int(state.fence or 0)
        condition = (StateRow.run == run) & (
            (StateRow.fence == fence) | StateRow.fence.does_not_exist()
        )
        try:
            state.update(
                actions=[
                    StateRow.fence.set(fence + 1),
                    StateRow.held_until.set(now + self._lease_ms),
                    StateRow.heard_at.set(now),
                ],
                condition=condition,
            )
        except UpdateError as error:
            if condition_failed(error):
                raise LeaseBusy(now + self._lease_ms) from None
            raise
        checkpoint = orjson.loads(state.checkpoint) if state.checkpoint else None
        return Lease(uid, platform, credential, run, fence + 1, checkpoint)

    def run_of(self, lease: Lease) -> RunView:
        state = self._state(lease.uid, lease.credential)
        if state is None or state.run != lease.run:
            raise LeaseLost("Another run took this one's place.")
        return read_view(state.view)

    def checkpoint(self, lease: Lease, checkpoint: dict[str, Any], view: RunView) -> bool:
        now = self._clock.now()
        state = self._guarded(
            lease,
            [
                StateRow.checkpoint.set(orjson.dumps(checkpoint)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(now),
                StateRow.held_until.set(now + self._lease_ms),
            ],
        )
        return not state.stop

    def hand_over(self, lease: Lease, checkpoint: dict[str, Any], view: RunView, hop: int) -> None:
        self._guarded(
            lease,
            [
                StateRow.checkpoint.set(orjson.dumps(checkpoint)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(self._clock.now()),
                StateRow.hop.set(hop),
                StateRow.held_until.remove(),
            ],
        )

    def finish(self, lease: Lease, view: RunView) -> None:
        self._put_run(view)
        self._guarded(
            lease,
            [
                StateRow.ended.set(True),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(self._clock.now()),
                StateRow.held_until.remove(),
                StateRow.checkpoint.remove(),
            ],
        )

    def request_stop(self, uid: str, credential: str) -> None:
        row = StateRow(*_state_place(uid, credential))
        try:
            row.update(
                actions=[StateRow.stop.set(True)],
                condition=StateRow.pk.exists() & (StateRow.ended == False),  # noqa: E712
            )
        except UpdateError as error:
            if not condition_failed(error):
                raise

    def stream(self, uid: str, credential: str, stream: Stream) -> StreamState:
        try:
            row = StreamRow.get(
                keys.credential_state(uid, credential), keys.stream(stream), consistent_read=True
            )
        except StreamRow.DoesNotExist:
            return StreamState()
        return StreamState(
            watermark=None if row.watermark is None else int(row.watermark),
            generation=int(row.generation),
            deltas=int(row.deltas),
            last_listing=int(row.last_listing),
            store_key_sales=row.store_key_sales or {},
            days=row.days or {},
            last_run=row.last_run,
        )

    def save_stream(self, lease: Lease, stream: Stream, state: StreamState) -> None:
        row = StreamRow(
            keys.credential_state(lease.uid, lease.credential),
            keys.stream(stream),
            watermark=state.watermark,
            generation=state.generation,
            deltas=state.deltas,
            last_listing=state.last_listing,
            store_key_sales=dict(state.store_key_sales),
            days=dict(state.days),
            last_run=state.last_run,
            fence=lease.fence,
        )
        _save_fenced(row, StreamRow.fence, lease)

    def manifest(
        self, uid: str, credential: str, stream: str, state: StreamState
    ) -> tuple[list[bytes], list[bytes]]:
        place = keys.manifest(uid, credential, stream, state.generation)
        base, deltas = [], []
        last = keys.manifest_delta(state.deltas)
        for row in ManifestRow.query(place, consistent_read=True):
            if row.sk.startswith(keys.MANIFEST_BASE_PREFIX):
                base.append(row.packed)
            elif row.sk <= last:
                deltas.append(row.packed)
        return base, deltas

    def put_delta(
        self, lease: Lease, stream: str, generation: int, number: int, packed: bytes
    ) -> None:
        place = keys.manifest(lease.uid, lease.credential, stream, generation)
        row = ManifestRow(place, keys.manifest_delta(number), packed=packed, fence=lease.fence)
        _save_fenced(row, ManifestRow.fence, lease)

    def put_base(
        self, lease: Lease, stream: Stream, generation: int, chunks: Sequence[bytes]
    ) -> None:
        place = keys.manifest(lease.uid, lease.credential, stream, generation)
        for number, packed in enumerate(chunks):
            ManifestRow(place, keys.manifest_base(number), packed=packed, fence=lease.fence).save()

    def drop_manifest(self, uid: str, credential: str, stream: str, generation: int) -> None:
        place = keys.manifest(uid, credential, stream, generation)
        with ManifestRow.batch_write() as batch:
            for row in ManifestRow.query(place, attributes_to_get=["pk", "sk"]):
                batch.delete(row)

    def add_aside(self, lease: Lease, first_number: int, rejects: Sequence[Reject]) -> None:
        expires_at = int(time.time()) + ASIDE_DAYS * 86_400
        place = keys.aside(lease.uid, lease.run)
        with AsideRow.batch_write() as batch:
            for number, reject in enumerate(rejects, first_number):
                body = orjson.dumps(reject).decode()
                sk = keys.aside_row(reject.stream, number)
                batch.save(AsideRow(place, sk, body=body, expires_at=expires_at))

    def asides(
        self, uid: str, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        place = keys.aside(uid, run)
        start = {"pk": {"S": place}, "sk": {"S": after}} if after else None
        found = AsideRow.query(place, limit=limit, last_evaluated_key=start)
        asides = [_aside(row) for row in found]
        more = found.last_evaluated_key
        return asides, more["sk"]["S"] if more else None

    def runs(
        self, uid: str, platform: str, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        place = keys.runs(uid, platform)
        start = {"pk": {"S": place}, "sk": {"S": before}} if before else None
        found = RunRow.query(place, limit=limit, last_evaluated_key=start, scan_index_forward=False)
        views = [self._fresh(read_view(row.view)) for row in found]
        more = found.last_evaluated_key
        return views, more["sk"]["S"] if more else None

    def run(self, uid: str, platform: str, run: str) -> RunView:
        try:
            row = RunRow.get(keys.runs(uid, platform), run, consistent_read=True)
        except RunRow.DoesNotExist:
            raise NotFound("There is no such sync run.") from None
        return self._fresh(read_view(row.view))

    def _fresh(self, view: RunView) -> RunView:
        """The live view of a run that had not ended when it was stored."""
        if view.ended_at is not None:
            return view
        state = self._state(view.uid, view.credential)
        if state is not None and state.run == view.id:
            return read_view(state.view)
        return replace(view, state="failed", error=ABANDONED)

    def _put_run(self, view: RunView) -> None:
        RunRow(
            keys.runs(view.uid, view.platform),
            view.id,
            credential=view.credential,
            view=view_text(view),
        ).save()

    def _state(self, uid: str, credential: str) -> StateRow | None:
        try:
            return StateRow.get(*_state_place(uid, credential), consistent_read=True)
        except StateRow.DoesNotExist:
            return None

    def _abandoned(self, state: StateRow, now: Instant) -> bool:
        return int(state.heard_at) < now - ABANDONED_AFTER_SECONDS * 1000

    def _guarded(self, lease: Lease, actions: list[Action]) -> StateRow:
        state = StateRow(*_state_place(lease.uid, lease.credential))
        held = (StateRow.fence == lease.fence) & (StateRow.run == lease.run)
        try:
            state.update(actions=actions, condition=held)
        except UpdateError as error:
            if condition_failed(error):
                raise LeaseLost("Another worker took this run over.") from None
            raise
        return state


def _save_fenced(row: Row, fence: NumberAttribute, lease: Lease) -> None:
    try:
        row.save(fence.does_not_exist() | (fence <= lease.fence))
    except PutError as error:
        if condition_failed(error):
            raise LeaseLost("Another worker took this run over.") from None
        raise


def _aside(row: AsideRow) -> SetAside:
    body = orjson.loads(row.body)
    return SetAside(
        number=int(row.sk.rsplit("#", 1)[1]),
        stream=body["stream"],
        reason=body["reason"],
        field=body["field"],
        ext_id=body["ext_id"],
        row=body["row"],
    )


def _state_place(uid: str, credential: str) -> tuple[str, str]:
    return keys.credential_state(uid, credential), keys.STATE_SK
