"""Volumes: sorted lines of a snapshot in one object, of which a part can be read alone.

A volume is a gzip file of JSON lines, a line a persona. It is made of *blocks* of 500 lines, each a
gzip member of its own, and ends with one more member: the index, which says where each block lies
and which tags its lines carry. So a page of a list is one or two ranged reads, and blocks without a
line that is looked for are passed over unread.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from chalicelib.domain.audiences import ListedPersona, Tags, tags_of
from chalicelib.domain.errors import AiqError
from chalicelib.domain.stored_fields import from_values
from chalicelib.services.ports.audiences import ObjectMissing, Objects

BLOCK_ROWS = 500
VOLUME_BYTES = 8 * 1024 * 1024
READ_BYTES = 256 * 1024
"""Read at once, at most, from a volume that is read from end to end; at least one block is."""
LEVEL = 5


class SnapshotDamaged(AiqError):
    """An object of a snapshot is missing, cut or altered."""

    code = "snapshot_damaged"


class Volume(NamedTuple):
    """Where a volume is: its object, its lines, where its index begins, its bytes, and every tag
    that a line of it carries."""

    name: str
    rows: int
    index_at: int
    size: int
    tags: tuple[str, ...]

    def may_hold(self, wanted: Tags) -> bool:
        """Whether a line of it may carry all of these tags."""
        return wanted <= frozenset(self.tags)


class Block(NamedTuple):
    """A block of a volume. `first`: how many lines of the volume come before it."""

    offset: int
    length: int
    first: int
    rows: int
    tags: frozenset[str]


class VolumeBuilder:
    """Collects lines, in their order, and makes a volume of them."""

    def __init__(self) -> None:
        self.rows = 0
        self._content = bytearray()
        self._block: list[bytes] = []
        self._block_tags: set[str] = set()
        self._tags: set[str] = set()
        self._index: list[tuple[int, int, int, list[str]]] = []

    @property
    def size(self) -> int:
        """The bytes so far."""
        return len(self._content)

    def add(self, line: ListedPersona, packed: bytes) -> None:
        """Add a line; `packed` is what `pack` made of it."""
        self.rows += 1
        self._block.append(packed)
        self._block_tags |= tags_of(line)
        if len(self._block) == BLOCK_ROWS:
            self._end_block()

    def build(self, name: str) -> tuple[bytes, Volume]:
        """Return the content, and where to find it once it is stored under this name."""
        if self._block:
            self._end_block()
        index_at = len(self._content)
        self._content += _compressed(orjson.dumps(self._index) + b"\n")
        content = bytes(self._content)
        volume = Volume(name, self.rows, index_at, len(content), tuple(sorted(self._tags)))
        return content, volume

    def _end_block(self) -> None:
        member = _compressed(b"\n".join(self._block) + b"\n")
        tags = sorted(self._block_tags)
        self._index.append((len(self._content), len(member), len(self._block), tags))
        self._content += member
        self._tags |= self._block_tags
        self._block, self._block_tags = [], set()


def stored_json(content: bytes) -> Any:
    """Return the value of JSON that our own code stored. Raises ValueError."""
    return orjson.loads(content)


def pack(line: ListedPersona) -> bytes:
    """Return a line as JSON, without its end of line."""
    return orjson.dumps(tuple(line))


def unpack(packed: bytes) -> ListedPersona:
    """Return the line that `pack` made JSON of. Raises ValueError."""
    values: list[Any] = stored_json(packed)
    line = from_values(ListedPersona, values)
    return line._replace(sources=tuple(line.sources), flags=tuple(line.flags))


@dataclass(frozen=True, slots=True)
class VolumeReader:
    """Reads volumes. Every method raises SnapshotDamaged where one is not as it was written."""

    objects: Objects
    read_bytes: int = READ_BYTES

    def blocks(self, volume: Volume) -> list[Block]:
        """Return the blocks of a volume, in order."""
        length = volume.size - volume.index_at
        [raw] = self._lines(volume, volume.index_at, length)
        blocks: list[Block] = []
        first = 0
        for offset, size, rows, tags in stored_json(raw):
            blocks.append(Block(offset, size, first, rows, frozenset(tags)))
            first += rows
        if first != volume.rows:
            raise SnapshotDamaged("A volume's index does not hold its lines.")
        return blocks

    def read(self, volume: Volume, block: Block) -> list[ListedPersona]:
        """Return the lines of a block."""
        return [unpack(line) for line in self._block_lines(volume, [block])]

    def stream(self, volume: Volume, start: int = 0) -> Iterator[tuple[ListedPersona, bytes]]:
        """Yield the lines of a volume from line `start` on, each with its packed form, holding few
        at a time."""
        blocks = [b for b in self.blocks(volume) if b.first + b.rows > start]
        skip = start - blocks[0].first if blocks else 0
        for group in _groups(blocks, self.read_bytes):
            for packed in self._block_lines(volume, group)[skip:]:
                yield unpack(packed), packed
            skip = 0

    def _block_lines(self, volume: Volume, blocks: Sequence[Block]) -> list[bytes]:
        start = blocks[0].offset
        lines = self._lines(volume, start, blocks[-1].offset + blocks[-1].length - start)
        if len(lines) != sum(block.rows for block in blocks):
            raise SnapshotDamaged("A block of a volume lacks lines.")
        return lines

    def _lines(self, volume: Volume, start: int, length: int) -> list[bytes]:
        try:
            return gzip.decompress(self.objects.get_range(volume.name, start, length)).splitlines()
        except (ObjectMissing, OSError, EOFError, zlib.error):
            raise SnapshotDamaged("A volume is missing, cut or altered.") from None


def _groups(blocks: Sequence[Block], most: int) -> Iterator[list[Block]]:
    """Split blocks into runs that are read at once, of `most` bytes."""
    group: list[Block] = []
    for block in blocks:
        if group and block.offset + block.length - group[0].offset > most:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, LEVEL, mtime=0)
