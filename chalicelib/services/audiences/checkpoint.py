"""How far an audience run is: an object beside what it has written, named by the run's row.

The row holds numbers; lists of objects and counts by tags may be more than a row takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chalicelib.domain.audiences import SNAPSHOT_SORTS, TagCounts
from chalicelib.domain.words import SnapshotSort
from chalicelib.services.audiences.figures import RunFigures, unpacked_figures
from chalicelib.services.audiences.snapshots import (
    packed_counts,
    unpacked_counts,
    volumes_of,
    work_prefix,
)
from chalicelib.services.audiences.volumes import SnapshotDamaged, Volume, stored_json
from chalicelib.services.ports.audiences import AudienceRun, ObjectMissing, Objects

Spill = Mapping[SnapshotSort, Volume]
"""The same lines in each order, some 20,000 of them."""


@dataclass(slots=True)
class Checkpoint:
    """Where the next worker goes on.

    `after`: position in the list of personas; `walked`: all were listed. `unlisted`: personas that
    a correction made and that were not listed yet; `listed_late`: those that were. `lists`: volumes
    of each sort so far; `taken`: how many lines of each spill they hold, of the sort under way;
    `sorted_by`: the sorts that are done.
    """

    after: str | None = None
    walked: bool = False
    unlisted: set[str] = field(default_factory=set)
    listed_late: set[str] = field(default_factory=set)
    counts: TagCounts = field(default_factory=TagCounts)
    figures: RunFigures = field(default_factory=RunFigures)
    spills: list[Spill] = field(default_factory=list)
    lists: dict[SnapshotSort, list[Volume]] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    sorted_by: list[SnapshotSort] = field(default_factory=list)

    def packed(self) -> bytes:
        """Return the checkpoint as JSON."""
        return orjson.dumps(
            {
                "after": self.after,
                "walked": self.walked,
                "unlisted": sorted(self.unlisted),
                "listed_late": sorted(self.listed_late),
                "counts": packed_counts(self.counts),
                "figures": self.figures.packed(),
                "sources": self.figures.sources,
                "spills": self.spills,
                "lists": self.lists,
                "taken": self.taken,
                "sorted_by": self.sorted_by,
            },
            default=list,
        )


def load_checkpoint(objects: Objects, run: AudienceRun) -> Checkpoint:
    """Return the run's checkpoint, an empty one at its beginning. Raises SnapshotDamaged."""
    if not run.checkpoint:
        return Checkpoint()
    try:
        stored: dict[str, Any] = stored_json(objects.get(run.checkpoint))
    except (ObjectMissing, ValueError):
        raise SnapshotDamaged("The checkpoint of a run is missing or altered.") from None
    return Checkpoint(
        after=stored["after"],
        walked=stored["walked"],
        unlisted=set(stored["unlisted"]),
        listed_late=set(stored["listed_late"]),
        counts=unpacked_counts(stored["counts"]),
        figures=unpacked_figures(stored["figures"], stored.get("sources", {}))
        if "figures" in stored
        else RunFigures(),
        spills=[
            dict(zip(SNAPSHOT_SORTS, volumes_of([spill[by] for by in SNAPSHOT_SORTS]), strict=True))
            for spill in stored["spills"]
        ],
        lists={by: list(volumes_of(volumes)) for by, volumes in stored["lists"].items()},
        taken=stored["taken"],
        sorted_by=stored["sorted_by"],
    )


def store_checkpoint(objects: Objects, run: AudienceRun, checkpoint: Checkpoint) -> str:
    """Store the checkpoint under a name that no other worker gives, and return the name.

    Each version of the run's row belongs to the one worker that wrote it, so that what is named by
    it is overwritten by nobody else.
    """
    name = f"{work_prefix(run.uid, run.id)}checkpoint-{run.seq:08d}.json"
    objects.put(name, checkpoint.packed())
    return name
