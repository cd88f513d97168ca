"""DynamoDB in virtual time: tables in memory whose calls take as long as a profile says.

Calls that go out side by side overlap; the CPU that our client needs for them does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from typing_extensions import override

from benchmarks.account import PLATFORM, bench_account
from benchmarks.client_cpu import CallCost
from benchmarks.growth import INDEXES
from benchmarks.memory import MemoryDynamo
from benchmarks.units import Meter
from benchmarks.virtual_time import VirtualTime
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.common import Clock, do_nothing
from chalicelib.services.ports.effects import CommitEffects
from chalicelib.services.ports.stores import StoreLookup

EXPIRES_AFTER = 180
MODEL_CALL = "put_item"
"""How a call of PynamoDB's is priced: one row, by the way of boto3."""

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


class SlowDynamo(MemoryDynamo):
    """The table in memory whose calls take virtual time. Counts the units of people only."""

    def __init__(self, time_: VirtualTime, latency: Latency, costs: Mapping[str, CallCost]) -> None:
        super().__init__(Meter(INDEXES))
        self._time = time_
        self._latency = latency
        self._chance = random.Random(7)
        self._costs = costs
        self._calls_of_item: list[float] | None = None
        self.is_free = False
        """While it is, calls take no time: for what is there before a run begins."""

    def call(self, name: str, act: Callable[[], _R], rows: int = 0, rounds: int = 1) -> _R:
        """Do it in the middle of the time that the call takes."""
        if self.is_free:
            return act()
        taken = sum(self._latency.draw(self._chance) for _ in range(rounds))
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
        if self.is_free or len(items) == 1:
            return [act(item) for item in items]
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
    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """It takes twice as long as other writes: DynamoDB prepares, then commits."""
        act = partial(super().transact_write_items, **request)
        return self.call("transact_write_items", act, len(request["TransactItems"]), rounds=2)

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

    def lookup(self, uid: Uid) -> StoreLookup:  # noqa: ARG002
        return self._dynamo.call("query", lambda: StoreLookup({}), 1)

    def together(self, uid: Uid) -> tuple[Account, Rules]:  # noqa: ARG002
        """Account and rules, which lie in one table."""
        account = bench_account("America/Los_Angeles", 0)
        return self._dynamo.call("batch_get_item", lambda: (account, self._rules), 2)

    def terms(self, clock: Clock) -> TermsReader:
        """The reader of terms that asks it, side by side."""
        ports: Any = self
        beside = partial(self._dynamo.together, lambda read: read())
        return TermsReader(ports, ports, ports, clock, beside, self.together)


class SentEffects:
    """The `Effects` port: what a commit requests is one message, whose sending takes as long as a
    call."""

    def __init__(self, dynamo: SlowDynamo) -> None:
        self._dynamo = dynamo

    def request(self, uid: Uid, effects: CommitEffects, *, after_seconds: int = 0) -> None:  # noqa: ARG002
        self._dynamo.call("update_item", do_nothing)
