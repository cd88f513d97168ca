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
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from typing_extensions import override

from benchmarks.account import CREDENTIAL, PLATFORM, SCOPE, UID, bench_account
from benchmarks.client_cpu import CallCost
from benchmarks.growth import INDEXES, NOW, PAGE, TABLE, NothingWaits, rows_of, sale, shopper
from benchmarks.memory import MemoryDynamo
from benchmarks.units import Meter
from benchmarks.virtual_time import VirtualTime
from chalicelib.adapters.dynamo import batch
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.domain.errors import CommitBusy
from chalicelib.domain.ids import record_id
from chalicelib.domain.manifest import Manifest
from chalicelib.domain.records import Customer, Fact, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY
from chalicelib.domain.words import POINT, ScopeId, Stream, Uid
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.effects import CommitEffects
from chalicelib.services.ports.facts import CommitLock, Committed
from chalicelib.services.ports.pos import Page
from chalicelib.services.ports.runs import Lease, RunView
from chalicelib.services.ports.stores import StoreLookup
from chalicelib.services.sync.progress import Progress, StreamProgress, Tally
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.take_page import PageIntake

PEOPLE_A_SECOND = 2.0
EXPIRES_AFTER = 180
OPTED_OUT = 5
"""One of so many shoppers is opted out by the POS."""
SALE_DAYS_AGO = (20, 60, 200, 100)
"""Of the pages of sales that follow a page of shoppers: older ones come later, as where a POS lists
the newest first, and the points of some have expired."""
REGULARS = 500
"""Shoppers who are there when the load begins, and whose points people adjust."""
TILL = ScopeId("till")

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Latency:
    """How long a call to DynamoDB takes: `slow_seconds` for a part of `slow` of them."""

    name: str
    seconds: float
    slow: float = 0.0
    slow_seconds: float = 0.0

    def draw(self, chance: random.Random) -> float:
        return self.slow_seconds if self.slow and chance.random() < self.slow else self.seconds


STEADY = Latency("5 ms", 0.005)
UNSTEADY = Latency("10 ms, 1 % of 60 ms", 0.010, 0.01, 0.060)


@dataclass(frozen=True)
class Scenario:
    """One run. `pos_seconds`: how long the POS takes for a page. `seconds`: of virtual time;
    `people`: whether people commit beside the load. `every_setting`: points expire, a day counts so
    many sales, whoever bought is asked for SMS consent and some are opted out; else whoever buys is
    a member and earns."""

    latency: Latency
    credentials: int
    pos_seconds: float
    seconds: float
    people: bool = True
    every_setting: bool = True

    @property
    def title(self) -> str:
        beside = "beside people" if self.people else "alone"
        settings = "every setting" if self.every_setting else "loyalty only"
        pos = f"POS {self.pos_seconds * 1000:.0f} ms"
        return f"{self.latency.name}, {pos}, {self.credentials} loading {beside}, {settings}"


