"""Pages of the lists in an account's latest snapshot (product.md §6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from chalicelib.domain.audiences import ListedPersona, SnapshotFilter, Tags, tags_of
from chalicelib.domain.errors import BadPosition, Unavailable
from chalicelib.domain.words import AudienceName, SnapshotSort, Uid
from chalicelib.services.audiences.snapshots import SnapshotManifest, read_manifest
from chalicelib.services.audiences.volumes import (
    Block,
    SnapshotDamaged,
    Volume,
    VolumeReader,
)
from chalicelib.services.ports.audiences import (
    AudienceRun,
    AudienceRuns,
    ObjectMissing,
    Objects,
    SnapshotPage,
)

_T = TypeVar("_T")

MOST_BLOCKS = 40
"""Blocks that one page reads; one that filters much may be short while more follows."""

POSITION = re.compile(r"(audience_[0-9A-Za-z]+):([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class SnapshotLists:
    """Reads sorted pages. A position names the snapshot and a place in its list, so that paging
    goes on in the list it began in while that is kept, and names no shopper."""

    runs: AudienceRuns
    objects: Objects

    def page(
        self,
        uid: Uid,
        by: SnapshotSort,
        wanted: SnapshotFilter,
        limit: int,
        after: str | None,
        *,
        descending: bool = False,
        audience: AudienceName = "personas",
    ) -> SnapshotPage:
        """Return a page of a list of an audience.

        Raises BadPosition, Unavailable for a damaged snapshot.
        """
        head = self.runs.head(uid)
        run, start = _parsed(after) if after else (head.latest, None)
        if not run:
            return SnapshotPage(None, 0)
        if run not in (head.latest, head.previous):
            raise BadPosition
        try:
            manifest = read_manifest(self.objects, uid, run)
            tags = wanted.tags(audience)
            return self._page(manifest, by, tags, limit, start, descending=descending)
        except (ObjectMissing, SnapshotDamaged):
            raise Unavailable(
                "The list cannot be read just now. Run the audiences again, or try again later.",
                retry_after=60,
            ) from None

    def runs_of(
        self, uid: Uid, limit: int, before: str | None
    ) -> tuple[list[AudienceRun], str | None]:
        """Return the audience runs of an account, the newest first."""
        return self.runs.recent(uid, limit, before)

    def _page(
        self,
        manifest: SnapshotManifest,
        by: SnapshotSort,
        tags: Tags,
        limit: int,
        start: int | None,
        *,
        descending: bool,
    ) -> SnapshotPage:
        total = manifest.counts.total(tags)
        if not total:
            return SnapshotPage(manifest.as_of, 0)
        place = start
        if place is None:
            place = manifest.personas - 1 if descending else 0
        items: list[ListedPersona] = []
        position: int | None = None
        lines = self._lines(manifest.lists[by], place, tags, descending=descending)
        for line_at, line in lines:
            if line is not None and not tags <= tags_of(line):
                continue
            if line is None or len(items) == limit:
                position = line_at
                break
            items.append(line)
        return SnapshotPage(
            manifest.as_of,
            total,
            tuple(items),
            None if position is None else f"{manifest.run}:{position}",
        )

    def _lines(
        self, volumes: tuple[Volume, ...], place: int, tags: Tags, *, descending: bool
    ) -> Iterator[tuple[int, ListedPersona | None]]:
        """Yield lines from `place` on, each with its place in the ascending list, without those of
        blocks in which none is wanted. Ends with no line where too many blocks would be read."""
        reader = VolumeReader(self.objects)
        blocks = _blocks(reader, volumes, place, tags, descending=descending)
        for read, (begins, volume, block) in enumerate(blocks):
            if read == MOST_BLOCKS:
                yield begins + block.rows - 1 if descending else begins, None
                return
            numbered = list(enumerate(reader.read(volume, block), begins))
            for line_at, line in _directed(numbered, descending=descending):
                if line_at <= place if descending else line_at >= place:
                    yield line_at, line


def _blocks(
    reader: VolumeReader, volumes: Sequence[Volume], place: int, tags: Tags, *, descending: bool
) -> Iterator[tuple[int, Volume, Block]]:
    """Yield the blocks that may hold a wanted line at the place or behind it, each with the place
    of its first line."""
    firsts = list(accumulate((volume.rows for volume in volumes), initial=0))
    for first, volume in _directed(list(zip(firsts, volumes, strict=False)), descending=descending):
        if not _reaches(first, volume.rows, place, descending=descending):
            continue
        if not volume.may_hold(tags):
            continue
        for block in _directed(reader.blocks(volume), descending=descending):
            begins = first + block.first
            if tags <= block.tags and _reaches(begins, block.rows, place, descending=descending):
                yield begins, volume, block


def _parsed(position: str) -> tuple[str, int]:
    """Return the run and the place of a position. Raises BadPosition."""
    match = POSITION.fullmatch(position)
    if match is None:
        raise BadPosition
    return match[1], int(match[2])


def _reaches(first: int, rows: int, place: int, *, descending: bool) -> bool:
    """Whether some of these rows are at the place or behind it."""
    return first <= place if descending else first + rows > place


def _directed(items: Sequence[_T], *, descending: bool) -> Sequence[_T]:
    return items[::-1] if descending else items
