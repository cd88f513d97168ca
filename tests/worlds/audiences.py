"""One account's audience runs on fakes, with the backroom that fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.audiences import ListedPersona, SnapshotFilter
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import SnapshotSort
from chalicelib.services.audiences.pages import SnapshotLists
from chalicelib.services.audiences.plan import AudiencePlanner
from chalicelib.services.audiences.recompute import Recompute
from chalicelib.services.audiences.run import AudienceRunWorker
from chalicelib.services.audiences.sorting import ListWriter
from chalicelib.services.audiences.start import AudienceRunStarter
from chalicelib.services.derivation.compare import PersonaComparison
from chalicelib.services.job_messages.account_jobs import AudienceRunMessage, account_job
from chalicelib.services.ports.audiences import AudienceRun
from tests.fakes.audiences import (
    MemoryAudienceRuns,
    MemoryExports,
    MemoryObjects,
    TakesNoBackups,
)
from tests.fakes.common import MemoryQueue
from tests.fakes.texting import MemoryTexts
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom

ALWAYS, NEVER = (lambda: True), (lambda: False)


@dataclass
class AudienceRoom:
    """`wire` counts the calls of a worker, and kills it at the chosen one."""

    room: Backroom = field(default_factory=Backroom)
    backups: Any = field(default_factory=TakesNoBackups)
    volume_bytes: int = 1_000

    def __post_init__(self) -> None:
        room, guard = self.room, self.room.wire.guard
        self.clock = room.clock
        self.rows, self.objects, self.jobs = MemoryAudienceRuns(), MemoryObjects(), MemoryQueue()
        self.exports, self.states, self.drift = MemoryExports(), MemoryTexts(), list[int]()
        runs, objects = guard(self.rows), guard(self.objects)
        self.starter = AudienceRunStarter(
            runs, room.accounts, guard(self.jobs), room.ids, room.clock
        )
        recompute = Recompute(
            runs=runs,
            objects=objects,
            personas=room.personas,
            comparison=PersonaComparison(room.facts, room.terms),
            commits=room.commits,
            states=self.states,
            clock=room.clock,
        )
        self.worker = AudienceRunWorker(
            runs=runs,
            objects=objects,
            backups=guard(self.backups),
            recompute=recompute,
            merging=ListWriter(objects, self.volume_bytes),
            terms=room.terms,
            starter=self.starter,
            notifier=room.notifier,
            count_drift=self.drift.append,
            jobs=guard(self.jobs),
            clock=room.clock,
        )
        self.planner = AudiencePlanner(
            runs=self.rows,
            accounts=room.accounts,
            integrations=room.integrations,
            credentials=room.credentials,
            starter=self.starter,
            jobs=self.jobs,
            clock=room.clock,
            shards=2,
        )
        self.lists = SnapshotLists(self.rows, self.objects)

    def tell(self, *facts: Customer | Sale) -> None:
        """Commit shoppers and sales."""
        self.clock.move(1)
        self.room.commits.commit(
            UID,
            PLATFORM,
            SCOPE,
            customers=[fact for fact in facts if isinstance(fact, Customer)],
            sales=[fact for fact in facts if isinstance(fact, Sale)],
        )

    def run_now(self, time_left: Callable[[], bool] = ALWAYS) -> AudienceRun:
        """Ask for a run and work it off."""
        asked = self.starter.request(UID, "now", actor="user:ann")
        self.work_off(time_left)
        return self.rows.run(UID, asked.id)

    def work_off(self, time_left: Callable[[], bool] = ALWAYS) -> int:
        """Handle messages until none is left; how many there were."""
        handled = 0
        while bodies := self.jobs.take():
            for body in bodies:
                handled += 1
                assert handled < 5_000, "the messages never end"
                message = account_job(body)
                assert isinstance(message, AudienceRunMessage)
                self.worker.handle(message, time_left)
        return handled

    def page_all(
        self,
        by: SnapshotSort,
        wanted: SnapshotFilter | None = None,
        limit: int = 50,
        *,
        descending: bool = False,
    ) -> list[ListedPersona]:
        """Every line of a list, page by page."""
        found: list[ListedPersona] = []
        after: str | None = None
        for _ in range(10_000):
            page = self.lists.page(
                UID, by, wanted or SnapshotFilter(), limit, after, descending=descending
            )
            found += page.items
            after = page.position
            if after is None:
                return found
        raise AssertionError("the pages never end")
