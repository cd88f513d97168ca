"""Messages that no retry can help: kept, and told of (product.md §12, §15)."""

from __future__ import annotations

from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.dead_letters import DeadLetterQueue


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
