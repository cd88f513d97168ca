"""The manifest of a stream: tells which records are unchanged without reading their rows
(architecture.md §3).

A manifest maps the digest of each record's id to the digest of its normalised form and the digest
of the POS's row it was read from, 24 bytes an entry. It is stored as sorted base chunks and small
deltas; a run reads it once, piece by piece, and appends deltas (ADR 26).
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from hashlib import blake2b
from itertools import chain
from operator import attrgetter
from struct import Struct
from typing import Any

import orjson

from chalicelib.domain.records import ADDED_LATER

ENTRY_BYTES = 24
KEY_BITS = 64
CHUNK_ENTRIES = 8_000
"""192 KB a chunk, far below the 400 KB of an item."""

NO_ROW = 0
"""Stands for an unknown row digest; it equals no row's."""

FEWEST_BUCKETS_BITS = 6
SPLIT_BITS = 2
MOST_IN_A_BUCKET = 64
"""The most entries of a bucket on average; with more, each is split in four. A look-up reads one
bucket, so it takes as few steps and cache lines however many records there are (ADR 53)."""

_FREED = array("Q")
"""Stands for a bucket that was split."""

COMPACT_ABOVE = 0.25

_NUMBER = Struct(">Q")
_begin_id = blake2b(digest_size=8).copy
"""Copying a hasher takes half as long as making one."""

_VALUES: dict[type, Callable[[Any], Any]] = {}
_ADDED: dict[type, list[str]] = {}


