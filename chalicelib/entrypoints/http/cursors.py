"""Wraps a list's position as a cursor, which continues that list of that account and no other.

A position holds what the list is sorted by, a shopper's name too, and a cursor stands in addresses
and their logs: so it is encrypted (ADR 19).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.domain.errors import BadPosition
from chalicelib.domain.words import Uid

if TYPE_CHECKING:
    from chalicelib.services.ports.common import SecretBox

LONGEST_POSITION = 1_024
"""Bytes: a position is a sort key or part of one, which takes no more."""

PLAIN_FORM = base64.urlsafe_b64encode(b'["').decode()[:2]
"""How cursors begin that were handed out before they were encrypted. They still lead on."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes cursors of positions, and reads them again.

    `listing`: the list's name and its filters. A plain cursor of old could be made by anyone: so a
    position never names an account. Services build partition keys from `uid`, and check a
    position's form before they use it.
    """

    box: SecretBox

    def seal(self, position: str | None, uid: Uid, *listing: object) -> str | None:
        """Return the cursor for a service's position; None, the end of the list, stays None.

        Raises ValueError for a position that no list can have.
        """
        if position is None:
            return None
        if not _fits(position):
            raise ValueError("a position is part of a key: 1 to 1,024 bytes of UTF-8")
        sealed = self.box.seal(position, _context(uid, listing))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, cursor: str | None, uid: Uid, *listing: object) -> str | None:
        """Return the position in a cursor. Raises BadPosition unless it is of this list."""
        if cursor is None:
            return None
        try:
            content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            if not content:
                raise BadPosition
            if cursor.startswith(PLAIN_FORM):
                position = _plain_position(content, uid, listing)
            else:
                position = self.box.unseal(content, _context(uid, listing))
        except (binascii.Error, ValueError, RecursionError):
            raise BadPosition from None
        if not _fits(position):
            raise BadPosition
        return position


def _context(uid: Uid, listing: tuple[object, ...]) -> Mapping[str, str]:
    """Return what binds a cursor to its list. It may be logged by the key's service: filters, which
    may be a name, go in as a digest."""
    return {"uid": uid, "cursor": _digest([uid, list(listing)])}


def _plain_position(content: bytes, uid: Uid, listing: tuple[object, ...]) -> str:
    match json.loads(content):
        case [str(checksum), str(position)] if checksum == _digest([uid, list(listing), position]):
            return position
    raise BadPosition


def _fits(position: str) -> bool:
    try:
        return 0 < len(position.encode()) <= LONGEST_POSITION
    except UnicodeEncodeError:
        return False


def _digest(parts: list[object]) -> str:
    text = json.dumps(parts, default=str)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
