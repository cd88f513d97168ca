"""Random histories of facts, crashes and corrections end where the naive model says they must."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.records import Customer, Sale
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import memory_commits
from tests.fakes.stores import MemoryStores
from tests.unit.domain.naive import Shopper, Sold, expected_personas, expected_shared_keys
from tests.worlds.facts_log import last_logged, pulled_facts

UID = "1000"
ZONE = "America/Los_Angeles"
DAY = 86_400_000
START = 1_767_268_800_000

scopes = st.sampled_from(["north", "south"])
ids = st.sampled_from([str(n) for n in range(12)])
phones = st.sampled_from([None, "+12065550001", "+12065550002", "+12065550003"])
emails = st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"])
customers = st.builds(
    Customer,
    ext_id=ids,
    first=st.sampled_from(["", "Ana", "Bo", "Áine", "."]),
    last=st.sampled_from(["", "Ruiz", "Lee", "N/A"]),
    phone=phones,
    email=emails,
    active=st.booleans(),
)
sales = st.builds(
    Sale,
    ext_id=st.sampled_from([f"s{n}" for n in range(8)]),
    store_key=st.sampled_from(["1", "2"]),
    ordered_at=st.integers(0, 800).map(lambda day: START + day * DAY),
    ordered_at_text=st.just(""),
    currency=st.just("USD"),
    total=st.just(100),
    kind=st.sampled_from(["sale", "return", "void"]),
    is_final=st.booleans(),
    customer_ext_id=st.one_of(st.none(), ids),
)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.facts = MemoryFacts()
        self.stores = MemoryStores()
        self.clock = FakeClock(START + 801 * DAY)  # no sale is dated ahead
        self.commits = memory_commits(
            self.facts, self.stores, MemoryAccounts(an_account(UID)), self.clock
        )
        self.told: list[Shopper] = []
        self.sold: list[Sold] = []
        self.mapped: dict[str, int] = {}

    @rule(scope=scopes, page=st.lists(customers, min_size=1, max_size=6), repeat=st.booleans())
    def a_page_of_customers_arrives(self, scope: str, page: list[Customer], repeat: bool) -> None:
        self._commit(scope, page, [])
        if repeat:
            self._commit(scope, page, [])

    @rule(scope=scopes, page=st.lists(sales, min_size=1, max_size=6))
    def a_page_of_sales_arrives(self, scope: str, page: list[Sale]) -> None:
        self._commit(scope, [], page)

    @rule(
        scope=scopes,
        page=st.lists(customers, max_size=6),
        sold=st.lists(sales, max_size=6),
        rows=st.integers(0, 25),
        order=st.integers(0, 2**32),
        other=st.lists(customers, max_size=3),
        other_scope=scopes,
    )
    def the_worker_dies_and_the_page_comes_again(
        self,
        scope: str,
        page: list[Customer],
        sold: list[Sale],
        rows: int,
        order: int,
        other: list[Customer],
        other_scope: str,
    ) -> None:
        self.facts.crash_in = rows
        self.facts.chance.seed(order)
        try:
            self._commit(scope, page, sold)
        except Crash:
            self.facts.crash_in = None
            if other_scope != scope:
                self._commit(other_scope, other, [])
            self._commit(scope, page, sold)
        self.facts.crash_in = None

    @rule(scope=scopes, key=st.sampled_from(["1", "2"]), store=st.integers(1, 2))
    def a_store_key_is_mapped(self, scope: str, key: str, store: int) -> None:
        self.mapped[store_key_id("posabit", scope, key)] = store
        self.stores.mapping = lambda _uid: dict(self.mapped)
        self.commits.rederive(UID, [rid for _, rid in self.facts.records])

    @invariant()
    def personas_are_what_the_facts_say(self) -> None:
        expected = expected_personas(self.told, self.sold, self.mapped, uid=UID, zone=ZONE)

        found = {frozenset(p.members): p for p in self.facts.shown(UID)}

        assert found == expected
        assert all(rid == persona.id for (_, rid), persona in self.facts.personas.items())

    @invariant()
    def pointers_and_summaries_follow_the_sales(self) -> None:
        linked = {
            (stored.record, sid.ext_id, stored.sale.ordered_at)
            for (_, sid), stored in self.facts.sale_rows.items()
            if stored.record
        }

        pointed = {
            (rid, ref.ext_id, ref.ordered_at)
            for (_, rid), refs in self.facts.pointer_rows.items()
            for ref, _ in refs.values()
        }

        assert pointed == linked

    @invariant()
    def keys_shared_too_widely_are_listed(self) -> None:
        assert set(self.facts.shared_keys(UID)) == expected_shared_keys(self.told, uid=UID)

    @invariant()
    def no_intent_is_left(self) -> None:
        assert self.facts.intents == {}

    @invariant()
    def the_facts_log_holds_the_latest_of_each_fact(self) -> None:
        assert last_logged(self.facts, UID) == pulled_facts(self.facts, UID)

    def _commit(self, scope: str, page: list[Customer], sold: list[Sale]) -> None:
        self.clock.move(1)
        now = self.clock.now()
        self.commits.commit(UID, "posabit", scope, customers=page, sales=sold)
        seen = {s: stored.record.first_seen for (_, s), stored in self.facts.records.items()}
        for customer in page:
            rid = record_id(UID, "posabit", scope, customer.ext_id)
            self.told.append(Shopper("posabit", scope, customer, seen.get(rid, now)))
        self.sold += [Sold("posabit", scope, sale) for sale in sold]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=200, stateful_step_count=15, deadline=None)
