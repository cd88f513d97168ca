"""Several workers at one commit lock, in virtual time: each call to DynamoDB takes 5 ms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest

from benchmarks.account import PLATFORM, SCOPE, UID
from benchmarks.client_cpu import CallCost
from benchmarks.growth import rows_of, shopper
from benchmarks.slow_dynamo import STEADY, SentEffects, SlowAccount, SlowDynamo
from benchmarks.virtual_time import VirtualTime
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import (
    LOCK_SECONDS,
    PERSON_SECONDS,
    WISH_SECONDS,
    CommitLocks,
)
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.domain.errors import CommitBusy
from chalicelib.domain.ids import record_id
from chalicelib.domain.words import Instant
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.ports.common import do_nothing
from tests.fakes.common import NOON

COST = CallCost(0.0003, 0.0)
CALLS = (
    "batch_get_item",
    "batch_write_item",
    "query",
    "get_item",
    "update_item",
    "transact_write_items",
)
A_MOMENT = 0.2


@dataclass(frozen=True)
class SkewedClock:
    """The clock of a machine that is so many seconds ahead."""

    time: VirtualTime
    ahead: float

    def now(self) -> Instant:
        return self.time.now() + round(self.ahead * 1000)

    def monotonic(self) -> float:
        return self.time.monotonic()

    def sleep(self, seconds: float) -> None:
        self.time.sleep(seconds)


@dataclass
class Account:
    """One account's lock, and who held it from when to when."""

    time: VirtualTime = field(default_factory=lambda: VirtualTime(NOON))
    holds: list[tuple[float, float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dynamo = SlowDynamo(self.time, STEADY, dict.fromkeys(CALLS, COST))

    def locks(self, ahead: float = 0.0) -> CommitLocks:
        clock = SkewedClock(self.time, ahead)
        return CommitLocks(BatchTable(self.dynamo, "personas", clock), clock)

    def commits(self) -> FactCommits:
        table = BatchTable(self.dynamo, "personas", self.time)
        facts = DynamoFacts(table, CommitLocks(table, self.time))
        terms = SlowAccount(self.dynamo, every_setting=True).terms(self.time)
        return FactCommits(facts, terms, SentEffects(self.dynamo))

    def hold(self, who: str, locks: CommitLocks, seconds: float, *, urgent: bool = False) -> None:
        """Wait for the lock, and work under it for so long; it is renewed as calls renew it."""
        lock = locks.take(UID, urgent=urgent, while_waiting=do_nothing)
        began = self.time.monotonic()
        ends = began + seconds
        while (left := ends - self.time.monotonic()) > 0:
            self.time.sleep(min(1.0, left))
            locks.renew_when_due(UID)
        self.holds.append((began, self.time.monotonic(), who))
        locks.release(lock, done=True)

    def run(self, **workers: tuple[float, Callable[[], None]]) -> None:
        """Let each begin at its second, and work until it has ended."""
        for name, (at, act) in workers.items():
            self.time.start(name, act, at)
        self.time.run(400.0)

    def stored_rows(self) -> dict[str, dict[str, bytes]]:
        """All rows but the lock's."""
        rows = self.dynamo._rows
        return {pk: dict(held) for pk, held in rows.items() if not pk.endswith("#COMMIT")}

    def never_held_twice(self) -> bool:
        return all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(self.holds)))


def test_a_person_goes_before_two_syncs_that_both_want_the_lock_again_and_again() -> None:
    account = Account()

    def sync(who: str) -> None:
        locks = account.locks()
        for _ in range(6):
            account.hold(who, locks, 0.3)

    person = partial(account.hold, "person", account.locks(), 0.05, urgent=True)
    account.run(
        north=(0.0, partial(sync, "north")),
        south=(0.01, partial(sync, "south")),
        till=(1.0, person),
    )

    assert account.never_held_twice()
    came = next(began for began, _, who in account.holds if who == "person")
    assert came - 1.0 < 0.3 + A_MOMENT
    others = [who for _, _, who in account.holds if who != "person"]
    assert (others.count("north"), others.count("south")) == (6, 6)


