"""How parts of keys are made: values that fit, and shards."""

from __future__ import annotations

import zlib
from hashlib import blake2b

LONGEST_VALUE = 400
"""Bytes of a POS's value that a key takes unchanged; DynamoDB takes 1 KB."""


def shortened(value: str) -> str:
    """Return the value; of one that is too long its beginning and a digest of the whole."""
    if len(value.encode()) <= LONGEST_VALUE:
        return value
    return f"{value[:40]}…{blake2b(value.encode(), digest_size=16).hexdigest()}"


def shard_number(name: str, shards: int) -> int:
    """Return the shard of a name; it never changes."""
    return zlib.crc32(name.encode()) % shards
