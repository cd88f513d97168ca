"""What only Profitek does: two ways in, rows by offset, the store's clock, taxes in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import KeyRejected, UnexpectedAnswer
from chalicelib.domain.records import Sale
from chalicelib.domain.times import DAY, HOUR, from_text
from chalicelib.domain.words import Stream
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, StreamPlan

from .bench import NOW, read
from .profitek import Profitek

YEAR_AGO = NOW - 365 * DAY


@pytest.fixture
def bench() -> Iterator[Profitek]:
    with Profitek(shoppers=120, sales=600) as started:
        yield started


def sales_of(bench: Profitek, **changes: Any) -> dict[str, Sale]:
    reading = read(bench, "sales", **({"history_from": YEAR_AGO} | changes))
    return {fact.ext_id: fact for fact in reading.facts if isinstance(fact, Sale)}


def test_a_key_that_only_the_query_takes_opens_too(bench: Profitek) -> None:
    bench.server.api.settings.accept = "query"

    assert bench.gateway.check(bench.access()).outcome == "ok"
    assert set(sales_of(bench)) == set(bench.truth("sales"))


def test_sales_are_told_as_the_till_had_them(bench: Profitek) -> None:
    sales = sales_of(bench)

    for row in bench.shop.sales.rows():
        if row.quirk not in ("", "strings") or row.status in ("refunded", "on_hold"):
            continue
        sale = sales[str(row.id)]
        assert (sale.total, sale.tax, sale.subtotal) == (row.total, row.tax, row.sub_total)
        assert sale.store_key == bench.shop.venue.name
        assert (sale.kind == "void") is (row.status == "voided")
        assert sale.is_final is (row.status == "completed")
        assert (sale.kind == "return") is (row.total < 0)


def test_a_return_without_a_sign_is_still_a_return(bench: Profitek) -> None:
    signed = sales_of(bench)

    bench.server.api.settings.unsigned_returns = True

    assert {n: (s.kind, s.total) for n, s in sales_of(bench).items()} == {
        n: (s.kind, s.total) for n, s in signed.items()
    }
    assert any(sale.kind == "return" and sale.total < 0 for sale in signed.values())


def test_times_are_those_of_the_store_and_their_text_is_kept(bench: Profitek) -> None:
    truth = {str(row.id): row.ordered for row in bench.shop.sales.rows()}

    for name, sale in sales_of(bench).items():
        apart = abs(sale.ordered_at - truth[name])
        repeated = from_text("2025-11-02T08:00:00Z") <= truth[name] < from_text("2025-11-02T10:00Z")
        assert apart < 1000 or (repeated and apart == HOUR)
        assert "T" in sale.ordered_at_text
        assert "Z" not in sale.ordered_at_text


def test_rows_that_tell_no_zone_are_read_otherwise_in_another_zone(bench: Profitek) -> None:
    here = bench.access()

    readings = [
        bench.gateway.open(replace(here, time_zone=zone)).reading
        for zone in (here.time_zone, here.time_zone, "America/Toronto")
    ]

    assert readings[0] == readings[1] != readings[2]


def test_a_sale_in_the_hour_that_the_clock_shows_twice_is_read_as_the_first(
    bench: Profitek,
) -> None:
    twice = [s for s in sales_of(bench).values() if s.ordered_at_text.startswith("2025-11-02T01")]

    assert twice
    assert {sale.ordered_at // HOUR * HOUR for sale in twice} == {from_text("2025-11-02T08:00Z")}


def test_customers_changed_in_the_hour_that_the_clock_shows_twice_are_met(
    bench: Profitek,
) -> None:
    """Changed at 01:10 for the second time, asked for since 01:45 for the first."""
    since, changed = from_text("2026-11-01T08:45:00Z"), from_text("2026-11-01T09:10:00Z")
    bench.clock.at = changed
    somebody = min(bench.truth("customers"))
    bench.touch("customers", [somebody])

    reading = read(bench, "customers", since=since)

    assert somebody in reading.ids


@pytest.mark.parametrize("stream", ["customers", "inventory"])
def test_a_row_that_goes_away_meanwhile_hides_no_other(bench: Profitek, stream: Stream) -> None:
    bench.server.api.settings.order = "id"
    table = {"customers": "customers", "inventory": "inventories"}[stream]
    gone = [row.id for row in dict(bench.shop.tables())[table].rows()][1]
    bench.server.edits.schedule(
        {
            "do": "delete",
            "resource": table,
            "id": gone,
            "after": {"resource": table, "requests": [1]},
        }
    )

    reading = read(bench, stream)

    assert reading.ids >= set(bench.truth(stream))
    assert reading.pages[-1].full_listing


def test_a_listing_that_never_stands_still_is_no_full_listing(bench: Profitek) -> None:
    bench.server.api.settings.order = "id"
    rows = [row.id for row in bench.shop.customers.rows()]
    for request, gone in enumerate(rows[:8], 1):
        after = {"resource": "customers", "requests": [request]}
        edit = {"do": "delete", "resource": "customers", "id": gone, "after": after}
        bench.server.edits.schedule(edit)

    assert not read(bench, "customers").pages[-1].full_listing


def test_an_empty_page_within_a_window_is_no_answer(bench: Profitek) -> None:
    session = bench.gateway.open(bench.access())
    plan = StreamPlan("sales", NOW, since=NOW - 60 * DAY)
    cursor: dict[str, Any] | None = None
    while not (cursor and cursor["start"]):
        cursor = session.fetch(plan, cursor).cursor
        assert cursor
    bench.fault("sales", "empty", times=3)

    with pytest.raises(UnexpectedAnswer, match="empty page"):
        session.fetch(plan, cursor)


def test_the_store_is_known_by_the_name_that_the_credential_gives_it(bench: Profitek) -> None:
    """Store Name: Name of the store the AuthKey belongs to."""
    fields = {"host": "", "store_name": "Kits Harbour", "auth_key": bench.key}

    checked = bench.gateway.check(CredentialAccess("profitek", fields, permit=do_nothing))

    assert (checked.outcome, checked.scope) == ("ok", "Kits Harbour")
    assert [store.key for store in checked.stores] == ["Kits Harbour"]


def test_the_store_name_cannot_be_changed() -> None:
    from chalicelib.pos.profile import registry

    fields = {field.key: field for field in registry.info("profitek").fields}

    assert [key for key, field in fields.items() if field.immutable] == ["store_name"]
    assert [key for key, field in fields.items() if not field.required] == ["host"]


def test_a_refused_key_was_tried_both_ways(bench: Profitek) -> None:
    session = bench.gateway.open(bench.access(key="another-key"))

    with pytest.raises(KeyRejected):
        session.fetch(StreamPlan("customers", NOW), None)
    assert session._transport.requests == 2
