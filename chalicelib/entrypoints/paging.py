"""Cursors: opaque to the caller, and worth something only for the list they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from chalicelib.entrypoints.reading import invalid

_REASON = "not a cursor of this list with these filters; begin again without it"


def seal(position: str | None, uid: str, *listing: object) -> str | None:
    """Wrap a service's position. `listing`: the list's name and its filters.

    A cursor is checked, not secret: a position must hold nothing that names another account's
    rows. Services build partition keys from `uid`, never from a position.
    """
    if position is None:
        return None
    document = json.dumps([_mark(position, uid, listing), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def unseal(cursor: str | None, uid: str, *listing: object) -> str | None:
    """The position inside. Raises InvalidInput when it is not of this list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise invalid("cursor", _REASON, None) from None
    match document:
        case [str(mark), str(position)] if mark == _mark(position, uid, listing):
            return position
    raise invalid("cursor", _REASON, None)


def _mark(position: str, uid: str, listing: tuple[object, ...]) -> str:
    text = json.dumps([uid, list(listing), position], default=str)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
