"""The manifests of a run's streams: which records are known unchanged (architecture.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import islice

from chalicelib.domain.manifest import Manifest
from chalicelib.domain.words import Stream
from chalicelib.services.ports.runs import Lease, ManifestAddress, StreamState, SyncStates
from chalicelib.services.sync.progress import Progress, StreamProgress


def seen_name(stream: Stream) -> str:
    """The manifest of what a listing showed, beside the one of what is known."""
    return f"{stream}-seen"


GONE = 0
"""The digest of a record that left the POS's listing; no live record has it."""


@dataclass(slots=True)
class RunManifests:
    """Reads the manifests of a run, appends what the run learns, and compacts them at its end.

    `reading`: of the session, see `PosSession`; None until the POS is open. `known`: by stream, the
    records of the POS as far as they were read. `seen`: by stream, what this run's listing showed,
    of those streams where what is absent may be gone (`listed`).
    """

    lease: Lease
    progress: Progress
    states: SyncStates
    reading: str | None = None
    known: dict[Stream, Manifest] = field(default_factory=dict)
    seen: dict[Stream, Manifest] = field(default_factory=dict)
    listed: set[Stream] = field(default_factory=lambda: {"inventory"})
    _earlier: Mapping[Stream, StreamState] | None = None

    @property
    def earlier(self) -> Mapping[Stream, StreamState]:
        """The streams as earlier runs left them; only the holder of the lease changes them."""
        if self._earlier is None:
            self._earlier = self.states.streams(self.lease.uid, self.lease.credential)
        return self._earlier

    def state_before(self, stream: Stream) -> StreamState:
        return self.earlier.get(stream) or StreamState()

    def load(self, stream: Stream) -> None:
        """Read the stream's manifest and those of the streams that follow, once per process; with
        that of the sales the one of the shoppers, which tells whose sales they are."""
        if stream == "stores" or stream in self.known:
            return
        wanted = {name for name, later in self.progress.streams.items() if not later.ended}
        wanted |= {stream, "customers"} if "sales" in {stream, *wanted} else {stream}
        self._load((wanted & self.progress.streams.keys()) - {"stores"} - self.known.keys())

    def _load(self, streams: AbstractSet[Stream]) -> None:
        addresses: dict[str, ManifestAddress] = {}
        for name in streams:
            stream = self.progress.streams[name]
            addresses[name] = ManifestAddress(stream.generation, stream.chunks, stream.deltas)
            if name in self.listed:
                stream.seen_generation = stream.seen_generation or self.lease.fence
                seen_at = ManifestAddress(stream.seen_generation, 0, stream.seen_deltas)
                addresses[seen_name(name)] = seen_at
        written = {name: at for name, at in addresses.items() if at.chunks or at.deltas}
        uid, credential = self.lease.uid, self.lease.credential
        pieces = self.states.manifests(uid, credential, written) if written else iter(())
        read = {
            name: Manifest(islice(pieces, at.chunks), islice(pieces, at.deltas))
            for name, at in addresses.items()
        }
        for name in streams:
            self.known[name] = read[name]
            if name in self.listed:
                self.seen[name] = read[seen_name(name)]

    def append(self) -> None:
        """Write what was learned since the last call; it counts once a checkpoint names it."""
        self.append_known()
        self.append_seen()

    def append_known(self) -> None:
        for name, manifest in self.known.items():
            stream = self.progress.streams[name]
            for packed in manifest.take_deltas():
                stream.deltas += 1
                self.states.put_delta(self.lease, name, stream.generation, stream.deltas, packed)

    def append_seen(self) -> None:
        for name, manifest in self.seen.items():
            stream = self.progress.streams[name]
            for packed in manifest.take_deltas():
                stream.seen_deltas += 1
                self.states.put_delta(
                    self.lease, seen_name(name), stream.seen_generation, stream.seen_deltas, packed
                )

    def save_row_changes(self) -> None:
        """Have changed row digests written with what is new, where rows are read otherwise than
        before: the process that goes on knows nothing of the rows that were met here."""
        for name, manifest in self.known.items():
            if manifest.has_row_changes and self.reads_anew(name):
                manifest.save_row_changes()

    def products_gone(self) -> frozenset[int]:
        """The id digests of products that are known and that the complete listing lacks."""
        self.load("inventory")
        known, seen = self.known["inventory"], self.seen.get("inventory")
        if seen is None:
            return frozenset()
        return frozenset(
            key for key in known.ids() if seen.get(key) is None and known.get(key) != GONE
        )

    def mark_gone(self, stream: Stream, keys: AbstractSet[int]) -> None:
        for key in keys:
            self.known[stream].upsert(key, GONE)

    def compact(self) -> dict[Stream, int]:
        """Compact each manifest that needs it into a generation of its own.

        Returns the former generation of each stream whose manifest has moved in this run; it can be
        dropped once the stream's state names the new one.
        """
        for name, stream in self.progress.streams.items():
            manifest = self.known.get(name)
            if manifest is None or stream.generation == self.lease.fence:
                continue
            if manifest.needs_compaction() or (
                manifest.has_many_row_changes() and self.reads_anew(name)
            ):
                self._compact(name, stream, manifest)
        return {
            name: former
            for name, stream in self.progress.streams.items()
            if (former := self.state_before(name).generation) != stream.generation
        }

    def _compact(self, name: Stream, stream: StreamProgress, manifest: Manifest) -> None:
        fence = self.lease.fence
        chunks = self.states.put_base(self.lease, name, fence, manifest.base_chunks())
        stream.generation, stream.chunks, stream.deltas = fence, chunks, 0

    def with_addresses(self, states: Mapping[Stream, StreamState]) -> dict[Stream, StreamState]:
        """The states with the present addresses of their manifests."""
        streams = self.progress.streams
        return {name: self._with_address(state, streams[name]) for name, state in states.items()}

    def _with_address(self, state: StreamState, stream: StreamProgress) -> StreamState:
        """A manifest of a new generation has the rows as this session reads them, once all were
        met."""
        whole = stream.good and (stream.full_listing or stream.since is None)
        if whole and stream.generation != state.generation and self.reading is not None:
            state = replace(state, reading=self.reading)
        return replace(
            state, generation=stream.generation, chunks=stream.chunks, deltas=stream.deltas
        )

    def drop_generations(self, generations: Mapping[Stream, int]) -> None:
        """Delete these former generations, and what the listings showed."""
        uid, credential = self.lease.uid, self.lease.credential
        for name, generation in generations.items():
            self.states.drop_manifest(uid, credential, name, generation)
        for name, stream in self.progress.streams.items():
            if stream.seen_deltas:
                generation = stream.seen_generation
                self.states.drop_manifest(uid, credential, seen_name(name), generation)

    def reads_anew(self, stream: Stream) -> bool:
        """Whether the manifest holds rows as another session read them."""
        return self.state_before(stream).reading != self.reading
