"""Merge the spills of an audience run into lists, one per order, a volume at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.audiences import SNAPSHOT_SORTS, ListedPersona, SortKey, sort_key
from chalicelib.domain.words import SnapshotSort
from chalicelib.services.audiences.checkpoint import Checkpoint
from chalicelib.services.audiences.snapshots import snapshot_prefix
from chalicelib.services.audiences.volumes import (
    READ_BYTES,
    VOLUME_BYTES,
    VolumeBuilder,
    VolumeReader,
)
from chalicelib.services.ports.audiences import AudienceRun, Objects

MERGED_BYTES = 12 * 1024 * 1024
"""Compressed bytes of all spills together that are held while they are merged."""


class _Merged(NamedTuple):
    """A line on its way into a list, and the spill that it comes from."""

    key: SortKey
    spill: int
    line: ListedPersona
    packed: bytes


@dataclass(frozen=True, slots=True)
class ListWriter:
    """Writes the lists of a run."""

    objects: Objects
    volume_bytes: int = VOLUME_BYTES

    def next_volume(self, run: AudienceRun, checkpoint: Checkpoint) -> bool:
        """Write one more volume, and move the checkpoint behind it; False when all are written."""
        by = next((by for by in SNAPSHOT_SORTS if by not in checkpoint.sorted_by), None)
        if by is None:
            return False
        builder, taken = VolumeBuilder(), checkpoint.taken or [0] * len(checkpoint.spills)
        more = False
        for merged in self._merge(checkpoint, by, taken):
            if builder.size >= self.volume_bytes:
                more = True
                break
            builder.add(merged.line, merged.packed)
            taken[merged.spill] += 1
        if builder.rows:
            name = f"{snapshot_prefix(run.uid, run.id)}{by}-{run.seq:08d}.jsonl.gz"
            content, volume = builder.build(name)
            self.objects.put(name, content)
            checkpoint.lists.setdefault(by, []).append(volume)
        checkpoint.taken = taken if more else []
        if not more:
            checkpoint.sorted_by.append(by)
        return True

    def _merge(
        self, checkpoint: Checkpoint, by: SnapshotSort, taken: list[int]
    ) -> Iterator[_Merged]:
        reader = VolumeReader(self.objects, min(READ_BYTES, MERGED_BYTES // len(taken or [0])))

        def stream(number: int, start: int) -> Iterator[_Merged]:
            volume = checkpoint.spills[number][by]
            if start >= volume.rows:
                return
            for line, packed in reader.stream(volume, start):
                yield _Merged(sort_key(line, by), number, line, packed)

        streams = [stream(number, start) for number, start in enumerate(taken)]
        return heapq.merge(*streams, key=lambda merged: merged.key)
