"""Returns, postings, acts and ledger rows: the fake and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.acts import Acts, ImportedPoints, Join
from chalicelib.domain.ledger import Posting, RecordPoints
from chalicelib.domain.membership import Reason
from chalicelib.domain.personas import Figures, LastPurchase
from chalicelib.domain.records import Sale
from chalicelib.services.ports.commits import Writes
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.stored_facts import (
    LedgerRow,
    RecordRows,
    RecordSales,
    SaleId,
    StoredRecord,
    StoredSale,
)
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.functional.test_facts_port import (
    ODD,
    OTHERS,
    OURS,
    a_persona,
    a_record,
    a_store,
    an_aws,
    personas_table,
    ref,
    write,
)

RID, OTHER = "a" * 32, "b" * 32
EARNED = (Posting(1_200, NOON), Posting(-300, NOON + 5))


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with an_aws() as made:
        yield made


@pytest.fixture(params=["fake", "table"])
def facts(request: pytest.FixtureRequest, client: Any) -> Iterator[FactStore]:
    if request.param == "fake":
        yield MemoryFacts()
        return
    with personas_table(client):
        yield a_store(client, FakeClock())


def test_what_a_shopper_did_is_read_as_it_was_written(facts: FactStore) -> None:
    acts = Acts(
        joins=(Join("form", NOON), Join("kept:enroll_after:posabit@2026-01-01", NOON + 1)),
        imported=ImportedPoints(120, "run_1"),
        flags=3,
        flags_at=NOON,
    )
    plain = a_record()
    stored = StoredRecord(replace(plain.record, acts=acts), plain.keys)

    write(facts, Writes(records={stored.record.id: stored}))

    assert facts.rows(OURS, [stored.record.id])[stored.record.id].stored == stored


def test_a_persona_is_read_with_its_reasons_and_its_figures(facts: FactStore) -> None:
    figures = Figures(
        -50, (LastPurchase("posabit", 20_453), LastPurchase("thsuite", 20_400)), 20_500
    )
    reasons = (Reason("enroll_after:posabit", 20_000), Reason("form", None))
    persona = replace(a_persona(RID), reasons=reasons, asked_by=("posabit",), earn_from=20_000)
    sales = RecordSales(figures=figures)

    write(facts, Writes(summaries={RID: sales}, personas={RID: persona}))

    found = facts.rows(OURS, [RID])[RID]
    assert found == RecordRows(None, sales, replace(persona, figures=figures))


def test_what_waits_for_its_time_is_read_as_it_was_written(facts: FactStore) -> None:
    far = StoredSale(
        SaleId("posabit", "north", "far"),
        RID,
        Sale("far", "Main", NOON, "", "USD", 100, customer_ext_id="1"),
        ahead=True,
    )
    sales = RecordSales(figures=Figures(counts_on=20_600), counts_on=20_700)
    pointer = far.ref({})

    write(
        facts,
        Writes(sales={far.id: far}, summaries={RID: sales}, pointers={(RID, pointer): ()}),
    )

    assert facts.sales(OURS, [far.id]) == {far.id: far}
    assert facts.rows(OURS, [RID])[RID].sales == sales
    assert facts.pointers(OURS, RID) == {pointer: ()}
    assert (pointer.ahead, pointer.counts) == (True, False)


def test_a_sale_that_is_gone_is_read_so(facts: FactStore) -> None:
    sale = Sale("s1", "Main", NOON, "", "USD", 100, customer_ext_id="1", gone=True)
    gone = StoredSale(SaleId("posabit", "north", "s1"), RID, sale)
    pointer = gone.ref({})

    write(facts, Writes(sales={gone.id: gone}, pointers={(RID, pointer): ()}))

    assert facts.sales(OURS, [gone.id]) == {gone.id: gone}
    assert facts.pointers(OURS, RID) == {pointer: ()}
    assert (pointer.gone, pointer.counts) == (True, False)


def test_the_entries_of_a_sale_hang_on_its_pointer(facts: FactStore) -> None:
    sale = replace(ref(ODD[:4]), net=4_321, tax=321, returned=100)
    back = replace(ref("r1", NOON - 9), counts=False, net=500, unlinked=True)

    write(facts, Writes(pointers={(RID, sale): EARNED, (RID, back): ()}))

    assert facts.pointers(OURS, RID) == {back: (), sale: EARNED}
    assert facts.postings(OURS, [(RID, sale), (RID, ref("none")), (OTHER, sale)]) == {
        (RID, sale): EARNED
    }
    assert facts.postings(OTHERS, [(RID, sale)]) == {}


def test_pointers_are_read_from_an_instant_up_to_before_another(facts: FactStore) -> None:
    refs = [ref(f"s{n}", NOON + n * 1_000) for n in range(5)]
    write(facts, Writes(pointers=dict.fromkeys([(RID, one) for one in refs], ())))

    assert list(facts.pointers(OURS, RID, since=NOON + 1_000)) == refs[1:]
    assert list(facts.pointers(OURS, RID, until=NOON + 1_000)) == refs[:1]
    assert list(facts.pointers(OURS, RID, NOON + 1_000, NOON + 3_000)) == refs[1:3]
    assert list(facts.pointers(OURS, RID, since=-5)) == refs


def test_what_was_given_back_of_a_sale_is_there_before_the_sale_is(facts: FactStore) -> None:
    sale = SaleId("posabit", "Store #1", "s1")

    write(facts, Writes(returns={sale: {"r1": 500, "r2": 20}}))

    assert facts.returns(OURS, [sale, SaleId("posabit", "Store #1", "s2")]) == {
        sale: {"r1": 500, "r2": 20}
    }
    assert facts.sales(OURS, [sale]) == {}


def test_returns_that_are_taken_back_leave_nothing(facts: FactStore) -> None:
    sale = SaleId("posabit", "north", "s1")
    write(facts, Writes(returns={sale: {"r1": 500}}))

    write(facts, Writes(returns={sale: None}))

    assert facts.returns(OURS, [sale]) == {}


def test_other_causes_have_rows_of_their_own(facts: FactStore) -> None:
    adjusted = LedgerRow((Posting(500, NOON),), "Sorry for the wait", "ana@example.com")
    imported = LedgerRow((Posting(12_000, NOON),))

    write(facts, Writes(ledger={(RID, "import"): imported, (RID, "adjustment#1"): adjusted}))

    assert facts.ledger(OURS, RID) == {"import": imported, "adjustment#1": adjusted}
    assert facts.ledger(OURS, OTHER) == {}
    assert facts.ledger(OTHERS, RID) == {}


def test_what_the_ledger_holds_for_a_record_stands_with_its_sales(facts: FactStore) -> None:
    sales = RecordSales(points=RecordPoints(1_200, 500, -100, 50, NOON))

    write(facts, Writes(summaries={RID: sales}))

    found = facts.rows(OURS, [RID])[RID].sales
    assert found == sales
    assert found.points.total == 1_650
