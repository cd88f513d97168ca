"""Notifications of messages that no retry can help (product.md §12, §15)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import Uid
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.common import PassOver, pass_over_nothing
from chalicelib.services.ports.dead_letters import DeadLetterQueue


@dataclass(frozen=True, slots=True)
class DeadLetterWatch:
    """Looks into the dead-letter queues and notifies of what lies there."""

    queues: list[DeadLetterQueue]
    notifier: Notifier
    pass_over: PassOver = pass_over_nothing

    def look(self) -> int:
        """Notify each account that has dead messages, and the operator once of each message that
        names no account. Return how many messages wait."""
        waiting = 0
        for queue in self.queues:
            dead = queue.look()
            waiting += dead.waiting
            for uid, count in dead.accounts.items():
                self._notify(uid, queue.name, count)
            if dead.without_account:
                self.notifier.tell_operator(
                    "dead_letter", "operator", queue=queue.name, count=dead.without_account
                )
        return waiting

    def _notify(self, uid: Uid, queue: str, count: int) -> None:
        def act() -> None:
            self.notifier.raise_(uid, "dead_letter", f"queue:{queue}", queue=queue, count=count)

        self.pass_over(act, otherwise=None, uid=uid)
