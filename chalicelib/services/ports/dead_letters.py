"""Dead-letter queues: messages that no retry can help (product.md §12, §15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.words import Uid


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Counts the messages in a dead-letter queue.

    `waiting` counts all messages. Of those looked at, `accounts` counts the messages of each
    account, `without_account` those that name none and were never looked at before.
    """

    waiting: int
    accounts: Mapping[Uid, int]
    without_account: int = 0


class DeadLetterQueue(Protocol):
    """A dead-letter queue. `name` is its queue's, as people know it (`sync`, `jobs`)."""

    name: str

    def bury(self, raw: str, reason: str) -> None:
        """Send a message there at once, unchanged, with the reason beside it."""
        ...

    def look(self) -> DeadLetters:
        """Count what lies there, without taking anything out."""
        ...
