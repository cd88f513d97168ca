"""What counting reads: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.adapters.dynamo.preview_reads import DynamoPreviewReads
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, REDEMPTION_PREFIX, Posting
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.redemptions import Redemption, redemption_id
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY
from chalicelib.services.ports.changes import PreviewReads
from chalicelib.services.ports.commits import Writes
from chalicelib.services.ports.stored_facts import LedgerRow
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import MemoryPreviewReads
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.rules import MemoryRuleBook, memory_commits
from tests.fakes.stores import MemoryStores
from tests.functional.personas_table import TABLE, an_aws, personas_table

OURS, OTHERS = "3912", "4000"


@dataclass
class Shop:
    """One account whose two shoppers earn 10 points a sale; the first bought twice."""

    facts: Any
    preview_reads: PreviewReads

    def open(self) -> None:
        rules = Rules(Loyalty(enabled=True, points_per_order=1_000), {"posabit": Source(0)})
        accounts = MemoryAccounts(an_account(OURS), an_account(OTHERS))
        book = MemoryRuleBook(rules)
        commits = memory_commits(self.facts, MemoryStores(), accounts, FakeClock(), rules=book)
        folk = [Customer(str(n), phone=f"+1206555000{n}") for n in range(3)]
        sold = [
            Sale(f"s{n}", "1", NOON - n * DAY, "", "USD", 100, customer_ext_id=str(n % 2))
            for n in range(3)
        ]
        commits.commit(OURS, "posabit", "north", customers=folk, sales=sold)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with an_aws() as made:
        yield made


@pytest.fixture(params=["fake", "table"])
def shop(request: pytest.FixtureRequest, client: Any) -> Iterator[Shop]:
    if request.param == "fake":
        facts = MemoryFacts()
        made = Shop(facts, MemoryPreviewReads(facts))
        made.open()
        yield made
        return
    clock = FakeClock()
    with personas_table(client):
        table = BatchTable(client, TABLE, clock)
        made = Shop(DynamoFacts(table, CommitLocks(table, clock)), DynamoPreviewReads(table))
        made.open()
        yield made


def rid(number: int) -> str:
    return record_id(OURS, "posabit", "north", str(number))


def test_personas_come_with_their_figures(shop: Shop) -> None:
    found = shop.preview_reads.personas(OURS, [rid(0), rid(2), rid(7)])

    assert [(p.id, p.points, p.member) for p in found] == [
        (rid(0), 2_000, True),
        (rid(2), 0, False),
    ]
    assert shop.preview_reads.personas(OTHERS, [rid(0)]) == []


def test_records_and_sales_come_by_id_where_there_are_some(shop: Shop) -> None:
    records = shop.preview_reads.records(OURS, [rid(0), rid(2), rid(7)])
    sales = shop.preview_reads.sales(OURS, [rid(0), rid(2), rid(7)])

    assert {key: record.customer.ext_id for key, record in records.items()} == {
        rid(0): "0",
        rid(2): "2",
    }
    assert (sales[rid(0)].summary.total, sales[rid(0)].points.earned) == (2, 2_000)
    assert rid(2) not in sales
    assert rid(7) not in sales
    assert shop.preview_reads.records(OTHERS, [rid(0)]) == {}


@pytest.mark.parametrize(
    ("since", "ids"),
    [(0, {"s0", "s2"}), (NOON - DAY, {"s0"}), (NOON, {"s0"}), (NOON + 1, set())],
)
def test_sales_are_read_from_an_instant_on(shop: Shop, since: int, ids: set[str]) -> None:
    found = shop.preview_reads.refs(OURS, rid(0), since)

    assert {ref.ext_id for ref in found} == ids
    assert shop.preview_reads.refs(OTHERS, rid(0), since) == []


def test_what_a_record_redeemed_is_read_and_nothing_else_of_its_ledger(shop: Shop) -> None:
    taken = Redemption(redemption_id(rid(0), "1"), "dsc", "Gift", 400, NOON, "till")
    lock = shop.facts.lock(OURS)
    ledger = {
        (rid(0), f"{REDEMPTION_PREFIX}{taken.id}"): LedgerRow(
            (Posting(-400, NOON),), "", "", taken
        ),
        (rid(0), f"{ADJUSTMENT_PREFIX}adj_1"): LedgerRow((Posting(100, NOON),), "-", "user:ann"),
    }
    shop.facts.write(lock, Writes(ledger=ledger))
    shop.facts.unlock(lock, done=True)

    assert shop.preview_reads.redemptions(OURS, rid(0)) == [taken]
    assert shop.preview_reads.redemptions(OURS, rid(1)) == []
