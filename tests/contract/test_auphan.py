"""What only Auphan does: reports as a server prints them, in either language, parts missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.errors import AiqError, HostRefused, KeyRejected, UnexpectedAnswer
from chalicelib.domain.records import InventoryItem, Sale, StoreFact
from chalicelib.domain.schedule import PassKind
from chalicelib.domain.times import DAY, HOUR, from_text
from chalicelib.domain.words import Stream
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, StreamPlan

from .auphan import Auphan
from .bench import NOW, read

YEAR_AGO = NOW - 365 * DAY


@pytest.fixture
def bench() -> Iterator[Auphan]:
    with Auphan(shoppers=60, sales=240) as started:
        yield started


def sales_of(bench: Auphan, **changes: Any) -> dict[str, Sale]:
    reading = read(bench, "sales", **({"history_from": YEAR_AGO} | changes))
    return {fact.ext_id: fact for fact in reading.facts if isinstance(fact, Sale)}


def prices_of(bench: Auphan) -> dict[str, int | None]:
    stock = read(bench, "inventory").facts
    return {item.ext_id: item.price for item in stock if isinstance(item, InventoryItem)}


def asked(bench: Auphan) -> list[dict[str, Any]]:
    return [line for line in bench.server.stats.log(0) if line["resource"] == "sales_histories"]


PRINTED: list[dict[str, str | bool]] = [
    {"rows": "objects"},
    {"formats": "fixed"},
    {"formats": "fixed", "language": "fr"},
    {"row_order": "product"},
    {"php_types": True},
    {"rows": "objects", "formats": "fixed", "language": "fr", "row_order": "product"},
]


@pytest.mark.parametrize("printed", PRINTED, ids=str)
def test_however_a_server_prints_its_reports_they_say_the_same(
    bench: Auphan, printed: dict[str, Any]
) -> None:
    plain = sales_of(bench)
    people = read(bench, "customers").facts
    prices = prices_of(bench)

    for name, value in printed.items():
        setattr(bench.server.api.settings, name, value)

    told = sales_of(bench)
    assert {n: (s.total, s.tax, s.discount, s.kind, s.is_final) for n, s in told.items()} == {
        n: (s.total, s.tax, s.discount, s.kind, s.is_final) for n, s in plain.items()
    }
    assert {n: sorted(map(str, s.items)) for n, s in told.items()} == {
        n: sorted(map(str, s.items)) for n, s in plain.items()
    }
    if printed.get("formats") != "fixed":
        assert read(bench, "customers").facts == people
    assert prices_of(bench) == prices


def test_an_invoice_is_put_together_from_its_lines(bench: Auphan) -> None:
    rows = {
        f"{shop.venue.name}:{row.id}": (row, shop.venue.name)
        for shop in bench.server.world.shops
        for row in shop.sales.rows()
        if row.status == "completed" and not row.quirk
    }

    sales = sales_of(bench)

    for name, (row, store) in rows.items():
        sale = sales[name]
        assert (sale.total, sale.tax, sale.store_key) == (row.total, row.tax, store)
        assert sale.customer_ext_id == (str(row.shopper) if row.shopper else None)
        assert len(sale.items) >= len(row.lines)
        assert sale.total == sum(line.total or 0 for line in sale.items)


def test_a_report_that_a_server_does_not_have_is_a_capability_less(bench: Auphan) -> None:
    bench.server.api.settings.customers = False
    bench.server.api.settings.inventory = False

    optional: tuple[Stream, ...] = ("customers", "inventory")
    for stream in optional:
        reading = read(bench, stream)

        assert [(page.facts, page.full_listing) for page in reading.pages] == [((), False)]
        assert reading.pages[0].requests == 1
    assert bench.gateway.check(bench.access()).outcome == "ok"


def test_days_are_asked_for_newest_first_and_longer_when_little_was_sold(bench: Auphan) -> None:
    bench.server.stats.clear()

    sales_of(bench)

    froms = [line["date_from"] for line in asked(bench)]
    assert froms[0] == "2026-05-02 00:00:00"
    assert froms == sorted(froms, reverse=True)
    assert len(froms) < 30


@pytest.mark.parametrize(
    ("kind", "first_day"),
    [("between", "2026-05-02"), ("daily", "2026-04-29"), ("weekly", "2026-03-28")],
)
def test_recent_days_are_read_again_each_night_and_more_of_them_each_week(
    bench: Auphan, kind: PassKind, first_day: str
) -> None:
    bench.server.stats.clear()

    sales_of(bench, since=from_text("2026-05-02T11:00:00Z"), kind=kind)

    assert asked(bench)[-1]["date_from"] == f"{first_day} 00:00:00"


def test_a_refund_made_late_is_met_by_the_nightly_look_back(bench: Auphan) -> None:
    [late, *_] = [
        sale.ext_id
        for sale in sales_of(bench).values()
        if NOW - 2 * DAY < sale.ordered_at < NOW - DAY and sale.kind == "sale" and sale.total
    ]
    bench.server.edits.apply({"do": "refund", "id": late, "shape": "R2"})

    again = sales_of(bench, since=NOW - HOUR, kind="daily")[late]

    assert (again.total, again.is_final) == (0, True)


def test_every_store_of_the_server_is_told_of_whether_it_sold_or_not(bench: Auphan) -> None:
    stores = [fact for fact in read(bench, "stores").facts if isinstance(fact, StoreFact)]

    assert sorted(store.key for store in stores) == ["Côte-des-Neiges", "Main St"]
    assert sorted(bench.gateway.check(bench.access()).stores, key=str) == sorted(stores, key=str)


def test_a_server_that_moved_stays_the_same_server(bench: Auphan) -> None:
    fields = {"host": "", "api_key": bench.key}
    kept = CredentialAccess("auphan", fields, "192.101.102.103:25565", permit=do_nothing)

    assert bench.gateway.check(kept).scope == "192.101.102.103:25565"


def test_without_an_address_nothing_is_asked_of_anybody() -> None:
    from chalicelib.pos.gateway import Gateway
    from tests.fakes.common import FakeClock

    nowhere = Gateway(FakeClock(NOW), {}, lambda _platform: None)
    access = CredentialAccess("auphan", {"host": "", "api_key": "ak_secret"}, permit=do_nothing)

    with pytest.raises(HostRefused, match="never guessed"):
        nowhere.open(access)
    assert nowhere.check(access).outcome == "server_unreachable"


def test_the_key_in_the_query_is_shown_nowhere(
    bench: Auphan, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for kind in ("500", "reset", "html", "not_json", "404", "cut"):
        bench.fault("sales", kind, times=3)
        session = bench.gateway.open(bench.access())
        with pytest.raises(AiqError) as failed:
            session.fetch(StreamPlan("sales", NOW), None)
        told.append(f"{failed.value!r} {failed.value.__cause__!r} {failed.value.__context__!r}")

    assert "api_token" not in "".join(told) + caplog.text
    assert bench.key not in "".join(told) + caplog.text


def test_a_key_refused_in_plain_text_under_status_200_is_a_rejected_key(bench: Auphan) -> None:
    session = bench.gateway.open(bench.access(key="another-key"))

    with pytest.raises(KeyRejected):
        session.fetch(StreamPlan("sales", NOW), None)
    assert session._transport.requests == 1


def test_other_plain_text_is_no_answer(bench: Auphan) -> None:
    bench.fault("sales", "not_json")

    with pytest.raises(UnexpectedAnswer, match="message instead of data"):
        read(bench, "sales")


def test_the_check_asks_for_the_day_that_it_is_in_the_store(bench: Auphan) -> None:
    bench.clock.at = from_text("2026-05-03T03:00:00Z")

    bench.gateway.check(bench.access())

    (line,) = [line for line in bench.server.stats.log(0) if line["resource"] == "daily_sales"]
    assert line["date_from"] == "2026-05-02 00:00:00"