@pytest.mark.parametrize("ahead", [-2.0, 2.0])
def test_clocks_two_seconds_apart_never_let_two_hold_the_lock(ahead: float) -> None:
    account = Account()

    def long_part() -> None:
        locks = account.locks()
        for _ in range(3):
            account.hold("long", locks, 45.0)

    def people() -> None:
        locks = account.locks(ahead)
        for _ in range(60):
            try:
                account.hold("person", locks, 0.1, urgent=True)
            except CommitBusy:
                account.time.sleep(1.0)

    account.run(north=(0.0, long_part), till=(1.0, people))

    assert account.never_held_twice()
    assert {who for _, _, who in account.holds} == {"long", "person"}


@pytest.mark.parametrize("renewed_after", [0.0, 9.0])
def test_people_are_served_20_s_after_a_death_until_then_refused_after_7(
    renewed_after: float,
) -> None:
    account = Account()
    ana = shopper(1)
    record = record_id(UID, PLATFORM, SCOPE, ana.ext_id)
    account.dynamo.fill(rows_of(ana))
    unserved = account.stored_rows()
    died: list[float] = []
    refused: list[float] = []
    served: list[float] = []

    def dies() -> None:
        locks = account.locks()
        locks.take(UID, urgent=False, while_waiting=do_nothing)
        account.time.sleep(renewed_after)
        died.append(account.time.monotonic())
        locks.renew_when_due(UID)

    def people() -> None:
        commits = account.commits()
        while not served:
            began, rows = account.time.monotonic(), account.stored_rows()
            try:
                commits.adjust(UID, record, "a1", 100, note="", actor="user")
            except CommitBusy:
                refused.append(account.time.monotonic() - began)
                assert account.stored_rows() == rows
            else:
                served.append(account.time.monotonic())

    account.run(worker=(0.0, dies), till=(renewed_after + A_MOMENT, people))

    assert served[0] <= died[0] + LOCK_SECONDS + A_MOMENT
    assert refused
    assert all(PERSON_SECONDS <= waited < PERSON_SECONDS + A_MOMENT for waited in refused)
    assert account.stored_rows() != unserved


def test_a_till_that_asks_again_when_it_is_told_to_is_served_within_20_s_of_a_death() -> None:
    account = Account()
    ana = shopper(1)
    record = record_id(UID, PLATFORM, SCOPE, ana.ext_id)
    account.dynamo.fill(rows_of(ana))
    waits: list[float] = []

    def dies() -> None:
        account.locks().take(UID, urgent=False, while_waiting=do_nothing)

    def till(number: int) -> None:
        began, commits = account.time.monotonic(), account.commits()
        while True:
            try:
                commits.adjust(UID, record, f"a{number}", 100, note="", actor="user")
            except CommitBusy as busy:
                account.time.sleep(busy.details["retry_after"])
            else:
                break
        waits.append(account.time.monotonic() - began)

    tills = {f"till {n}": (A_MOMENT * n, partial(till, n)) for n in range(1, 30)}
    account.run(worker=(0.0, dies), **tills)

    assert len(waits) == len(tills)
    assert max(waits) <= 20


def test_syncs_go_on_2_seconds_after_a_person_who_wished_for_the_lock_has_died() -> None:
    account = Account()

    class Gone(BaseException):
        """The function was killed."""

    def dies_waiting() -> None:
        def killed() -> None:
            if account.time.monotonic() > 1.5:
                raise Gone

        with pytest.raises(Gone):
            account.locks().take(UID, urgent=True, while_waiting=killed)

    north = partial(account.hold, "north", account.locks(), 1.6)
    south = partial(account.hold, "south", account.locks(), 0.1)
    account.run(north=(0.0, north), south=(0.5, south), till=(1.0, dies_waiting))

    (_, free, _), (taken, _, who) = sorted(account.holds)
    assert who == "south"
    assert taken - free <= WISH_SECONDS + A_MOMENT
