"""Points that expire as time passes (product.md §8): a daily look at accounts that let them."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.errors import NotFound
from chalicelib.domain.times import local_day_number
from chalicelib.services.commit import Commits
from chalicelib.services.messages import ExpiryMessage, further, went_on
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.changes import Expiries, Glimpses
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.facts import PersonaList

PAGE = 100

TimeLeft = Callable[[], bool]


class ExpiryPlanner:
    """Queues one look per account and local day, soon after its midnight."""

    def __init__(
        self, expiries: Expiries, accounts: Accounts, jobs: JobQueue, clock: Clock
    ) -> None:
        self._expiries = expiries
        self._accounts = accounts
        self._jobs = jobs
        self._clock = clock

    def plan(self, time_left: TimeLeft) -> int:
        """How many were queued. Queued first, noted then: a second look finds nothing to do."""
        queued = 0
        for uid, looked in self._expiries.watched():
            if not time_left():
                break
            try:
                zone = self._accounts.get(uid).time_zone
            except NotFound:
                self._expiries.watch(uid, on=False)
                continue
            today = local_day_number(self._clock.now(), zone)
            if looked is None or looked < today:
                self._jobs.send(ExpiryMessage(uid).body())
                self._expiries.looked(uid, today)
                queued += 1
        return queued


class ExpiryWorker:
    """Derives again whoever's points are due; counting reads find them."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        glimpses: Glimpses,
        personas: PersonaList,
        commits: Commits,
        jobs: JobQueue,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._glimpses = glimpses
        self._personas = personas
        self._commits = commits
        self._jobs = jobs
        self._clock = clock

    def handle(self, message: ExpiryMessage, time_left: TimeLeft) -> int:
        """How many balances changed."""
        uid, after, changed = message.uid, message.after, 0
        today = local_day_number(self._clock.now(), self._accounts.get(uid).time_zone)
        while True:
            ids, following = self._personas.in_turn(uid, PAGE, after)
            due = [
                persona.id
                for persona in self._glimpses.personas(uid, ids)
                if persona.figures.expires_on is not None and persona.figures.expires_on <= today
            ]
            if due:
                changed += self._commits.rederive(uid, due).changed
            after = went_on(after, following)
            if after is None:
                return changed
            if not time_left():
                onward = ExpiryMessage(uid, after, further(message.hop))
                self._jobs.send(onward.body())
                return changed
