"""Cursors: opaque to the caller, and worth something only for the list they came from."""

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
    """Wrap a service's position. `listing`: the list's name and its filters.

    A cursor is checked, not secret: a position must hold nothing that names another account's
    rows. Services build partition keys from `uid`, never from a position, and whoever reads one
    looks at its form first.
    """
    if position is None:
        return None
    document = json.dumps([_mark(position, uid, listing), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def unseal(cursor: str | None, uid: Uid, *listing: object) -> str | None:
    """The position inside. Raises BadPosition when it is not of this list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadPosition from None
    match document:
        case [str(mark), str(position)] if mark == _mark(position, uid, listing):
            if _fits(position):
                return position
    raise BadPosition


def _fits(position: str) -> bool:
    try:
        return 0 < len(position.encode()) <= LONGEST_POSITION
    except UnicodeEncodeError:
        return False


def _mark(position: str, uid: Uid, listing: tuple[object, ...]) -> str:
    text = json.dumps([uid, list(listing), position], default=str)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
