"""The simulated Auphan: one report endpoint, plain-text errors, rows of text, money as asked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from simulators.auphan import PLATFORM, AuphanServer
from simulators.auphan.formats import date_format, english_money, french_money, plain_money
from simulators.oracle import answer
from simulators.retailer.shapes import Sale, WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, iso_local, parse_instant
from simulators.serving.probe import Answer, Probe

from .test_simulator_oracle import brute_force_groups, wire_keys, wire_name

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=300, sales=400, products=60, old_lots=40)
SALES, CUSTOMERS, STOCK = "Line Item Sales", "Customer List", "Stock On Hand"
DAILY = "Hub Daily Sales"
YEARS = {"date_from": "2020-01-01 00:00:00", "date_to": "2030-01-01 00:00:00", "use_time": "1"}
ISO = {"report_datetime_format": "Y-m-d H:i:s", "report_date_format": "Y-m-d"}
PLAIN = {"report_format_money": "0", **YEARS, **ISO}


@pytest.fixture
def server() -> Iterator[AuphanServer]:
    with AuphanServer(World(SPEC, PLATFORM), clock=lambda: NOW + HOUR) as running:
        yield running


class Asking:
    """Asks one server for reports."""

    def __init__(self, server: AuphanServer) -> None:
        self.server = server

    def __call__(
        self, report: str, lang_id: int = 1, token: str | None = None, **variables: Any
    ) -> Answer:
        key = self.server.api.api_key if token is None else token
        data = {"report": report, "export": "json", "variables": variables, "api_token": key}
        return self.get("/reports/api.php", lang_id=lang_id, data=json.dumps(data))

    def get(self, path: str, **params: Any) -> Answer:
        with Probe(self.server.url) as probe:
            return probe.get(path, **params)

    def rows(self, report: str, **asked: Any) -> list[dict[str, str]]:
        header, *rows = self(report, **asked).json()
        return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def ask(server: AuphanServer) -> Asking:
    return Asking(server)


def invoices(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """By shop and number; those without a number together."""
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["Invoice"] and f"{row['Store']}:{row['Invoice']}"].append(row)
    return grouped


def cents(text: str) -> int:
    return int(Decimal(text) * 100)


def sales_of(world: World) -> dict[str, Sale]:
    return {f"{shop.key}:{row.id}": row for shop in world.shops for row in shop.sales.rows()}


def first_sale(world: World, chosen: Callable[[Sale], object]) -> tuple[str, Sale]:
    """The first sale that is chosen, with the shop and number that invoices go by."""
    return next((number, row) for number, row in sales_of(world).items() if chosen(row))


# --- questions that are not understood ---


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "data required"),
        ("{not json", "data required"),
        ("[]", "data required"),
        ({"report": SALES}, "api_token required"),
        ({"report": SALES, "api_token": "wrong"}, "api_token invalid"),
        ({"report": SALES, "api_token": "", "export": "json"}, "api_token required"),
    ],
)
def test_an_error_is_plain_text_under_status_200(ask: Asking, data: Any, told: str) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    params = {} if data is None else {"data": text}

    page = ask.get("/reports/api.php", lang_id=1, **params)

    assert (page.status, page.body.decode()) == (200, told)
    assert page.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("report", "variables", "told"),
    [
        ("Nothing Of The Kind", {}, "Unknown report Nothing Of The Kind"),
        (SALES, {}, "date_from and date_to required"),
        (SALES, {"date_from": "yesterday", "date_to": "today"}, "date_from and date_to required"),
        (SALES, {**YEARS, "store_groups": [{"value": "g9", "name": "?"}]}, "Unknown store group"),
    ],
)
def test_a_report_that_cannot_be_made_says_so(
    ask: Asking, report: str, variables: dict[str, Any], told: str
) -> None:
    page = ask(report, **variables)

    assert (page.status, page.body.decode()) == (200, told)


def test_other_paths_are_not_found_and_a_tenant_folder_is(ask: Asking) -> None:
    data = {"api_token": "wrong"}

    assert ask.get("/reports/other.php").status == 404
    answered = ask.get("/green-leaf/reports/api.php", data=json.dumps(data))
    assert answered.body == b"api_token invalid"


def test_a_server_with_php_habits_calls_everything_html(server: AuphanServer, ask: Asking) -> None:
    server.api.settings.php_types = True

    report, error = ask(CUSTOMERS), ask(CUSTOMERS, token="wrong")

    assert {page.headers["Content-Type"] for page in (report, error)} == {
        "text/html; charset=UTF-8"
    }


def test_neither_log_nor_output_keeps_anything_of_the_query(
    server: AuphanServer, ask: Asking, capfd: pytest.CaptureFixture[str]
) -> None:
    key = server.api.api_key

    ask(SALES, **PLAIN)
    ask(key, date_from=key, date_to=f"2026 {key}")
    ask(SALES, token=f"{key}x")
    ask.get("/reports/api.php", data=key)
    ask.get(f"/reports/{key}")
    server.faults.add({"fault": "500"})
    ask(SALES, **PLAIN)

    log = server.stats.log()
    output = capfd.readouterr()
    assert key not in json.dumps(log) + output.out + output.err
    assert [entry.get("report") for entry in log] == [SALES, None, SALES, None, None, SALES]
    assert log[0]["date_from"] == YEARS["date_from"]


# --- sales, line by line ---


def test_lines_grouped_by_invoice_are_the_sales(server: AuphanServer, ask: Asking) -> None:
    known = sales_of(server.world)

    found = invoices(ask.rows(SALES, **PLAIN))

    broken = [row for row in known.values() if row.quirk in ("missing_id", "bad_date", "bad_money")]
    whole = {number: row for number, row in known.items() if row not in broken}
    assert set(found) - {""} == {
        number for number, row in known.items() if row.quirk != "missing_id"
    }
    for number, row in whole.items():
        lines = found[number]
        assert sum(cents(line["Total"]) for line in lines) == row.total
        assert sum(cents(line["Tax"]) for line in lines) == row.tax
        assert {line["Customer ID"] for line in lines} == {str(row.shopper or "")}
        for line in lines:
            net = cents(line["Price"]) - cents(line["Discount"]) + cents(line["Tax"])
            assert net == cents(line["Total"])


def test_all_cells_are_text_and_all_rows_as_wide_as_the_header(ask: Asking) -> None:
    for report in (SALES, CUSTOMERS, STOCK, DAILY):
        asked = {"date_from": "2026-11-01", "date_to": "2026-11-05"} if report == DAILY else PLAIN
        header, *rows = ask(report, **asked).json()

        assert rows
        assert {len(row) for row in rows} == {len(header)}
        assert {type(cell) for row in rows for cell in row} == {str}


def test_rows_may_come_as_objects(server: AuphanServer, ask: Asking) -> None:
    arrays = ask.rows(SALES, **PLAIN)

    server.api.settings = replace(server.api.settings, rows="objects")

    assert ask(SALES, **PLAIN).json() == arrays


def test_the_lines_of_an_invoice_may_be_apart(server: AuphanServer, ask: Asking) -> None:
    together = ask.rows(SALES, **PLAIN)

    server.api.settings = replace(server.api.settings, row_order="product")

    apart = ask.rows(SALES, **PLAIN)
    assert apart != together
    assert sorted(map(str, apart)) == sorted(map(str, together))
    assert [row["SKU"] for row in apart] == sorted(row["SKU"] for row in apart)


def test_a_broken_sale_is_broken_in_the_way_the_oracle_counts(
    server: AuphanServer, ask: Asking
) -> None:
    found = invoices(ask.rows(SALES, **PLAIN))

    aside = answer(server.world)["set_aside"]["sales"]["by_reason"]
    unreadable = [
        lines for number, lines in found.items() if number and not readable(lines[0]["Close Date"])
    ]
    unpriced = [
        lines
        for number, lines in found.items()
        if number
        and not all(line["Total"].lstrip("-").replace(".", "").isdecimal() for line in lines)
    ]
    assert len(found[""]) == aside["missing_id"]
    assert len(unreadable) == aside["bad_date"]
    assert len(unpriced) == aside["bad_money"]


def readable(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_total_rows_belong_to_no_invoice(server: AuphanServer, ask: Asking) -> None:
    rows = ask.rows(SALES, **PLAIN, group_totals="1", grand_totals="1")

    totals = [row for row in rows if not row["Invoice"] and row["Store"].endswith("Total")]
    everything = sum(row.total for row in sales_of(server.world).values())
    stores = [shop.venue.name for shop in server.world.shops]
    assert [row["Store"] for row in totals] == [*(f"{s} Total" for s in stores), "Grand Total"]
    assert cents(totals[-1]["Total"]) == everything
    assert rows[-1] == totals[-1]


# --- money and clocks, as the variables ask ---


@pytest.mark.parametrize(
    ("amount", "plain", "english", "french"),
    [
        (123456, "1234.56", "$1,234.56", "1\u00a0234,56\u00a0$"),
        (-904, "-9.04", "-$9.04", "-9,04\u00a0$"),
        (5, "0.05", "$0.05", "0,05\u00a0$"),
        (123456789, "1234567.89", "$1,234,567.89", "1\u00a0234\u00a0567,89\u00a0$"),
        (-5, "-0.05", "-$0.05", "-0,05\u00a0$"),
    ],
)
def test_money_has_three_spellings(amount: int, plain: str, english: str, french: str) -> None:
    assert (plain_money(amount), english_money(amount), french_money(amount)) == (
        plain,
        english,
        french,
    )


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("M d, Y", "May 02, 2026"),
        ("Y-m-d H:i:s", "2026-05-02 00:09:03"),
        ("Y-m-d\\TH:i:s", "2026-05-02T00:09:03"),
        ("n/j/y g:i A", "5/2/26 12:09 AM"),
        ("D, F h:i a G", "Sat, May 12:09 am 0"),
    ],
)
def test_a_format_variable_is_laid_out_letter_by_letter(layout: str, text: str) -> None:
    assert date_format(layout)(datetime(2026, 5, 2, 0, 9, 3)) == text  # noqa: DTZ001 - a wall clock


@pytest.mark.parametrize(
    ("lang_id", "mode", "spelling"),
    [
        ("1", "0", plain_money),
        ("2", "0", plain_money),
        ("1", "1", english_money),
        ("2", "1", french_money),
    ],
)
def test_money_is_formatted_as_the_report_is_asked_to(
    server: AuphanServer, ask: Asking, lang_id: str, mode: str, spelling: Any
) -> None:
    asked = {**PLAIN, "report_format_money": mode, "lang_id": lang_id}

    found = invoices(ask.rows(SALES, **asked))

    number, row = first_sale(server.world, lambda row: row.lines[0].total == row.total)
    assert found[number][0]["Total"] == spelling(row.total)


def test_dates_are_days_in_words_unless_asked_otherwise(server: AuphanServer, ask: Asking) -> None:
    number, row = first_sale(server.world, lambda row: not row.quirk)
    zone = server.world.venues[0].rails_zone
    local = datetime.fromisoformat(iso_local(row.ordered, zone))

    words = invoices(ask.rows(SALES, **YEARS))[number]
    iso = invoices(ask.rows(SALES, **PLAIN))[number]

    assert {line["Close Date"] for line in words} == {local.strftime("%b %d, %Y")}
    assert {line["Close Date"] for line in iso} == {local.strftime("%Y-%m-%d %H:%M:%S")}


def test_a_server_may_print_its_own_way_whatever_it_is_asked(
    server: AuphanServer, ask: Asking
) -> None:
    server.api.settings = replace(server.api.settings, formats="fixed", language="fr")

    row = ask.rows(SALES, **PLAIN)[0]

    assert row["Total"].endswith("\u00a0$")
    assert datetime.strptime(row["Close Date"], "%b %d, %Y")  # noqa: DTZ007 - a wall clock


def test_the_repeated_hour_shows_two_sales_at_one_time(server: AuphanServer, ask: Asking) -> None:
    night = {"date_from": "2026-11-01 01:00:00", "date_to": "2026-11-01 01:59:59", "use_time": 1}

    rows = ask.rows(SALES, **ISO, **night)

    known = sales_of(server.world)
    by_store: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_store[row["Store"]].add(f"{row['Store']}:{row['Invoice']}")
    assert {row["Close Date"] for row in rows} == {"2026-11-01 01:30:00"}
    for numbers in by_store.values():
        first, second = sorted(known[number].ordered for number in numbers)
        assert second - first == HOUR


# --- what a report covers ---


def test_a_window_takes_in_both_its_ends_and_nothing_else(
    server: AuphanServer, ask: Asking
) -> None:
    shop = server.world.shops[0]
    row = next(row for row in shop.sales.rows() if not row.quirk)
    second = iso_local(row.ordered, shop.venue.rails_zone)[:19].replace("T", " ")
    minute = {"date_from": second, "date_to": second}

    number = f"{shop.key}:{row.id}"
    assert number in invoices(ask.rows(SALES, **minute, use_time="1"))
    assert number in invoices(ask.rows(SALES, **minute))
    day = [
        r["Close Date"][:10] for r in ask.rows(SALES, **ISO, **minute) if readable(r["Close Date"])
    ]
    assert set(day) == {second[:10]}
    earlier = {"date_from": "2020-01-01", "date_to": "2020-01-02"}
    assert ask.rows(SALES, **earlier) == []


def test_days_put_together_are_the_whole_year_and_nothing_twice(ask: Asking) -> None:
    whole = ask.rows(SALES, **PLAIN)

    parts = []
    for day in range((NOW - 360 * DAY) // DAY, NOW // DAY + 2, 31):
        first, last = (datetime.utcfromtimestamp(at * 86_400).date() for at in (day, day + 30))  # noqa: DTZ004
        window = {"date_from": f"{first} 00:00:00", "date_to": f"{last} 23:59:59", "use_time": "1"}
        parts += ask.rows(SALES, **{**PLAIN, **window})

    assert sorted(map(str, parts)) == sorted(map(str, whole))


def test_store_groups_choose_stores_and_none_means_all(server: AuphanServer, ask: Asking) -> None:
    first, second = server.describe()["stores"]

    one = ask.rows(SALES, **PLAIN, store_groups=[{"value": second["group"], "name": "x"}])
    both = ask.rows(SALES, **PLAIN, store_groups=[])

    assert {row["Store"] for row in one} == {second["name"]}
    assert {row["Store"] for row in both} == {first["name"], second["name"]}


@pytest.mark.parametrize("statuses", [{"2": "1"}, ["2"], "2"])
def test_invoice_status_2_leaves_closed_invoices_only(ask: Asking, statuses: Any) -> None:
    everything = {row["Status"] for row in ask.rows(SALES, **PLAIN)}

    closed = {row["Status"] for row in ask.rows(SALES, **PLAIN, invoice_status=statuses)}

    assert everything > {"Closed", "Voided", "Refunded"}
    assert closed == {"Closed"}


def test_sales_can_be_asked_for_by_customer_and_by_number(
    server: AuphanServer, ask: Asking
) -> None:
    _, row = first_sale(server.world, lambda row: row.shopper and not row.quirk)

    of_customer = ask.rows(SALES, **PLAIN, customer_id=[str(row.shopper)])
    of_number = ask.rows(SALES, **PLAIN, invoice_id=str(row.id))

    assert {line["Customer ID"] for line in of_customer} == {str(row.shopper)}
    assert {line["Invoice"] for line in of_number} == {str(row.id)}


def test_a_day_is_summed_up_per_store(server: AuphanServer, ask: Asking) -> None:
    week = {"date_from": "2026-11-01", "date_to": "2026-11-07"}

    days = ask.rows(DAILY, **week)
    busy = ask.rows(DAILY, **week, hide_empty_rows="1")

    assert len(days) == 7 * 2
    assert [row for row in days if row["Invoices"] != "0"] == busy
    assert {row["Date"] for row in days} == {f"Nov {day:02d}, 2026" for day in range(1, 8)}
    lines = invoices(ask.rows(SALES, **PLAIN))
    counted = {
        number
        for number, rows in lines.items()
        if "2026-11-01" <= rows[0]["Close Date"][:10] <= "2026-11-07"
        and rows[0]["Status"] != "Voided"
    }
    odd = [
        row
        for row in sales_of(server.world).values()
        if row.quirk in ("bad_date", "missing_id") and row.ordered > NOW - 22 * DAY
    ]
    assert abs(sum(int(row["Invoices"]) for row in days) - len(counted)) <= len(odd)


def test_stock_can_leave_out_what_is_sold_out(server: AuphanServer, ask: Asking) -> None:
    counts = answer(server.world)["inventory"].values()

    everything, on_hand = ask.rows(STOCK), ask.rows(STOCK, hide_empty_rows="1")

    assert len(everything) == sum(count["all_fetched"] for count in counts)
    assert len(on_hand) == sum(count["in_stock_fetched"] for count in counts)
    assert all(float(row["On Hand"]) > 0 for row in on_hand)


@pytest.mark.parametrize(("switch", "report"), [("customers", CUSTOMERS), ("inventory", STOCK)])
def test_a_server_may_lack_a_report(
    server: AuphanServer, ask: Asking, switch: str, report: str
) -> None:
    server.api.settings = replace(server.api.settings, **{switch: False})

    assert ask(report).body.decode() == f"Unknown report {report}"
    assert ask.rows(SALES, **PLAIN)


@pytest.mark.parametrize(
    ("name", "value"), [("rows", "xml"), ("language", "de"), ("formats", "x"), ("row_order", "x")]
)
def test_a_switch_that_does_not_exist_is_refused(
    server: AuphanServer, name: str, value: str
) -> None:
    with pytest.raises(ValueError, match=name):
        replace(server.api.settings, **{name: value})


# --- who bought ---


@pytest.mark.parametrize("nobody", [1.0, 0.7, 0.0])
def test_the_share_of_sales_without_a_customer_is_the_retailers(nobody: float) -> None:
    world = World(SPEC, replace(PLATFORM, no_shopper=nobody))

    with AuphanServer(world) as server:
        rows = invoices(Asking(server).rows(SALES, **PLAIN))

    anonymous = sum(1 for lines in rows.values() if not lines[0]["Customer ID"])
    assert anonymous / len(rows) == pytest.approx(nobody, abs=0.03)
    assert answer(world)["sales"]["unlinked"] / SPEC.sales == pytest.approx(nobody, abs=0.03)


def test_customers_shop_at_all_stores_of_their_server(ask: Asking) -> None:
    stores: dict[str, set[str]] = defaultdict(set)
    for row in ask.rows(SALES, **PLAIN):
        stores[row["Customer ID"]].add(row["Store"])
    del stores[""]

    assert any(len(visited) == 2 for visited in stores.values())


def test_an_unlinked_world_makes_no_persona_a_favourite() -> None:
    found = answer(World(SPEC, replace(PLATFORM, no_shopper=1.0)))

    assert found["sales"]["linked"] == 0
    assert set(found["personas"]["by_favourite"]) == {"none"}
    assert found["personas"]["count"] > 0


def test_without_a_customer_report_there_is_nobody(server: AuphanServer) -> None:
    found = answer(server.world, customers=[])

    assert found["personas"]["count"] == 0
    assert found["sales"]["linked"] > 0
    assert found["sales"]["linked_to_personas"] == 0


def test_the_oracle_agrees_with_a_brute_force_reading_of_the_reports() -> None:
    world = World(replace(SPEC, shoppers=700, sales=1500, seed=3), PLATFORM)
    with AuphanServer(world) as server:
        asking = Asking(server)
        people = asking.rows(CUSTOMERS, **PLAIN)
        lines = invoices(asking.rows(SALES, **PLAIN))

    found = answer(world)

    scope = world.shops[0].scope
    records = {
        (scope, row["Customer ID"]): set(
            wire_keys({"telephone": row["Phone"], "email": row["Email"]})
        )
        for row in people
        if row["Customer ID"]
    }
    groups = {frozenset(tuple(record) for record in g["records"]) for g in found["groups"]}
    names = {
        (scope, row["Customer ID"]): wire_name(
            {"first_name": row["First Name"], "last_name": row["Last Name"]}
        )
        for row in people
    }
    assert groups == brute_force_groups({r: keys for r, keys in records.items() if keys}, names)
    assert_sales_agree(found, lines)


def assert_sales_agree(found: dict[str, Any], lines: dict[str, list[dict[str, str]]]) -> None:
    kept: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    aside = len(lines.pop("", []))
    for rows in lines.values():
        try:
            total = sum(cents(row["Total"]) for row in rows)
        except ArithmeticError:
            aside += 1
            continue
        if not readable(rows[0]["Close Date"]):
            aside += 1
            continue
        final = rows[0]["Status"] in ("Closed", "Refunded") and total > 0
        kept[rows[0]["Customer ID"]].append((rows[0]["Store"], rows[0]["Close Date"], final))
    assert found["set_aside"]["sales"]["count"] == aside
    assert found["sales"]["kept"] == sum(map(len, kept.values()))
    assert found["sales"]["unlinked"] == len(kept[""])
    assert found["sales"]["final"] == sum(final for each in kept.values() for *_, final in each)
    for group in found["groups"]:
        bought = [sale for _, ext_id in group["records"] for sale in kept[ext_id]]
        assert group["sales"] == len(bought)
        assert group["favourite"] == favourite(bought)


def favourite(bought: list[tuple[str, str, bool]]) -> str | None:
    visits = [(store, at) for store, at, final in bought if final]
    return max(
        {store for store, _ in visits},
        key=lambda store: (
            sum(1 for each, _ in visits if each == store),
            max(at for each, at in visits if each == store),
        ),
        default=None,
    )


# --- a world that changes ---


def test_a_sale_that_is_edited_shows_when_its_day_is_read_again(
    server: AuphanServer, ask: Asking
) -> None:
    number, _ = first_sale(server.world, lambda row: not row.quirk)
    before = invoices(ask.rows(SALES, **PLAIN))[number]

    server.edits.apply({"do": "touch", "resource": "sales", "ids": [number]})

    after = invoices(ask.rows(SALES, **PLAIN))[number]
    assert after != before
    assert [line["Close Date"] for line in after] == [line["Close Date"] for line in before]


def test_a_refund_as_a_row_of_its_own_has_negative_quantities(
    server: AuphanServer, ask: Asking
) -> None:
    number, sale = first_sale(server.world, lambda row: row.shopper and not row.quirk)

    (back,) = server.edits.apply({"do": "refund", "id": number, "shape": "R1"})

    lines = invoices(ask.rows(SALES, **PLAIN))[str(back)]
    assert all(int(line["Qty"]) < 0 and cents(line["Total"]) < 0 for line in lines)
    assert {line["Customer ID"] for line in lines} == {str(sale.shopper)}


@pytest.mark.parametrize(("status", "word"), [("refunded", "Refunded"), ("voided", "Voided")])
def test_a_refund_of_the_same_invoice_changes_its_status(
    server: AuphanServer, ask: Asking, status: str, word: str
) -> None:
    number, _ = first_sale(server.world, lambda row: row.status == "completed")

    server.edits.apply({"do": "refund", "id": number, "shape": "R2", "status": status})

    lines = invoices(ask.rows(SALES, **PLAIN))[number]
    assert {line["Status"] for line in lines} == {word}


def test_a_refund_of_a_part_is_a_line_more_with_a_negative_quantity(
    server: AuphanServer, ask: Asking
) -> None:
    number, sale = first_sale(
        server.world,
        lambda row: not row.quirk and row.updated == row.created and row.sale_type == "sale",
    )
    before = invoices(ask.rows(SALES, **PLAIN))[number]

    server.edits.apply({"do": "refund", "id": number, "shape": "R3"})

    *same, more = invoices(ask.rows(SALES, **PLAIN))[number]
    assert same == before
    assert int(more["Qty"]) < 0
    assert 0 < cents(more["Total"]) + sale.total < sale.total


def test_a_status_nobody_knows_is_shown_as_it_is(server: AuphanServer, ask: Asking) -> None:
    number = next(iter(sales_of(server.world)))
    moon = {"do": "update", "resource": "sales", "id": number, "set": {"Status": "on the moon"}}

    before = answer(server.world)["sales"]["unknown_status"]
    server.edits.apply(moon)

    lines = invoices(ask.rows(SALES, **PLAIN))[number]
    assert {line["Status"] for line in lines} == {"on the moon"}
    assert answer(server.world)["sales"]["unknown_status"] == before + 1


def test_new_sales_close_today(server: AuphanServer, ask: Asking) -> None:
    today = iso_local(NOW + HOUR, server.world.venues[0].rails_zone)[:10]

    added = server.edits.apply({"do": "add_sales", "count": 3})

    found = invoices(ask.rows(SALES, date_from=today, date_to=today))
    assert set(map(str, added)) <= set(found)


def test_the_oracle_follows_a_reading_of_the_same_world(server: AuphanServer) -> None:
    before = answer(server.world)["sales"]
    person = next(row for row in server.world.shops[0].customers.rows() if not row.quirk)

    server.edits.apply({"do": "add_sales", "count": 2, "customer_id": person.id})

    after = answer(server.world)["sales"]
    assert (after["linked"], after["unlinked"]) == (before["linked"] + 2, before["unlinked"])


# --- faults, counts, determinism ---


@pytest.mark.parametrize("status", ["401", "403", "429", "500", "503"])
def test_a_status_is_answered_in_plain_text(server: AuphanServer, ask: Asking, status: str) -> None:
    server.faults.add({"resource": "sales", "requests": [2], "fault": status, "retry_after": 3})

    pages = [ask(SALES, **PLAIN) for _ in range(3)]

    assert [page.status for page in pages] == [200, int(status), 200]
    assert not pages[1].body.startswith(b"{")
    assert ask(CUSTOMERS).status == 200


def test_an_empty_report_is_its_header_and_an_ignored_filter_is_everything(
    server: AuphanServer, ask: Asking
) -> None:
    never = {"date_from": "2020-01-01", "date_to": "2020-01-01"}
    whole = ask.rows(SALES, **PLAIN)
    server.faults.add({"resource": "sales", "requests": [1], "fault": "empty"})
    server.faults.add({"resource": "sales", "requests": [2], "fault": "ignore_filter"})

    assert ask.rows(SALES, **PLAIN) == []
    assert len(ask.rows(SALES, **never)) == len(whole)
    assert ask.rows(SALES, **never) == []


def test_requests_are_counted_by_what_they_ask_for(server: AuphanServer, ask: Asking) -> None:
    ask(SALES, **PLAIN)
    ask(CUSTOMERS)
    ask(CUSTOMERS, token="wrong")
    ask("x")

    counted = server.stats.as_dict()
    assert {name: each["requests"] for name, each in counted["resources"].items()} == {
        "sales_histories": 1,
        "customers": 2,
        "unknown": 1,
    }
    assert counted["resources"]["sales_histories"]["rows"] == SPEC.sales
    assert counted["writes"] == 0


def test_equal_specs_answer_byte_for_byte_alike() -> None:
    bodies = []
    for _ in range(2):
        with AuphanServer(World(SPEC, PLATFORM)) as server:
            asking = Asking(server)
            bodies.append([asking(r, **PLAIN).body for r in (SALES, CUSTOMERS, STOCK, DAILY)])

    assert bodies[0] == bodies[1]


def test_another_platform_of_the_retailer_has_rows_and_keys_of_its_own() -> None:
    own, other = World(SPEC, PLATFORM), World(SPEC)

    assert own.digest() != other.digest()
    assert own.token("server") != other.token("server")
