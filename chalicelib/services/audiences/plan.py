"""Start the nightly audience runs, and push on those whose message was lost (product.md §10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.audience_nights import (
    LOOK_AGAIN,
    NightSync,
    is_ready,
    next_look,
    night_of,
)
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.audiences.start import WATCH_AGAIN, AudienceRunStarter
from chalicelib.services.job_messages.account_jobs import AudienceRunMessage
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.audiences import (
    AccountLook,
    AudienceHead,
    AudienceRuns,
    TimeLeft,
)
from chalicelib.services.ports.common import Clock, JobQueue, PassOver, pass_over_nothing
from chalicelib.services.ports.integrations import Credentials, Integrations

BATCH = 100
SILENT_FOR = 10 * MINUTE
"""A run that nobody holds and that has not moved for so long lost its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudiencePlanner:
    """Looks at the accounts that are due for a look. `shards`: how many lists of them there are."""

    runs: AudienceRuns
    accounts: Accounts
    integrations: Integrations
    credentials: Credentials
    starter: AudienceRunStarter
    jobs: JobQueue
    clock: Clock
    shards: int
    pass_over: PassOver = pass_over_nothing

    def plan(self, time_left: TimeLeft) -> int:
        """Queue the nightly runs that may begin, and return how many messages were sent.

        Where nothing is due it reads one empty page a shard. An account is claimed by the version
        of its row, so that two planners start one run.
        """
        now = self.clock.now()
        return sum(self._try(look) for look in self._due(now, time_left))

    def _due(self, now: Instant, time_left: TimeLeft) -> Iterator[AccountLook]:
        for shard in range(self.shards):
            seen: set[AccountLook] = set()
            while time_left():
                page = self.runs.due(shard, now, BATCH)
                new = [look for look in page if look not in seen]
                yield from new
                seen.update(new)
                if len(page) < BATCH or not new:
                    break

    def _try(self, look: AccountLook) -> bool:
        return self.pass_over(lambda: self._look(look), otherwise=False, uid=look.uid)

    def _look(self, look: AccountLook) -> bool:
        head = self.runs.head(look.uid)
        if head.look_at != look.at:
            self.runs.drop(look)
            return False
        try:
            account = self.accounts.get(look.uid)
        except NotFound:
            self.runs.drop(look)
            return False
        try:
            return self._watch(head) if head.live else self._plan_night(head, account)
        except StaleVersion:  # somebody else was first
            return False

    def _watch(self, head: AudienceHead) -> bool:
        now = self.clock.now()
        self.runs.save_head(head, replace(head, look_at=now + WATCH_AGAIN))
        run = self.runs.run(head.uid, head.live)
        moved_at = run.heartbeat_at or run.requested_at
        if not run.is_live or run.leased_until > now or moved_at + SILENT_FOR > now:
            return False
        self.jobs.send(AudienceRunMessage(run.uid, run.id).body())
        return True

    def _plan_night(self, head: AudienceHead, account: Account) -> bool:
        now, zone = self.clock.now(), account.time_zone
        if head.again:
            self.starter.start(head, "first_sync")
            return True
        night = night_of(now, zone)
        is_done = head.night is not None and head.night >= night.day
        if is_done or now < night.opens_at:
            self.runs.save_head(head, replace(head, look_at=next_look(now, zone)))
            return False
        if is_ready(now, night, zone, account.sync_hour, self._syncs(head.uid)):
            self.starter.start(head, "night", night=night.day)
            return True
        again = min(now + LOOK_AGAIN, night.closes_at)
        self.runs.save_head(head, replace(head, look_at=again))
        return False

    def _syncs(self, uid: Uid) -> Iterator[NightSync]:
        """Yield the credentials that are synced daily by themselves."""
        for integration in self.integrations.for_account(uid):
            if integration.state != "connected":
                continue
            for credential in self.credentials.for_integration(uid, integration.platform):
                if credential.stopped is None and credential.next_sync_at is not None:
                    yield NightSync(credential.id, credential.last_good_run_at)
