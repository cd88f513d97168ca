"""Histories in which many records carry one key, and old versions of records arrive late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.services.derivation.stages import carriers
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import memory_commits
from tests.fakes.stores import MemoryStores
from tests.unit.domain.naive import Shopper, Sold
from tests.unit.services.derivation.test_commit_stateful import (
    UID,
    Histories,
    customers,
    sales,
    scopes,
)

PHONE = "+12065550001"


@st.composite
def crowds(draw: st.DrawFn) -> list[Customer]:
    """Records that carry one phone, or have just lost it, of up to eight people."""
    numbers = draw(st.lists(st.integers(0, 15), min_size=1, max_size=14, unique=True))
    phone = draw(st.sampled_from([PHONE, PHONE, None]))
    names = draw(st.integers(1, 8))
    return [
        Customer(str(n), "ABCDEFGH"[n % names], phone=phone, email=f"{n}@x.example")
        for n in numbers
    ]


class WideHistories(Histories):
    """The same promises, with keys that outgrow the row they begin in."""

    inline_members = 3

    def __init__(self) -> None:
        super().__init__()
        self.patched = patch.object(carriers, "INLINE_CARRIERS", self.inline_members)
        self.patched.start()

    def teardown(self) -> None:
        self.patched.stop()

    @rule(scope=scopes, crowd=crowds())
    def a_crowd_arrives(self, scope: str, crowd: list[Customer]) -> None:
        self._commit(scope, crowd, [])

    @rule(scope=scopes, crowd=crowds(), rows=st.integers(0, 60))
    def the_worker_dies_over_a_crowd(self, scope: str, crowd: list[Customer], rows: int) -> None:
        self.facts.crash_in = rows
        try:
            self._commit(scope, crowd, [])
        except Crash:
            self.facts.crash_in = None
            self._commit(scope, crowd, [])
        self.facts.crash_in = None

    @invariant()
    def rows_of_carriers_are_what_the_wide_keys_count(self) -> None:
        wide = {
            key: carriers.per_scope()
            for key, carriers in self.facts.key_carriers.items()
            if carriers.wide
        }
        rows = {key: Counter(rows.values()) for key, rows in self.facts.member_rows.items() if rows}

        assert rows == wide


class LateWideHistories(WideHistories):
    """Keys outgrow their row only after they are shared too widely."""

    inline_members = 10


TestWideHistories = WideHistories.TestCase
TestWideHistories.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestLateWideHistories = LateWideHistories.TestCase
TestLateWideHistories.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize("rows", range(24))
def test_a_crash_while_a_shared_key_outgrows_its_row_loses_no_carrier(rows: int) -> None:
    facts = MemoryFacts()
    commits = memory_commits(facts, MemoryStores(), MemoryAccounts(an_account(UID)), FakeClock())

    def tell(numbers: range, phone: str | None = PHONE) -> None:
        told = [Customer(str(n), phone=phone, email=f"{n}@x.example") for n in numbers]
        commits.commit(UID, "posabit", "north", customers=told)

    with patch.object(carriers, "INLINE_CARRIERS", 10):
        tell(range(9))
        facts.crash_in = rows
        with suppress(Crash):
            tell(range(9, 13))
        facts.crash_in = None
        tell(range(20, 21), phone=None)
        tell(range(9, 13))
        tell(range(12, 13), phone=None)

        assert facts.shared_keys(UID) == [MergeKey("phone", PHONE)]
        assert len(facts.wide_carriers(UID, MergeKey("phone", PHONE))) == 12
        assert max(len(persona.members) for persona in facts.personas.values()) == 1


@pytest.mark.parametrize("rows", range(16))
def test_a_crash_while_the_last_carriers_leave_a_key_leaves_no_row_behind(rows: int) -> None:
    """A row that nobody counts would make a stranger of its key's next carriers."""
    facts = MemoryFacts()
    commits = memory_commits(facts, MemoryStores(), MemoryAccounts(an_account(UID)), FakeClock())

    def tell(numbers: range, phone: str | None) -> None:
        told = [Customer(str(n), phone=phone, email=f"{n}@x.example") for n in numbers]
        commits.commit(UID, "posabit", "north", customers=told)

    with patch.object(carriers, "INLINE_CARRIERS", 2):
        tell(range(3), PHONE)
        facts.crash_in = rows
        with suppress(Crash):
            tell(range(3), None)
        facts.crash_in = None
        tell(range(20, 21), None)
        tell(range(3), None)

        assert facts.wide_carriers(UID, MergeKey("phone", PHONE)) == {}


@pytest.mark.parametrize("rows", [None, *range(12)])
def test_one_who_takes_a_wide_key_from_another_of_the_same_name_merges_by_it(
    rows: int | None,
) -> None:
    """The key counts as many carriers as before; also where the worker dies over the page."""
    facts = MemoryFacts()
    commits = memory_commits(facts, MemoryStores(), MemoryAccounts(an_account(UID)), FakeClock())

    def tell(**phones: str | None) -> None:
        told = [
            Customer(n[1:], "Ana", phone=phone, email=f"{n}@x.example")
            for n, phone in phones.items()
        ]
        commits.commit(UID, "posabit", "north", customers=told)

    with patch.object(carriers, "INLINE_CARRIERS", 2):
        tell(_0=PHONE, _1=PHONE, _2=PHONE, _3=None)
        facts.crash_in = rows
        with suppress(Crash):
            tell(_2=None, _3=PHONE)
        facts.crash_in = None
        tell(_20=None)
        tell(_2=None, _3=PHONE)

    members = sorted(len(persona.members) for persona in facts.personas.values())
    assert len(facts.wide_carriers(UID, MergeKey("phone", PHONE))) == 3
    assert members == [1, 1, 3]


class LateVersions(Histories):
    """Every version of a record tells when it was made; the newest stands, whenever it arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: dict[tuple[str, str], Any] = {}
        self.newest_sales: dict[tuple[str, str], Any] = {}

    @rule(
        scope=scopes,
        page=st.lists(st.tuples(customers, st.integers(1, 4)), min_size=1, max_size=6),
        sold=st.lists(st.tuples(sales, st.integers(1, 4)), max_size=4),
    )
    def versions_arrive(
        self, scope: str, page: list[tuple[Customer, int]], sold: list[tuple[Sale, int]]
    ) -> None:
        self._commit(
            scope,
            [replace(customer, updated_at=at) for customer, at in page],
            [replace(sale, updated_at=at) for sale, at in sold],
        )

    def _commit(self, scope: str, page: list[Customer], sold: list[Sale]) -> None:
        self.clock.move(1)
        now = self.clock.now()
        self.commits.commit(UID, "posabit", scope, customers=page, sales=sold)
        seen = {rid: stored.record.first_seen for (_, rid), stored in self.facts.records.items()}
        for customer in newer(page, self.newest, scope):
            rid = record_id(UID, "posabit", scope, customer.ext_id)
            self.told.append(Shopper("posabit", scope, customer, seen.get(rid, now)))
        self.sold += [Sold("posabit", scope, s) for s in newer(sold, self.newest_sales, scope)]


def newer(page: list[Any], newest: dict[tuple[str, str], Any], scope: str) -> Iterator[Any]:
    """The versions that take the place of what was known, in the order told. One that tells no
    time counts as the later fetch."""
    for one in page:
        known = newest.get((scope, one.ext_id), one)
        if None in (known.updated_at, one.updated_at) or one.updated_at >= known.updated_at:
            newest[scope, one.ext_id] = one
            yield one


TestLateVersions = LateVersions.TestCase
TestLateVersions.settings = settings(max_examples=40, stateful_step_count=10, deadline=None)
