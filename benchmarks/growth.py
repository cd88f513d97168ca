"""Measures the cost of a record in small and large accounts, and of a sale in long histories.

Pages go through the real page intake, commit, identity, derivation and row encoders; only the
tables are in memory, so that the account may be as large as the machine allows.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import override

from benchmarks.account import CREDENTIAL, PLATFORM, SCOPE, UID, bench_account
from benchmarks.memory import MemoryDynamo
from benchmarks.units import Meter
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable, Key, Row
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts import DynamoFacts
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.domain.identity import SourceRecord, connected_components, merge_keys
from chalicelib.domain.ids import record_id
from chalicelib.domain.manifest import Manifest, id_digest, pack_ids
from chalicelib.domain.personas import derive_persona
from chalicelib.domain.records import Customer, Fact, LineItem, Sale, Tender
from chalicelib.domain.rules import Loyalty, Rules, Source, Terms
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Stream
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.contacts_withdrawn import Withdrawal, Withdrawals
from chalicelib.services.ports.effects import CommitEffects
from chalicelib.services.ports.pos import Page
from chalicelib.services.ports.runs import Lease, RunView
from chalicelib.services.ports.stored_facts import KeyCarriers, StoredRecord
from chalicelib.services.ports.stores import StoreLookup
from chalicelib.services.sync.progress import Progress, StreamProgress, Tally
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.take_page import PageIntake

STORE_KEY = f"{PLATFORM}:{SCOPE}:{SCOPE}"
TABLE = "personas"
INDEXES = {
    TABLE: {
        "recent": ("recent_shard", "inserted_at"),
        "by_name": ("name_shard", "name_key"),
    }
}
PAGE = 250
PAGES = 16
NOW = 1_790_000_000_000
SALES_EACH = 4
WHAT = ("shopper", "sale", "unchanged")
COUNTED = ("writes", "index_writes", "reads", "calls")
HISTORIES = (100, 5_000)
SINGLE_SALES = 40
FIRST_NUMBER = 2_000_000
"""No number of seven digits begins with a zero."""


@dataclass(frozen=True)
class Cost:
    """The cost of one record: CPU, write units, index write units, read units, calls."""

    cpu_micros: float
    writes: float
    index_writes: float
    reads: float
    calls: float


@dataclass(frozen=True)
class AccountCosts:
    """The costs of new records in an account of so many personas; `unchanged` ones in a resync."""

    personas: int
    shopper: Cost
    sale: Cost
    unchanged: Cost
    cpu_against_smallest: dict[str, float]


class EarningRules:
    """The `RuleBook` port: whoever buys is a member, and every sale earns."""

    def get(self, uid: str) -> Rules:  # noqa: ARG002
        loyalty = Loyalty(enabled=True, accrual_start=0, points_per_100=1_000)
        return Rules(loyalty, {PLATFORM: Source(enroll_after=0)})

    def save(self, uid: str, rules: Rules) -> Rules:
        raise AssertionError(f"nobody changes the rules of {uid} to {rules}")


class NobodyAsked:
    """The `Effects` port: the bench's shoppers have no flags, and no setting asks them."""

    def request(self, uid: str, effects: CommitEffects, *, after_seconds: int = 0) -> None:  # noqa: ARG002
        raise AssertionError(f"{effects} of {uid}")


RULES, NOBODY_ASKED = EarningRules(), NobodyAsked()


class OneAccount:
    """The `Accounts` and `Stores` ports as far as a commit asks them. One store is mapped."""

    def get(self, uid: str) -> Account:  # noqa: ARG002
        return bench_account("UTC", 0)

    def lookup(self, uid: str) -> StoreLookup:  # noqa: ARG002
        return StoreLookup({STORE_KEY: 1})


class NothingWaits(Withdrawals):
    """No listing has blanked contacts."""

    @override
    def of_source(self, uid: str, platform: str) -> list[Withdrawal]:
        return []