@dataclass
class Outcome:
    """What a run came to. `waits`: seconds from a person's request to its commit's end; `holds`:
    seconds that each part of a load held the lock; `person_units`: write units of all people."""

    scenario: Scenario
    records: int = 0
    busy: int = 0
    waits: list[float] = field(default_factory=list)
    holds: list[float] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    person_units: float = 0.0

    @property
    def records_per_second(self) -> float:
        return self.records / self.scenario.seconds

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self.scenario),
            "title": self.scenario.title,
            "people_committed": len(self.waits),
            "waits": [round(wait, 4) for wait in sorted(self.waits)],
            "busy": self.busy,
            "wait_p50": quantile(self.waits, 0.5),
            "wait_p99": quantile(self.waits, 0.99),
            "wait_max": max(self.waits, default=0.0),
            "hold_p50": quantile(self.holds, 0.5),
            "hold_p99": quantile(self.holds, 0.99),
            "hold_max": max(self.holds, default=0.0),
            "part_mean": statistics.fmean(self.parts) if self.parts else 0.0,
            "records_per_second": self.records_per_second,
            "write_units_per_person": self.person_units / max(1, len(self.waits)),
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share does not exceed; 0 where there is none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class SlowDynamo(MemoryDynamo):
    """The table in memory whose calls take virtual time. Counts the units of people only."""

    def __init__(self, time_: VirtualTime, latency: Latency, costs: Mapping[str, CallCost]) -> None:
        super().__init__(Meter(INDEXES))
        self._time = time_
        self._latency = latency
        self._chance = random.Random(7)
        self._costs = costs
        self._calls_of_item: list[float] | None = None

    def call(self, name: str, act: Callable[[], _R], rows: int = 0) -> _R:
        """Do it in the middle of the time that the call takes."""
        taken = self._latency.draw(self._chance)
        cpu = self._costs[name].of(rows)
        if self._calls_of_item is not None:  # one of several side by side
            self._calls_of_item.append(taken)
            return self._unpaid(act, cpu)
        self._time.sleep(cpu / 2 + taken / 2)
        answer = self._unpaid(act, cpu / 2)
        self._time.sleep(taken / 2)
        return answer

    def together(self, act: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
        """`batch.together` in virtual time: the worker's core does one after the other, and each
        is answered after the time of its calls."""
        if len(items) == 1:
            return [act(items[0])]
        began, answers, last = self._time.free(), [], 0.0
        try:
            for item in items:
                self._calls_of_item = []
                answers.append(act(item))
                last = max(last, self._time.free() - began + sum(self._calls_of_item))
        finally:
            self._calls_of_item = None
        self._time.sleep(max(0.0, last - (self._time.free() - began)))
        return answers

    def _unpaid(self, act: Callable[[], _R], cpu: float) -> _R:
        """Charge the client's CPU instead of what the table in memory needs."""
        used = self._time.free()
        answer = act()
        self._time.forgive(used + cpu)
        return answer

    @override
    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((_, wanted),) = request["RequestItems"].items()
        act = partial(super().batch_get_item, **request)
        return self.call("batch_get_item", act, len(wanted["Keys"]))

    @override
    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        ((_, writes),) = request["RequestItems"].items()
        return self.call(
            "batch_write_item", partial(super().batch_write_item, **request), len(writes)
        )

    @override
    def get_item(self, **request: Any) -> dict[str, Any]:
        return self.call("get_item", partial(super().get_item, **request))

    @override
    def update_item(self, **request: Any) -> dict[str, Any]:
        return self.call("update_item", partial(super().update_item, **request))

    @override
    def query(self, **request: Any) -> dict[str, Any]:
        return self.call("query", partial(super().query, **request), 2)


class PeoplesMeter(Meter):
    """Counts what people's requests cost, and the sizes of lock rows."""

    def __init__(self, time_: VirtualTime) -> None:
        super().__init__(INDEXES)
        self._time = time_

    @override
    def count(self, call: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        name = self._time.worker.name
        if name == "person" or call == "UpdateItem":
            self.section = name
            super().count(call, request, answer)


class SlowAccount:
    """The ports that terms are read from, each with a call."""

    def __init__(self, dynamo: SlowDynamo, *, every_setting: bool) -> None:
        self._dynamo = dynamo
        loyalty = Loyalty(enabled=True, accrual_start=0, points_per_100=1_000)
        source = Source(enroll_after=0)
        if every_setting:
            loyalty = replace(loyalty, max_orders_per_day=3, expire_after_days=EXPIRES_AFTER)
            source = replace(source, sms_opt_in_after=0)
        self._rules = Rules(loyalty, {PLATFORM: source})

    def account(self, uid: Uid) -> Account:  # noqa: ARG002
        return self._dynamo.call("get_item", lambda: bench_account("America/Los_Angeles", 0))

    def lookup(self, uid: Uid) -> StoreLookup:  # noqa: ARG002
        return self._dynamo.call("query", lambda: StoreLookup({}), 1)

    def get(self, uid: Uid) -> Rules:  # noqa: ARG002
        return self._dynamo.call("get_item", lambda: self._rules)


@dataclass(frozen=True)
class _Accounts:
    get: Callable[[Uid], Account]


class SentEffects:
    """The `Effects` port: what a commit requests is one message, whose sending takes as long as a
    call."""

    def __init__(self, dynamo: SlowDynamo) -> None:
        self._dynamo = dynamo

    def request(self, uid: Uid, effects: CommitEffects) -> None:  # noqa: ARG002
        self._dynamo.call("update_item", do_nothing)


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
        self.outcome.records += facts
        self.outcome.parts.append(facts)
        self.outcome.holds.append(committed.held_seconds)
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

    def _load(self, credential: int) -> None:
        """Take pages of shoppers and of what they bought, without end."""
        scope = ScopeId(f"venue-{credential}")
        intake = self._intake(scope)
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
            visit = partial(self._sign_up if number % 2 else self._adjust, number)
            self._time.start("person", partial(self._serve, visit), self._time.seconds)

    def _serve(self, visit: Callable[[FactCommits], object]) -> None:
        began = self._time.monotonic()
        try:
            visit(self._commits(PeoplesFacts, FactCommits))
        except CommitBusy:
            self._outcome.busy += 1
        self._outcome.waits.append(self._time.monotonic() - began)

    def _adjust(self, number: int, commits: FactCommits) -> None:
        record = self._chance.choice(self._known)
        commits.adjust(UID, record, f"adj-{number}", POINT, note="kindness", actor="user")

    def _sign_up(self, number: int, commits: FactCommits) -> None:
        commits.commit(UID, PLATFORM, TILL, customers=[shopper(5_000_000 + number)])

    def _commits(self, facts: type[DynamoFacts], commits: type[FactCommits]) -> Any:
        """Commits of a process of its own."""
        table = BatchTable(self._dynamo, TABLE, self._time)
        account = SlowAccount(self._dynamo, every_setting=self._scenario.every_setting)
        terms = TermsReader(
            _Accounts(account.account),  # type: ignore[arg-type]
            account,  # type: ignore[arg-type]
            account,  # type: ignore[arg-type]
            self._time,
            partial(self._dynamo.together, lambda read: read()),
        )
        store = facts(table, CommitLocks(table, self._time))
        return commits(store, terms, SentEffects(self._dynamo))

    def _intake(self, scope: ScopeId) -> PageIntake:
        commits = self._commits(DynamoFacts, WatchedCommits)
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
    return [
        sale(first + n, who.ext_id, NOW - (days_ago + n % 30) * DAY + n)
        for n, who in enumerate(people)
    ]


def main(text: str) -> None:
    """Run one scenario, in a process of its own, and print what it came to as JSON."""
    job = json.loads(text)
    scenario = Scenario(**{**job["scenario"], "latency": Latency(**job["scenario"]["latency"])})
    costs = {name: CallCost(**cost) for name, cost in job["costs"].items()}
    print(json.dumps(Run(scenario, costs, job["reading"]).outcome().as_dict()))


if __name__ == "__main__":
    main(sys.argv[1])
