"""Requests that the texting settings hold until an hour to come, when these settings change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from itertools import islice

from chalicelib.domain.contact_states import RequestReason
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.words import Uid
from chalicelib.services.job_messages.account_jobs import HeldMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.consent import ConsentLog, DueContact

BATCH = 100
HELD_BY_SETTINGS: frozenset[RequestReason] = frozenset(
    {"no_number", "quiet_hours", "daily_cap", "monthly_budget"}
)


def may_free(before: TextingRules, after: TextingRules) -> bool:
    """Whether something that was held under `before` may go under `after`: a cap was raised, the
    hours are longer, or there is an origination number now."""
    return (
        after.daily_cap > before.daily_cap
        or after.monthly_budget > before.monthly_budget
        or after.opens < before.opens
        or after.closes > before.closes
        or (before.number is None and after.number is not None)
    )


@dataclass(frozen=True, slots=True)
class HeldRequests:
    """Makes due what the texting settings hold; whether it goes is judged anew then.

    `shards`: how many the index of what is due has.
    """

    log: ConsentLog
    jobs: JobQueue
    clock: Clock
    _: KW_ONLY
    shards: int

    def handle(self, message: HeldMessage, time_left: Callable[[], bool]) -> int:
        """Make the account's held requests due, and return how many.

        What time does not allow is left to a further message; those made due are not met again.
        """
        now, released = self.clock.now(), 0
        for shard in range(message.shard, self.shards):
            later = self.log.due_later(message.uid, shard, now)
            while some := list(islice(later, BATCH)):
                if not time_left():
                    onward = HeldMessage(message.uid, shard, next_hop(message.hop))
                    self.jobs.send(onward.body())
                    return released
                held = self._held(message.uid, some)
                released += sum(self.log.claim(each, now) for each in held)
        return released

    def _held(self, uid: Uid, contacts: Iterable[DueContact]) -> list[DueContact]:
        by_number = {each.number: each for each in contacts}
        states = self.log.eventual_states(uid, by_number)
        return [
            each for number, each in by_number.items() if states[number].held in HELD_BY_SETTINGS
        ]
