"""Wraps a list's position as a cursor, which continues that list of that account and no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from chalicelib.domain.errors import BadPosition
from chalicelib.domain.words import Uid

LONGEST_POSITION = 1_000
"""Bytes: a position is part of a sort key, which takes 1 KB."""


def seal(position: str | None, uid: Uid, *listing: object) -> str | None:
    """Return the cursor for a service's position; None, the end of the list, stays None.

    `listing`: the list's name and its filters. A cursor carries a checksum and is no secret: anyone
    can make one. So a position never names an account: services build partition keys from `uid`,
    and check a position's form before they use it.
    """
    if position is None:
        return None
    document = json.dumps([_checksum(position, uid, listing), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def unseal(cursor: str | None, uid: Uid, *listing: object) -> str | None:
    """Return the position in a cursor. Raises BadPosition unless it is of this list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadPosition from None
    match document:
        case [str(checksum), str(position)] if checksum == _checksum(position, uid, listing):
            if _fits(position):
                return position
    raise BadPosition


def _fits(position: str) -> bool:
    try:
        return 0 < len(position.encode()) <= LONGEST_POSITION
    except UnicodeEncodeError:
        return False


def _checksum(position: str, uid: Uid, listing: tuple[object, ...]) -> str:
    text = json.dumps([uid, list(listing), position], default=str)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
