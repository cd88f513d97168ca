"""The simulated Webjoint: facilities and ranges, orders that change, faults, edits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from simulators.oracle import answer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, iso, parse_instant
from simulators.serving.probe import Probe
from simulators.webjoint import PLATFORM, WebjointServer

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=400, sales=900, stores=3, products=80, old_lots=10)
BASE = "/prod/api"
ORDERS, CUSTOMERS, PRODUCTS = f"{BASE}/orders", f"{BASE}/customers", f"{BASE}/products"
UNDER_WAY = {"Pending", "Accepted", "Preparing", "OutForDelivery"}


@pytest.fixture
def server() -> Iterator[WebjointServer]:
    with WebjointServer(World(SPEC, PLATFORM), clock=lambda: NOW + HOUR) as running:
        yield running


@pytest.fixture
def probe(server: WebjointServer) -> Iterator[Probe]:
    with Probe(server.url, headers={"x-api-key": server.api.key}) as opened:
        yield opened


def facilities(server: WebjointServer) -> list[str]:
    return [shop.key for shop in server.world.shops]


def every(probe: Probe, path: str, size: int = 100, **params: object) -> list[dict[str, Any]]:
    """All rows, range after range, until one is empty."""
    rows: list[dict[str, Any]] = []
    while True:
        asked = f"[{len(rows)},{len(rows) + size - 1}]"
        found = probe.get(path, range=asked, **params).json()
        if not found:
            return rows
        rows += found


def newest(orders: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of each order with an id the row with the latest `modified`."""
    by_id: dict[str, dict[str, Any]] = {}
    for row in orders:
        if row["_id"] and row["modified"] > by_id.get(row["_id"], {"modified": ""})["modified"]:
            by_id[row["_id"]] = row
    return by_id


# --- who may read ---


def test_the_key_comes_in_either_header(server: WebjointServer) -> None:
    for header in ("x-api-key", "Authorization"):
        with Probe(server.url, headers={header: server.api.key}) as probe:
            assert probe.get(f"{BASE}/facilities").status == 200


@pytest.mark.parametrize(
    ("accept", "statuses"), [("x-api-key", (200, 401)), ("authorization", (401, 200))]
)
def test_either_header_can_be_closed(
    server: WebjointServer, accept: str, statuses: tuple[int, int]
) -> None:
    server.api.settings.accept = accept
    found = []

    for header in ("x-api-key", "Authorization"):
        with Probe(server.url, headers={header: server.api.key}) as probe:
            found.append(probe.get(f"{BASE}/facilities").status)

    assert tuple(found) == statuses


def test_a_wrong_key_is_an_error_object_with_or_without_a_status(server: WebjointServer) -> None:
    with Probe(server.url, headers={"x-api-key": "no"}) as probe:
        plain = probe.get(f"{BASE}/facilities")
        server.api.settings.errors = "ok"
        hidden = probe.get(f"{BASE}/facilities")

    assert (plain.status, hidden.status) == (401, 200)
    assert plain.json() == hidden.json() == {"name": "UnauthorizedError"}


def test_the_log_holds_no_key(server: WebjointServer) -> None:
    for headers in ({"x-api-key": server.api.key}, {"Authorization": server.api.key}):
        with Probe(server.url, headers=headers) as probe:
            probe.get(CUSTOMERS, apiKey=server.api.key, range="[0,9]")

    log = server.stats.log()

    assert [entry["auth"] for entry in log] == ["x-api-key", "authorization"]
    assert server.api.key not in repr(log)


def test_a_write_finds_no_route_and_is_counted(server: WebjointServer, probe: Probe) -> None:
    assert probe.post(CUSTOMERS, {"firstName": "Ana"}).status == 404
    assert server.stats.as_dict()["writes"] == 1


# --- facilities and ranges ---


def test_the_company_has_its_facilities(server: WebjointServer, probe: Probe) -> None:
    rows = probe.get(f"{BASE}/facilities").json()

    assert [str(row["id"]) for row in rows] == facilities(server)
    assert {str(row["companyId"]) for row in rows} == {server.describe()["company_id"]}


def test_a_range_has_both_its_ends_and_stops_when_empty(
    server: WebjointServer, probe: Probe
) -> None:
    where = {"facilityId": facilities(server)[0]}
    first = probe.get(CUSTOMERS, range="[0,9]", **where).json()
    second = probe.get(CUSTOMERS, range="[9,18]", **where).json()

    assert (len(first), len(second)) == (10, 10)
    assert second[0] == first[9]
    assert probe.get(CUSTOMERS, range="[9000,9099]", **where).json() == []


