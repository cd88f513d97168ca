"""The sync table in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import LeaseLost, NotFound
from chalicelib.domain.records import Reject
from chalicelib.domain.words import Instant, Stream
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

LEASE_MS = 180_000
ABANDONED_MS = 6 * 3_600_000
ABANDONED = RunError("abandoned", "us", "The run was not heard of again; another took its place.")


@dataclass
class State:
    run: str
    view: RunView
    heard_at: Instant
    fence: int = 0
    moved: int = 0
    hop: int = 0
    ended: bool = False
    stop: bool = False
    held_until: Instant | None = None
    worked: Instant = 0
    checkpoint: dict[str, Any] | None = None


class MemorySyncStates:
    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.states: dict[tuple[str, str], State] = {}
        self.kept_streams: dict[tuple[str, str, Stream], StreamState] = {}
        self.fences: dict[tuple[object, ...], int] = {}
        self.manifests_kept: dict[tuple[str, str, str, int], dict[str, bytes]] = {}
        self.kept: dict[tuple[str, str, str], RunView] = {}
        self.aside_rows: dict[tuple[str, str], dict[int, SetAside]] = {}
        self.checkpoints = 0
        self.sales_shown: dict[tuple[str, str, int], Sequence[bytes]] = {}

    def claim(self, run: RunView, now: Instant) -> RunView:
        place = (run.uid, run.credential)
        state = self.states.get(place)
        if state and not state.ended and state.heard_at >= now - ABANDONED_MS:
            view, known = state.view, state.view.heartbeat_at or state.view.queued_at
            if view.state == "waiting" or state.heard_at <= known:
                return view
            return replace(view, heartbeat_at=state.heard_at)
        fence = state.fence if state else 0
        self.states[place] = State(run.id, run, now, fence=fence, moved=fence)
        self.kept[run.uid, run.platform, run.id] = run
        return run

    def live(self, uid: str, credential: str) -> RunView | None:
        state = self.states.get((uid, credential))
        return state.view if state and not state.ended else None

    def live_among(self, uid: str, credentials: Sequence[str]) -> list[RunView]:
        found = (self.live(uid, credential) for credential in sorted(credentials))
        return [view for view in found if view is not None]

    def acquire(
        self, uid: str, platform: str, credential: str, run: str, hop: int, now: Instant
    ) -> Lease:
        state = self.states.get((uid, credential))
        if state is None or state.ended or state.run != run or hop < state.hop:
            raise RunGone
        if state.held_until is not None and state.held_until > now:
            raise LeaseBusy(state.held_until)
        state.fence += 1
        state.held_until = now + LEASE_MS
        state.heard_at = now
        checkpoint = copy.deepcopy(state.checkpoint)
        return Lease(
            uid,
            platform,
            credential,
            run,
            state.fence,
            checkpoint,
            state.view,
            stopping=state.stop,
            takes=state.fence - state.moved,
            taken_at=now,
            worked=state.worked,
        )

    def checkpoint(self, lease: Lease, checkpoint: dict[str, Any], view: RunView) -> bool:
        state = self._held(lease)
        state.checkpoint = copy.deepcopy(checkpoint)
        state.view = view
        state.moved = lease.fence
        state.worked = lease.worked_until(self.clock.now())
        state.heard_at = self.clock.now()
        state.held_until = self.clock.now() + LEASE_MS
        self.checkpoints += 1
        return not state.stop

    def renew(self, lease: Lease) -> None:
        state = self._held(lease)
        state.heard_at = self.clock.now()
        state.held_until = self.clock.now() + LEASE_MS

    def hand_over(self, lease: Lease, checkpoint: dict[str, Any], view: RunView, hop: int) -> None:
        self.checkpoint(lease, checkpoint, view)
        state = self._held(lease)
        state.hop, state.held_until = hop, None
        state.heard_at = max(state.heard_at, view.resume_at or 0)

    def finish(self, lease: Lease, view: RunView) -> None:
        state = self._held(lease)
        self.kept[lease.uid, lease.platform, view.id] = view
        state.view, state.ended, state.held_until, state.checkpoint = view, True, None, None

    def note_waiting(self, uid: str, credential: str, run: str, now: Instant) -> None:
        state = self.states.get((uid, credential))
        if state and state.run == run and not state.ended and state.held_until is None:
            state.heard_at = max(state.heard_at, now)

    def request_stop(self, uid: str, credential: str) -> None:
        state = self.states.get((uid, credential))
        if state and not state.ended:
            state.stop = True

    def streams(self, uid: str, credential: str) -> dict[Stream, StreamState]:
        owner = (uid, credential)
        return {
            name: state
            for (*place, name), state in self.kept_streams.items()
            if tuple(place) == owner
        }

    def save_streams(self, lease: Lease, states: Mapping[Stream, StreamState]) -> None:
        self._fence(lease, "streams")
        for stream, state in states.items():
            self.kept_streams[lease.uid, lease.credential, stream] = state

    def forget_streams(self, uid: str, credential: str) -> None:
        for place in [p for p in self.kept_streams if p[:2] == (uid, credential)]:
            del self.kept_streams[place]

    def manifests(
        self, uid: str, credential: str, addresses: Mapping[str, ManifestAddress]
    ) -> Iterator[bytes]:
        for name, address in addresses.items():
            rows = self.manifests_kept[uid, credential, name, address.generation]
            yield from [rows[f"B{number:06d}"] for number in range(address.chunks)]
            yield from [rows[f"D{number:06d}"] for number in range(1, address.deltas + 1)]

    def put_delta(
        self, lease: Lease, stream: str, generation: int, number: int, packed: bytes
    ) -> None:
        self._fence(lease, stream, generation, number)
        self._rows(lease, stream, generation)[f"D{number:06d}"] = packed

    def put_base(self, lease: Lease, stream: str, generation: int, chunks: Iterable[bytes]) -> int:
        number = 0
        for number, chunk in enumerate(chunks, 1):
            self._rows(lease, stream, generation)[f"B{number - 1:06d}"] = chunk
        return number

    def drop_manifest(self, uid: str, credential: str, stream: str, generation: int) -> None:
        self.manifests_kept.pop((uid, credential, stream, generation), None)

    def sale_days(self, uid: str, credential: str, since: int) -> list[bytes]:
        return [
            each
            for (*owner, day), packed in sorted(self.sales_shown.items(), reverse=True)
            if owner == [uid, credential] and day >= since
            for each in packed
        ]

    def put_sale_day(self, lease: Lease, day: int, packed: Sequence[bytes]) -> None:
        self._fence(lease, "sale day", day)
        self.sales_shown[lease.uid, lease.credential, day] = packed

    def add_aside(self, lease: Lease, first_number: int, rejects: Sequence[Reject]) -> None:
        rows = self.aside_rows.setdefault((lease.uid, lease.run), {})
        for number, reject in enumerate(rejects, first_number):
            rows[number] = SetAside(
                number, reject.stream, reject.reason, reject.field, reject.ext_id, reject.row
            )

    def asides(
        self, uid: str, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        rows = [row for _, row in sorted(self.aside_rows.get((uid, run), {}).items())]
        rest = [row for row in rows if after is None or row.number > int(after)]
        more = str(rest[limit - 1].number) if len(rest) > limit else None
        return rest[:limit], more

    def runs(
        self, uid: str, platform: str, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        found = sorted(
            (
                view
                for (owner, where, _), view in self.kept.items()
                if (owner, where) == (uid, platform)
            ),
            key=lambda view: view.id,
            reverse=True,
        )
        rest = [view for view in found if before is None or view.id < before]
        more = rest[limit - 1].id if len(rest) > limit else None
        return [self._fresh(view) for view in rest[:limit]], more

    def run(self, uid: str, platform: str, run: str) -> RunView:
        if (uid, platform, run) not in self.kept:
            raise NotFound("there is no such run")
        return self._fresh(self.kept[uid, platform, run])

    def _fresh(self, view: RunView) -> RunView:
        if view.ended_at is not None:
            return view
        state = self.states.get((view.uid, view.credential))
        if state and state.run == view.id:
            return state.view
        return replace(view, state="failed", error=ABANDONED)

    def _held(self, lease: Lease) -> State:
        state = self.states[lease.uid, lease.credential]
        if state.fence != lease.fence or state.run != lease.run:
            raise LeaseLost("another worker took this run over")
        return state

    def _fence(self, lease: Lease, *row: object) -> None:
        """What a later lease has written stays."""
        place = (lease.uid, lease.credential, *row)
        if self.fences.get(place, 0) > lease.fence:
            raise LeaseLost("another worker took this run over")
        self.fences[place] = lease.fence

    def _rows(self, lease: Lease, stream: str, generation: int) -> dict[str, bytes]:
        place = (lease.uid, lease.credential, stream, generation)
        return self.manifests_kept.setdefault(place, {})