class PageCosts:
    """Adds up what the pages of one kind cost."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.records = 0
        self.units: Counter[str] = Counter()

    def per_record(self) -> Cost:
        """CPU of the median page, units of all pages."""
        per = [self.units[name] / self.records for name in COUNTED]
        return Cost(statistics.median(self.cpu), *per)


class Bench:
    """Takes pages into one account in memory, through the page intake.

    `known`: how many records are in the manifest from the start.
    """

    def __init__(self, known: int = 0) -> None:
        self.costs: dict[str, PageCosts] = {}
        self.meter = Meter(INDEXES)
        self.dynamo = MemoryDynamo(self.meter)
        clock, account = SystemClock(), OneAccount()
        table = BatchTable(self.dynamo, TABLE, clock)
        facts = DynamoFacts(table, CommitLocks(table, clock))
        view = RunView("run_bench", UID, PLATFORM, CREDENTIAL, "running", "now", NOW)
        lease = Lease(UID, PLATFORM, CREDENTIAL, "run_bench", 1, None, view)
        progress = Progress(NOW, {"customers": StreamProgress(), "sales": StreamProgress()})
        manifests = RunManifests(lease, progress, states=None)  # type: ignore[arg-type]
        manifests.known = {"customers": _manifest(known), "sales": _manifest(known)}
        terms = TermsReader(account, account, RULES, clock)  # type: ignore[arg-type]
        commits = FactCommits(facts, terms, NOBODY_ASKED)
        self._intake = PageIntake(
            lease,
            progress,
            Tally(view),
            manifests,
            commits=commits,
            states=None,  # type: ignore[arg-type]
            inventories=None,  # type: ignore[arg-type]
            contacts=ContactJudge(NothingWaits(), commits, notice=None),  # type: ignore[abstract,arg-type]
            leaving=None,  # type: ignore[arg-type]
            scope=SCOPE,
        )

    def take(self, what: str, stream: Stream, facts: Sequence[Fact]) -> None:
        """Take one page and count it as `what`."""
        costs = self.costs.setdefault(what, PageCosts())
        self.meter.forget()
        began = time.process_time()
        self._intake.take(stream, Page(tuple(facts), (), len(facts), None))
        used = time.process_time() - began - self.meter.own_seconds
        costs.cpu.append(used * 1e6 / len(facts))
        costs.records += len(facts)
        costs.units.update({name: self.meter.total(name) for name in COUNTED})


def shopper(number: int) -> Customer:
    """The reference shopper: phone and e-mail."""
    return Customer(
        ext_id=str(1_000_000 + number),
        first=f"First{number % 997}",
        last=f"Last{number % 9_973}",
        phone_raw=f"206{FIRST_NUMBER + number:07d}",
        phone=f"+1206{FIRST_NUMBER + number:07d}",
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


def costs_by_size(sizes: Sequence[int]) -> list[AccountCosts]:
    """The costs in accounts of these sizes.

    The accounts take turns, page by page, so that a busy machine slows all alike.
    """
    _measure([(0, Bench())], pages=2)  # imports, caches, compiled patterns
    accounts = [(size, Bench(size)) for size in sizes]
    for size, bench in accounts:
        _fill(bench, size)
    gc.collect()
    gc.freeze()
    _measure(accounts, pages=PAGES)
    smallest = accounts[0][1]
    return [_account_costs(size, bench, smallest) for size, bench in accounts]


def _account_costs(personas: int, bench: Bench, smallest: Bench) -> AccountCosts:
    """The costs of one account. All took turns, so the median page of each met the same machine."""
    costs = {what: bench.costs[what].per_record() for what in WHAT}
    ratios = {
        what: cost.cpu_micros / smallest.costs[what].per_record().cpu_micros
        for what, cost in costs.items()
    }
    return AccountCosts(personas, costs["shopper"], costs["sale"], costs["unchanged"], ratios)


def single_sale_costs() -> dict[int, Cost]:
    """By the number of sales that a shopper has: the cost of one more sale, committed alone.

    The new sales are a day apart: more on one day would flag the record and take back what it
    earned.
    """
    buyer = shopper(1)
    benches = {history: Bench() for history in HISTORIES}
    for history, bench in benches.items():
        bench.take("shopper", "customers", [buyer])
        old = [sale(n, buyer.ext_id, NOW - DAY * 300 + n * 5_000_000) for n in range(history)]
        for start in range(0, history, PAGE):
            bench.take("history", "sales", old[start : start + PAGE])
    for number in range(SINGLE_SALES):
        for history, bench in benches.items():
            new = sale(history + number, buyer.ext_id, NOW + number * DAY)
            bench.take("sale", "sales", [new])
    return {history: bench.costs["sale"].per_record() for history, bench in benches.items()}


def _measure(accounts: Sequence[tuple[int, Bench]], pages: int) -> None:
    for number in range(pages):
        for size, bench in accounts:
            fresh = [shopper(size + number * PAGE + n) for n in range(PAGE)]
            bench.take("shopper", "customers", fresh)
            for visit in range(SALES_EACH):
                first = (number * SALES_EACH + visit) * PAGE
                at = NOW - DAY * (200 - 20 * visit)
                sold = [sale(first + n, who.ext_id, at + n) for n, who in enumerate(fresh)]
                bench.take("sale", "sales", sold)
            bench.take("unchanged", "customers", fresh)


def _manifest(personas: int) -> Manifest:
    """A manifest as large as the account's, though of other records."""
    digests = sorted(id_digest(f"known-{number}") for number in range(personas))
    return Manifest([pack_ids(entry for id_ in digests for entry in (id_, 1, 1))])


def _fill(bench: Bench, personas: int) -> None:
    """Put in the rows that commits of these shoppers would have written, without the commits."""
    for number in range(personas):
        bench.dynamo.fill(rows_of(shopper(number)))


def rows_of(customer: Customer) -> dict[Key, Row]:
    """The rows that the commit of one new shopper writes."""
    rid = record_id(UID, PLATFORM, SCOPE, customer.ext_id)
    record = SourceRecord(rid, PLATFORM, SCOPE, customer, NOW)
    carried = merge_keys(customer, name_and_birth_date=False)
    (component,) = connected_components([record], frozenset(), name_and_birth_date=False)
    persona = derive_persona(component, {}, Terms(NOW, RULES.get(UID), {STORE_KEY: 1}))
    stored = dict([rows.record_row(UID, StoredRecord(record, carried))])
    for key in carried:
        row_key = (fact_keys.merge_key(UID, *key), fact_keys.MEMBERS_SK)
        stored[row_key] = rows.carriers_row(row_key, KeyCarriers({rid: f"{PLATFORM}:{SCOPE}"}))
    if persona is not None:
        row_key = (fact_keys.record(UID, rid), fact_keys.PERSONA_SK)
        stored[row_key] = rows.persona_row(UID, row_key, persona)
    return stored