def test_a_range_is_cut_to_what_the_pos_gives(server: WebjointServer, probe: Probe) -> None:
    where = {"facilityId": facilities(server)[0]}
    server.api.settings.max_rows = 20

    assert len(probe.get(ORDERS, range="[0,99]", **where).json()) == 20
    assert len(probe.get(ORDERS, **where).json()) == 20
    assert len(newest(every(probe, ORDERS, **where))) > 200


@pytest.mark.parametrize("text", ["0,9", "[9,0]", "[0]", '["a","b"]', "{}"])
def test_a_range_that_is_none_is_refused(probe: Probe, server: WebjointServer, text: str) -> None:
    reply = probe.get(ORDERS, range=text, facilityId=facilities(server)[0])

    assert (reply.status, reply.json()) == (400, {"name": "InvalidRangeError"})


def test_customers_are_the_companys_where_no_facility_is_named(
    server: WebjointServer, probe: Probe
) -> None:
    whole = {row["id"] for row in every(probe, CUSTOMERS)}
    parts = [
        {row["id"] for row in every(probe, CUSTOMERS, facilityId=key)} for key in facilities(server)
    ]

    assert whole == set.union(*parts)
    assert sum(map(len, parts)) - len(whole) <= 1  # the row without an id is no one's
    server.api.settings.customers_need_facility = True
    assert probe.get(CUSTOMERS).json() == {"name": "FacilityRequiredError"}


def test_orders_need_a_facility_of_the_company(probe: Probe) -> None:
    assert probe.get(ORDERS).json() == {"name": "FacilityRequiredError"}
    assert probe.get(ORDERS, facilityId=1).json() == {"name": "FacilityNotFoundError"}


# --- orders ---


def test_every_order_of_a_facility_is_there_under_a_composite_id(
    server: WebjointServer, probe: Probe
) -> None:
    company = server.describe()["company_id"]
    for shop in server.world.shops:
        rows = newest(every(probe, ORDERS, size=40, facilityId=shop.key))

        assert {int(row["id"]) for row in rows.values()} == {
            sale.id for sale in shop.sales.rows() if sale.quirk != "missing_id"
        }
        for composite, row in rows.items():
            customer = row["customerId"] or 0
            assert composite == f"{company}-{shop.key}-{customer}-{row['id']}"


def test_an_order_is_found_by_its_composite_id(server: WebjointServer, probe: Probe) -> None:
    row = probe.get(ORDERS, facilityId=facilities(server)[1]).json()[0]

    assert probe.get(f"{ORDERS}/{row['_id']}").json() == row
    assert probe.get(f"{ORDERS}/1-2-3-{row['id']}").json() == {"name": "OrderNotFoundError"}


def test_the_newest_order_comes_first_and_some_come_again(
    server: WebjointServer, probe: Probe
) -> None:
    rows = every(probe, ORDERS, facilityId=facilities(server)[0])

    times = [row["created"] for row in rows if parse_instant(row["created"])]

    assert len(rows) > len({row["_id"] for row in rows}) > 200
    assert times == sorted(times, reverse=True)


def test_what_comes_again_can_be_out_of_order(server: WebjointServer, probe: Probe) -> None:
    where = {"facilityId": facilities(server)[0]}
    rows = every(probe, ORDERS, **where)

    server.api.settings.repeats = "displaced"
    displaced = every(probe, ORDERS, **where)
    server.api.settings.repeats = "none"
    single = every(probe, ORDERS, **where)

    assert rows != displaced
    assert sorted(map(repr, rows)) == sorted(map(repr, displaced))
    assert newest(rows) == newest(displaced) == newest(single)
    assert len(single) == len({row["_id"] for row in rows})


def test_an_order_that_changed_may_come_again_as_it_was(
    server: WebjointServer, probe: Probe
) -> None:
    versions: dict[str, set[str]] = {}
    for key in facilities(server):
        for row in every(probe, ORDERS, facilityId=key):
            versions.setdefault(str(row["_id"]), set()).add(f"{row['modified']} {row['status']}")

    changed = [sorted(found) for found in versions.values() if len(found) > 1]

    assert changed
    assert all(found[0].endswith("Pending") for found in changed)


def test_the_last_changed_can_come_first(server: WebjointServer, probe: Probe) -> None:
    server.api.settings.order = "modified"
    firsts: dict[str, str] = {}
    for row in every(probe, CUSTOMERS):
        firsts.setdefault(str(row["id"]), row["modified"])

    times = list(firsts.values())

    assert times == sorted(times, reverse=True)


def test_a_start_date_is_ignored_or_taken_loosely(server: WebjointServer, probe: Probe) -> None:
    where = {"facilityId": facilities(server)[0]}
    bound = NOW - 20 * DAY
    whole = every(probe, ORDERS, **where)

    assert every(probe, ORDERS, startDate=iso(bound), **where) == whole

    server.api.settings.date_filter = "loose"
    some = every(probe, ORDERS, startDate=iso(bound), **where)
    times = [parse_instant(row["created"]) or bound for row in some]
    assert len(some) < len(whole)
    assert bound - 3 * DAY <= min(times) < bound


