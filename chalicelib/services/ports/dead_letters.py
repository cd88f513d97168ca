"""Messages that no retry can help, as the services see them (product.md §12, §15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.words import Uid


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What a look into a dead-letter queue found: how many wait, and whose they are.

    `accounts`: uid → messages, of those looked at that name an account. `strangers`: messages that
    name none and were never looked at before.
    """

    waiting: int
    accounts: Mapping[Uid, int]
    strangers: int = 0


class DeadLetterQueue(Protocol):
    """`name` is the queue's, as people know it (`sync`, `jobs`)."""

    name: str

    def bury(self, raw: str, reason: str) -> None:
        """Put a message there at once, unchanged, with the reason beside it."""
        ...

    def look(self) -> DeadLetters:
        """Look without taking anything out."""
        ...
