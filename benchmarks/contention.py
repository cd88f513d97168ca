"""Measures how long people wait for an account that loads, in virtual time (architecture.md §7).

The real page intake, commits, row encoders and commit lock work on tables in memory. Each DynamoDB
call takes as long as a profile says, plus the CPU that our client needs for it; calls that go out
side by side overlap, their CPU does not. Every worker and every person's request has a core of its
own.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from typing_extensions import override

from benchmarks.account import CREDENTIAL, PLATFORM, SCOPE, UID
from benchmarks.client_cpu import CallCost
from benchmarks.growth import NOW, PAGE, TABLE, NothingWaits, rows_of, sale, shopper
from benchmarks.scenario import Outcome, Scenario
from benchmarks.slow_dynamo import Latency, PeoplesMeter, SentEffects, SlowAccount, SlowDynamo
from benchmarks.tills import Tills, TillServices
from benchmarks.virtual_time import VirtualTime
from chalicelib.adapters.dynamo import batch
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.domain.errors import CommitBusy
from chalicelib.domain.identity import merge_keys
from chalicelib.domain.ids import record_id
from chalicelib.domain.manifest import Manifest
from chalicelib.domain.records import Customer, Fact, Sale
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.domain.times import DAY
from chalicelib.domain.words import POINT, ScopeId, Stream, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.ports.commits import CommitLock, Committed, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import Page
from chalicelib.services.ports.runs import Lease, RunView
from chalicelib.services.signups.take_signup import take_signup
from chalicelib.services.sync.progress import Progress, StreamProgress, Tally
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.take_page import PageIntake

PEOPLE_A_SECOND = 2.0
OPTED_OUT = 5
"""One of so many shoppers is opted out by the POS."""
SALE_DAYS_AGO = (20, 60, 200, 100)
"""Of the pages of sales that follow a page of shoppers: older ones come later, as where a POS lists
the newest first."""
STAYED_AWAY, AWAY_DAYS = 5, 100
"""One of so many shoppers was away for so many days more before the page of 200 days ago, so that
the points of it expired; the page after it brings some of them back."""
REGULARS = 500
"""Shoppers who are there when the load begins, and whose points people adjust."""
FOR_EVER = 1e9

_R = TypeVar("_R")


class PeoplesFacts(DynamoFacts):
    """Facts that are committed because a person waits, whatever service commits them."""

    @override
    def lock(
        self, uid: Uid, *, urgent: bool = True, while_waiting: Callable[[], None] = do_nothing
    ) -> CommitLock:
        return super().lock(uid, urgent=True, while_waiting=while_waiting)


class WatchedCommits(FactCommits):
    """Commits of a load, which add to the outcome of a run."""

    outcome: Outcome

    @override
    def commit(self, *where: Any, **what: Any) -> Committed:
        committed = super().commit(*where, **what)
        facts = len(what["customers"]) + len(what["sales"])
        self.outcome.add_part(facts, committed.held_seconds, self.terms.clock.monotonic())
        return committed


class Run:
    """One scenario at work.

    `costs`: CPU of the client's calls. `reading`: by stream, CPU seconds by which a record is read
    from the POS's bytes.
    """

    def __init__(
        self,
        scenario: Scenario,
        costs: Mapping[str, CallCost],
        reading: Mapping[str, float],
        seed: int = 1,
    ) -> None:
        self._scenario = scenario
        self._reading = reading
        self._time = VirtualTime(NOW)
        self._outcome = Outcome(scenario)
        self._dynamo = SlowDynamo(self._time, scenario.latency, costs)
        self._dynamo.meter = PeoplesMeter(self._time)
        self._chance = random.Random(seed)
        self._known: list[str] = []
        self._tills = Tills()

    def outcome(self) -> Outcome:
        """Do it."""
        for number in range(REGULARS):
            customer = shopper(number)
            self._dynamo.fill(rows_of(customer))
            self._known.append(record_id(UID, PLATFORM, SCOPE, customer.ext_id))
        usual = batch.together
        batch.together = self._dynamo.together
        gc.collect()
        gc.freeze()
        try:
            self._time.start("preparation", self._prepare)
            for number in range(self._scenario.credentials):
                self._time.start("load", partial(self._load, number + 1), number * 0.01)
            if self._scenario.people:
                self._time.start("arrivals", self._let_people_come)
            self._time.run(self._scenario.seconds)
        finally:
            batch.together = usual
        units: Mapping[str, float] = self._dynamo.meter.counts.get("person", {})
        self._outcome.person_units = units.get("writes", 0.0)
        return self._outcome

    def _prepare(self) -> None:
        """Let the tills' regulars be there when the run begins."""
        if self._scenario.beside == "tills":
            self._dynamo.is_free = True
            self._unpaid(lambda: self._tills.prepare(self._till_services()))
            self._dynamo.is_free = False

    def _load(self, credential: int) -> None:
        """Take pages of shoppers and of what they bought, without end."""
        scope = ScopeId(f"venue-{credential}")
        intake = self._intake(scope, self._mortal() if credential == 1 else DynamoFacts)
        for page in count():
            first = credential * 100_000 + page * PAGE
            opted_out = OPTED_OUT if self._scenario.every_setting else PAGE * PAGE
            people = self._unpaid(partial(_shoppers, first, opted_out))
            self._take(intake, "customers", people)
            self._known += [record_id(UID, PLATFORM, scope, who.ext_id) for who in people]
            for visit, days_ago in enumerate(SALE_DAYS_AGO):
                first = credential * 1_000_000 + (page * len(SALE_DAYS_AGO) + visit) * PAGE
                self._take(intake, "sales", self._unpaid(partial(_sales, people, first, days_ago)))

    def _take(self, intake: PageIntake, stream: Stream, facts: Sequence[Fact]) -> None:
        self._time.sleep(self._scenario.pos_seconds + self._reading[stream] * len(facts))
        intake.take(stream, Page(tuple(facts), (), len(facts), None))

    def _let_people_come(self) -> None:
        for number in count():
            self._time.sleep(self._chance.expovariate(PEOPLE_A_SECOND))
            kind, visit = self._visit(number)
            self._time.start("person", partial(self._serve, kind, visit), self._time.seconds)

    def _visit(self, number: int) -> tuple[str, Callable[[], object]]:
        """Return what kind of request comes next, and what does it."""
        if self._scenario.beside == "tills":
            kind, call = self._tills.visit(number)
            return kind, partial(call, self._till_services())
        commits = self._commits(PeoplesFacts, FactCommits)
        if number % 2:
            return "signup", partial(self._sign_up, number, commits)
        return "adjustment", partial(self._adjust, number, commits)

    def _serve(self, kind: str, visit: Callable[[], object]) -> None:
        """Ask again as often as the answer says so: nobody else repeats the request."""
        began = self._time.monotonic()
        while True:
            try:
                visit()
            except CommitBusy as busy:
                self._outcome.busy += 1
                self._time.sleep(float(str(busy.details["retry_after"])))
            else:
                break
        self._outcome.waits_of.setdefault(kind, []).append(self._time.monotonic() - began)

    def _mortal(self) -> type[DynamoFacts]:
        """Facts of a worker that dies in its first commit after the scenario's second, when the
        facts are written and nothing yet that follows from them: its lock and its intent stay."""
        time, dies_at = self._time, self._scenario.killed_at

        class Mortal(DynamoFacts):
            @override
            def write(self, lock: CommitLock, writes: Writes) -> None:
                super().write(lock, writes)
                if dies_at and time.monotonic() > dies_at:
                    time.sleep(FOR_EVER)

        return Mortal

    def _adjust(self, number: int, commits: FactCommits) -> None:
        record = self._chance.choice(self._known)
        commits.adjust(UID, record, f"adj-{number}", POINT, note="kindness", actor="user")

    def _sign_up(self, number: int, commits: FactCommits) -> None:
        """As `services/signups` does."""
        told = shopper(5_000_000 + number)
        rid = record_id(UID, PLATFORM, SIGNUP_SCOPE, told.ext_id)
        keys = sorted(merge_keys(told, name_and_birth_date=False))

        def take(commit: Commit, answers: list[Any]) -> None:
            [(rows, carriers)] = answers
            commit.set_rows(rows)
            commit.set_carriers(keys, carriers)
            commit.seeds.add(rid)
            take_signup(commit, rid, PLATFORM, SIGNUP_SCOPE, told, None)

        commits.at_the_till(UID, take, partial(commits.facts.rows_and_carriers, UID, [rid], keys))

    def _till_services(self) -> TillServices:
        account = SlowAccount(self._dynamo, every_setting=self._scenario.every_setting)
        return TillServices(self._dynamo, account, self._time)

    def _commits(self, facts: type[DynamoFacts], commits: type[FactCommits]) -> Any:
        """Commits of a process of its own."""
        table = BatchTable(self._dynamo, TABLE, self._time)
        account = SlowAccount(self._dynamo, every_setting=self._scenario.every_setting)
        terms = account.terms(self._time)
        store = facts(table, CommitLocks(table, self._time))
        return commits(store, terms, SentEffects(self._dynamo))

    def _intake(self, scope: ScopeId, facts: type[DynamoFacts]) -> PageIntake:
        commits = self._commits(facts, WatchedCommits)
        commits.outcome = self._outcome
        view = RunView("run_bench", UID, PLATFORM, CREDENTIAL, "running", "now", NOW)
        lease = Lease(UID, PLATFORM, CREDENTIAL, "run_bench", 1, None, view)
        progress = Progress(NOW, {"customers": StreamProgress(), "sales": StreamProgress()})
        manifests = RunManifests(lease, progress, states=None)  # type: ignore[arg-type]
        manifests.known = {"customers": Manifest(), "sales": Manifest()}
        return PageIntake(
            lease,
            progress,
            Tally(view),
            manifests,
            commits=commits,
            states=None,  # type: ignore[arg-type]
            inventories=None,  # type: ignore[arg-type]
            contacts=ContactJudge(NothingWaits(), commits, notice=None),  # type: ignore[abstract,arg-type]
            leaving=None,  # type: ignore[arg-type]
            scope=scope,
        )

    def _unpaid(self, make: Callable[[], _R]) -> _R:
        used = self._time.free()
        made = make()
        self._time.forgive(used)
        return made


def _shoppers(first: int, opted_out: int) -> list[Customer]:
    """A page of them; one of so many is opted out by the POS."""
    return [
        replace(shopper(number), sms_consent="unknown" if number % opted_out else "no")
        for number in range(first, first + PAGE)
    ]


def _sales(people: Sequence[Customer], first: int, days_ago: int) -> list[Sale]:
    away = AWAY_DAYS if days_ago == max(SALE_DAYS_AGO) else 0
    days = [days_ago + n % 30 + (away if n % STAYED_AWAY == 0 else 0) for n in range(len(people))]
    return [sale(first + n, who.ext_id, NOW - days[n] * DAY + n) for n, who in enumerate(people)]


def main(text: str) -> None:
    """Run one scenario, in a process of its own, and print what it came to as JSON."""
    job = json.loads(text)
    scenario = Scenario(**{**job["scenario"], "latency": Latency(**job["scenario"]["latency"])})
    costs = {name: CallCost(**cost) for name, cost in job["costs"].items()}
    print(json.dumps(Run(scenario, costs, job["reading"]).outcome().as_dict()))


if __name__ == "__main__":
    main(sys.argv[1])
