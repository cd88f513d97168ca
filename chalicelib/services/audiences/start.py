"""Start audience runs, one of an account at a time, and put accounts on the planner's list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chalicelib.domain.audience_nights import next_look, night_of
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Day, Uid
from chalicelib.services.job_messages.account_jobs import AudienceRunMessage
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audiences import (
    AudienceHead,
    AudienceRun,
    AudienceRuns,
    AudienceTrigger,
)
from chalicelib.services.ports.common import Clock, Ids, JobQueue

WATCH_AGAIN = 15 * MINUTE
"""A run under way is looked at so often: its message may have been lost."""
INDEX_SECONDS = 10
"""The index of personas shows what a sync wrote last by then."""
TRIES = 5


@dataclass(slots=True)
class AudienceRunStarter:
    """Starts runs. What a person or a sync asks for while one is under way joins that one."""

    runs: AudienceRuns
    accounts: Accounts
    jobs: JobQueue
    ids: Ids
    clock: Clock
    _known: set[Uid] = field(default_factory=set)

    def request(self, uid: Uid, trigger: AudienceTrigger, *, actor: str = "") -> AudienceRun:
        """Start a run now, or return the one under way.

        After a first sync another one follows it, which sees what the sync brought. Raises
        NotFound, Conflict when others start runs all the while.
        """
        for _ in range(TRIES):
            head = self.runs.head(uid)
            try:
                if not head.live:
                    return self.start(head, trigger, actor=actor)
                if trigger == "first_sync" and not head.again:
                    self.runs.save_head(head, replace(head, again=True))
                return self.runs.run(uid, head.live)
            except StaleVersion:
                continue
        raise Conflict("Another audience run is just starting. Try again in a moment.")

    def start(
        self,
        head: AudienceHead,
        trigger: AudienceTrigger,
        *,
        night: Day | None = None,
        actor: str = "",
    ) -> AudienceRun:
        """Start a run of an account that has none under way. Raises StaleVersion, NotFound."""
        now = self.clock.now()
        zone = self.accounts.get(head.uid).time_zone
        run = AudienceRun(head.uid, self.ids.new("audience"), trigger, now, actor)
        after = replace(
            head,
            live=run.id,
            again=False,
            night=_claimed_night(head, now, zone) if night is None else night,
            look_at=now + WATCH_AGAIN,
        )
        self.runs.save_head(head, after, run)
        delay = INDEX_SECONDS if trigger == "first_sync" else 0
        self.jobs.send(AudienceRunMessage(head.uid, run.id).body(), delay_seconds=delay)
        return replace(run, seq=1)

    def enlist(self, uid: Uid) -> None:
        """Have the planner look at the account from now on; its first night is the next one."""
        if uid in self._known:
            return
        head = self.runs.head(uid)
        if head.look_at is None:
            now = self.clock.now()
            try:
                zone = self.accounts.get(uid).time_zone
                night, look_at = _claimed_night(head, now, zone), next_look(now, zone)
                self.runs.save_head(head, replace(head, night=night, look_at=look_at))
            except (NotFound, StaleVersion):
                return
        self._known.add(uid)


def _claimed_night(head: AudienceHead, now: int, zone: str) -> Day | None:
    """Return the night that needs no run any more. For an account that is new, that is the one that
    has opened already."""
    if head.look_at is not None or head.night is not None:
        return head.night
    night = night_of(now, zone)
    return night.day if now >= night.opens_at else night.day - 1
