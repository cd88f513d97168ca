"""Tombstones: what stays of an erased shopper, so that no POS brings them back (product.md §14).

A tombstone is a salted hash of a record's id, or of a phone or e-mail that nobody else carried. It
tells nobody who was erased, but whether this shopper was. An own new signup lifts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from chalicelib.domain.words import Channel, Instant

TombstoneKind = Literal["record", "phone", "email"]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """When a shopper was erased, and by which erasure. `lifted_at`: when they signed up anew; None
    while it holds. `opted_out_at`: since when the contact must not be texted or written to."""

    erased_at: Instant
    erasure: str
    lifted_at: Instant | None = None
    opted_out_at: Instant | None = None

    @property
    def holds(self) -> bool:
        return self.lifted_at is None


@dataclass(frozen=True, slots=True)
class Tombstones:
    """All tombstones of an account by their hashes."""

    salt: bytes = b""
    held: Mapping[str, Tombstone] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.held)

    def name(self, kind: TombstoneKind, value: str) -> str:
        """Return the hash under which the tombstone of this value is kept."""
        return blake2b(f"{kind}:{value}".encode(), key=self.salt, digest_size=16).hexdigest()

    def of(self, kind: TombstoneKind, value: str | None) -> Tombstone | None:
        """Return the tombstone of a record id, phone or e-mail, lifted or not."""
        return self.held.get(self.name(kind, value)) if self.held and value else None

    def holds(self, kind: TombstoneKind, value: str | None) -> bool:
        """Whether the value is that of somebody who is erased today."""
        found = self.of(kind, value)
        return found is not None and found.holds

    def silences(
        self, record: str, channel: Channel, contact: str, at: Instant | None = None
    ) -> bool:
        """Whether what was to be noted of a contact is of somebody erased: a message may come late.
        `at`: when it was said; of who is back, what was said before counts no more, but for the
        opt-out that outlived the erasure."""
        kind: TombstoneKind = "phone" if channel == "sms" else "email"
        own = self.of(kind, contact)
        if self.holds("record", record) or (own is not None and own.holds):
            return True
        found = self.of("record", record) or own
        if found is None or at is None or at >= found.erased_at:
            return False
        return own is None or at != own.opted_out_at

    def unlinks(self, record: str, ordered_at: Instant) -> bool:
        """Whether a sale of this record stays without a shopper: while they are erased, and for
        ever if they bought it before."""
        found = self.of("record", record)
        return found is not None and (found.holds or ordered_at < found.erased_at)


NO_TOMBSTONES = Tombstones()
