"""What time alone changes (product.md §8, §9): points expire, minors come of age, the time of sales
dated ahead comes. A daily look at accounts where any of it matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import MOST_DAYS_AHEAD, Rules
from chalicelib.domain.times import local_day_number, may_be_younger
from chalicelib.domain.words import Day, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.account_jobs import ExpiryMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.changes import PreviewReads
from chalicelib.services.ports.common import Clock, JobQueue, PassOver, pass_over_nothing
from chalicelib.services.ports.loyalty import Expiries
from chalicelib.services.ports.persona_list import PersonaList

PAGE = 100

TimeLeft = Callable[[], bool]


def needs_daily_look(rules: Rules) -> bool:
    """Whether a day alone may change something of the account.

    Points may expire; and where SMS opt-ins are requested, somebody may come of age to get one.
    """
    asks = any(source.sms_opt_in_after is not None for source in rules.sources.values())
    return asks or rules.loyalty.expire_after_days is not None


@dataclass(frozen=True, slots=True)
class ExpiryPlanner:
    """Queues one look per account and local day, soon after its midnight."""

    expiries: Expiries
    accounts: Accounts
    jobs: JobQueue
    clock: Clock
    pass_over: PassOver = pass_over_nothing

    def plan(self, time_left: TimeLeft) -> int:
        """Queue the looks of today that are not queued yet, and return how many.

        Each is queued first and noted then: a second look finds nothing to do.
        """
        queued = 0
        for uid, last_look in self.expiries.watched_accounts():
            if not time_left():
                break
            queued += self._try(uid, last_look)
        return queued

    def _try(self, uid: Uid, last_look: Day | None) -> bool:
        return self.pass_over(lambda: self._queue(uid, last_look), otherwise=False, uid=uid)

    def _queue(self, uid: Uid, last_look: Day | None) -> bool:
        try:
            zone = self.accounts.get(uid).time_zone
        except NotFound:
            self.expiries.drop(uid)
            return False
        today = local_day_number(self.clock.now(), zone)
        if last_look is not None and last_look >= today:
            return False
        self.jobs.send(ExpiryMessage(uid).body())
        self.expiries.mark_looked_at(uid, today)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryWorker:
    """Derives again whose points expire by today, who came of age, and whose sales count by now.

    The cheap reads of previews find them.
    """

    accounts: Accounts
    preview_reads: PreviewReads
    personas: PersonaList
    commits: FactCommits
    jobs: JobQueue
    clock: Clock

    def handle(self, message: ExpiryMessage, time_left: TimeLeft) -> int:
        """Look through the account's personas, and return how many changed.

        What time does not allow is left to a further message.
        """
        uid, after, changed = message.uid, message.after, 0
        account = self.accounts.get(uid)
        today = local_day_number(self.clock.now(), account.time_zone)
        while True:
            ids, following = self.personas.in_turn(uid, PAGE, after)
            due = [
                persona.id
                for persona in self.preview_reads.personas(uid, ids)
                if _expires(persona, today)
                or _waits_no_longer(persona, today)
                or self._came_of_age(uid, persona, account.minimum_age, today)
            ]
            if due:
                changed += self.commits.rederive(uid, due).changed
            after = next_position(after, following)
            if after is None:
                return changed
            if not time_left():
                onward = ExpiryMessage(uid, after, next_hop(message.hop))
                self.jobs.send(onward.body())
                return changed

    def _came_of_age(self, uid: Uid, persona: Persona, minimum_age: int, today: Day) -> bool:
        """Whether the persona was a minor when last derived, and no record of it is one any more:
        a child may share the number of a parent."""
        if "minor" not in persona.flags or not _is_of_age(persona.birth_date, minimum_age, today):
            return False
        if len(persona.members) == 1:
            return True
        records = self.preview_reads.records(uid, persona.members).values()
        born = [r.customer.birth_date for r in records if r.customer.birth_date is not None]
        return all(_is_of_age(day, minimum_age, today) for day in born)


def _expires(persona: Persona, today: Day) -> bool:
    return persona.figures.expires_on is not None and persona.figures.expires_on <= today


def _waits_no_longer(persona: Persona, today: Day) -> bool:
    """Whether the time of a sale dated ahead has come, or one was counted before its time: by older
    code, which knew no such sales."""
    figures = persona.figures
    if figures.counts_on is not None and figures.counts_on <= today:
        return True
    return any(bought.day > today + MOST_DAYS_AHEAD for bought in figures.bought)


def _is_of_age(birth_date: str | None, minimum_age: int, today: Day) -> bool:
    return birth_date is not None and not may_be_younger(birth_date, minimum_age, today)
