"""The simulated THSuite: its inferred contract, its switches, faults, and edits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulators.oracle import answer
from simulators.retailer.shapes import Sale, WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, iso, parse_instant
from simulators.serving.probe import Probe, bearer
from simulators.thsuite import PLATFORM, ThsuiteServer

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=400, sales=600, products=40, old_lots=10)
CUSTOMERS, TRANSACTIONS, INVENTORY = "/api/customers", "/api/transactions", "/api/inventory"


@pytest.fixture
def server() -> Iterator[ThsuiteServer]:
    with ThsuiteServer(World(SPEC, PLATFORM), clock=lambda: NOW + HOUR) as running:
        yield running


@pytest.fixture
def probe(server: ThsuiteServer) -> Iterator[Probe]:
    with Probe(server.url, bearer(token(server))) as opened:
        yield opened


def token(server: ThsuiteServer, at: int = 0) -> str:
    return str(server.describe()["stores"][at]["token"])


def every(probe: Probe, path: str, **params: object) -> list[dict[str, Any]]:
    """All rows, page after page, by the page totals."""
    rows: list[dict[str, Any]] = []
    page, pages = 0, 1
    while page < pages:
        page += 1
        found = probe.get(path, page=page, **params).json()
        rows, pages = rows + found["data"], found["totalPages"]
        assert found["page"] == page
    return rows


def sales_of(server: ThsuiteServer, at: int = 0) -> list[Sale]:
    return list(server.world.shops[at].sales.rows())


# --- who may read ---


def test_a_token_comes_as_bearer_or_as_key(server: ThsuiteServer) -> None:
    ways = [{"Authorization": f"Bearer {token(server)}"}, {"X-API-Key": token(server)}]

    for headers in ways:
        with Probe(server.url, headers=headers) as probe:
            assert probe.get(CUSTOMERS, limit=1).status == 200


@pytest.mark.parametrize(("accept", "statuses"), [("bearer", (200, 401)), ("key", (401, 200))])
def test_either_way_in_can_be_closed(
    server: ThsuiteServer, accept: str, statuses: tuple[int, int]
) -> None:
    server.api.settings.accept = accept

    with Probe(server.url, bearer(token(server))) as one:
        by_bearer = one.get(CUSTOMERS).status
    with Probe(server.url, headers={"X-API-Key": token(server)}) as other:
        by_key = other.get(CUSTOMERS).status

    assert (by_bearer, by_key) == statuses


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no"}, {"X-API-Key": "no"}])
def test_without_a_token_of_a_store_nothing_opens(
    server: ThsuiteServer, headers: dict[str, str]
) -> None:
    with Probe(server.url, headers=headers) as probe:
        statuses = [probe.get(path).status for path in (CUSTOMERS, TRANSACTIONS, INVENTORY)]

    assert statuses == [401, 401, 401]


def test_the_token_alone_says_which_store_it_is(server: ThsuiteServer) -> None:
    stores = []
    for at in (0, 1):
        with Probe(server.url, bearer(token(server, at))) as probe:
            stores.append({row["storeId"] for row in every(probe, TRANSACTIONS)})

    assert stores == [{"st_1"}, {"st_2"}]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written_and_every_try_is_counted(
    server: ThsuiteServer, probe: Probe, method: str
) -> None:
    assert server.stats.as_dict()["writes"] == 0

    reply = probe.send(method, CUSTOMERS, {}, {"firstName": "Ana"})

    assert reply.status == 405
    assert reply.headers["Allow"] == "GET"
    assert server.stats.as_dict()["writes"] == 1


def test_the_log_holds_no_token(server: ThsuiteServer, probe: Probe) -> None:
    probe.get(CUSTOMERS, token=token(server), page=1)
    with Probe(server.url, headers={"X-API-Key": token(server)}) as other:
        other.get(CUSTOMERS)

    log = server.stats.log()

    assert [entry["auth"] for entry in log] == ["bearer", "key"]
    assert log[0]["params"] == {"token": "***", "page": "1"}
    assert token(server) not in repr(log)


# --- listings ---


def test_every_row_is_listed_once(server: ThsuiteServer, probe: Probe) -> None:
    shop = server.world.shops[0]

    customers = every(probe, CUSTOMERS, limit=30)
    transactions = every(probe, TRANSACTIONS, limit=30)
    inventory = every(probe, INVENTORY)

    assert len(customers) == len(shop.customers)
    assert Counter(row["id"] for row in transactions if row["id"]) == Counter(
        f"rcpt_{sale.id}" for sale in shop.sales.rows() if sale.quirk != "missing_id"
    )
    assert len(inventory) == sum(float(lot.quantity) > 0 for lot in shop.inventories.rows())


def test_a_page_holds_a_hundred_at_most_and_none_past_the_end(probe: Probe) -> None:
    assert len(probe.get(CUSTOMERS).json()["data"]) == 100
    assert len(probe.get(CUSTOMERS, limit=5000).json()["data"]) == 100
    assert len(probe.get(CUSTOMERS, limit=7).json()["data"]) == 7
    beyond = probe.get(CUSTOMERS, page=99).json()
    assert (beyond["data"], beyond["page"], beyond["totalPages"]) == ([], 99, 3)


def test_a_listing_may_come_as_a_bare_array(server: ThsuiteServer, probe: Probe) -> None:
    wrapped = probe.get(CUSTOMERS, page=2).json()["data"]
    server.api.settings.bare = True

    assert probe.get(CUSTOMERS, page=2).json() == wrapped
    assert probe.get(CUSTOMERS, page=99).json() == []


def test_a_customer_shows_flags_and_what_must_not_be_stored(probe: Probe) -> None:
    rows = every(probe, CUSTOMERS)

    assert set(rows[0]) >= {"smsOptIn", "smsOptOut", "emailOptIn", "loyaltyMember", "updatedAt"}
    assert all(str(row["id"]).startswith("pat_") for row in rows if row["id"])
    assert {row["patientGroup"] for row in rows if row["stateId"]} == {"medical"}
    assert [row["updatedAt"] for row in rows] == sorted(row["updatedAt"] for row in rows)


def test_customers_changed_since_then_are_listed_that_instant_included(probe: Probe) -> None:
    rows = every(probe, CUSTOMERS)
    bound = rows[len(rows) // 2]["updatedAt"]

    found = every(probe, CUSTOMERS, updatedSince=bound)

    assert [row["id"] for row in found] == [r["id"] for r in rows if r["updatedAt"] >= bound]


def test_transactions_are_bounded_by_the_time_they_happened(
    server: ThsuiteServer, probe: Probe
) -> None:
    low, high = NOW - 90 * DAY, NOW - 30 * DAY

    found = every(probe, TRANSACTIONS, startDate=iso(low), endDate=iso(high))

    expected = [sale for sale in sales_of(server) if low <= sale.ordered <= high]
    assert len(found) == len(expected) > 20


def test_a_day_as_a_bound_is_a_whole_day(server: ThsuiteServer, probe: Probe) -> None:
    day = (NOW - 30 * DAY) // DAY * DAY
    text = iso(day)[:10]

    found = every(probe, TRANSACTIONS, startDate=text, endDate=text)

    assert len(found) == sum(day <= sale.ordered < day + DAY for sale in sales_of(server))


def test_a_bound_that_is_no_date_is_refused(probe: Probe) -> None:
    assert probe.get(TRANSACTIONS, startDate="yesterday").status == 400
    assert probe.get(CUSTOMERS, updatedSince="yesterday").status == 400


def test_the_newest_transactions_can_come_first(server: ThsuiteServer, probe: Probe) -> None:
    forth = every(probe, TRANSACTIONS)
    server.api.settings.newest_first = True

    assert every(probe, TRANSACTIONS) == forth[::-1]


# --- transactions ---


def test_a_receipt_is_in_dollars_and_adds_up(probe: Probe) -> None:
    sound = [row for row in every(probe, TRANSACTIONS) if isinstance(row["total"], float)]

    for row in sound:
        parts = row["subtotal"] - row["discountTotal"] + row["taxTotal"]
        assert row["total"] == pytest.approx(parts)
    assert len(sound) > 250


def test_a_return_names_what_it_takes_back_and_is_below_zero(probe: Probe) -> None:
    rows = {row["id"]: row for row in every(probe, TRANSACTIONS)}
    returns = [row for row in rows.values() if row["type"] == "return"]

    assert returns
    for row in returns:
        assert row["total"] < 0
        assert rows[row["originalTransactionId"]]["type"] == "sale"
        assert all(item["quantity"] < 0 for item in row["items"])


def test_a_return_may_only_be_told_by_its_type(server: ThsuiteServer, probe: Probe) -> None:
    server.api.settings.positive_returns = True

    rows = every(probe, TRANSACTIONS)

    assert any(row["type"] == "return" for row in rows)
    assert all(row["total"] > 0 for row in rows if isinstance(row["total"], float))


def test_discounts_come_by_the_name_they_have_in_aiq(probe: Probe) -> None:
    given = [
        (discount["name"], discount["amount"] == float(item["discount"]))
        for row in every(probe, TRANSACTIONS)
        for item in row["items"]
        for discount in item["discounts"]
    ]

    assert {name for name, _ in given} >= {"AIQ $5", "AIQ 10%"}
    assert all(same for _, same in given)


def test_a_transaction_may_be_a_line_of_a_receipt(server: ThsuiteServer, probe: Probe) -> None:
    receipts = {row["id"]: row for row in every(probe, TRANSACTIONS)}
    server.api.settings.transactions = "lines"

    lines = defaultdict(list)
    for row in every(probe, TRANSACTIONS, limit=17):
        lines[row["receiptId"]].append(row)

    assert set(lines) == set(receipts)
    for number, receipt in receipts.items():
        assert len(lines[number]) == len(receipt["items"])
        if isinstance(receipt["total"], float):
            assert sum(row["total"] for row in lines[number]) == pytest.approx(receipt["total"])
        assert {row["completedAt"] for row in lines[number]} == {receipt["completedAt"]}


def test_lines_follow_edits(server: ThsuiteServer, probe: Probe) -> None:
    server.api.settings.transactions = "lines"
    before = every(probe, TRANSACTIONS)

    server.edits.apply({"do": "add_sales", "venue": "calvert-01"})

    assert len(every(probe, TRANSACTIONS)) > len(before)


# --- edits ---


def test_a_touched_customer_is_what_a_later_listing_finds(probe: Probe) -> None:
    edit = {"do": "touch", "percent": 5, "venue": "calvert-01"}
    changed = probe.post("/_sim/edits", edit).json()["changed"]

    found = every(probe, CUSTOMERS, updatedSince=iso(NOW))

    assert sorted(row["id"] for row in found) == sorted(changed)


def test_a_sale_can_be_added_and_taken_back_in_every_shape(probe: Probe) -> None:
    added = probe.post("/_sim/edits", {"do": "add_sales", "count": 3}).json()["changed"]
    shapes = [{"shape": "R1"}, {"shape": "R2", "status": "voided"}, {"shape": "R3"}]
    edits = [
        {"do": "refund", "id": number, **shape} for number, shape in zip(added, shapes, strict=True)
    ]

    back = probe.post("/_sim/edits", edits).json()["changed"][0]

    rows = {row["id"]: row for row in every(probe, TRANSACTIONS, startDate=iso(NOW))}
    assert set(rows) == {*added, back}
    assert rows[back]["originalTransactionId"] == added[0]
    assert rows[added[1]]["status"] == "voided"
    assert rows[added[2]]["total"] < sum(item["total"] for item in rows[added[2]]["items"])


def test_a_field_is_set_by_the_name_it_has_on_the_wire(probe: Probe) -> None:
    row = every(probe, CUSTOMERS)[0]
    edit = {
        "do": "update",
        "resource": "customers",
        "id": row["id"],
        "set": {"phone": "2065550100"},
    }

    probe.post("/_sim/edits", edit)

    assert every(probe, CUSTOMERS, updatedSince=iso(NOW)) == [
        {**row, "phone": "2065550100", "updatedAt": iso(NOW + HOUR)}
    ]


def test_an_edit_during_a_listing_moves_rows_between_pages(probe: Probe) -> None:
    first, second = (probe.get(CUSTOMERS, page=page).json()["data"] for page in (1, 2))
    edit = {"do": "touch", "ids": [first[0]["id"]], "after": {"resource": "customers"}}
    probe.post("/_sim/edits", edit)

    probe.get(CUSTOMERS, page=1)

    assert probe.get(CUSTOMERS, page=2).json()["data"][:-1] == second[1:]


# --- faults ---


@pytest.mark.parametrize("kind", ["401", "403", "429", "500", "503"])
def test_a_status_comes_for_the_requests_asked_for(
    server: ThsuiteServer, probe: Probe, kind: str
) -> None:
    server.faults.add({"resource": "sales", "fault": kind, "requests": [2], "retry_after": 2})

    replies = [probe.get(TRANSACTIONS) for _ in range(3)]

    assert [reply.status for reply in replies] == [200, int(kind), 200]
    assert (replies[1].headers.get("Retry-After") == "2") is (kind == "429")


def test_an_empty_page_keeps_the_totals(server: ThsuiteServer, probe: Probe) -> None:
    server.faults.add({"resource": "transactions", "fault": "empty", "times": 1})

    found = probe.get(TRANSACTIONS, page=2).json()

    assert (found["data"], found["page"]) == ([], 2)
    assert found["totalPages"] > 2


def test_a_filter_can_be_ignored(server: ThsuiteServer, probe: Probe) -> None:
    assert every(probe, TRANSACTIONS, startDate=iso(NOW)) == []
    server.faults.add({"resource": "transactions", "fault": "ignore_filter"})

    assert len(every(probe, TRANSACTIONS, startDate=iso(NOW))) == len(sales_of(server))


@pytest.mark.parametrize("kind", ["html", "not_json", "wrong_shape", "error_object"])
def test_an_answer_can_be_something_else(server: ThsuiteServer, probe: Probe, kind: str) -> None:
    server.faults.add({"resource": "*", "fault": kind})

    reply = probe.get(INVENTORY)

    assert reply.status == 200
    assert b'"data"' not in reply.body


# --- the world and its oracle ---


def test_the_same_spec_gives_the_same_bytes_and_another_platform_others() -> None:
    assert World(SPEC, PLATFORM).digest() == World(SPEC, PLATFORM).digest()
    assert World(SPEC, PLATFORM).digest() != World(SPEC).digest()
    assert World(replace(SPEC, seed=8), PLATFORM).digest() != World(SPEC, PLATFORM).digest()


def test_the_oracle_agrees_with_a_reading_of_the_wire(server: ThsuiteServer) -> None:
    customers: dict[str, dict[str, Any]] = {}
    kept: list[dict[str, Any]] = []
    broken = 0
    for at in (0, 1):
        with Probe(server.url, bearer(token(server, at))) as probe:
            customers |= {row["id"]: row for row in every(probe, CUSTOMERS) if row["id"]}
            for row in every(probe, TRANSACTIONS):
                sound = row["id"] and parse_instant(row["completedAt"]) and is_money(row["total"])
                kept += [row] if sound else []
                broken += not sound

    found = answer(server.world)

    assert found["shoppers"]["kept"] == len(customers)
    assert found["sales"]["kept"] == len(kept)
    assert found["set_aside"]["sales"]["count"] == broken == 3
    assert found["sales"]["unlinked"] == sum(row["customerId"] is None for row in kept)
    stores = Counter(row["storeId"] for row in kept)
    assert {key["key"]: key["sales"] for key in found["store_keys"]} == dict(stores)
    assert {record[0] for group in found["groups"] for record in group["records"]} == {
        "st_1",
        "st_2",
    }
    assert {record[1] for group in found["groups"] for record in group["records"]} <= set(customers)
    bought = Counter(row["customerId"] for row in kept)
    for group in found["groups"]:
        assert group["sales"] == sum(bought[record[1]] for record in group["records"])


def is_money(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
