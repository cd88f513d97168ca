"""What a record costs in a small and in a large account, and a sale in a short and a long history.

Pages go through the real page taker, commit, identity, derivation and row encoders; only the tables
are in memory, so that the account may be as large as the machine allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

from benchmarks.memory import MemoryDynamo
from benchmarks.units import Meter
from chalicelib.adapters import keys as places
from chalicelib.adapters import rows
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo import BatchTable, Key, Row
from chalicelib.adapters.facts import DynamoFacts
from chalicelib.domain.identity import SourceRecord, merge_keys, resolve
from chalicelib.domain.ids import record_id
from chalicelib.domain.manifest import Manifest, id_digest, pack_ids
from chalicelib.domain.personas import derive_persona
from chalicelib.domain.records import Customer, LineItem, Sale, Tender
from chalicelib.domain.times import DAY
from chalicelib.services.commit import Commits
from chalicelib.services.pages import PageTaker
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.facts import Members, StoredRecord
from chalicelib.services.ports.pos import Page
from chalicelib.services.ports.runs import Lease, RunView
from chalicelib.services.progress import Progress, StreamPlace, Tally

F = TypeVar("F", Customer, Sale)

UID, PLATFORM, SCOPE = "100001", "posabit", "bench-venue"
STORE_KEY = f"{PLATFORM}:{SCOPE}:{SCOPE}"
TABLE = "personas"
INDEXES = {
    TABLE: {
        "recent": ("recent_shard", "inserted_at"),
        "by_name": ("name_shard", "name_key"),
    }
}
PAGE = 250
PAGES = 8
NOW = 1_790_000_000_000
SALES_EACH = 4
HISTORIES = (100, 5_000)
SINGLE_SALES = 40


@dataclass(frozen=True)
class Cost:
    """Per record: CPU, write units, index write units, read units, calls."""

    cpu_micros: float
    writes: float
    index_writes: float
    reads: float
    calls: float


@dataclass(frozen=True)
class Size:
    """What new records cost in an account of so many personas; `unchanged` ones in a resync."""

    personas: int
    shopper: Cost
    sale: Cost
    unchanged: Cost


class OneAccount:
    """The `Accounts` and `Stores` ports as far as a commit asks them. One store is mapped."""

    def get(self, uid: str) -> Account:
        return Account(
            uid=uid,
            name="Bench",
            time_zone="UTC",
            currency="USD",
            sync_hour=3,
            sync_every_hours=6,
            minimum_age=21,
            merge_on_name_and_birth_date=False,
            created_at=0,
        )

    def mapping(self, uid: str) -> dict[str, int]:  # noqa: ARG002
        return {STORE_KEY: 1}


class Bench:
    """One account in memory, whose pages go through the page taker."""

    def __init__(self) -> None:
        self.meter = Meter(INDEXES)
        self.dynamo = MemoryDynamo(self.meter)
        clock, account = SystemClock(), OneAccount()
        facts = DynamoFacts(BatchTable(self.dynamo, TABLE, clock), clock)
        self.commits = Commits(facts, account, account, clock)  # type: ignore[arg-type]

    def taker(self, known: Manifest) -> PageTaker:
        view = RunView("run_bench", UID, PLATFORM, "crd_bench", "running", "now", NOW)
        lease = Lease(UID, PLATFORM, "crd_bench", "run_bench", 1, None, view)
        progress = Progress(NOW, {"customers": StreamPlace(), "sales": StreamPlace()})
        nothing = None
        taker = PageTaker(
            lease,
            progress,
            Tally(view),
            commits=self.commits,
            states=nothing,  # type: ignore[arg-type]
            inventories=nothing,  # type: ignore[arg-type]
        )
        taker.scope = SCOPE
        taker.manifests = {"customers": known, "sales": Manifest()}
        return taker

    def cost(self, work: Callable[[], int]) -> Cost:
        """`work` answers how many records it did."""
        self.meter.forget()
        began = time.process_time()
        records = work()
        cpu = time.process_time() - began - self.meter.own_seconds
        per = [self.meter.total(n) / records for n in ("writes", "index_writes", "reads", "calls")]
        return Cost(cpu * 1e6 / records, *per)


def shopper(number: int) -> Customer:
    """The reference shopper: phone and e-mail."""
    return Customer(
        ext_id=str(1_000_000 + number),
        first=f"First{number % 997}",
        last=f"Last{number % 9_973}",
        phone_raw=f"206{number:07d}",
        phone=f"+1206{number:07d}",
        email_raw=f"shopper{number}@example.com",
        email=f"shopper{number}@example.com",
        birth_date="1984-05-06",
        gender="female",
        type="recreational",
        state="WA",
        address=f"{number} Pine Street",
        pos_loyalty_member=True,
        pos_points=number % 500,
        sms_consent="yes",
        email_consent="yes",
        terms_agreed=True,
        created_at=NOW - 300 * DAY,
        updated_at=NOW - (number % 300) * DAY,
    )


def sale(number: int, ext_id: str, at: int) -> Sale:
    """The reference sale: three lines."""
    lines = tuple(
        LineItem(
            name=f"Product {line} of a brand",
            quantity="1",
            total=1_095,
            ext_id=str(number * 3 + line),
            product_ext_id=str(5_000 + line),
            sku=f"SKU-{line:05d}",
            brand="Brand",
            category="Flower",
            subtotal=1_000,
            tax=95,
            cost=500,
        )
        for line in range(3)
    )
    return Sale(
        ext_id=str(9_000_000 + number),
        store_key=SCOPE,
        ordered_at=at,
        ordered_at_text="2026-05-01T12:00:00.000Z",
        currency="USD",
        total=3_285,
        status="completed",
        number=str(number),
        customer_ext_id=ext_id,
        channel="pos",
        employee_id="7",
        subtotal=3_000,
        tax=285,
        cost=1_500,
        tenders=(Tender("cash", 3_285),),
        items=lines,
        updated_at=at,
    )


def costs_by_size(sizes: tuple[int, ...]) -> Iterator[Size]:
    """Sizes ascend; each is measured in one account that grows."""
    bench = Bench()
    _measure(bench, 0, 0)  # warm: imports, caches, compiled patterns
    bench, filled, sold = Bench(), 0, 0
    for personas in sizes:
        _fill(bench, filled, personas)
        yield _measure(bench, personas, sold)
        filled, sold = personas + PAGE * PAGES, sold + PAGE * PAGES * SALES_EACH


def single_sale_costs() -> dict[int, Cost]:
    """One new sale of a shopper who has so many already."""
    found = {}
    for history in HISTORIES:
        bench = Bench()
        taker = bench.taker(Manifest())
        buyer = shopper(1)
        taker.take("customers", Page((buyer,), (), 1, None))
        old = [sale(n, buyer.ext_id, NOW - DAY * 300 + n * 5_000_000) for n in range(history)]
        for start in range(0, history, PAGE):
            page = tuple(old[start : start + PAGE])
            taker.take("sales", Page(page, (), len(page), None))
        new = [sale(history + n, buyer.ext_id, NOW + n) for n in range(SINGLE_SALES)]
        costs = [bench.cost(partial(_take_sale, taker, one)) for one in new]
        found[history] = sorted(costs, key=lambda cost: cost.cpu_micros)[len(costs) // 2]
    return found


def _take_sale(taker: PageTaker, one: Sale) -> int:
    taker.take("sales", Page((one,), (), 1, None))
    return 1


def _measure(bench: Bench, personas: int, sold: int) -> Size:
    taker = bench.taker(_known(personas))
    fresh = [shopper(personas + n) for n in range(PAGE * PAGES)]
    sales = [
        sale(sold + n, fresh[n % len(fresh)].ext_id, NOW - DAY * 200 + n * 400_000)
        for n in range(len(fresh) * SALES_EACH)
    ]

    def customers() -> int:
        for page in _pages(fresh):
            taker.take("customers", Page(page, (), len(page), None))
        return len(fresh)

    def purchases() -> int:
        for page in _pages(sales):
            taker.take("sales", Page(page, (), len(page), None))
        return len(sales)

    new_shopper, new_sale = bench.cost(customers), bench.cost(purchases)
    return Size(personas, new_shopper, new_sale, bench.cost(customers))


def _pages(facts: Sequence[F]) -> Iterator[tuple[F, ...]]:
    rest = iter(facts)
    while page := tuple(islice(rest, PAGE)):
        yield page


def _known(personas: int) -> Manifest:
    """The manifest of an account: as large as it is, though of other records."""
    entries = sorted(id_digest(f"known-{number}") for number in range(personas))
    return Manifest([pack_ids(part for entry in entries for part in (entry, 1))])


def _fill(bench: Bench, start: int, end: int) -> None:
    """The rows that commits would have left of these shoppers, without the commits."""
    for number in range(start, end):
        bench.dynamo.fill(_rows_of(shopper(number)))


def _rows_of(customer: Customer) -> dict[Key, Row]:
    rid = record_id(UID, PLATFORM, SCOPE, customer.ext_id)
    record = SourceRecord(rid, PLATFORM, SCOPE, customer, NOW)
    keys = merge_keys(customer, name_and_birth_date=False)
    (component,) = resolve([record], frozenset(), name_and_birth_date=False)
    persona = derive_persona(component, {}, {STORE_KEY: 1})
    found = dict([rows.record_row(UID, StoredRecord(record, keys))])
    for key in keys:
        place = (places.merge_key(UID, *key), places.MEMBERS_SK)
        found[place] = rows.members_row(place, Members({rid: f"{PLATFORM}:{SCOPE}"}))
    if persona is not None:
        place = (places.record(UID, rid), places.PERSONA_SK)
        found[place] = rows.persona_row(UID, place, persona)
    return found

