"""A page as large as a clientele, and a POS that never repeats itself."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.dynamo.persona_rows import pack_intent
from chalicelib.domain.errors import LeaseLost
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ids import product_id, record_id
from chalicelib.domain.manifest import Manifest, id_digest
from chalicelib.domain.part_size import FIRST_PART, LARGEST_PART
from chalicelib.domain.records import Customer, InventoryItem, Sale
from chalicelib.domain.words import Stream
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.ports.commits import Committed, Intent
from chalicelib.services.ports.pos import KnownRow, Page
from chalicelib.services.ports.runs import Lease, RunView
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.sync.progress import MOST_WORDS, Progress, StreamProgress, Tally
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.take_page import PageIntake
from tests.fakes.contacts_withdrawn import MemoryWithdrawals
from tests.fakes.stores import MemoryInventories

DYNAMODB_ROW = 400 * 1024
MANY = 2 * FIRST_PART + 1
VIEW = RunView("run_1", "3912", "auphan", "crd_1", "running", "now", 0)


class Ledger:
    """Remembers how much came at once."""

    def __init__(self) -> None:
        self.seconds_each = 0.0
        self.customers: list[int] = []
        self.sales: list[int] = []

    def commit(self, *_: str, customers: Any = (), sales: Any = (), **_more: Any) -> Committed:
        if customers:
            self.customers.append(len(customers))
        if sales:
            self.sales.append(len(sales))
        held = self.seconds_each * (len(customers) + len(sales))
        return Committed(personas=len(customers), held_seconds=held)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def intake(ledger: Ledger) -> PageIntake:
    streams: list[Stream] = ["customers", "sales", "inventory"]
    progress = Progress(0, {stream: StreamProgress() for stream in streams})
    lease = Lease("3912", "auphan", "crd_1", "run_1", 1, None, VIEW)
    unused: Any = None
    commits: Any = ledger
    manifests = RunManifests(lease, progress, states=unused)
    manifests.known = {stream: Manifest() for stream in streams}
    return PageIntake(
        lease,
        progress,
        Tally(VIEW),
        manifests,
        commits=commits,
        states=unused,
        inventories=MemoryInventories(),
        contacts=ContactJudge(MemoryWithdrawals(), commits, notice=unused),
        leaving=unused,
    )


def test_a_clientele_on_one_page_is_committed_in_parts(intake: PageIntake, ledger: Ledger) -> None:
    page = Page(tuple(Customer(str(n)) for n in range(MANY)), (), MANY, None)

    intake.take("customers", page)
    intake.take("customers", page)

    assert ledger.customers == [FIRST_PART, FIRST_PART, 1]


def test_so_are_the_sales_of_a_window(intake: PageIntake, ledger: Ledger) -> None:
    sales = tuple(Sale(str(n), "Main", 0, "", "CAD", 100) for n in range(MANY))

    intake.take("sales", Page(sales, (), MANY, None))

    assert ledger.sales == [FIRST_PART, FIRST_PART, 1]


def test_a_part_that_held_the_account_for_long_makes_the_next_ones_smaller(
    intake: PageIntake, ledger: Ledger
) -> None:
    ledger.seconds_each = 0.004

    intake.take("customers", Page(tuple(Customer(str(n)) for n in range(MANY)), (), MANY, None))

    assert ledger.customers == [FIRST_PART, 75, 75, 75, 26]


def test_the_intent_of_the_largest_part_fits_a_row() -> None:
    ids = [record_id("3912", "auphan", "north", str(n)) for n in range(LARGEST_PART)]
    keys = [MergeKey("email", f"{rid}@{rid}.example.com") for rid in ids]
    sales = [SaleId("auphan", "203.0.113.7:443", rid) for rid in ids]

    # A record may bring those it merges with: a few for nearly each is far beyond any clientele.
    assert len(pack_intent(Intent(tuple(ids), tuple(keys), tuple(sales)))) * 3 < DYNAMODB_ROW


def known_rows(intake: PageIntake) -> KnownRow:
    known = intake.known_rows("customers")
    assert known is not None
    return known


def test_a_row_is_known_once_what_it_says_is_committed(intake: PageIntake, ledger: Ledger) -> None:
    ana, bea = Customer("1", first="Ana"), Customer("2", first="Bea")

    intake.take("customers", Page((ana, bea), (), 2, None, rows={"1": 11}))
    known = known_rows(intake)

    assert known("1", 11)
    assert not known("1", 12)
    assert not known("2", 11)
    assert ledger.customers == [2]


def test_a_row_that_says_the_same_in_another_way_is_known_from_then_on(
    intake: PageIntake, ledger: Ledger
) -> None:
    ana = Customer("1", first="Ana")
    intake.take("customers", Page((ana,), (), 1, None, rows={"1": 11}))

    intake.take("customers", Page((ana,), (), 1, None, rows={"1": 12}))

    assert known_rows(intake)("1", 12)
    assert ledger.customers == [1]


def test_a_commit_that_fails_leaves_no_row_known(intake: PageIntake, ledger: Ledger) -> None:
    def broken(*_: str, **_more: Any) -> Committed:
        raise LeaseLost("the lock passed on")

    ledger.commit = broken  # type: ignore[method-assign]

    with pytest.raises(LeaseLost):
        intake.take("customers", Page((Customer("1"),), (), 1, None, rows={"1": 11}))

    assert not known_rows(intake)("1", 11)


def test_where_everybody_is_looked_at_no_row_is_known(intake: PageIntake) -> None:
    """The listing that fixes points names each record."""
    intake.import_run = "run_1"

    assert intake.known_rows("customers") is None
    assert intake.known_rows("stores") is None
    assert intake.known_rows("sales") is not None


def test_a_product_whose_row_is_known_is_in_the_listing(intake: PageIntake) -> None:
    jar = InventoryItem("1", "north", "Jar", "1", "USD")
    same_number = InventoryItem("1", "south", "Bong", "1", "USD")
    rows = {product_id("north", "1"): 11, product_id("south", "1"): 12}
    intake.take("inventory", Page((jar, same_number), (), 2, None, rows=rows))
    intake.manifests.seen["inventory"] = seen = Manifest()
    known = intake.known_rows("inventory")
    assert known is not None

    assert not known(product_id("north", "1"), 12)
    assert len(seen) == 0
    assert known(product_id("north", "1"), 11)
    assert known(product_id("south", "1"), 12)
    assert list(seen.ids()) == sorted(map(id_digest, rows))


def test_words_that_never_repeat_do_not_fill_the_run() -> None:
    tally = Tally(VIEW)

    for n in range(10_000):
        tally.add_unknown_words({f"status=w{n}": 1})

    words = tally.run_view("running", 0, Progress(0), hop=0).unknown_words
    assert len(words) <= MOST_WORDS + 1
    assert words["status=…"] == 10_000 - MOST_WORDS
