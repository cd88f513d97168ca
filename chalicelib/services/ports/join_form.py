"""What the public signup form needs beside what other services have."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.words import Instant, Uid


class Proofs(Protocol):
    """Remembers which contact each served form was sent for."""

    def bind(self, uid: Uid, proof: str, contact: str, until: Instant) -> bool:
        """Bind a form to a contact's digest until its proof ends; False where it is bound to
        another."""
        ...
