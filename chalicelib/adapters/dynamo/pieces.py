"""Values that outgrow a row of 400 KB: in rows of their own, named by what they hold.

A row is never changed, so that whoever reads a name finds what was meant, whatever other writers
leave. Rows are written before the row that names them.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b

from pynamodb.attributes import BinaryAttribute, NumberAttribute

from chalicelib.adapters.dynamo.base import Row
from chalicelib.adapters.dynamo.keys import sync_keys
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Instant

LONGEST_IN_A_ROW = 300_000
"""Bytes; a longer value is put into pieces of so many."""


class PieceRow(Row):
    packed = BinaryAttribute(legacy_encoding=False)
    expires_at = NumberAttribute(null=True)


def put_pieces(pk: str, kind: str, value: bytes, *, expires: Instant | None = None) -> list[str]:
    """Store a value in pieces, compressed, and return their names, in order. `kind`: what the value
    is. `expires`: when nobody needs it any more."""
    packed = zlib.compress(value, 1)
    names = []
    for start in range(0, len(packed), LONGEST_IN_A_ROW):
        piece = packed[start : start + LONGEST_IN_A_ROW]
        name = blake2b(piece, digest_size=12).hexdigest()
        expires_at = None if expires is None else expires // SECOND
        PieceRow(pk, sync_keys.piece(kind, name), packed=piece, expires_at=expires_at).save()
        names.append(name)
    return names


def read_pieces(pk: str, kind: str, names: Sequence[str]) -> bytes:
    """Return the value that was stored in pieces of these names. Raises DoesNotExist."""
    found = (PieceRow.get(pk, sync_keys.piece(kind, name), consistent_read=True) for name in names)
    return zlib.decompress(b"".join(row.packed for row in found))


def drop_other_pieces(pk: str, kind: str, names: Collection[str]) -> None:
    """Delete the pieces of this kind that nothing names any more."""
    kept = {sync_keys.piece(kind, name) for name in names}
    rows: Iterator[PieceRow] = PieceRow.query(
        pk, PieceRow.sk.startswith(sync_keys.piece(kind, "")), attributes_to_get=["pk", "sk"]
    )
    with PieceRow.batch_write() as batch:
        for row in rows:
            if row.sk not in kept:
                batch.delete(row)