def digest(fact: Any) -> int:
    """Return a 64-bit digest of a normalised record, the same in every process."""
    text = orjson.dumps(_plain(fact), default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def row_digester(salt: bytes) -> Callable[[Any], int]:
    """Return what makes a 64-bit digest of a POS's row as received; NO_ROW of one that is nested
    too deeply.

    `salt`: at most 64 bytes, different for each way to read a row.
    """
    dumps, begin, number = orjson.dumps, blake2b(digest_size=8, key=salt).copy, _NUMBER.unpack

    def row_digest(row: Any) -> int:
        try:
            text = dumps(row)
        except orjson.JSONEncodeError:
            return NO_ROW
        hasher = begin()
        hasher.update(text)
        return number(hasher.digest())[0]  # type: ignore[no-any-return]

    return row_digest


def id_digest(ext_id: str) -> int:
    hasher = _begin_id()
    hasher.update(ext_id.encode())
    return _NUMBER.unpack(hasher.digest())[0]  # type: ignore[no-any-return]


class Manifest:
    """The known records of one stream. Not thread-safe.

    Entries are in buckets by the first bits of their keys, which are digests and so spread evenly.
    A bucket is one array: its keys in order, then their records' digests, then their rows'. There
    are more buckets the more entries there are, so a new entry moves few others, and nothing ever
    needs the whole twice.
    """

    def __init__(self, base: Iterable[bytes] = (), deltas: Iterable[bytes] = ()) -> None:
        """`base`, `deltas`: as stored, in order; each is dropped before the next one is taken."""
        self._buckets = [array("Q") for _ in range(1 << FEWEST_BUCKETS_BITS)]
        self._shift = KEY_BITS - FEWEST_BUCKETS_BITS
        self._entries = 0
        self._unsaved = array("Q")
        self._row_changes = array("Q")
        self._appended = 0
        for chunk in base:
            self._add_sorted(unpack_ids(chunk))
        self._compacted = len(self)
        for delta in deltas:
            self._add_delta(unpack_ids(delta))

    def __len__(self) -> int:
        return self._entries

    def get(self, key: int) -> int | None:
        """Return the record digest stored for an `id_digest`, or None."""
        bucket = self._buckets[key >> self._shift]
        count = len(bucket) // 3
        place = bisect_left(bucket, key, 0, count)
        if place < count and bucket[place] == key:
            return bucket[count + place]
        return None

    def was_read_from(self, key: int, row: int) -> bool:
        """Whether the record was last read from a row of this digest."""
        bucket = self._buckets[key >> self._shift]
        count = len(bucket) // 3
        place = bisect_left(bucket, key, 0, count)
        if place < count and bucket[place] == key:
            return bucket[2 * count + place] == row != NO_ROW
        return False

    def upsert(self, key: int, value: int, row: int = NO_ROW) -> None:
        """Store a record's digest and its row's digest under its `id_digest`."""
        self._unsaved.append(key)
        self._put(key, value, row)

    def replace_row_digest(self, key: int, row: int) -> None:
        """Note that a known, unchanged record was read from another row.

        This alone is not saved with the next deltas, because a POS may touch all its rows for
        nothing; see `save_row_changes`.
        """
        bucket, count, place = self._find(key)
        if place == count or bucket[place] != key or bucket[2 * count + place] == row:
            return
        self._row_changes.append(key)
        bucket[2 * count + place] = row

    def take_deltas(self) -> Iterator[bytes]:
        """Return what was upserted since the last call, as deltas of at most a chunk's size."""
        keys, self._unsaved = self._unsaved, array("Q")
        self._appended += len(keys)
        return self._deltas(keys)

    def _deltas(self, keys: array[int]) -> Iterator[bytes]:
        for start in range(0, len(keys), CHUNK_ENTRIES):
            delta = array("Q")
            for key in keys[start : start + CHUNK_ENTRIES]:
                bucket, count, place = self._find(key)
                delta.extend((key, bucket[count + place], bucket[2 * count + place]))
            _to_big_endian(delta)
            yield delta.tobytes()

    def needs_compaction(self) -> bool:
        """Whether the deltas are large enough to merge into a new base."""
        return self._appended > COMPACT_ABOVE * self._compacted

    def has_many_row_changes(self) -> bool:
        """Whether enough row digests changed alone to make a new base worthwhile."""
        return len(self._row_changes) > COMPACT_ABOVE * self._compacted

    @property
    def has_row_changes(self) -> bool:
        return bool(self._row_changes)

    def save_row_changes(self) -> None:
        """Save the changed row digests with the next deltas."""
        self._unsaved.extend(self._row_changes)
        self._row_changes = array("Q")

    def base_chunks(self) -> Iterator[bytes]:
        """Return the whole manifest as base chunks, in order, each made when it is asked for."""
        ids, digests, rows = array("Q"), array("Q"), array("Q")
        for bucket in self._buckets:
            count = len(bucket) // 3
            ids.extend(bucket[:count])
            digests.extend(bucket[count : 2 * count])
            rows.extend(bucket[2 * count :])
            while len(ids) >= CHUNK_ENTRIES:
                yield _packed(ids[:CHUNK_ENTRIES], digests[:CHUNK_ENTRIES], rows[:CHUNK_ENTRIES])
                del ids[:CHUNK_ENTRIES], digests[:CHUNK_ENTRIES], rows[:CHUNK_ENTRIES]
        if ids:
            yield _packed(ids, digests, rows)

    def ids(self) -> Iterator[int]:
        """Return every known id digest, ascending."""
        return chain.from_iterable(bucket[: len(bucket) // 3] for bucket in self._buckets)

    def _add_sorted(self, flat: array[int]) -> None:
        """Put entries behind those that are there, all of which have smaller keys."""
        ids, digests, rows = flat[0::3], flat[1::3], flat[2::3]
        self._make_room(len(ids))
        start = 0
        while start < len(ids):
            number = ids[start] >> self._shift
            end = bisect_left(ids, (number + 1) << self._shift, start)
            bucket, new = self._buckets[number], slice(start, end)
            count = len(bucket) // 3
            keys, values = bucket[:count] + ids[new], bucket[count : 2 * count] + digests[new]
            self._buckets[number] = keys + values + bucket[2 * count :] + rows[new]
            start = end

    def _add_delta(self, flat: array[int]) -> None:
        for key, value, row in zip(flat[0::3], flat[1::3], flat[2::3], strict=True):
            self._put(key, value, row)
        self._appended += len(flat) // 3

    def _put(self, key: int, value: int, row: int) -> None:
        bucket, count, place = self._find(key)
        if place < count and bucket[place] == key:
            bucket[count + place] = value
            bucket[2 * count + place] = row
            return
        bucket.insert(2 * count + place, row)
        bucket.insert(count + place, value)
        bucket.insert(place, key)
        self._make_room(1)

    def _find(self, key: int) -> tuple[array[int], int, int]:
        """Return the bucket of a key, its number of entries, and where in it the key is or goes."""
        bucket = self._buckets[key >> self._shift]
        count = len(bucket) // 3
        return bucket, count, bisect_left(bucket, key, 0, count)

    def _make_room(self, added: int) -> None:
        """Count entries that come, and split the buckets until they are small on average."""
        self._entries += added
        while self._entries > MOST_IN_A_BUCKET * len(self._buckets):
            self._split_buckets()

    def _split_buckets(self) -> None:
        """Split each bucket by the next bits of its keys; it is freed before the next is split."""
        self._shift -= SPLIT_BITS
        smaller: list[array[int]] = []
        for number, bucket in enumerate(self._buckets):
            self._buckets[number] = _FREED
            count = len(bucket) // 3
            start = 0
            for part in range((number << SPLIT_BITS) + 1, ((number + 1) << SPLIT_BITS) + 1):
                end = bisect_left(bucket, part << self._shift, start, count)
                smaller.append(
                    bucket[start:end]
                    + bucket[count + start : count + end]
                    + bucket[2 * count + start : 2 * count + end]
                )
                start = end
        self._buckets = smaller


def _packed(ids: array[int], digests: array[int], rows: array[int]) -> bytes:
    """Pack entries whose parts are in three arrays."""
    flat = array("Q", bytes(ENTRY_BYTES * len(ids)))
    flat[0::3], flat[1::3], flat[2::3] = ids, digests, rows
    _to_big_endian(flat)
    return flat.tobytes()


def pack_ids(ids: Iterable[int]) -> bytes:
    """Pack 64-bit numbers, big-endian."""
    packed = array("Q", ids)
    _to_big_endian(packed)
    return packed.tobytes()


def unpack_ids(packed: bytes) -> array[int]:
    ids = array("Q")
    ids.frombytes(packed)
    _to_big_endian(ids)
    return ids


def _to_big_endian(values: array[int]) -> None:
    if sys.byteorder == "little":
        values.byteswap()


def _plain(value: Any) -> Any:
    """Return a fact's values in field order: half the text and work of an object with names."""
    if isinstance(value, frozenset):
        return sorted(value)
    kind = type(value)
    if kind not in _VALUES:
        _VALUES[kind] = attrgetter(*(field.name for field in fields(kind) if not field.metadata))
        _ADDED[kind] = [field.name for field in fields(kind) if field.metadata == ADDED_LATER]
    values = _VALUES[kind](value)
    for name in _ADDED[kind]:
        if added := getattr(value, name):
            values += ((name, added),)
    return values
