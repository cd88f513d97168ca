"""The simulated Profitek: offsets until short, the store's clock without a zone, two taxes."""

from __future__ import annotations

import http.client
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from simulators.oracle import answer
from simulators.profitek import PLATFORM, ProfitekServer
from simulators.retailer.shapes import Sale, WorldSpec
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import HOUR, iso_local, parse_instant

from .test_simulator_oracle import brute_force_groups, wire_keys, wire_name

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=300, sales=400, products=60, old_lots=40)
CUSTOMERS = "/api/Customer/GetCustomers"
SALES = "/api/Transaction/GetTransactions"
INVENTORY = "/api/Inventory/GetInventory"


class Page(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Till:
    """Asks one store's Profitek, with its AuthKey in the header."""

    def __init__(self, server: ProfitekServer, store: int = 0) -> None:
        self.server = server
        self.shop: Shop = server.world.shops[store]

    def get(self, path: str, header: str | None = None, **params: Any) -> Page:
        key = self.shop.venue.token if header is None else header
        target = f"{path}?{urlencode(params)}" if params else path
        return self.send("GET", target, {"AuthKey": key} if key else {})

    def send(self, method: str, target: str, headers: Mapping[str, str]) -> Page:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        with closing(connection):
            connection.request(method, target, headers=headers)
            reply = connection.getresponse()
            return Page(reply.status, reply.read())

    def rows(self, path: str, count: int = 100, **params: Any) -> list[dict[str, Any]]:
        """Every row, by offset until a page is short."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.get(path, startIndex=len(rows), count=count, **params).json()
            rows += page
            if len(page) < count:
                return rows


@pytest.fixture
def server() -> Iterator[ProfitekServer]:
    with ProfitekServer(World(SPEC, PLATFORM), clock=lambda: NOW + HOUR) as running:
        yield running


@pytest.fixture
def till(server: ProfitekServer) -> Till:
    return Till(server)


def sound(shop: Shop) -> list[Sale]:
    return [row for row in shop.sales.rows() if not row.quirk]


def clock(instant: int, shop: Shop) -> str:
    return iso_local(instant, shop.venue.rails_zone)[:19]


# --- who may ask ---


def test_a_key_opens_its_store_in_the_header_or_in_the_query(till: Till) -> None:
    key = till.shop.venue.token

    assert till.get(CUSTOMERS).status == 200
    assert till.get(CUSTOMERS, header="", authKey=key).status == 200
    assert till.get(CUSTOMERS, header="").status == 401
    assert till.get(CUSTOMERS, header="wrong").status == 401
    assert till.get(CUSTOMERS, header="").json() == {
        "Message": "Authorization has been denied for this request."
    }


@pytest.mark.parametrize(("accept", "header", "query"), [("header", 200, 401), ("query", 401, 200)])
def test_a_server_may_take_one_way_only(
    server: ProfitekServer, till: Till, accept: str, header: int, query: int
) -> None:
    server.api.settings = replace(server.api.settings, accept=accept)

    assert till.get(CUSTOMERS).status == header
    assert till.get(CUSTOMERS, header="", authKey=till.shop.venue.token).status == query


@pytest.mark.parametrize(
    ("mode", "silent", "right", "wrong"),
    [("ignored", 200, 200, 200), ("checked", 200, 200, 404), ("required", 404, 200, 404)],
)
def test_the_store_name_matters_on_the_wire_or_does_not(
    server: ProfitekServer, till: Till, mode: str, silent: int, right: int, wrong: int
) -> None:
    server.api.settings = replace(server.api.settings, store_name=mode)

    assert till.get(CUSTOMERS).status == silent
    assert till.get(CUSTOMERS, storeName="Kitsilano").status == right
    assert till.get(CUSTOMERS, storeName="kitsilano ").status == wrong


def test_each_key_sees_the_rows_of_its_own_store(server: ProfitekServer) -> None:
    for number, shop in enumerate(server.world.shops):
        rows = Till(server, number).rows(SALES)

        assert {row["StoreName"] for row in rows} == {shop.venue.name}
        assert len(rows) == len(shop.sales)


def test_paths_are_found_in_any_case_and_only_by_get(server: ProfitekServer, till: Till) -> None:
    assert till.get(CUSTOMERS.lower()).status == 200
    assert till.get("/api/Customer/SaveCustomer").status == 404
    assert till.send("POST", CUSTOMERS, {"AuthKey": till.shop.venue.token}).status == 404
    assert server.stats.as_dict()["writes"] == 1


def test_no_log_keeps_a_key(
    server: ProfitekServer, till: Till, capfd: pytest.CaptureFixture[str]
) -> None:
    key = till.shop.venue.token

    till.get(CUSTOMERS, storeName="Kitsilano")
    till.get(CUSTOMERS, header="", authKey=key)
    till.get(SALES, email="ana@example.com")

    log = json.dumps(server.stats.log())
    output = capfd.readouterr()
    assert key not in log + output.out + output.err
    assert "ana@" not in log
    assert [entry["auth"] for entry in server.stats.log()] == ["header", "query", "header"]


# --- pages and filters ---


@pytest.mark.parametrize("path", [CUSTOMERS, SALES, INVENTORY])
@pytest.mark.parametrize("count", [7, 100])
def test_offsets_until_a_short_page_meet_every_row_once(till: Till, path: str, count: int) -> None:
    rows = till.rows(path, count=count)

    tables = dict(till.shop.tables())
    name = {CUSTOMERS: "customers", SALES: "sales_histories", INVENTORY: "inventories"}[path]
    assert len(rows) == len(tables[name])
    ids = [row[next(iter(row))] for row in rows]
    numbers = [number for number in ids if number is not None]
    assert len(set(map(int, numbers))) == len(numbers)


def test_a_page_is_a_bare_array_without_totals(till: Till) -> None:
    assert isinstance(till.get(CUSTOMERS).json(), list)
    assert till.get(CUSTOMERS, startIndex=100_000).json() == []


def test_count_is_a_hundred_when_absent_and_at_most(server: ProfitekServer, till: Till) -> None:
    assert len(till.get(SALES).json()) == 100
    assert len(till.get(SALES, count=5000).json()) == 100

    server.api.settings = replace(server.api.settings, per_page=10, max_per_page=20)

    assert len(till.get(SALES).json()) == 10
    assert len(till.get(SALES, count=5000).json()) == 20


@pytest.mark.parametrize(
    ("path", "param", "value"),
    [
        (CUSTOMERS, "startIndex", "-1"),
        (CUSTOMERS, "count", "ten"),
        (CUSTOMERS, "modifiedSince", "yesterday"),
        (SALES, "from", "2026-13-01"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_400(
    till: Till, path: str, param: str, value: str
) -> None:
    page = till.get(path, **{param: value})

    assert page.status == 400
    assert param in page.json()["Message"]


def test_sales_are_asked_for_by_their_day_on_the_stores_clock(till: Till) -> None:
    row = sound(till.shop)[20]
    at = clock(row.ordered, till.shop)
    after = clock(row.ordered + 1000, till.shop)

    from_to = till.rows(SALES, **{"from": at, "to": after})
    until = till.rows(SALES, **{"from": "2020-01-01T00:00:00", "to": at})

    assert row.id in {each["TransactionID"] for each in from_to}
    assert row.id not in {each["TransactionID"] for each in until}
    assert all(each["TransactionDate"] < at or len(each["TransactionDate"]) != 19 for each in until)


def test_customers_are_asked_for_by_when_they_changed(server: ProfitekServer, till: Till) -> None:
    changed = [row.id for row in till.shop.customers.rows() if not row.quirk][:3]
    server.edits.apply({"do": "touch", "ids": changed})
    since = clock(NOW + HOUR, till.shop)

    rows = till.rows(CUSTOMERS, modifiedSince=since)
    with_offset = till.rows(CUSTOMERS, modifiedSince="2026-11-22T01:00:00Z")

    assert {row["CustomerID"] for row in rows} == set(changed)
    assert {row["LastModified"] for row in rows} == {since}
    assert with_offset == rows


def test_the_repeated_hour_tells_two_sales_apart_by_nothing(till: Till) -> None:
    night = {"from": "2026-11-01T01:00:00", "to": "2026-11-01T02:00:00"}

    rows = till.rows(SALES, **night)

    known = {row.id: row for row in sound(till.shop)}
    first, second = sorted(known[row["TransactionID"]].ordered for row in rows)
    assert second - first == HOUR
    assert {row["TransactionDate"] for row in rows} == {"2026-11-01T01:30:00"}


def test_a_row_changed_while_being_read_stays_where_it_is_or_moves_to_the_end(
    server: ProfitekServer, till: Till
) -> None:
    for order, moves in (("id", False), ("modified", True)):
        server.api.settings = replace(server.api.settings, order=order)
        first = [row["CustomerID"] for row in till.get(CUSTOMERS, count=50).json()]
        edit = {"do": "touch", "ids": [number for number in first if number][:5]}
        server.edits.schedule({**edit, "after": {"resource": "customers"}})

        rows = till.rows(CUSTOMERS, count=50)

        assert Counter(str(row["CustomerID"]) for row in rows).most_common(1)[0][1] == 1 + moves


# --- rows ---


def test_a_sale_reads_like_the_reference(till: Till) -> None:
    row = next(row for row in sound(till.shop) if row.shopper and row.sale_type == "sale")

    wire = next(each for each in till.rows(SALES) if each["TransactionID"] == row.id)

    assert wire["StoreName"] == "Kitsilano"
    assert (wire["CustomerID"], wire["Type"], wire["IsVoid"]) == (row.shopper, "Sale", False)
    assert wire["TransactionDate"] == clock(row.ordered, till.shop)
    assert round(wire["Total"] * 100) == row.total
    assert {
        "LineNo",
        "SKU",
        "Description",
        "Department",
        "Qty",
        "Price",
        "Discount",
        "Cost",
    } == set(wire["Items"][0])


def test_gst_and_pst_add_up_to_the_tax_of_the_province(server: ProfitekServer) -> None:
    for number, shop in enumerate(server.world.shops):
        known = {row.id: row for row in sound(shop)}
        for wire in Till(server, number).rows(SALES):
            row = known.get(wire["TransactionID"])
            if row and row.tax > 100:
                gst, pst = round(wire["GST"] * 100), round(wire["PST"] * 100)
                assert gst + pst == row.tax
                assert gst / row.tax == pytest.approx(5 / 12, abs=0.01)


def test_a_number_is_in_the_field_of_its_kind_of_telephone(till: Till) -> None:
    rows = till.rows(CUSTOMERS)

    assert all(row["Phone"] is None or row["Cell"] is None for row in rows)
    assert any(row["Phone"] for row in rows)
    assert any(row["Cell"] for row in rows)


def test_some_rows_write_numbers_as_text(till: Till) -> None:
    row = next(row for row in till.shop.sales.rows() if row.quirk == "strings")

    wire = next(each for each in till.rows(SALES) if each["TransactionID"] == str(row.id))

    assert wire["Total"] == f"{row.total / 100:.2f}"
    assert wire["IsVoid"] == 0
    assert isinstance(wire["Items"][0]["Qty"], str)


# --- refunds and voids, as this till tells them ---


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_return_is_a_row_of_type_return(
    server: ProfitekServer, till: Till, unsigned: bool
) -> None:
    server.api.settings = replace(server.api.settings, unsigned_returns=unsigned)
    sale = next(row for row in sound(till.shop) if row.shopper)

    (back,) = server.edits.apply({"do": "refund", "id": sale.id, "shape": "R1"})

    wire = next(row for row in till.rows(SALES) if row["TransactionID"] == back)
    assert (wire["Type"], wire["CustomerID"]) == ("Return", sale.shopper)
    assert (wire["Total"] > 0) is unsigned
    assert (wire["Items"][0]["Qty"] > 0) is unsigned


@pytest.mark.parametrize(
    ("status", "kind", "void"), [("voided", "Sale", True), ("refunded", "Refunded", False)]
)
def test_a_void_is_a_flag_and_a_refund_a_type_on_the_same_row(
    server: ProfitekServer, till: Till, status: str, kind: str, void: bool
) -> None:
    sale = next(row for row in sound(till.shop) if row.status == "completed" and row.total > 0)

    server.edits.apply({"do": "refund", "id": sale.id, "shape": "R2", "status": status})

    wire = next(row for row in till.rows(SALES) if row["TransactionID"] == sale.id)
    assert (wire["Type"], wire["IsVoid"]) == (kind, void)
    assert wire["LastModified"] == clock(NOW + HOUR, till.shop)
    assert round(wire["Total"] * 100) == sale.total


def test_a_partial_refund_lowers_the_total_of_its_row(server: ProfitekServer, till: Till) -> None:
    sale = next(
        row
        for row in sound(till.shop)
        if row.updated == row.created and row.total > 0 and row.status == "completed"
    )

    server.edits.apply({"do": "refund", "id": sale.id, "shape": "R3"})

    wire = next(row for row in till.rows(SALES) if row["TransactionID"] == sale.id)
    assert 0 < round(wire["Total"] * 100) < sale.total


def test_late_edits_show_when_their_day_is_read_again(server: ProfitekServer, till: Till) -> None:
    sale = sound(till.shop)[-1]
    day = {
        "from": clock(sale.ordered, till.shop)[:10] + "T00:00:00",
        "to": clock(sale.ordered, till.shop)[:10] + "T23:59:59",
    }
    before = {row["TransactionID"]: row for row in till.rows(SALES, **day)}

    server.edits.apply({"do": "touch", "resource": "sales", "ids": [sale.id]})

    after = {row["TransactionID"]: row for row in till.rows(SALES, **day)}
    assert [number for number in after if after[number] != before[number]] == [sale.id]


def test_a_status_nobody_knows_is_a_type_of_its_own(server: ProfitekServer, till: Till) -> None:
    number = sound(till.shop)[0].id
    moon = {"do": "update", "resource": "sales", "id": number, "set": {"Status": "on the moon"}}

    server.edits.apply(moon)

    wire = next(row for row in till.rows(SALES) if row["TransactionID"] == number)
    assert (wire["Type"], wire["IsVoid"]) == ("on the moon", False)


def test_fields_are_edited_by_their_names_on_the_wire(server: ProfitekServer, till: Till) -> None:
    person = next(row for row in till.shop.customers.rows() if not row.quirk)
    fields = {"Email": "new@example.com", "IsActive": False, "CustomerType": "employee"}

    server.edits.apply({"do": "update", "resource": "customers", "id": person.id, "set": fields})

    wire = next(row for row in till.rows(CUSTOMERS) if row["CustomerID"] == person.id)
    assert (wire["Email"], wire["IsActive"], wire["CustomerType"]) == (
        "new@example.com",
        False,
        "Employee",
    )


# --- the oracle ---


@pytest.mark.parametrize(("seed", "stores"), [(1, 1), (2, 3)])
def test_the_oracle_agrees_with_a_brute_force_reading_of_the_wire(seed: int, stores: int) -> None:
    world = World(replace(SPEC, shoppers=600, sales=1200, seed=seed, stores=stores), PLATFORM)
    with ProfitekServer(world) as server:
        tills = [Till(server, number) for number in range(stores)]
        people = {till.shop.scope: till.rows(CUSTOMERS) for till in tills}
        sales = {till.shop.key: till.rows(SALES) for till in tills}

    found = answer(world)

    records = {
        (scope, str(row["CustomerID"])): set(
            wire_keys({"telephone": row["Cell"] or row["Phone"], "email": row["Email"]})
        )
        for scope, rows in people.items()
        for row in rows
        if row["CustomerID"] is not None
    }
    groups = {frozenset(tuple(record) for record in g["records"]) for g in found["groups"]}
    names = {
        (scope, str(row["CustomerID"])): wire_name(
            {"first_name": row["FirstName"], "last_name": row["LastName"]}
        )
        for scope, rows in people.items()
        for row in rows
    }
    assert groups == brute_force_groups({r: keys for r, keys in records.items() if keys}, names)
    assert_sales_agree(found, sales)


def assert_sales_agree(found: dict[str, Any], sales: dict[str, list[dict[str, Any]]]) -> None:
    kept: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    aside = 0
    for store, rows in sales.items():
        for row in rows:
            if row["TransactionID"] is None or not readable(row):
                aside += 1
                continue
            final = row["Type"] in ("Sale", "Refunded") and not row["IsVoid"]
            kept[str(row["CustomerID"])].append((store, row["TransactionDate"], final))
    assert found["set_aside"]["sales"]["count"] == aside
    assert found["sales"]["kept"] == sum(map(len, kept.values()))
    assert found["sales"]["unlinked"] == len(kept["None"])
    assert found["sales"]["final"] == sum(final for each in kept.values() for *_, final in each)
    for group in found["groups"]:
        bought = [sale for _, ext_id in group["records"] for sale in kept[ext_id]]
        assert group["sales"] == len(bought)
        assert group["final_sales"] == sum(final for *_, final in bought)


def readable(row: dict[str, Any]) -> bool:
    try:
        float(row["Total"])
        datetime.fromisoformat(row["TransactionDate"])
    except ValueError:
        return False
    return True


def test_history_is_counted_by_the_time_of_sale() -> None:
    world = World(replace(SPEC, old_sales=0.1), PLATFORM)
    year = NOW - 366 * 24 * HOUR
    old = next(row for shop in world.shops for row in sound(shop) if row.ordered < year)
    with ProfitekServer(world, clock=lambda: NOW) as server:
        server.edits.apply({"do": "touch", "resource": "sales", "ids": [old.id]})

    assert answer(world, year)["sales"]["fetched"] == SPEC.sales * 0.9


# --- faults, statistics, determinism ---


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "429", "500", "503"])
def test_a_status_is_answered_on_the_requests_named(
    server: ProfitekServer, till: Till, status: str
) -> None:
    server.faults.add({"resource": "transactions", "requests": [2], "fault": status})

    pages = [till.get(SALES) for _ in range(3)]

    assert [page.status for page in pages] == [200, int(status), 200]
    assert "Message" in pages[1].json()
    assert till.get(CUSTOMERS).status == 200


def test_an_empty_page_and_an_ignored_filter(server: ProfitekServer, till: Till) -> None:
    never = {"modifiedSince": "2030-01-01T00:00:00"}
    server.faults.add({"resource": "customers", "requests": [1], "fault": "empty"})
    server.faults.add({"resource": "customers", "requests": [2], "fault": "ignore_filter"})

    assert till.get(CUSTOMERS).json() == []
    assert len(till.get(CUSTOMERS, **never).json()) == 100
    assert till.get(CUSTOMERS, **never).json() == []


def test_the_pace_of_each_store_is_its_own(server: ProfitekServer, till: Till) -> None:
    other = Till(server, 1)

    till.get(SALES)
    till.get(SALES)
    other.get(SALES)

    venues = server.stats.as_dict()["venues"]
    assert [each["requests"] for each in venues.values()] == [2, 1]
    assert venues[other.shop.venue.code]["min_start_gap_ms"] is None


@pytest.mark.parametrize("name", ["accept", "store_name", "order"])
def test_a_switch_that_does_not_exist_is_refused(server: ProfitekServer, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(server.api.settings, **{name: "sideways"})


def test_equal_specs_answer_byte_for_byte_alike() -> None:
    bodies = []
    for _ in range(2):
        with ProfitekServer(World(SPEC, PLATFORM)) as server:
            till = Till(server)
            bodies.append([till.get(path).body for path in (CUSTOMERS, SALES, INVENTORY)])

    assert bodies[0] == bodies[1]
