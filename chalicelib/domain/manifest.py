"""The manifest of a stream: tells which records are unchanged without reading their rows
(architecture.md §3).

A manifest maps the digest of each record's id to the digest of its normalised form and the digest
of the POS's row it was read from, 24 bytes an entry. It is stored as sorted base chunks and small
deltas; a run reads it once and appends deltas.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from typing import Any

import orjson

from chalicelib.domain.records import ADDED_LATER

ENTRY_BYTES = 24
CHUNK_ENTRIES = 8_000
"""192 KB a chunk, far below the 400 KB of an item."""

NO_ROW = 0
"""Stands for an unknown row digest; it equals no row's."""

MERGE_AT = 20_000

COMPACT_ABOVE = 0.25

_VALUES: dict[type, Callable[[Any], Any]] = {}
_ADDED: dict[type, list[str]] = {}


def digest(fact: Any) -> int:
    """Return a 64-bit digest of a normalised record, the same in every process."""
    text = orjson.dumps(_plain(fact), default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def row_digest(row: Any, salt: bytes) -> int:
    """Return a 64-bit digest of a POS's row as received; NO_ROW when it is nested too deeply.

    `salt`: at most 64 bytes, different for each way to read a row.
    """
    try:
        text = orjson.dumps(row)
    except orjson.JSONEncodeError:
        return NO_ROW
    return int.from_bytes(blake2b(text, digest_size=8, key=salt).digest(), "big")


def id_digest(ext_id: str) -> int:
    return int.from_bytes(blake2b(ext_id.encode(), digest_size=8).digest(), "big")


class Manifest:
    """The known records of one stream. Not thread-safe.

    Entries are in sorted arrays, 24 bytes each; new ones are in a small overlay, which is merged
    into the arrays when it is large.
    """

    def __init__(self, base: Iterable[bytes] = (), deltas: Iterable[bytes] = ()) -> None:
        self._ids, self._digests, self._rows = array("Q"), array("Q"), array("Q")
        self._overlay: dict[int, tuple[int, int]] = {}
        self._unsaved: dict[int, tuple[int, int]] = {}
        self._row_changes = array("Q")
        for chunk in base:
            flat = unpack_ids(chunk)
            self._ids.extend(flat[0::3])
            self._digests.extend(flat[1::3])
            self._rows.extend(flat[2::3])
        self._compacted = len(self._ids)
        self._appended = 0
        for delta in deltas:
            flat = unpack_ids(delta)
            values = zip(flat[1::3], flat[2::3], strict=True)
            self._overlay.update(zip(flat[0::3], values, strict=True))
            self._appended += len(flat) // 3
            self._merge_when_large()

    def __len__(self) -> int:
        self._merge_overlay()
        return len(self._ids)

    def get(self, key: int) -> int | None:
        """Return the record digest stored for an `id_digest`, or None."""
        entry = self._entry(key)
        return None if entry is None else entry[0]

    def was_read_from(self, key: int, row: int) -> bool:
        """Whether the record was last read from a row of this digest."""
        entry = self._entry(key)
        return entry is not None and entry[1] == row != NO_ROW

    def upsert(self, key: int, value: int, row: int = NO_ROW) -> None:
        """Store a record's digest and its row's digest under its `id_digest`."""
        self._overlay[key] = self._unsaved[key] = (value, row)
        self._merge_when_large()

    def replace_row_digest(self, key: int, row: int) -> None:
        """Note that a known, unchanged record was read from another row.

        This alone is not saved with the next deltas, because a POS may touch all its rows for
        nothing; see `save_row_changes`.
        """
        known = self._entry(key)
        if known is None or known[1] == row:
            return
        self._row_changes.append(key)
        self._overlay[key] = (known[0], row)
        if key in self._unsaved:
            self._unsaved[key] = (known[0], row)
        self._merge_when_large()

    def take_deltas(self) -> list[bytes]:
        """Return what was upserted since the last call, as deltas of at most a chunk's size."""
        entries = iter(self._unsaved.items())
        deltas = []
        while chunk := list(islice(entries, CHUNK_ENTRIES)):
            deltas.append(pack_ids(number for key, value in chunk for number in (key, *value)))
        self._appended += len(self._unsaved)
        self._unsaved = {}
        return deltas

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
        for key in self._row_changes:
            if (known := self._entry(key)) is not None:
                self._unsaved[key] = known
        self._row_changes = array("Q")

    def base_chunks(self) -> Iterator[bytes]:
        """Return the whole manifest as base chunks, in order."""
        self._merge_overlay()
        for start in range(0, len(self._ids), CHUNK_ENTRIES):
            chunk = slice(start, start + CHUNK_ENTRIES)
            entries = zip(self._ids[chunk], self._digests[chunk], self._rows[chunk], strict=True)
            yield pack_ids(number for entry in entries for number in entry)

    def ids(self) -> array[int]:
        """Return every known id digest, ascending."""
        self._merge_overlay()
        return self._ids

    def _entry(self, key: int) -> tuple[int, int] | None:
        if (entry := self._overlay.get(key)) is not None:
            return entry
        place = bisect_left(self._ids, key)
        if place < len(self._ids) and self._ids[place] == key:
            return self._digests[place], self._rows[place]
        return None

    def _merge_when_large(self) -> None:
        if len(self._overlay) >= MERGE_AT:
            self._merge_overlay()

    def _merge_overlay(self) -> None:
        if not self._overlay:
            return
        ids, digests, rows, done = array("Q"), array("Q"), array("Q"), 0
        for key, (value, row) in sorted(self._overlay.items()):
            place = bisect_left(self._ids, key, done)
            ids.extend(self._ids[done:place])
            digests.extend(self._digests[done:place])
            rows.extend(self._rows[done:place])
            ids.append(key)
            digests.append(value)
            rows.append(row)
            known = place < len(self._ids) and self._ids[place] == key
            done = place + 1 if known else place
        ids.extend(self._ids[done:])
        digests.extend(self._digests[done:])
        rows.extend(self._rows[done:])
        self._ids, self._digests, self._rows, self._overlay = ids, digests, rows, {}


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
