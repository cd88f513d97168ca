"""What is THSuite's own: a token that names no store, receipts or lines, and nothing to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.errors import HostRefused, KeyRejected
from chalicelib.domain.records import Customer, Sale, StoreFact
from chalicelib.domain.times import DAY, HOUR
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.services.ports.pos import StreamPlan

from .bench import NOW, Reading, read
from .thsuite import Thsuite

YEARS_AGO = NOW - 3 * 365 * DAY


@pytest.fixture
def bench() -> Iterator[Thsuite]:
    with Thsuite() as started:
        yield started


def sales(bench: Thsuite) -> dict[str, Sale]:
    facts = read(bench, "sales", history_from=YEARS_AGO).facts
    return {fact.ext_id: fact for fact in facts if isinstance(fact, Sale)}


def amounts(sale: Sale) -> tuple[object, ...]:
    return sale.total, sale.subtotal, sale.discount, sale.tax, sale.kind, sale.is_final


@pytest.mark.parametrize("page_size", [7, 40])
def test_lines_that_share_a_receipt_are_the_receipt(page_size: int) -> None:
    with Thsuite(page_size=page_size) as bench:
        receipts = sales(bench)
        bench.server.api.settings.transactions = "lines"

        grouped = sales(bench)

    assert {name: amounts(sale) for name, sale in grouped.items()} == {
        name: amounts(sale) for name, sale in receipts.items()
    }
    assert {name: [line.sku for line in sale.items] for name, sale in grouped.items()} == {
        name: [line.sku for line in sale.items] for name, sale in receipts.items()
    }
    assert {name: sale.number for name, sale in grouped.items()} == {
        name: sale.number for name, sale in receipts.items()
    }


def test_a_receipt_that_a_page_cuts_is_whole_whoever_reads_on() -> None:
    with Thsuite(page_size=7) as bench:
        receipts = sales(bench)
        bench.server.api.settings.transactions = "lines"
        plan, cursor, reading = StreamPlan("sales", NOW, history_from=YEARS_AGO), None, Reading()
        while True:  # every page in a process of its own
            session = bench.gateway.open(bench.access())
            page = session.fetch(plan, cursor)
            session.close()
            reading.pages.append(page)
            cursor = page.cursor
            if cursor is None:
                break

    found = {fact.ext_id: fact for fact in reading.facts if isinstance(fact, Sale)}
    assert {name: amounts(sale) for name, sale in found.items()} == {
        name: amounts(sale) for name, sale in receipts.items()
    }


def test_a_line_that_names_no_receipt_is_set_aside_and_never_a_sale(bench: Thsuite) -> None:
    bench.server.api.settings.transactions = "lines"
    victim = min(bench.truth("sales"))
    edit = {"do": "update", "resource": "sales", "id": victim, "set": {"quirk": "missing_id"}}
    bench.server.edits.apply(edit)

    reading = read(bench, "sales", history_from=YEARS_AGO)

    assert reading.ids == set(bench.truth("sales"))
    assert "missing_id" in {reject.reason for reject in reading.rejects}
    assert "bad_money" in {reject.reason for reject in reading.rejects}


@pytest.mark.parametrize("transactions", ["receipts", "lines"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_bare_arrays_are_read_to_their_end(
    bench: Thsuite, transactions: str, newest_first: bool
) -> None:
    settings = bench.server.api.settings
    settings.bare = True
    settings.transactions, settings.newest_first = transactions, newest_first

    checked = bench.gateway.check(bench.access())
    assert (checked.outcome, checked.scope) == ("ok", bench.shop.scope)
    for stream in bench.listed:
        reading = read(bench, stream, history_from=YEARS_AGO)

        assert reading.ids == set(bench.truth(stream))


def test_a_return_told_by_its_type_alone_is_one_and_names_its_sale(bench: Thsuite) -> None:
    signed = {name: sale for name, sale in sales(bench).items() if sale.kind == "return"}
    bench.server.api.settings.positive_returns = True

    unsigned = {name: sale for name, sale in sales(bench).items() if sale.kind == "return"}

    assert signed
    assert {n: s.total for n, s in unsigned.items()} == {n: s.total for n, s in signed.items()}
    assert all(sale.total < 0 for sale in unsigned.values())
    assert all(sale.original_ext_id in bench.truth("sales") for sale in signed.values())


def sell_nothing(bench: Thsuite) -> None:
    for at in bench.shop.sales.positions():
        bench.shop.sales.drop(at)


def test_a_store_that_has_sold_nothing_is_named_by_its_stock(bench: Thsuite) -> None:
    scope = bench.shop.scope
    sell_nothing(bench)

    checked = bench.gateway.check(bench.access())
    session = bench.gateway.open(replace(bench.access(), scope=None))
    [store] = session.fetch(StreamPlan("stores", NOW), None).facts
    people = session.fetch(StreamPlan("customers", NOW), None).facts
    session.close()

    assert (checked.outcome, checked.scope) == ("ok", scope)
    assert [fact.key for fact in checked.stores] == [scope]
    assert store == StoreFact(scope, scope)
    assert people


def test_a_token_that_names_no_store_anywhere_yet_says_what_will_tell(bench: Thsuite) -> None:
    sell_nothing(bench)
    for at in bench.shop.inventories.positions():
        bench.shop.inventories.drop(at)

    checked = bench.gateway.check(bench.access())

    assert (checked.outcome, checked.scope) == ("unexpected_answer", None)
    assert "with the first sale or the first item in stock" in checked.message


def test_a_token_that_may_not_read_stock_waits_for_the_first_sale(bench: Thsuite) -> None:
    sell_nothing(bench)
    bench.fault("inventory", "403")

    assert bench.gateway.check(bench.access()).scope is None


def test_discounts_are_known_by_their_names(bench: Thsuite) -> None:
    names = {n for sale in sales(bench).values() for line in sale.items for n in line.discounts}

    assert names
    assert all(isinstance(name, str) and name for name in names)


def test_a_sale_edited_within_the_look_back_is_read_again(bench: Thsuite) -> None:
    recent = [
        name
        for name, sale in sales(bench).items()
        if sale.ordered_at > NOW - 6 * DAY and sale.kind == "sale"
    ][:2]
    bench.touch("sales", recent)

    reading = read(bench, "sales", since=NOW - HOUR)

    assert recent
    assert set(recent) <= reading.ids
    assert not reading.pages[-1].full_listing


@pytest.mark.parametrize("accept", ["bearer", "key"])
def test_either_header_opens_the_store(bench: Thsuite, accept: str) -> None:
    bench.server.api.settings.accept = accept

    assert bench.gateway.check(bench.access()).outcome == "ok"
    assert read(bench, "customers").ids == set(bench.truth("customers"))
    with pytest.raises(KeyRejected):
        read_customers(bench, "not-the-key")


def test_without_a_host_in_the_deployment_nobody_is_called(bench: Thsuite) -> None:
    gateway = Gateway(SystemClock(), {}, lambda _platform: None)

    checked = gateway.check(bench.access())

    assert registry.profile("thsuite").base_url is None
    assert checked.outcome == "server_unreachable"
    assert "never guessed" in checked.message
    with pytest.raises(HostRefused):
        gateway.open(bench.access())


def test_nothing_but_reading_ever_reaches_it(bench: Thsuite) -> None:
    for stream in ("stores", *bench.listed):
        read(bench, stream, history_from=YEARS_AGO)
    bench.gateway.check(bench.access())

    assert not registry.info("thsuite").writable
    assert set(bench.server.stats.as_dict()["resources"]) == {
        "customers",
        "transactions",
        "inventory",
    }


def test_what_nobody_may_store_of_a_patient_is_in_no_fact_and_no_reject(bench: Thsuite) -> None:
    reading = read(bench, "customers")

    medical = [f for f in reading.facts if isinstance(f, Customer) and f.type == "medical"]
    assert medical
    assert "MD-P-" not in repr(reading.facts) + repr(reading.rejects)
    assert "Caregiver" not in repr(reading.facts) + repr(reading.rejects)


def test_rows_that_a_deletion_pulls_forward_are_met_on_the_way_back(bench: Thsuite) -> None:
    first = [str(fact.ext_id) for fact in read(bench, "customers").pages[0].facts][:4]  # type: ignore[union-attr]
    for name in first:
        edit = {"do": "delete", "resource": "customers", "id": name}
        after = {"resource": "customers", "requests": [1], "times": None}
        bench.server.edits.schedule({**edit, "after": after})
    bench.touch("customers", sorted(bench.truth("customers"))[-1:])

    reading = read(bench, "customers")

    assert reading.ids >= set(bench.truth("customers"))


def read_customers(bench: Thsuite, key: str) -> None:
    session = bench.gateway.open(bench.access(key=key))
    session.fetch(StreamPlan("customers", NOW), None)
