"""What is Webjoint's own: a loop over facilities, rows told twice, errors with status 200."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.domain.errors import FilterIgnored, KeyRejected, UnexpectedAnswer
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import DAY, HOUR
from chalicelib.services.ports.pos import StreamPlan

from .bench import NOW, Reading, pages, read
from .webjoint import Webjoint

YEARS_AGO = NOW - 3 * 365 * DAY


@pytest.fixture
def bench() -> Iterator[Webjoint]:
    with Webjoint() as started:
        yield started


def read_as(bench: Webjoint, stream: str, facility_ids: str) -> Reading:
    session = bench.gateway.open(bench.access(facility_ids=facility_ids))
    plan = StreamPlan(stream, NOW, history_from=YEARS_AGO)  # type: ignore[arg-type]
    return Reading(list(pages(session, plan)))


def newest(reading: Reading) -> dict[str, Sale]:
    """Every sale as it stood last in the listing."""
    return {fact.ext_id: fact for fact in reading.facts if isinstance(fact, Sale)}


def test_without_facility_ids_all_facilities_are_read(bench: Webjoint) -> None:
    """If empty, sales and inventory will be pulled for ALL available facilities."""
    keys = {shop.key for shop in bench.server.world.shops}

    stores = read_as(bench, "stores", "")
    sales = newest(read_as(bench, "sales", ""))
    stock = read_as(bench, "inventory", "")

    assert stores.ids == keys
    assert {sale.store_key for sale in sales.values()} == keys
    assert {fact.store_key for fact in stock.facts} == keys  # type: ignore[union-attr]
    assert stock.pages[-1].full_listing


def test_only_the_facilities_typed_are_read(bench: Webjoint) -> None:
    """Facility IDs are used to pull sales and inventory for particular locations."""
    third = bench.server.world.shops[2].key
    stock = read_as(bench, "inventory", third)

    assert read_as(bench, "stores", third).ids == {third}
    assert {s.store_key for s in newest(read_as(bench, "sales", third)).values()} == {third}
    assert {fact.store_key for fact in stock.facts} == {third}  # type: ignore[union-attr]
    assert read_as(bench, "customers", third).ids == set(bench.truth("customers"))


def test_a_check_says_which_facility_is_not_there(bench: Webjoint) -> None:
    checked = bench.gateway.check(bench.access(facility_ids="999999"))

    assert checked.outcome == "unexpected_answer"
    assert "999999" in checked.message
    assert bench.shops[0].key in checked.message


def test_of_an_order_told_twice_the_newest_stands(bench: Webjoint) -> None:
    rows = {
        f"{shop.key}:{row.id}": row
        for shop in bench.shops
        for row in shop.sales.rows()
        if not row.quirk
    }

    found = newest(read(bench, "sales", history_from=YEARS_AGO))

    assert {name: sale.updated_at for name, sale in found.items() if name in rows} == {
        name: row.updated for name, row in rows.items()
    }


def test_only_complete_orders_count_even_if_refunded_later(bench: Webjoint) -> None:
    found = newest(read_as(bench, "sales", "")).values()

    assert {sale.status for sale in found if sale.is_final} == {"Complete", "Refunded"}
    assert {sale.total for sale in found if sale.status == "Refunded"} == {0}
    assert {sale.status for sale in found if sale.kind == "void"} == {"Cancelled"}
    assert "Pending" in {sale.status for sale in found if not sale.is_final}


def test_the_customer_is_the_third_part_of_the_composite_id(bench: Webjoint) -> None:
    rows = {
        f"{shop.key}:{row.id}": row.shopper for shop in bench.shops for row in shop.sales.rows()
    }

    found = newest(read(bench, "sales", history_from=YEARS_AGO))

    assert {name: sale.customer_ext_id for name, sale in found.items()} == {
        name: str(rows[name]) if rows[name] else None for name in found
    }
    assert None in {sale.customer_ext_id for sale in found.values()}


def test_money_in_text_is_dollars(bench: Webjoint) -> None:
    rows = {
        f"{shop.key}:{row.id}": row
        for shop in bench.shops
        for row in shop.sales.rows()
        if not row.quirk
    }

    found = newest(read(bench, "sales", history_from=YEARS_AGO))

    for name, row in rows.items():
        sale = found[name]
        money = (0, 0, 0) if row.status == "refunded" else (row.total, row.tax, abs(row.discount))
        assert (sale.total, sale.tax, sale.discount) == money


def test_a_blocked_customer_is_inactive(bench: Webjoint) -> None:
    rows = {
        str(row.id): row.active
        for shop in bench.server.world.shops
        for row in shop.customers.rows()
    }

    customers = [f for f in read(bench, "customers").facts if isinstance(f, Customer)]

    assert {c.ext_id: c.active for c in customers} == {c.ext_id: rows[c.ext_id] for c in customers}
    assert not all(customer.active for customer in customers)


def test_an_order_changed_within_the_look_back_is_read_again(bench: Webjoint) -> None:
    found = newest(read(bench, "sales", history_from=YEARS_AGO)).values()
    recent = [s.ext_id for s in found if s.ordered_at > NOW - 6 * DAY and s.kind == "sale"][:2]
    bench.clock.move(3600)
    bench.touch("sales", recent)

    reading = read(bench, "sales", since=NOW - 7 * DAY)

    assert recent
    assert set(recent) <= reading.ids


def test_reading_orders_ends_after_a_page_of_older_ones() -> None:
    with Webjoint(sales=3000) as bench:
        full = read(bench, "sales", history_from=YEARS_AGO)

        week = read(bench, "sales", since=NOW - 7 * DAY)

    assert len(week.pages) * 3 < len(full.pages)
    assert week.ids >= {n for n, s in newest(full).items() if s.ordered_at >= NOW - 7 * DAY}


def test_a_customer_edited_late_is_met_however_old(bench: Webjoint) -> None:
    changed = sorted(bench.truth("customers"))[3:8]
    bench.clock.move(3600)
    bench.touch("customers", changed)

    for order in ("created", "modified"):
        bench.server.api.settings.order = order
        reading = read(bench, "customers", since=NOW + HOUR // 2)

        assert reading.ids == set(changed)
        assert not reading.pages[-1].full_listing


def test_a_refusal_with_status_200_is_one(bench: Webjoint) -> None:
    bench.server.api.settings.errors = "ok"

    with pytest.raises(KeyRejected):
        bench.gateway.open(bench.access(key="not-the-key")).fetch(StreamPlan("sales", NOW), None)
    with pytest.raises(UnexpectedAnswer):
        read_as(bench, "sales", "999999")
    assert bench.gateway.check(bench.access(key="not-the-key")).outcome == "key_rejected"


@pytest.mark.parametrize("accept", ["x-api-key", "authorization"])
def test_either_header_opens_the_company(bench: Webjoint, accept: str) -> None:
    bench.server.api.settings.accept = accept

    assert bench.gateway.check(bench.access()).outcome == "ok"
    assert read(bench, "inventory").ids == set(bench.truth("inventory"))


def test_rows_of_another_facility_fail_the_listing(bench: Webjoint) -> None:
    bench.fault("sales", "ignore_filter")

    with pytest.raises(FilterIgnored):
        read(bench, "sales", history_from=YEARS_AGO)
