"""Notifications of messages that no retry can help (product.md §12, §15)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.dead_letters import DeadLetterQueue


@dataclass(frozen=True, slots=True)
class DeadLetterWatch:
    """Looks into the dead-letter queues and notifies of what lies there."""

    queues: list[DeadLetterQueue]
    notifier: Notifier

    def look(self) -> int:
        """Notify each account that has dead messages, and the operator once of each message that
        names no account. Return how many messages wait."""
        waiting = 0
        for queue in self.queues:
            dead = queue.look()
            waiting += dead.waiting
            for uid, count in dead.accounts.items():
                self.notifier.raise_(
                    uid, "dead_letter", f"queue:{queue.name}", queue=queue.name, count=count
                )
            if dead.without_account:
                self.notifier.tell_operator(
                    "dead_letter", "operator", queue=queue.name, count=dead.without_account
                )
        return waiting
