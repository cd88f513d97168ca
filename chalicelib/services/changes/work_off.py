"""Work off an applied change, over all personas of the account (product.md §7; ADR 13)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.points_import import accrual_mismatch, listing_due_at
from chalicelib.domain.rules import Rules
from chalicelib.domain.times import day_text
from chalicelib.domain.words import JobState, Platform, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.account_jobs import ApplyMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.loyalty.expiry import needs_daily_look
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.changes import Changes, Job
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.integrations import Credentials
from chalicelib.services.ports.loyalty import Expiries
from chalicelib.services.ports.persona_list import PersonaList
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

PAGE = 100
LOOKS_FOR_ITS_JOB = 5
LOOK_AGAIN_SECONDS = 60
ENDED = frozenset({"done", "superseded"})

TimeLeft = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Does what follows a change at once, beside the personas. Done twice, it changes nothing."""

    accounts: Accounts
    credentials: Credentials
    gateway: PosGateway
    notifier: Notifier
    expiries: Expiries
    clock: Clock

    def after_change(self, uid: Uid, rules: Rules) -> None:
        """Plan daily looks and listings, and raise or clear notifications, by these rules."""
        self.expiries.watch(uid, on=needs_daily_look(rules))
        zone = self.accounts.get(uid).time_zone
        warned = {
            n.subject for n in self.notifier.open_for(uid) if n.kind == "points_import_mismatch"
        }
        for platform, source in rules.sources.items():
            following = accrual_mismatch(source, rules.accrual_start(platform))
            if following is not None:
                title, day = self.gateway.platform(platform).title, day_text(following)
                self.notifier.raise_(uid, "points_import_mismatch", platform, title=title, day=day)
            elif platform in warned:
                self.notifier.clear(uid, "points_import_mismatch", platform)
            self._list_customers(uid, platform, rules, zone)

    def _list_customers(self, uid: Uid, platform: Platform, rules: Rules, zone: str) -> None:
        """Make credentials due in time for the listing that fixes the imported balances."""
        source, now = rules.source(platform), self.clock.now()
        for credential in self.credentials.for_integration(uid, platform):
            at = listing_due_at(source, credential.scope, zone)
            planned = credential.next_sync_at
            if at is None or planned is None or planned <= max(at, now):
                continue
            with suppress(NotFound):
                self.credentials.set_due(uid, platform, credential.id, max(at, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOffChange:
    """Derives every persona of the account again after a change, page by page.

    A job that a later change overtook ends at its next hop: the later one goes over everybody,
    under rules that hold both changes.
    """

    changes: Changes
    rules: RuleBook
    commits: FactCommits
    personas: PersonaList
    aftermath: Aftermath
    jobs: JobQueue
    clock: Clock

    def handle(self, message: ApplyMessage, time_left: TimeLeft) -> int:
        """Go on with the job, and return how many shoppers changed by now.

        A late or double message does nothing and returns 0.
        """
        try:
            job = self.changes.job(message.uid, message.work)
        except NotFound:
            self._look_again(message)
            return 0
        if job.state in ENDED or message.hop < job.hop:
            return 0
        try:
            return self._work(job, message, time_left).changed
        except StaleVersion:  # another worker has the same message, and is ahead
            return 0

    def _look_again(self, message: ApplyMessage) -> None:
        """Try the message again later, a few times: it may be here before the change is."""
        if message.tries < LOOKS_FOR_ITS_JOB:
            again = replace(message, tries=message.tries + 1)
            self.jobs.send(again.body(), delay_seconds=LOOK_AGAIN_SECONDS)

    def _work(self, job: Job, message: ApplyMessage, time_left: TimeLeft) -> Job:
        if self._overtaken(job):
            return self._end(job, "superseded")
        self.aftermath.after_change(job.uid, self.rules.get(job.uid))
        if job.after is None:
            self.commits.catch_up(job.uid)
        while True:
            job = self._page(job)
            if job.after is None:
                return self._finish(job)
            if not time_left():
                onward = replace(message, hop=next_hop(message.hop), tries=0)
                self.jobs.send(onward.body())
                return self.changes.save_job(replace(job, hop=onward.hop))

    def _page(self, job: Job) -> Job:
        ids, following = self.personas.in_turn(job.uid, PAGE, job.after)
        changed = left = 0
        if ids:
            committed = self.commits.rederive(job.uid, ids)
            changed, left = committed.changed, committed.left
        progress = replace(
            job,
            state="running",
            after=next_position(job.after, following),
            done=job.done + len(ids),
            changed=job.changed + changed,
            left=job.left + left,
            heartbeat_at=self.clock.now(),
        )
        return self.changes.save_job(progress)

    def _finish(self, job: Job) -> Job:
        """Everybody has been derived: who is to be kept has a reason of their own by now."""
        while True:
            rules = self.rules.get(job.uid)
            if self._overtaken(job):
                return self._end(job, "superseded")
            if not any(source.has_keeps for source in rules.sources.values()):
                return self._end(job, "done")
            sources = {
                platform: replace(source, keeping=(), overruled=())
                for platform, source in rules.sources.items()
            }
            with suppress(StaleVersion):
                self.rules.save(job.uid, replace(rules, sources=sources))

    def _overtaken(self, job: Job) -> bool:
        latest = self.changes.latest_job(job.uid)
        return latest is not None and latest.id > job.id

    def _end(self, job: Job, state: JobState) -> Job:
        now = self.clock.now()
        return self.changes.save_job(
            replace(job, state=state, ended_at=now, heartbeat_at=now, after=None)
        )
