"""The sync table behind the `SyncStates` port (docs/reference/design.md, table `sync`).

Everything a worker writes is guarded by its lease's fence: a worker that slept through its lease
can neither move the checkpoint nor overwrite a manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    Row,
    bind,
    condition_failed,
    failed_conditions,
    transact,
)
from chalicelib.adapters.dynamo.positions import checked_position
from chalicelib.adapters.dynamo.run_text import read_view, view_text
from chalicelib.domain.errors import LeaseLost, NotFound
from chalicelib.domain.records import Reject
from chalicelib.domain.words import CredentialId, Instant, Platform, Stream, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.runs import (
    Lease,
    LeaseBusy,
    ManifestAddress,
    RunError,
    RunGone,
    RunView,
    SetAside,
    StreamState,
)

RUN = re.compile(r"[A-Za-z0-9_]+")
ASIDE = re.compile(r"[a-z]+#\d{6}")
"""What positions of the two lists look like."""

LEASE_SECONDS = 180
"""Longer than the longest page: a heartbeat comes with every checkpoint."""

ABANDONED_AFTER_SECONDS = 6 * 3600
"""A run unheard of for so long is given up; its messages are long dead-lettered."""

ABANDONED = RunError("abandoned", "us", "The run was not heard of again; another took its place.")

ROWS_A_READ = 32
"""Of a manifest: at most 4 MB in memory beside what they become."""

ASIDE_DAYS = 90
LONGEST_ASIDE = 60_000
"""Characters of a record set aside that are kept: a row of the table takes 400 KB."""


class StateRow(Row):
    run = UnicodeAttribute()
    fence = NumberAttribute(default=0)
    moved = NumberAttribute(null=True)
    """The fence under which the run last moved on."""
    hop = NumberAttribute(default=0)
    ended = BooleanAttribute(default=False)
    stop = BooleanAttribute(null=True)
    heard_at = NumberAttribute()
    held_until = NumberAttribute(null=True)
    checkpoint = BinaryAttribute(null=True, legacy_encoding=False)
    view = UnicodeAttribute()


class StreamsRow(Row):
    """All streams of a credential: read once and written once a run."""

    states = UnicodeAttribute()
    fence = NumberAttribute()


class ManifestRow(Row):
    packed = BinaryAttribute(legacy_encoding=False)
    fence = NumberAttribute()


class RunRow(Row):
    credential = UnicodeAttribute()
    view = UnicodeAttribute()


class AsideRow(Row):
    body = UnicodeAttribute()
    expires_at = NumberAttribute()


class DynamoSyncStates:
    """The `SyncStates` port."""

    def __init__(self, table: str, clock: Clock, *, lease_seconds: int = LEASE_SECONDS) -> None:
        bind(table, StateRow, StreamsRow, ManifestRow, RunRow, AsideRow)
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
                    StateRow.moved.set(row.fence),
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
        _run_row(run).save()
        return run

    def live(self, uid: Uid, credential: CredentialId) -> RunView | None:
        state = self._state(uid, credential)
        return None if state is None or state.ended else read_view(state.view)

    def acquire(
        self,
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        run: str,
        hop: int,
        now: Instant,
    ) -> Lease:
        state = StateRow(*_state_place(uid, credential))
        free = StateRow.held_until.does_not_exist() | (StateRow.held_until <= now)
        live = (StateRow.run == run) & (StateRow.ended == False) & (StateRow.hop <= hop)  # noqa: E712
        try:
            state.update(
                actions=[
                    StateRow.fence.add(1),
                    StateRow.held_until.set(now + self._lease_ms),
                    StateRow.heard_at.set(now),
                ],
                condition=live & free,
            )
        except UpdateError as error:
            if condition_failed(error):
                raise self._refusal(uid, credential, run, hop, now) from None
            raise
        checkpoint = orjson.loads(state.checkpoint) if state.checkpoint else None
        return Lease(
            uid=uid,
            platform=platform,
            credential=credential,
            run=run,
            fence=int(state.fence),
            checkpoint=checkpoint,
            view=read_view(state.view),
            stopping=bool(state.stop),
            takes=int(state.fence) - _moved(state),
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
                StateRow.checkpoint.set(orjson.dumps(checkpoint)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(now),
                StateRow.held_until.set(now + self._lease_ms),
                StateRow.moved.set(lease.fence),
            ],
        )
        return not state.stop

    def hand_over(self, lease: Lease, checkpoint: dict[str, Any], view: RunView, hop: int) -> None:
        self._guarded(
            lease,
            [
                StateRow.checkpoint.set(orjson.dumps(checkpoint)),
                StateRow.view.set(view_text(view)),
                StateRow.heard_at.set(max(self._clock.now(), view.resume_at or 0)),
                StateRow.hop.set(hop),
                StateRow.moved.set(lease.fence),
                StateRow.held_until.remove(),
            ],
        )

    def finish(self, lease: Lease, view: RunView) -> None:
        state = StateRow(*_state_place(lease.uid, lease.credential))

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
                condition=_held(lease),
            )

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise LeaseLost("Another worker took this run over.") from None

    def request_stop(self, uid: Uid, credential: CredentialId) -> None:
        row = StateRow(*_state_place(uid, credential))
        try:
            row.update(
                actions=[StateRow.stop.set(True)],
                condition=StateRow.pk.exists() & (StateRow.ended == False),  # noqa: E712
            )
        except UpdateError as error:
            if not condition_failed(error):
                raise

    def streams(self, uid: Uid, credential: CredentialId) -> Mapping[Stream, StreamState]:
        try:
            row = StreamsRow.get(
                keys.credential_state(uid, credential), keys.STREAMS_SK, consistent_read=True
            )
        except StreamsRow.DoesNotExist:
            return {}
        return {name: StreamState(**told) for name, told in orjson.loads(row.states).items()}

    def save_streams(self, lease: Lease, states: Mapping[Stream, StreamState]) -> None:
        row = StreamsRow(
            keys.credential_state(lease.uid, lease.credential),
            keys.STREAMS_SK,
            states=orjson.dumps(states).decode(),
            fence=lease.fence,
        )
        _save_fenced(row, StreamsRow.fence, lease)

    def manifests(
        self, uid: Uid, credential: CredentialId, addresses: Mapping[str, ManifestAddress]
    ) -> dict[str, tuple[list[bytes], list[bytes]]]:
        wanted = {
            name: _manifest_rows(keys.manifest(uid, credential, name, at.generation), at)
            for name, at in addresses.items()
        }
        everything = iter([row for base, deltas in wanted.values() for row in (*base, *deltas)])
        packed: dict[tuple[str, str], bytes] = {}
        while part := list(islice(everything, ROWS_A_READ)):
            for row in ManifestRow.batch_get(part, consistent_read=True):
                packed[row.pk, row.sk] = row.packed
        return {
            name: ([packed[row] for row in base], [packed[row] for row in deltas])
            for name, (base, deltas) in wanted.items()
        }

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

    def drop_manifest(
        self, uid: Uid, credential: CredentialId, stream: str, generation: int
    ) -> None:
        place = keys.manifest(uid, credential, stream, generation)
        with ManifestRow.batch_write() as batch:
            for row in ManifestRow.query(place, attributes_to_get=["pk", "sk"]):
                batch.delete(row)

    def add_aside(self, lease: Lease, first_number: int, rejects: Sequence[Reject]) -> None:
        expires_at = self._clock.now() // 1000 + ASIDE_DAYS * 86_400
        place = keys.aside(lease.uid, lease.run)
        with AsideRow.batch_write() as batch:
            for number, reject in enumerate(rejects, first_number):
                sk = keys.aside_row(reject.stream, number)
                batch.save(AsideRow(place, sk, body=_aside_text(reject), expires_at=expires_at))

    def asides(
        self, uid: Uid, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        place = keys.aside(uid, run)
        start = {"pk": {"S": place}, "sk": {"S": checked_position(after, ASIDE)}} if after else None
        found = AsideRow.query(place, limit=limit, last_evaluated_key=start)
        asides = [_aside(row) for row in found]
        more = found.last_evaluated_key
        return asides, more["sk"]["S"] if more else None

    def runs(
        self, uid: Uid, platform: Platform, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        place = keys.runs(uid, platform)
        start = {"pk": {"S": place}, "sk": {"S": checked_position(before, RUN)}} if before else None
        found = RunRow.query(place, limit=limit, last_evaluated_key=start, scan_index_forward=False)
        views = [self._fresh(read_view(row.view)) for row in found]
        more = found.last_evaluated_key
        return views, more["sk"]["S"] if more else None

    def run(self, uid: Uid, platform: Platform, run: str) -> RunView:
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

    def _state(self, uid: Uid, credential: CredentialId) -> StateRow | None:
        try:
            return StateRow.get(*_state_place(uid, credential), consistent_read=True)
        except StateRow.DoesNotExist:
            return None

    def _abandoned(self, state: StateRow, now: Instant) -> bool:
        return int(state.heard_at) < now - ABANDONED_AFTER_SECONDS * 1000

    def _guarded(self, lease: Lease, actions: list[Action]) -> StateRow:
        state = StateRow(*_state_place(lease.uid, lease.credential))
        try:
            state.update(actions=actions, condition=_held(lease))
        except UpdateError as error:
            if condition_failed(error):
                raise LeaseLost("Another worker took this run over.") from None
            raise
        return state


def _moved(state: StateRow) -> int:
    """The fence under which the run last moved on; of a run that was claimed before that was kept,
    the one before this lease. The first run of a credential begins at 0."""
    return int(state.fence - 1 if state.moved is None else state.moved)


def _held(lease: Lease) -> Condition:
    held: Condition = (StateRow.fence == lease.fence) & (StateRow.run == lease.run)
    return held


def _run_row(view: RunView) -> RunRow:
    return RunRow(
        keys.runs(view.uid, view.platform),
        view.id,
        credential=view.credential,
        view=view_text(view),
    )


def _manifest_rows(
    pk: str, address: ManifestAddress
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    base = [(pk, keys.manifest_base(number)) for number in range(address.chunks)]
    deltas = [(pk, keys.manifest_delta(number)) for number in range(1, address.deltas + 1)]
    return base, deltas


def _save_fenced(row: Row, fence: NumberAttribute, lease: Lease) -> None:
    try:
        row.save(fence.does_not_exist() | (fence <= lease.fence))
    except PutError as error:
        if condition_failed(error):
            raise LeaseLost("Another worker took this run over.") from None
        raise


def _aside_text(reject: Reject) -> str:
    text = orjson.dumps(reject).decode()
    if len(text) <= LONGEST_ASIDE:
        return text
    row = orjson.dumps(reject.row).decode()
    return orjson.dumps(replace(reject, row={"cut": row[:LONGEST_ASIDE]})).decode()


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


def _state_place(uid: Uid, credential: CredentialId) -> tuple[str, str]:
    return keys.credential_state(uid, credential), keys.STATE_SK
