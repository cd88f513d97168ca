"""What one process does of a run: the pages it takes, and the checkpoints it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chalicelib.domain.manifest import Manifest
from chalicelib.domain.schedule import pass_kind
from chalicelib.domain.words import Instant, RunState, ScopeId, Stream
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.pos import Page, PosSession
from chalicelib.services.ports.runs import (
    Lease,
    ManifestPlace,
    RunError,
    RunView,
    StreamState,
    SyncStates,
)
from chalicelib.services.ports.stores import Inventories
from chalicelib.services.sync.progress import Progress, StreamPlace, Tally
from chalicelib.services.sync.take_page import PageIntake

CHECKPOINT_SECONDS = 2.0
CHECKPOINT_PAGES = 20
SEEN = "inventory-seen"
"""The manifest of what an inventory listing showed, beside the one of what is known."""


class Stopped(Exception):
    """A person disconnected or froze the source; no request may follow."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """What every slice works with."""

    states: SyncStates
    commits: FactCommits
    inventories: Inventories
    clock: Clock


class RunInProgress:
    """The state of a run in this process. `fetched` counts the pages it took; `moved` says whether
    it left a checkpoint."""

    def __init__(self, parts: RunTools, lease: Lease, hop: int) -> None:
        self.lease = lease
        self.view = lease.view
        self.account: Account | None = None
        self.fetched = 0
        self.moved = False
        self.tally = Tally(lease.view)
        if lease.checkpoint:
            self.progress = Progress.load(lease.checkpoint)
        else:
            self.progress = Progress(began=parts.clock.now())
        self.taker = PageIntake(
            lease,
            self.progress,
            self.tally,
            commits=parts.commits,
            states=parts.states,
            inventories=parts.inventories,
        )
        self._session: PosSession | None = None
        self._stored: Mapping[Stream, StreamState] | None = None
        self._states = parts.states
        self._clock = parts.clock
        self._hop = hop
        self._pages_since = 0
        self._saved_at = parts.clock.monotonic()

    @property
    def session(self) -> PosSession:
        if self._session is None:
            raise RuntimeError("the slice was not opened")
        return self._session

    @property
    def reading(self) -> str | None:
        return self._session.reading if self._session is not None else None

    @property
    def stored(self) -> Mapping[Stream, StreamState]:
        """The streams as the last run left them; only the lease's holder changes them."""
        if self._stored is None:
            self._stored = self._states.streams(self.lease.uid, self.lease.credential)
        return self._stored

    def open(self, account: Account, scope: ScopeId, session: PosSession) -> None:
        self.account = account
        self.taker.scope = scope
        self._session = session

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def plan(
        self,
        streams: Sequence[Stream],
        overlap_seconds: int,
        history_from: Instant,
        account: Account,
    ) -> None:
        """Decide how far back each stream is read: since its watermark, else all of history.

        A run that reads again goes back as asked, and never less than it would unasked: its
        watermark speaks of all that came before. One that is to fix imported points lists every
        customer.
        """
        reread = self.view.reread_from
        for stream in streams:
            state = self.stored.get(stream) or StreamState()
            place = StreamPlace(
                generation=state.generation, chunks=state.chunks, deltas=state.deltas
            )
            since = None if state.watermark is None else state.watermark - overlap_seconds * 1000
            if state.watermark is not None:
                place.kind = pass_kind(
                    state.watermark,
                    self.progress.began,
                    account.time_zone,
                    account.sync_hour,
                    self.lease.credential,
                )
            if stream == "customers" and self.progress.importing:
                place.history_from = None
            elif reread is not None:
                place.history_from = min(reread, history_from if since is None else since)
            elif since is None:
                place.history_from = history_from
            else:
                place.since = since
            self.progress.streams[stream] = place

    def load(self, stream: Stream) -> StreamPlace:
        """The stream's place, with its manifest, and those that follow, read once per slice."""
        place = self.progress.streams[stream]
        if stream != "stores" and stream not in self.taker.manifests:
            ahead = [name for name, later in self.progress.streams.items() if not later.ended]
            self._load({stream, *ahead} - {"stores"} - self.taker.manifests.keys())
        return place

    def _load(self, streams: AbstractSet[Stream]) -> None:
        places: dict[str, ManifestPlace] = {}
        for stream in streams:
            place = self.progress.streams[stream]
            places[stream] = ManifestPlace(place.generation, place.chunks, place.deltas)
            if stream == "inventory":
                place.seen_generation = place.seen_generation or self.lease.fence
                places[SEEN] = ManifestPlace(place.seen_generation, 0, place.seen_deltas)
        written = {name: place for name, place in places.items() if place.chunks or place.deltas}
        found = {}
        if written:
            found = self._states.manifests(self.lease.uid, self.lease.credential, written)
        for stream in streams:
            self.taker.manifests[stream] = Manifest(*found.get(stream, ()))
        if SEEN in places:
            self.taker.seen = Manifest(*found.get(SEEN, ()))

    def take(self, stream: Stream, page: Page) -> None:
        self.taker.take(stream, page)
        self.progress.streams[stream].cursor = page.cursor
        self.progress.waits = 0
        self.fetched += 1
        self._pages_since += 1

    def complete(self, stream: Stream, *, full_listing: bool) -> None:
        place = self.progress.streams[stream]
        place.full_listing = full_listing
        place.ended = place.good = True

    def give_up(self, stream: Stream, error: RunError, missing: Sequence[str]) -> None:
        """The stream cannot be read for want of a permission; the others still can."""
        place = self.progress.streams[stream]
        place.ended, place.cursor = True, None
        self.progress.error = self.progress.error or error
        self.progress.missing += missing

    def checkpoint_when_due(self) -> None:
        waited = self._clock.monotonic() - self._saved_at
        if waited >= CHECKPOINT_SECONDS or self._pages_since >= CHECKPOINT_PAGES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Checkpoint, heartbeat, progress and stop check at once. Raises Stopped, LeaseLost."""
        self.save()
        going_on = self._states.checkpoint(self.lease, self.progress.dump(), self.seen("running"))
        self.moved = True
        self._pages_since = 0
        self._saved_at = self._clock.monotonic()
        if not going_on:
            raise Stopped

    def save(self) -> None:
        """Append what the manifests learned; it counts once a checkpoint names it."""
        self.save_known()
        self.save_seen()

    def save_known(self) -> None:
        """What the POS holds, as far as it was read."""
        for stream, manifest in self.taker.manifests.items():
            place = self.progress.streams[stream]
            for packed in manifest.take_unsaved():
                place.deltas += 1
                self._states.put_delta(self.lease, stream, place.generation, place.deltas, packed)

    def save_seen(self) -> None:
        """What this inventory listing showed."""
        place = self.progress.streams.get("inventory")
        if place is None or self.taker.seen is None:
            return
        for packed in self.taker.seen.take_unsaved():
            place.seen_deltas += 1
            self._states.put_delta(
                self.lease, SEEN, place.seen_generation, place.seen_deltas, packed
            )

    def hand_over(self, state: RunState, hop: int) -> None:
        """Checkpoint and give the lease back; messages before `hop` are void."""
        self._keep_read_anew()
        self.save()
        self._hop = hop
        self._states.hand_over(self.lease, self.progress.dump(), self.seen(state), hop)

    def _keep_read_anew(self) -> None:
        """Rows are read otherwise than before: the process that goes on knows nothing of those that
        were met here."""
        for stream, manifest in self.taker.manifests.items():
            if manifest.has_retold and self.reads_anew(stream):
                manifest.keep_retold()

    def reads_anew(self, stream: Stream) -> bool:
        """Whether its manifest holds rows as another session read them."""
        return (self.stored.get(stream) or StreamState()).reading != self.reading

    def seen(self, state: RunState, *, ended: bool = False) -> RunView:
        """The run as people see it now."""
        return self.tally.view(state, self._clock.now(), self.progress, hop=self._hop, ended=ended)
