"""Which records are known unchanged, without reading their rows (architecture.md §3).

A manifest maps each record's id to a digest of its normalised form and one of the row it was read
from, 24 bytes an entry. It is kept as sorted base chunks and small deltas on top; a run reads it
once and appends what it learns.
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

ENTRY_BYTES = 24
CHUNK_ENTRIES = 8_000
"""192 KB a chunk, far below the 400 KB of an item."""

NO_ROW = 0
"""The digest of no row: what was read from this one is not known to be all it says."""

FOLD_AT = 20_000

COMPACT_WHEN_DELTAS_EXCEED = 0.25

_VALUES: dict[type, Callable[[Any], Any]] = {}


def digest(fact: Any) -> int:
    """64 bits of the normalised record: equal records, equal digests, in every process."""
    text = orjson.dumps(_plain(fact), default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def row_digest(row: Any, salt: bytes) -> int:
    """64 bits of a POS's row as it came; NO_ROW of one that is nested deeper than any row is.

    `salt`: at most 64 bytes, other for every way to read a row.
    """
    try:
        text = orjson.dumps(row)
    except orjson.JSONEncodeError:
        return NO_ROW
    return int.from_bytes(blake2b(text, digest_size=8, key=salt).digest(), "big")


def id_digest(ext_id: str) -> int:
    return int.from_bytes(blake2b(ext_id.encode(), digest_size=8).digest(), "big")


class Manifest:
    """The known records of one stream. Not shared between threads.

    Entries live in sorted arrays, 24 bytes each however many there are; what is new waits in a
    small overlay until it is worth folding in.
    """

    def __init__(self, base: Iterable[bytes] = (), deltas: Iterable[bytes] = ()) -> None:
        self._ids, self._digests, self._rows = array("Q"), array("Q"), array("Q")
        self._overlay: dict[int, tuple[int, int]] = {}
        self._unsaved: dict[int, tuple[int, int]] = {}
        self._retold = array("Q")
        for chunk in base:
            flat = unpack_ids(chunk)
            self._ids.extend(flat[0::3])
            self._digests.extend(flat[1::3])
            self._rows.extend(flat[2::3])
        self._compacted = len(self._ids)
        self._appended = 0
        for delta in deltas:
            flat = unpack_ids(delta)
            told = zip(flat[1::3], flat[2::3], strict=True)
            self._overlay.update(zip(flat[0::3], told, strict=True))
            self._appended += len(flat) // 3
            self._fold_when_large()

    def __len__(self) -> int:
        self._fold()
        return len(self._ids)

    def get(self, key: int) -> int | None:
        """The digest last remembered for an `id_digest`."""
        found = self._entry(key)
        return None if found is None else found[0]

    def holds(self, key: int, row: int) -> bool:
        """Whether the record was last read from a row of this digest."""
        found = self._entry(key)
        return found is not None and found[1] == row != NO_ROW

    def remember(self, key: int, value: int, row: int = NO_ROW) -> None:
        self._overlay[key] = self._unsaved[key] = (value, row)
        self._fold_when_large()

    def retell(self, key: int, row: int) -> None:
        """The known record came in another row that says the same.

        That is kept only with something else worth keeping: a POS may touch its rows for nothing.
        """
        known = self._entry(key)
        if known is None or known[1] == row:
            return
        self._retold.append(key)
        self._overlay[key] = (known[0], row)
        if key in self._unsaved:
            self._unsaved[key] = (known[0], row)
        self._fold_when_large()

    def take_unsaved(self) -> list[bytes]:
        """What was remembered since the last call, packed as deltas of a chunk's size at most."""
        entries = iter(self._unsaved.items())
        deltas = []
        while part := list(islice(entries, CHUNK_ENTRIES)):
            deltas.append(pack_ids(number for key, told in part for number in (key, *told)))
        self._appended += len(self._unsaved)
        self._unsaved = {}
        return deltas

    def overgrown(self) -> bool:
        """Whether the deltas are worth merging into a new base."""
        return self._appended > COMPACT_WHEN_DELTAS_EXCEED * self._compacted

    def retold(self) -> bool:
        """Whether so many rows say the same in another way that this is worth keeping once."""
        return len(self._retold) > COMPACT_WHEN_DELTAS_EXCEED * self._compacted

    @property
    def has_retold(self) -> bool:
        return bool(self._retold)

    def keep_retold(self) -> None:
        """Have them written with what is new, for a process that goes on from here."""
        for key in self._retold:
            if (known := self._entry(key)) is not None:
                self._unsaved[key] = known
        self._retold = array("Q")

    def chunks(self) -> Iterator[bytes]:
        """The whole manifest as base chunks, in order."""
        self._fold()
        for start in range(0, len(self._ids), CHUNK_ENTRIES):
            part = slice(start, start + CHUNK_ENTRIES)
            entries = zip(self._ids[part], self._digests[part], self._rows[part], strict=True)
            yield pack_ids(number for entry in entries for number in entry)

    def ids(self) -> array[int]:
        """Every known id digest, ascending."""
        self._fold()
        return self._ids

    def _entry(self, key: int) -> tuple[int, int] | None:
        if (found := self._overlay.get(key)) is not None:
            return found
        place = bisect_left(self._ids, key)
        if place < len(self._ids) and self._ids[place] == key:
            return self._digests[place], self._rows[place]
        return None

    def _fold_when_large(self) -> None:
        if len(self._overlay) >= FOLD_AT:
            self._fold()

    def _fold(self) -> None:
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
    """A fact's values in field order: half the text, and the work, of an object with names."""
    if isinstance(value, frozenset):
        return sorted(value)
    kind = type(value)
    if kind not in _VALUES:
        _VALUES[kind] = attrgetter(*(field.name for field in fields(kind)))
    return _VALUES[kind](value)
