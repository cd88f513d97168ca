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
CHUNK_ENTRIES = 8_000
"""192 KB a chunk, far below the 400 KB of an item."""

NO_ROW = 0
"""Stands for an unknown row digest; it equals no row's."""

BUCKETS = 2_048
BUCKET_SHIFT = 64 - 11
"""Of 5,000,000 entries a bucket has 2,400: 59 KB."""

_UNUSED = array("Q")
"""Stands in all buckets that have no entry yet; nothing is ever put into it."""

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

    Entries are in sorted arrays, 24 bytes each. They are split into `BUCKETS` by the first bits of
    their keys, which are digests and so spread evenly: a new entry moves only its bucket, and
    nothing ever needs the whole twice.
    """

    def __init__(self, base: Iterable[bytes] = (), deltas: Iterable[bytes] = ()) -> None:
        """`base`, `deltas`: as stored, in order; each is dropped before the next one is taken."""
        self._ids = [_UNUSED] * BUCKETS
        self._digests = [_UNUSED] * BUCKETS
        self._rows = [_UNUSED] * BUCKETS
        self._unsaved = array("Q")
        self._row_changes = array("Q")
        self._appended = 0
        for chunk in base:
            self._add_sorted(unpack_ids(chunk))
        self._compacted = len(self)
        for delta in deltas:
            self._add_delta(unpack_ids(delta))
        if self._appended:
            self._sort_buckets()

    def __len__(self) -> int:
        return sum(map(len, self._ids))

    def get(self, key: int) -> int | None:
        """Return the record digest stored for an `id_digest`, or None."""
        bucket = key >> BUCKET_SHIFT
        ids = self._ids[bucket]
        place = bisect_left(ids, key)
        if place < len(ids) and ids[place] == key:
            return self._digests[bucket][place]
        return None

    def was_read_from(self, key: int, row: int) -> bool:
        """Whether the record was last read from a row of this digest."""
        bucket = key >> BUCKET_SHIFT
        ids = self._ids[bucket]
        place = bisect_left(ids, key)
        if place < len(ids) and ids[place] == key:
            return self._rows[bucket][place] == row != NO_ROW
        return False

    def upsert(self, key: int, value: int, row: int = NO_ROW) -> None:
        """Store a record's digest and its row's digest under its `id_digest`."""
        self._unsaved.append(key)
        bucket = key >> BUCKET_SHIFT
        ids = self._ids[bucket]
        place = bisect_left(ids, key)
        if place < len(ids) and ids[place] == key:
            self._digests[bucket][place] = value
            self._rows[bucket][place] = row
        else:
            if ids is _UNUSED:
                ids = self._open(bucket)
            ids.insert(place, key)
            self._digests[bucket].insert(place, value)
            self._rows[bucket].insert(place, row)

    def replace_row_digest(self, key: int, row: int) -> None:
        """Note that a known, unchanged record was read from another row.

        This alone is not saved with the next deltas, because a POS may touch all its rows for
        nothing; see `save_row_changes`.
        """
        bucket = key >> BUCKET_SHIFT
        ids = self._ids[bucket]
        place = bisect_left(ids, key)
        if place == len(ids) or ids[place] != key or self._rows[bucket][place] == row:
            return
        self._row_changes.append(key)
        self._rows[bucket][place] = row

    def take_deltas(self) -> Iterator[bytes]:
        """Return what was upserted since the last call, as deltas of at most a chunk's size."""
        keys, self._unsaved = self._unsaved, array("Q")
        self._appended += len(keys)
        return self._deltas(keys)

    def _deltas(self, keys: array[int]) -> Iterator[bytes]:
        for start in range(0, len(keys), CHUNK_ENTRIES):
            delta = array("Q")
            for key in keys[start : start + CHUNK_ENTRIES]:
                bucket = key >> BUCKET_SHIFT
                place = bisect_left(self._ids[bucket], key)
                delta.extend((key, self._digests[bucket][place], self._rows[bucket][place]))
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
        for bucket, bucket_ids in enumerate(self._ids):
            ids.extend(bucket_ids)
            digests.extend(self._digests[bucket])
            rows.extend(self._rows[bucket])
            while len(ids) >= CHUNK_ENTRIES:
                yield _packed(ids[:CHUNK_ENTRIES], digests[:CHUNK_ENTRIES], rows[:CHUNK_ENTRIES])
                del ids[:CHUNK_ENTRIES], digests[:CHUNK_ENTRIES], rows[:CHUNK_ENTRIES]
        if ids:
            yield _packed(ids, digests, rows)

    def ids(self) -> Iterator[int]:
        """Return every known id digest, ascending."""
        return chain.from_iterable(self._ids)

    def _add_sorted(self, flat: array[int]) -> None:
        """Put entries behind those that are there, all of which have smaller keys."""
        ids, digests, rows = flat[0::3], flat[1::3], flat[2::3]
        start = 0
        while start < len(ids):
            bucket = ids[start] >> BUCKET_SHIFT
            end = bisect_left(ids, (bucket + 1) << BUCKET_SHIFT, start)
            self._open(bucket)
            self._ids[bucket].extend(ids[start:end])
            self._digests[bucket].extend(digests[start:end])
            self._rows[bucket].extend(rows[start:end])
            start = end

    def _add_delta(self, flat: array[int]) -> None:
        """Put entries behind those of their buckets, for `_sort_buckets` to put in order."""
        for key, value, row in zip(flat[0::3], flat[1::3], flat[2::3], strict=True):
            bucket = key >> BUCKET_SHIFT
            self._open(bucket)
            self._ids[bucket].append(key)
            self._digests[bucket].append(value)
            self._rows[bucket].append(row)
        self._appended += len(flat) // 3

    def _open(self, bucket: int) -> array[int]:
        """Give the bucket arrays of its own, if it has none; return that of its keys."""
        if self._ids[bucket] is _UNUSED:
            for arrays in (self._ids, self._digests, self._rows):
                arrays[bucket] = array("Q")
        return self._ids[bucket]

    def _sort_buckets(self) -> None:
        """Sort each bucket by its keys; of equal keys the last entry stays."""
        for bucket, ids in enumerate(self._ids):
            if ids is _UNUSED:
                continue
            places = {key: place for place, key in enumerate(ids)}
            order = [places[key] for key in sorted(places)]
            for arrays in (self._ids, self._digests, self._rows):
                arrays[bucket] = array("Q", map(arrays[bucket].__getitem__, order))


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
