"""Messages that no retry can help: kept, and told of (product.md §12, §15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.services.notify import Notifier


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What a look into a dead-letter queue found: how many wait, and whose they are.

    `accounts`: uid → messages, of those looked at that name an account. `strangers`: messages that
    name none and were never looked at before.
    """

    waiting: int
    accounts: Mapping[str, int]
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


class DeadLetterWatch:
    def __init__(self, queues: list[DeadLetterQueue], notifier: Notifier) -> None:
        self._queues = queues
        self._notifier = notifier

    def look(self) -> int:
        """Tell the accounts whose work lies dead, and the operator once of what is nobody's; how
        many messages wait."""
        waiting = 0
        for queue in self._queues:
            found = queue.look()
            waiting += found.waiting
            for uid, count in found.accounts.items():
                self._notifier.raise_(
                    uid, "dead_letter", f"queue:{queue.name}", queue=queue.name, count=count
                )
            if found.strangers:
                self._notifier.tell_operator(
                    "dead_letter", "operator", queue=queue.name, count=found.strangers
                )
        return waiting
