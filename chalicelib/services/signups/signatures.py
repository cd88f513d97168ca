"""Keep the signatures that shoppers draw or type (partner-api.md S17, S28)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import blake2b

from chalicelib.domain.words import Channel, Instant, Uid
from chalicelib.services.ports.audiences import Objects

LARGEST_PICTURE = 700 * 1024
LONGEST_LINK, LONGEST_NAME = 2_000, 200
UNREADABLE = "this is no picture of at most 700 KB, and no link: the signature was not taken"

_DATA_URL = re.compile(r"data:image/[a-z+.-]{1,30}(?:;[a-z0-9=-]+)*;base64,", re.IGNORECASE)
_LINK = re.compile(r"https://[^\s<>\"]+")
_BEGINNINGS = {b"\x89PNG\r\n": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "webp"}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is kept. `evidence` says where: for the consent log."""

    evidence: dict[str, object]


def signature_prefix(uid: Uid, record: str) -> str:
    """Return how the names begin of all pictures that a source record signed with."""
    return f"{uid}/signatures/{record}/"


def signer_of(channel: Channel, contact: str) -> str:
    """Return who signs where only a contact is known, in place of a record: a digest of it."""
    return "contact-" + blake2b(f"{channel}#{contact}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class SignatureStore:
    """Stores pictures in the account's part of the bucket, once each."""

    objects: Objects

    def keep(self, uid: Uid, record: str, drawn: str, at: Instant) -> Signature | None:
        """Store what was drawn; None for what is no signature. A link is kept and never
        followed."""
        drawn = drawn.strip()
        if len(drawn) <= LONGEST_LINK and _LINK.fullmatch(drawn):
            return Signature({"signature_link": drawn})
        if (picture := _picture(drawn)) is None:
            return None
        ending = next(end for start, end in _BEGINNINGS.items() if picture.startswith(start))
        digest = blake2b(picture, digest_size=16).hexdigest()
        name = f"{signature_prefix(uid, record)}{digest}.{ending}"
        self.objects.put(name, picture)
        return Signature({"signature": name, "signed_at": at})


def is_picture_or_link(drawn: str) -> bool:
    """Whether this would be kept as a signature."""
    drawn = drawn.strip()
    is_link = len(drawn) <= LONGEST_LINK and _LINK.fullmatch(drawn) is not None
    return is_link or _picture(drawn) is not None


def typed_name(name: str) -> Signature | None:
    """Return the signature that a typed full name is: of at least two words."""
    name = " ".join(name.split())[:LONGEST_NAME]
    return Signature({"signed_name": name}) if " " in name else None


def _picture(drawn: str) -> bytes | None:
    match = _DATA_URL.match(drawn)
    text = drawn[match.end() :] if match else drawn
    text = "".join(text.split())
    if not text or len(text) > LARGEST_PICTURE * 4 // 3 + 4:
        return None
    try:
        picture = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return picture if picture.startswith(tuple(_BEGINNINGS)) else None