def test_money_is_text_and_adds_up(server: WebjointServer, probe: Probe) -> None:
    rows = every(probe, ORDERS, facilityId=facilities(server)[0])
    plain = [
        row
        for row in rows
        if isinstance(row["id"], int) and re.fullmatch(r"-?\d+\.\d+", row["total"])
    ]

    assert len(plain) > 200
    for row in plain:
        parts = float(row["subtotal"]) - float(row["discount"]) + float(row["taxes"])
        assert float(row["total"]) == pytest.approx(parts + float(row["deliveryFee"]))
    turned = [row for row in rows if isinstance(row["id"], str)]
    assert all(isinstance(row["total"], float) for row in turned)


def test_orders_have_every_status(server: WebjointServer, probe: Probe) -> None:
    statuses: Counter[str] = Counter()
    for key in facilities(server):
        rows = newest(every(probe, ORDERS, facilityId=key)).values()
        statuses.update(row["status"] for row in rows)

    assert statuses["Complete"] > 800
    assert set(statuses) >= {"Complete", "Refunded", "Cancelled"} | UNDER_WAY
    assert set(statuses) & {"OnHold", "InDispute"}


def test_an_order_goes_on_until_it_is_complete(server: WebjointServer, probe: Probe) -> None:
    added = server.edits.apply({"do": "add_sales", "count": 6, "open": True})
    totals = {number: order(probe, number)["total"] for number in added}
    assert {order(probe, number)["status"] for number in added} <= UNDER_WAY

    probe.post("/_sim/edits", {"do": "advance", "ids": added, "steps": 4})

    done = {number: order(probe, number) for number in added}
    assert {row["status"] for row in done.values()} == {"Complete"}
    cheaper = [n for n, row in done.items() if float(row["total"]) < float(totals[n])]
    assert 0 < len(cheaper) < 6


def test_all_that_is_under_way_goes_one_step_on(server: WebjointServer, probe: Probe) -> None:
    before = answer(server.world)["sales"]

    for _ in range(4):
        probe.post("/_sim/edits", {"do": "advance"})

    after = answer(server.world)["sales"]
    assert before["open"] > 10
    assert after["open"] == 0
    assert after["final"] == before["final"] + before["open"]


def order(probe: Probe, composite: object) -> dict[str, Any]:
    found: dict[str, Any] = probe.get(f"{ORDERS}/{composite}").json()
    return found


def test_a_refund_has_no_row_of_its_own(probe: Probe, server: WebjointServer) -> None:
    number = server.edits.apply({"do": "add_sales"})[0]

    refused = probe.post("/_sim/edits", {"do": "refund", "id": number, "shape": "R1"})
    probe.post("/_sim/edits", {"do": "refund", "id": number, "shape": "R2"})

    assert refused.status == 400
    assert order(probe, number)["status"] == "Refunded"


def test_fields_are_set_by_their_names_on_the_wire(server: WebjointServer, probe: Probe) -> None:
    row = probe.get(CUSTOMERS, range="[0,0]").json()[0]
    number = server.edits.apply({"do": "add_sales"})[0]
    edit = {"do": "update", "resource": "customers", "id": row["id"], "set": {"blocked": True}}
    status = {"do": "update", "resource": "orders", "id": number, "set": {"status": "Cancelled"}}

    probe.post("/_sim/edits", [edit, status])

    assert probe.get(CUSTOMERS, range="[0,0]").json()[0] == {
        **row,
        "blocked": True,
        "modified": iso(NOW + HOUR),
    }
    assert order(probe, number)["status"] == "Cancelled"
    assert answer(server.world)["sales"]["voided"] > 0


# --- products and packages ---


def test_products_hold_what_their_packages_hold(server: WebjointServer, probe: Probe) -> None:
    key = facilities(server)[0]
    held: Counter[int] = Counter()
    for package in every(probe, f"{BASE}/packages", facilityId=key):
        for part in package["packageQuantities"]:
            held[part["productId"]] += max(0.0, float(part["quantity"]))

    rows = every(probe, PRODUCTS, facilityId=key)

    assert len(rows) == 80
    for row in rows:
        if row["id"]:
            assert float(row["quantity"]) == pytest.approx(held[row["id"]], abs=0.1)
            assert row["forSale"] is (float(row["quantity"]) > 0)
            assert row["variants"][0]["price"]
    active = every(probe, f"{PRODUCTS}/active", facilityId=key)
    assert active == [row for row in rows if row["forSale"]]


# --- faults ---


