"""The facts log: the DynamoDB one and the fake keep the same promises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.facts_log import LINES, DynamoFactsLog
from chalicelib.domain.acts import ImportedPoints
from chalicelib.domain.pulled_facts import PulledCustomer, PulledFact, PulledSale
from chalicelib.domain.records import Customer
from chalicelib.services.ports.commits import Writes
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.facts_log import FactsLog
from tests.fakes.common import FakeClock
from tests.fakes.facts import MemoryFacts
from tests.functional.personas_table import TABLE, an_aws, personas_table
from tests.functional.test_facts_port import ODD, OTHERS, OURS, a_sale, a_store

FULL = Customer(
    ODD, first="Añá\nB", phone="+12065550001", flags=frozenset({"inactive"}), pos_points=120.5
)
Stores = tuple[FactStore, FactsLog]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with an_aws() as made:
        yield made


@pytest.fixture(params=["fake", "table"])
def stores(request: pytest.FixtureRequest, client: Any) -> Iterator[Stores]:
    if request.param == "fake":
        facts = MemoryFacts()
        yield facts, facts
        return
    with personas_table(client):
        table = BatchTable(client, TABLE, FakeClock())
        yield a_store(client, FakeClock()), DynamoFactsLog(table)


def log(facts: FactStore, *pulled: PulledFact, platform: str = "posabit", uid: str = OURS) -> int:
    """Commit these facts' log; returns the fence of the commit."""
    lock = facts.lock(uid)
    facts.write(lock, Writes(pulled={platform: list(pulled)}))
    facts.unlock(lock, done=True)
    return lock.fence


def read(
    log: FactsLog, after: int = 0, until: int = 10**9, uid: str = OURS
) -> list[tuple[int, PulledFact]]:
    pages = log.read(uid, "posabit", after, until)
    return [(fence, LINES.fact(fact.line)) for fence, page in pages for fact in page]


def test_facts_are_read_as_they_were_logged(stores: Stores) -> None:
    facts, log_ = stores
    pulled: list[PulledFact] = [
        PulledCustomer(ODD, FULL, replace(FULL, phone=None), ImportedPoints(120.5, "run_1")),
        PulledCustomer("north", Customer("2")),
        PulledSale("north", a_sale().sale),
    ]

    fence = log(facts, *pulled)

    assert read(log_) == [(fence, fact) for fact in pulled]
    [(_, page)] = list(log_.read(OURS, "posabit", 0, fence))
    assert [logged.place for logged in page] == [fact.place for fact in pulled]


def test_a_span_of_commits_is_read_in_their_order(stores: Stores) -> None:
    facts, log_ = stores
    fences = [log(facts, PulledCustomer("north", Customer(str(n)))) for n in range(5)]

    found = [fence for fence, _ in read(log_, fences[0], fences[3])]

    assert found == fences[1:4]


def test_a_log_is_that_of_one_platform_of_one_account(stores: Stores) -> None:
    facts, log_ = stores
    log(facts, PulledCustomer("north", Customer("1")), platform="thsuite")
    log(facts, PulledCustomer("north", Customer("2")), uid=OTHERS)

    assert read(log_) == []
    assert [fact.place.ext_id for _, fact in read(log_, uid=OTHERS)] == ["2"]


def test_what_is_deleted_is_gone_and_the_rest_stays(stores: Stores) -> None:
    facts, log_ = stores
    fences = [log(facts, PulledCustomer("north", Customer(str(n)))) for n in range(4)]

    log_.delete(OURS, "posabit", fences[1])

    assert [fence for fence, _ in read(log_)] == fences[2:]


def test_a_large_commit_is_logged_in_many_rows(stores: Stores) -> None:
    facts, log_ = stores
    noise = random.Random(1)
    pulled = [
        PulledCustomer("north", Customer(str(n), address=noise.randbytes(1_000).hex()))
        for n in range(1_201)
    ]

    fence = log(facts, *pulled)

    assert read(log_) == [(fence, fact) for fact in pulled]
