"""A chain of records is known to be large without being read whole (product.md §6)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from chalicelib.adapters.dynamo.persona_rows import pack_intent
from chalicelib.domain import identity
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.services.derivation.stages import carriers, reach
from chalicelib.services.ports.stored_facts import RecordRows
from tests.unit.domain import naive
from tests.unit.services.derivation.test_commit_stateful import Histories, scopes
from tests.worlds.shop import UID, Shop, a_sale, day


def link(number: int) -> Customer:
    """A record that shares its phone with one neighbour and its e-mail with the other."""
    phone = f"+1206{5_000_000 + number // 2}"
    return Customer(str(number), "X", str(number), phone=phone, email=f"e{(number + 1) // 2}@x.com")


def a_chain(length: int) -> Shop:
    shop = Shop(sources={"posabit": Source(enroll_after=day("2026-01-01"))})
    for start in range(0, length, 250):
        shop.tell(*map(link, range(start, min(start + 250, length))))
    return shop


def persona_sizes(shop: Shop) -> list[int]:
    return sorted(len(persona.members) for persona in shop.facts.shown(UID))


@pytest.mark.parametrize("length", [51, 5_000])
def test_a_sale_to_one_record_of_a_chain_reads_little(length: int) -> None:
    shop = a_chain(length)
    before = shop.facts.rows_read

    shop.tell(a_sale("s1", "2026-05-01", customer_ext_id=str(length // 2)))

    assert shop.facts.rows_read - before <= 60
    assert {p.flags for p in shop.facts.shown(UID)} == {frozenset({"large_component"})}


def test_a_correction_in_a_chain_reads_at_most_fifty_records_to_either_side() -> None:
    shop = a_chain(2_000)
    records = set[str]()
    read = shop.facts.rows

    def rows(uid: str, rids: Iterable[str]) -> dict[str, RecordRows]:
        rids = list(rids)
        records.update(rids)
        return read(uid, rids)

    shop.facts.rows = rows  # type: ignore[method-assign]

    shop.tell(replace(link(1_000), email="another@x.com"))

    assert len(records) <= 2 * identity.LARGE_COMPONENT + 2


def test_what_a_commit_of_a_page_in_a_chain_intends_stays_far_below_what_a_row_holds() -> None:
    shop = a_chain(5_000)
    sizes: list[int] = []
    store = shop.facts.store_intent

    def measured(lock: object, intent: object) -> None:
        sizes.append(len(pack_intent(intent)))  # type: ignore[arg-type]
        store(lock, intent)  # type: ignore[arg-type]

    shop.facts.store_intent = measured  # type: ignore[method-assign, assignment]

    shop.tell(*(replace(link(n), first="Y") for n in range(2_000, 2_250)))

    assert max(sizes) < 40_000


def test_the_fifty_first_link_parts_the_chain_by_phone_and_its_loss_rejoins_it() -> None:
    shop = a_chain(50)
    assert persona_sizes(shop) == [50]

    shop.tell(link(50))
    assert persona_sizes(shop) == [1] + [2] * 25

    shop.tell(replace(link(50), email=None, phone="+12065559999"))
    assert persona_sizes(shop) == [1, 50]


def test_a_large_chain_cut_in_the_middle_is_two_persons_again() -> None:
    shop = a_chain(80)

    shop.tell(replace(link(40), email="other@x.com"))

    assert persona_sizes(shop) == [40, 40]
    assert {p.flags for p in shop.facts.shown(UID)} == {frozenset()}


def test_one_of_very_many_carriers_that_drops_their_email_stays_large_by_its_phone() -> None:
    shop = Shop()
    for shops in range(10):
        page = [Customer(str(n), "Ana", "Ruiz", email="ana@x.com") for n in range(6)]
        shop.tell(*page, scope=f"v{shops}")
    shop.tell(replace(page[0], phone="+12065550001"), scope="v1")
    leaver = Customer("z", "Ana", "Ruiz", phone="+12065550001", email="ana@x.com")
    shop.tell(leaver, scope="v2")

    shop.tell(replace(leaver, email=None), scope="v2")

    assert persona_sizes(shop) == [1] * 59 + [2]
    assert {p.flags for p in shop.facts.shown(UID)} == {frozenset({"large_component"})}


@st.composite
def links(draw: st.DrawFn) -> Customer:
    number = draw(st.integers(0, 11))
    changed = draw(st.sampled_from([{}, {}, {}, {"phone": None}, {"email": None}]))
    return replace(link(number), **changed)


class LargeHistories(Histories):
    """The same promises where few records are many."""

    largest = 4

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        for module in (identity, reach, carriers):
            self.patches.enter_context(patch.object(module, "LARGE_COMPONENT", self.largest))
        self.patches.enter_context(patch.object(naive, "LARGEST", self.largest))

    def teardown(self) -> None:
        self.patches.close()

    @rule(scope=scopes, page=st.lists(links(), min_size=1, max_size=8))
    def links_of_a_chain_arrive(self, scope: str, page: list[Customer]) -> None:
        self._commit(scope, page, [])


TestLargeHistories = LargeHistories.TestCase
TestLargeHistories.settings = settings(max_examples=150, stateful_step_count=15, deadline=None)
