"""The snapshot that an audience run leaves: names of its objects, its manifest, reading it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from chalicelib.domain.audiences import SNAPSHOT_SORTS, TagCounts
from chalicelib.domain.words import Instant, SnapshotSort, Uid
from chalicelib.services.audiences.volumes import SnapshotDamaged, Volume, stored_json
from chalicelib.services.ports.audiences import Objects

VERSION = 1


def snapshots_of(uid: Uid) -> str:
    """Return the prefix of all snapshots of an account."""
    return f"{uid}/snapshots/"


def snapshot_prefix(uid: Uid, run: str) -> str:
    """Return the prefix of the objects of one run."""
    return f"{snapshots_of(uid)}{run}/"


def manifest_name(uid: Uid, run: str) -> str:
    return f"{snapshot_prefix(uid, run)}manifest.json"


def work_prefix(uid: Uid, run: str) -> str:
    """Return the prefix of what a run needs until its manifest is written."""
    return f"{snapshot_prefix(uid, run)}work/"


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot holds: written last, so that there is none of a snapshot that is not whole.

    `personas`: lines of each list. `lists`: the volumes of each sort, ascending.
    """

    run: str
    as_of: Instant
    personas: int
    counts: TagCounts
    lists: Mapping[SnapshotSort, tuple[Volume, ...]] = field(default_factory=dict)

    def packed(self) -> bytes:
        """Return the manifest as JSON."""
        return orjson.dumps(
            {
                "version": VERSION,
                "run": self.run,
                "as_of": self.as_of,
                "personas": self.personas,
                "counts": packed_counts(self.counts),
                "lists": self.lists,
            },
            default=list,
        )


def read_manifest(objects: Objects, uid: Uid, run: str) -> SnapshotManifest:
    """Return the manifest of a run's snapshot. Raises ObjectMissing, SnapshotDamaged."""
    content = objects.get(manifest_name(uid, run))
    try:
        values: dict[str, Any] = stored_json(content)
        lists = {by: volumes_of(values["lists"][by]) for by in SNAPSHOT_SORTS}
        counts = unpacked_counts(values["counts"])
        return SnapshotManifest(values["run"], values["as_of"], values["personas"], counts, lists)
    except (LookupError, TypeError, ValueError):
        raise SnapshotDamaged("The manifest of the lists cannot be read.") from None


def packed_counts(counts: TagCounts) -> list[tuple[list[str], int]]:
    """Return counts as JSON has them."""
    return [(sorted(tags), count) for tags, count in counts.counts.items()]


def unpacked_counts(stored: Sequence[Any]) -> TagCounts:
    return TagCounts({frozenset(tags): count for tags, count in stored})


def volumes_of(stored: Sequence[Any]) -> tuple[Volume, ...]:
    return tuple(
        Volume(name, rows, index_at, size, tuple(tags))
        for name, rows, index_at, size, tags in stored
    )