def test_error_objects_come_with_status_200(server: WebjointServer, probe: Probe) -> None:
    server.faults.add({"resource": "sales", "fault": "error_object", "times": 1})
    where = {"facilityId": facilities(server)[0]}

    broken, whole = probe.get(ORDERS, **where), probe.get(ORDERS, **where)

    assert (broken.status, broken.json()["name"]) == (200, "ShopClosedError")
    assert len(whole.json()) == 100


@pytest.mark.parametrize("kind", ["401", "403", "429", "500", "503"])
def test_http_errors_come_too(server: WebjointServer, probe: Probe, kind: str) -> None:
    server.faults.add({"resource": "facilities", "fault": kind, "requests": [2]})

    replies = [probe.get(f"{BASE}/facilities") for _ in range(3)]

    assert [reply.status for reply in replies] == [200, int(kind), 200]
    assert replies[1].json()["name"].endswith("Error")


def test_a_page_in_the_middle_can_be_empty(server: WebjointServer, probe: Probe) -> None:
    server.faults.add({"resource": "orders", "fault": "empty", "requests": [2]})
    where = {"facilityId": facilities(server)[0]}

    sizes = [len(probe.get(ORDERS, range=r, **where).json()) for r in ("[0,9]", "[10,19]")]

    assert sizes == [10, 0]
    assert len(probe.get(ORDERS, range="[10,19]", **where).json()) == 10


def test_the_facility_can_be_ignored(server: WebjointServer, probe: Probe) -> None:
    server.faults.add({"resource": "orders", "fault": "ignore_filter"})

    rows = probe.get(ORDERS, facilityId=facilities(server)[0]).json()

    assert len({row["facilityId"] for row in rows}) > 1


def test_a_fault_can_be_one_facilitys(server: WebjointServer, probe: Probe) -> None:
    code = server.world.venues[1].code
    server.faults.add({"resource": "orders", "venue": code, "fault": "500"})

    statuses = [probe.get(ORDERS, facilityId=key).status for key in facilities(server)]

    assert statuses == [200, 500, 200]


# --- the world and its oracle ---


def test_the_same_spec_gives_the_same_bytes() -> None:
    assert World(SPEC, PLATFORM).digest() == World(SPEC, PLATFORM).digest()


def test_a_clean_world_repeats_nothing() -> None:
    spec = WorldSpec(now=NOW, shoppers=50, sales=200, stores=1, mess=0, old_lots=0)
    server = WebjointServer(World(spec, PLATFORM))
    with server, Probe(server.url, headers={"x-api-key": server.api.key}) as probe:
        rows = every(probe, ORDERS, facilityId=facilities(server)[0])

    assert len(rows) == 200
    assert {row["status"] for row in rows} == {"Complete"}


def test_the_oracle_agrees_with_a_reading_of_the_wire(server: WebjointServer, probe: Probe) -> None:
    customers = {row["id"]: row for row in every(probe, CUSTOMERS) if row["id"]}
    orders = {}
    for key in facilities(server):
        orders |= newest(every(probe, ORDERS, facilityId=key))
    kept = [r for r in orders.values() if parse_instant(r["created"]) and is_money(r["total"])]

    found = answer(server.world)

    assert found["shoppers"]["kept"] == len(customers)
    assert found["sales"]["kept"] == len(kept)
    assert found["sales"]["final"] == sum(row["status"] in ("Complete", "Refunded") for row in kept)
    stores = Counter(str(row["facilityId"]) for row in kept)
    assert {key["key"]: key["sales"] for key in found["store_keys"]} == dict(stores)
    company = server.describe()["company_id"]
    bought = Counter(str(row["customerId"]) for row in kept)
    for group in found["groups"]:
        assert {record[0] for record in group["records"]} == {company}
        assert group["sales"] == sum(bought[record[1]] for record in group["records"])


def test_a_shopper_of_one_facility_also_buys_at_another(server: WebjointServer) -> None:
    homes = {row.id: shop.key for shop in server.world.shops for row in shop.customers.rows()}
    away = [
        sale
        for shop in server.world.shops
        for sale in shop.sales.rows()
        if sale.shopper and homes[sale.shopper] != shop.key
    ]

    assert 0.05 * SPEC.sales < len(away) < 0.25 * SPEC.sales


def test_the_oracle_can_leave_facilities_out(server: WebjointServer, probe: Probe) -> None:
    chosen = facilities(server)[:2]

    some = answer(server.world, stores=chosen)

    assert [key["key"] for key in some["store_keys"]] == chosen
    assert set(some["inventory"]) == set(chosen)
    whole = answer(server.world)
    assert some["personas"]["count"] == whole["personas"]["count"]
    assert some["sales"]["kept"] < whole["sales"]["kept"]
    told = probe.get("/_sim/oracle", stores=",".join(chosen), groups=0).json()
    assert told == {key: value for key, value in some.items() if key != "groups"}


def is_money(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
