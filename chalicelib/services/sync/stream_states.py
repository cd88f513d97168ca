"""What a run leaves for the next one: watermarks, counts, manifests, the catalogue.

Everything here may be done twice: a worker that dies on the way is followed by one that does it
again. What was counted already is known by the run's id on the stored state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from chalicelib.domain.listing_checks import is_truncated
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Instant, Stream
from chalicelib.services.ports.runs import StreamState, SyncStates
from chalicelib.services.sync.inventory_leavers import InventoryLeavers
from chalicelib.services.sync.progress import StreamPlace
from chalicelib.services.sync.run_slice import SEEN, RunInProgress
from chalicelib.services.sync.take_page import DAYS_WATCHED

Listing = Literal["taken", "too short", "nothing new"]


class StreamStateKeeper:
    def __init__(self, states: SyncStates, catalogue: InventoryLeavers) -> None:
        self._states = states
        self._catalogue = catalogue

    def take_catalogue(self, part: RunInProgress) -> Listing:
        """What a complete listing lacks is gone, unless it lacks suspiciously much.

        The next listing is compared with this one either way: as short again, it is believed.
        """
        place, stored = part.progress.streams.get("inventory"), _stored(part, "inventory")
        if place is None or not (place.good and place.full_listing):
            return "nothing new"
        if stored.last_run == part.lease.run:
            return "nothing new"
        if is_truncated(place.listed, stored.last_listing):
            return "too short"
        part.load("inventory")
        self._catalogue.retire(part.lease, part.taker)
        return "taken"

    def after(self, part: RunInProgress) -> dict[Stream, StreamState]:
        """What the streams of the run come to."""
        return {
            stream: _after(part, place, _stored(part, stream))
            for stream, place in part.progress.streams.items()
        }

    def save(self, part: RunInProgress, after: Mapping[Stream, StreamState]) -> None:
        """Keep manifests and states; none of it before what it speaks of is committed."""
        lease, streams = part.lease, part.progress.streams
        if not streams:
            return
        part.save_known()
        for stream, place in streams.items():
            self._compact(part, stream, place)
        merged = {
            stream: old
            for stream, place in streams.items()
            if (old := _stored(part, stream).generation) != place.generation
        }
        if merged or part.progress.error is not None:
            part.save_seen()
            self._states.checkpoint(lease, part.progress.dump(), part.seen("running"))
        placed = {
            stream: _placed(state, streams[stream], part.reading) for stream, state in after.items()
        }
        self._states.save_streams(lease, placed)
        for stream, old in merged.items():
            self._states.drop_manifest(lease.uid, lease.credential, stream, old)
        inventory = streams.get("inventory")
        if inventory is not None and inventory.seen_deltas:
            seen = inventory.seen_generation
            self._states.drop_manifest(lease.uid, lease.credential, SEEN, seen)

    def _compact(self, part: RunInProgress, stream: Stream, place: StreamPlace) -> None:
        """Merge an overgrown manifest into a generation of its own."""
        manifest, lease = part.taker.manifests.get(stream), part.lease
        if manifest is None or place.generation == lease.fence:
            return
        if not (manifest.overgrown() or (manifest.retold() and part.reads_anew(stream))):
            return
        chunks = list(manifest.chunks())
        self._states.put_base(lease, stream, lease.fence, chunks)
        place.generation, place.chunks, place.deltas = lease.fence, len(chunks), 0


def _placed(state: StreamState, place: StreamPlace, reading: str | None) -> StreamState:
    """A manifest of a new generation has the rows as this session reads them, once all were met."""
    whole = place.good and (place.full_listing or place.since is None)
    if whole and place.generation != state.generation and reading is not None:
        state = replace(state, reading=reading)
    return replace(state, generation=place.generation, chunks=place.chunks, deltas=place.deltas)


def _stored(part: RunInProgress, stream: Stream) -> StreamState:
    return part.stored.get(stream) or StreamState()


def _after(part: RunInProgress, place: StreamPlace, stored: StreamState) -> StreamState:
    after = stored
    if stored.last_run != part.lease.run:
        after = replace(
            after,
            store_key_sales=_sum(stored.store_key_sales, place.store_key_sales),
            days=_recent(_sum(stored.days, place.days), part.progress.began),
            last_run=part.lease.run,
        )
    if place.good:
        after = replace(after, watermark=part.progress.began)
    if place.good and place.full_listing:
        after = replace(after, last_listing=place.listed)
    return after


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {key: before.get(key, 0) + more.get(key, 0) for key in {*before, *more}}


def _recent(days: Mapping[str, int], now: Instant) -> dict[str, int]:
    oldest = utc_day(now) - DAYS_WATCHED
    return {day: count for day, count in days.items() if int(day) > oldest}
