"""Histories in which many records carry one key, and old versions of records arrive late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.services import closure
from tests.fakes.facts import Crash
from tests.unit.domain.naive import Shopper, Sold
from tests.unit.services.test_commit_stateful import UID, Histories, customers, sales, scopes

PHONE = "+12065550001"


@st.composite
def crowds(draw: st.DrawFn) -> list[Customer]:
    """Records that carry one phone, or have just lost it."""
    numbers = draw(st.lists(st.integers(0, 15), min_size=1, max_size=14, unique=True))
    phone = draw(st.sampled_from([PHONE, PHONE, None]))
    return [Customer(str(number), phone=phone, email=f"{number}@x.example") for number in numbers]


class WideHistories(Histories):
    """The same promises, with keys that outgrow the row they begin in."""

    def __init__(self) -> None:
        super().__init__()
        self.patched = patch.object(closure, "INLINE_MEMBERS", 3)
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


TestWideHistories = WideHistories.TestCase
TestWideHistories.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)


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
