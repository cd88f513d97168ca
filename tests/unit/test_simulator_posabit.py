"""The simulated POSaBIT keeps the contract of the vendor's reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from simulators.posabit import PosabitServer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import DAY, HOUR, parse_instant
from simulators.serving.probe import Probe, basic, bearer

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=400, sales=600, products=60, old_lots=300)
CUSTOMERS = "/api/v3/venue/customers"
SALES = "/api/v3/venue/sales_histories"
INVENTORIES = "/api/v3/venue/inventories"
WIDE = {"start_date": "2015-01-01", "end_date": "2035-01-01"}


@pytest.fixture
def server() -> Iterator[PosabitServer]:
    with PosabitServer(World(SPEC), clock=lambda: NOW + HOUR) as running:
        yield running


@pytest.fixture
def probe(server: PosabitServer) -> Iterator[Probe]:
    with Probe(server.url, v3(server)) as opened:
        yield opened


@pytest.fixture
def ask(server: PosabitServer) -> Iterator[Any]:
    """`ask(authorization, path)` -> status."""
    with ExitStack() as stack:

        def status(authorization: str, path: str) -> int:
            opened = stack.enter_context(Probe(server.url, authorization))
            return opened.get(path).status

        yield status


def v3(server: PosabitServer, venue: int = 0) -> str:
    return basic(server.world.integrator_token, server.world.venues[venue].token)


def v2(server: PosabitServer, venue: int = 0) -> str:
    return bearer(server.world.venues[venue].token)


# --- who may ask ---


@pytest.mark.parametrize(
    "resource",
    ["info", "venue/customers", "venue/sales_histories", "venue/inventories", "venue/coupons"],
)
def test_v3_takes_basic_and_v2_takes_bearer(server: PosabitServer, ask: Any, resource: str) -> None:
    older = resource if resource != "info" else "venue/info"

    assert ask(v3(server), f"/api/v3/{resource}") == 200
    assert ask(v2(server), f"/api/v2/{older}") == 200
    assert ask(v2(server), f"/api/v3/{resource}") == 401
    assert ask(v3(server), f"/api/v2/{older}") == 401
    assert ask("", f"/api/v3/{resource}") == 401


@pytest.mark.parametrize(
    "header",
    ["Basic ???", "Basic bm9jb2xvbg==", "Digest x", "Bearer wrong", basic("wrong", "wrong")],
)
def test_credentials_that_open_nothing_are_401(ask: Any, header: str) -> None:
    assert ask(header, "/api/v3/info") == 401


def test_a_good_integrator_with_a_wrong_venue_is_401(server: PosabitServer, ask: Any) -> None:
    assert ask(basic(server.world.integrator_token, "vt_wrong"), "/api/v3/info") == 401


def test_a_blank_venue_half_lists_the_venues_with_their_tokens(server: PosabitServer) -> None:
    with Probe(server.url, basic(server.world.integrator_token, "")) as probe:
        listed = probe.get("/api/v3/info").json()["venues"]
        elsewhere = probe.get(CUSTOMERS).status

    assert [venue["token"] for venue in listed] == [v.token for v in server.world.venues]
    assert elsewhere == 401


def test_menu_feeds_take_either_header(server: PosabitServer, ask: Any) -> None:
    path = f"/api/v3/menu_feeds/{server.world.venues[0].feed_key}"

    assert ask(v3(server), path) == 200
    assert ask(v2(server), path) == 200
    assert ask(v2(server), f"{path}/options") == 200
    assert ask(v2(server, 1), path) == 404


@pytest.mark.parametrize(
    ("accept", "by_basic", "by_bearer"), [("basic", 200, 401), ("bearer", 401, 200)]
)
def test_the_server_can_be_narrowed_to_one_kind_of_credential(
    server: PosabitServer, ask: Any, accept: str, by_basic: int, by_bearer: int
) -> None:
    server.api.settings.accept = accept

    assert ask(v3(server), "/api/v3/info") == by_basic
    assert ask(v2(server), "/api/v2/venue/info") == by_bearer


def test_a_venue_sees_only_its_own_rows(server: PosabitServer) -> None:
    seen = []
    for venue in (0, 1):
        with Probe(server.url, v3(server, venue)) as probe:
            rows = probe.pages(CUSTOMERS, "customers", per_page=1000)
            seen.append({row["customer"]["id"] for row in rows} - {None})

    assert not seen[0] & seen[1]
    assert len(seen[0] | seen[1]) == SPEC.shoppers - 1  # one is sent without its id


@pytest.mark.parametrize(
    "path",
    ["/api/v3/venue/nothing", "/api/v4/info", "/", "/api/v3/venue/info", "/api/v2/incoming_orders"],
)
def test_a_path_the_api_does_not_have_is_404(server: PosabitServer, ask: Any, path: str) -> None:
    assert ask(v3(server), path) == 404


# --- permissions ---


def permit(server: PosabitServer, **changes: Any) -> None:
    code = server.world.venues[0].code
    server.api.permissions[code] = server.api.permissions[code].with_changes(changes)


def test_without_venue_data_access_venue_data_is_403(server: PosabitServer, ask: Any) -> None:
    permit(server, venue_data=False)

    for path in ("/api/v3/info", SALES, INVENTORIES, "/api/v3/venue/coupons"):
        assert ask(v3(server), path) == 403
    assert ask(v3(server), CUSTOMERS) == 200
    assert ask(v3(server, 1), SALES) == 200


def test_menus_and_online_orders_have_permissions_of_their_own(
    server: PosabitServer, ask: Any
) -> None:
    permit(server, menu_feed=False, incoming_orders=False)

    assert ask(v3(server), f"/api/v3/menu_feeds/{server.world.venues[0].feed_key}") == 403
    assert ask(v3(server), "/api/v3/incoming_orders") == 403
    assert ask(v3(server), "/api/v3/info") == 200


def test_without_enhanced_access_customers_may_be_403(server: PosabitServer, ask: Any) -> None:
    permit(server, enhanced_customer_data=False, degraded=["forbidden"])

    assert ask(v3(server), CUSTOMERS) == 403
    assert ask(v3(server), f"{CUSTOMERS}/1") == 403
    assert ask(v3(server), SALES) == 200


def test_without_enhanced_access_identity_may_be_null(server: PosabitServer, probe: Probe) -> None:
    permit(server, enhanced_customer_data=False, degraded=["null_identity"])

    rows = [row["customer"] for row in probe.get(CUSTOMERS).json()["customers"]]

    for field in ("first_name", "telephone", "email", "birthday", "address"):
        assert {row[field] for row in rows} == {None}
    assert all(row["updated_at"] for row in rows)
    assert any(row["customer_id"] for row in probe.get(SALES).json()["sales_histories"])


def test_without_enhanced_access_sales_may_lose_their_customer(
    server: PosabitServer, probe: Probe
) -> None:
    permit(server, enhanced_customer_data=False, degraded=["null_links"])

    rows = probe.get(SALES).json()["sales_histories"]

    assert {row["customer_id"] for row in rows} == {None}
    assert any(row["customer"]["email"] for row in probe.get(CUSTOMERS).json()["customers"])


# --- envelopes and rows ---


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (CUSTOMERS, "customers"),
        (SALES, "sales_histories"),
        (INVENTORIES, "inventory"),
        ("/api/v3/venue/coupons", "coupons"),
    ],
)
def test_a_listing_says_its_totals_then_its_rows(probe: Probe, path: str, key: str) -> None:
    page = probe.get(path, page=1, per_page=2).json()

    assert list(page) == ["total_records", "current_page", "total_pages", "per_page", key]
    assert (page["current_page"], page["per_page"], len(page[key])) == (1, 2, 2)
    assert page["total_pages"] == -(-page["total_records"] // 2)


def test_online_orders_have_another_envelope(probe: Probe) -> None:
    page = probe.get("/api/v3/incoming_orders").json()

    assert list(page) == [
        "status",
        "code",
        "total_records",
        "page",
        "per_page",
        "incoming_orders",
    ]
    assert {"incoming_order", "order_items"} == set(page["incoming_orders"][0])


def test_customers_are_wrapped_and_carry_no_licence_in_lists(probe: Probe) -> None:
    (row,) = probe.get(CUSTOMERS, per_page=1).json()["customers"]
    full = probe.get(f"{CUSTOMERS}/{row['customer']['id']}").json()["customer"]

    assert set(full) - set(row["customer"]) == {
        "drivers_license",
        "id_expiration",
        "medical_card_expiration",
    }
    assert row["customer"]["updated_at"].endswith("Z")


def test_some_rows_send_numbers_as_text_and_booleans_as_numbers(probe: Probe) -> None:
    rows = [row["customer"] for row in probe.pages(CUSTOMERS, "customers", per_page=500)]
    sales = probe.pages(SALES, "sales_histories", per_page=500)

    assert any(row["points"] == "120" and row["active"] == 1 for row in rows)
    assert any(isinstance(sale["total"], str) and sale["total"].isdecimal() for sale in sales)


def test_broken_sales_are_broken_on_the_wire(server: PosabitServer) -> None:
    rows = []
    for venue in (0, 1):
        with Probe(server.url, v3(server, venue)) as probe:
            rows += probe.pages(SALES, "sales_histories", per_page=500)

    assert any(row["id"] is None for row in rows)
    assert any(parse_instant(row["ordered_at"]) is None for row in rows)
    assert any(not str(row["total"]).lstrip("-").isdecimal() for row in rows)


def test_stock_numbers_are_text(probe: Probe) -> None:
    row = probe.get(INVENTORIES, per_page=1).json()["inventory"][0]

    assert isinstance(row["quantity_on_hand"], str)
    assert isinstance(row["price"], int)


def test_info_names_the_zone_in_rails_words_and_cuts_the_rate(probe: Probe) -> None:
    info = probe.get("/api/v3/info").json()

    assert info["timezone"] == "Pacific Time (US & Canada)"
    assert {"rate": 837, "tax_rate": "8.375"}.items() <= info["tax_rates"][1].items()
    assert isinstance(info["latitude"], str)


@pytest.mark.parametrize(
    ("asked", "page", "per_page"),
    [
        ({}, 1, 100),
        ({"page": "0", "per_page": "-3"}, 1, 100),
        ({"page": "x", "per_page": "x"}, 1, 100),
        ({"per_page": "99999"}, 1, 1000),
    ],
)
def test_nonsense_paging_is_read_as_the_default_and_too_much_is_cut(
    probe: Probe, asked: dict[str, str], page: int, per_page: int
) -> None:
    found = probe.get(INVENTORIES, **asked).json()

    assert (found["current_page"], found["per_page"]) == (page, per_page)


def test_a_page_past_the_end_is_empty_and_keeps_the_totals(probe: Probe) -> None:
    page = probe.get(CUSTOMERS, page=99).json()

    assert page["customers"] == []
    assert page["total_records"] > 0


# --- filters ---


def test_updated_at_gt_gives_only_later_rows(probe: Probe) -> None:
    since = "2026-09-01T00:00:00.000Z"

    rows = probe.pages(CUSTOMERS, "customers", **WIDE, **{"q[updated_at_gt]": since})

    stamps = [row["customer"]["updated_at"] for row in rows]
    assert stamps
    assert min(stamps) > since


def test_updated_at_gt_and_lt_cut_a_window(probe: Probe) -> None:
    window = {
        "q[updated_at_gt]": "2026-09-01T00:00:00.000Z",
        "q[updated_at_lt]": "2026-09-08T00:00:00.000Z",
    }

    rows = probe.pages(SALES, "sales_histories", **window)

    assert rows
    assert all(row["updated_at"][:10] in window_days(1, 8) for row in rows)


def window_days(first: int, last: int) -> set[str]:
    return {f"2026-09-{day:02d}" for day in range(first, last)}


def test_sorting_by_updated_at_goes_both_ways(probe: Probe) -> None:
    up = probe.pages(CUSTOMERS, "customers", per_page=50, **{"q[s]": "updated_at asc"})
    down = probe.pages(CUSTOMERS, "customers", per_page=50, **{"q[s]": "updated_at desc"})

    stamps = [row["customer"]["updated_at"] for row in up]
    assert stamps == sorted(stamps)
    assert [row["customer"]["updated_at"] for row in down] == stamps[::-1]


@pytest.mark.parametrize(
    "filters",
    [
        {"q[updated_on_gt]": "2030-01-01T00:00:00.000Z"},
        {"q[updated_at_after]": "2030-01-01T00:00:00.000Z"},
        {"q[updated_at_gt]": "soon"},
        {"updated_at_gt": "2030-01-01T00:00:00.000Z"},
        {"q[s]": "shoe_size asc"},
    ],
)
def test_a_filter_nobody_knows_is_ignored_without_a_word(
    probe: Probe, filters: dict[str, str]
) -> None:
    everything = probe.get(CUSTOMERS).json()

    assert probe.get(CUSTOMERS, **filters).json() == everything


def test_start_and_end_date_filter_on_creation_and_lose_old_customers_edited_today(
    server: PosabitServer, probe: Probe
) -> None:
    old = server.world.shops[0].customers.get(0)
    server.edits.apply({"do": "touch", "ids": [old.id]})
    today = {"q[updated_at_gt]": "2026-11-22T00:00:00.000Z"}

    trapped = probe.get(CUSTOMERS, start_date="2026-11-22", end_date="2035-01-01", **today).json()
    found = probe.get(CUSTOMERS, **WIDE, **today).json()

    assert trapped["total_records"] == 0
    assert [row["customer"]["id"] for row in found["customers"]] == [old.id]


def test_the_dates_can_be_made_required(server: PosabitServer, probe: Probe) -> None:
    server.api.settings.dates_required = True

    assert probe.get(CUSTOMERS).status == 422
    assert probe.get(CUSTOMERS, **WIDE).status == 200


def test_telephone_eq_wants_the_digits_as_they_are_stored(
    server: PosabitServer, probe: Probe
) -> None:
    rows = list(server.world.shops[0].customers.rows())
    plain = next(row for row in rows if row.phone and row.phone.isdecimal())
    formatted = next(row for row in rows if row.phone and row.phone.startswith("("))
    digits = "".join(filter(str.isdecimal, formatted.phone or ""))

    hit = probe.get(CUSTOMERS, **{"q[telephone_eq]": plain.phone}).json()
    miss = probe.get(CUSTOMERS, **{"q[telephone_eq]": digits}).json()

    assert plain.id in [row["customer"]["id"] for row in hit["customers"]]
    assert formatted.id not in [row["customer"]["id"] for row in miss["customers"]]


def test_names_are_found_by_part_with_or_without_case(server: PosabitServer, probe: Probe) -> None:
    row = server.world.shops[0].customers.get(0)
    part = row.last[1:].upper()

    exact = probe.get(CUSTOMERS, **{"q[last_name_cont]": part}).json()["total_records"]
    loose = probe.get(CUSTOMERS, per_page=500, **{"q[last_name_i_cont]": part}).json()

    assert exact == 0
    assert row.id in [each["customer"]["id"] for each in loose["customers"]]


def test_stock_on_hand_is_a_small_part_of_all_rows(probe: Probe) -> None:
    on_hand = probe.pages(INVENTORIES, "inventory", **{"q[quantity_on_hand_gt]": "0"})
    everything = probe.get(INVENTORIES).json()["total_records"]

    assert all(float(row["quantity_on_hand"]) > 0 for row in on_hand)
    assert everything - len(on_hand) == SPEC.old_lots


# --- create, update, merge ---


def shopper(**fields: Any) -> dict[str, Any]:
    return {"customer": {"first_name": "Ana", "telephone": "2065550142", **fields}}


def test_a_created_customer_can_be_searched_and_read(probe: Probe) -> None:
    made = probe.post(CUSTOMERS, shopper(email="ana@example.com")).json()["customer"]

    found = probe.get(CUSTOMERS, **{"q[telephone_eq]": "2065550142"}).json()["customers"]
    assert [row["customer"]["id"] for row in found] == [made["id"]]
    assert made["created_at"] == made["updated_at"] == "2026-11-22T01:00:00.000Z"
    assert probe.get(f"{CUSTOMERS}/{made['id']}").json()["customer"] == made


def test_creating_twice_makes_two(probe: Probe) -> None:
    ids = {probe.post(CUSTOMERS, shopper()).json()["customer"]["id"] for _ in range(2)}

    assert len(ids) == 2


def test_a_taken_licence_is_422_and_says_so(probe: Probe) -> None:
    first = probe.post(CUSTOMERS, shopper(drivers_license="wdl123"))
    again = probe.post(CUSTOMERS, shopper(drivers_license="WDL123"))

    assert (first.status, again.status) == (200, 422)
    assert "already been taken" in again.json()["errors"][0]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"telephone": None}, 422),
        ({"customer_type": "medical"}, 422),
        ({"customer_type": "medical", "medical_card_expiration": "2030-01-01"}, 200),
        ({"customer_type": "employee"}, 422),
        ({"favourite_colour": "green"}, 200),
    ],
)
def test_create_rules_of_the_vendor(probe: Probe, fields: dict[str, Any], status: int) -> None:
    assert probe.post(CUSTOMERS, shopper(**fields)).status == status


@pytest.mark.parametrize("body", [{"first_name": "Ana"}, [], {"customer": 3}])
def test_a_body_without_a_customer_is_400(probe: Probe, body: Any) -> None:
    assert probe.post(CUSTOMERS, body).status == 400


def test_an_update_takes_the_read_names_and_the_points_delta(
    server: PosabitServer, probe: Probe
) -> None:
    row = server.world.shops[0].customers.get(3)
    change = {"zipcode": "98402", "points_adjustment": -50, "loyalty_member": True}

    changed = probe.put(f"{CUSTOMERS}/{row.id}", {"customer": change}).json()["customer"]

    assert changed["zipcode"] == "98402"
    assert changed["points"] == row.points - 50
    assert changed["loyalty"] is True
    assert changed["updated_at"] == "2026-11-22T01:00:00.000Z"
    assert probe.put(f"{CUSTOMERS}/1", {"customer": change}).status == 404


def test_a_single_customer_may_come_bare(server: PosabitServer, probe: Probe) -> None:
    server.api.settings.bare_single = True

    assert "id" in probe.get(f"{CUSTOMERS}/{server.world.shops[0].customers.ids[0]}").json()


def test_a_merge_leaves_404_behind_and_moves_the_sales(server: PosabitServer, probe: Probe) -> None:
    shop = server.world.shops[0]
    sale = next(row for row in shop.sales.rows() if row.shopper)
    keep = next(row.id for row in shop.customers.rows() if row.id != sale.shopper)

    server.edits.apply({"do": "merge", "keep": keep, "gone": sale.shopper})

    moved = probe.get(SALES, **{"q[id_eq]": sale.id}).json()["sales_histories"][0]
    assert probe.get(f"{CUSTOMERS}/{sale.shopper}").status == 404
    assert moved["customer_id"] == keep
    assert moved["updated_at"] == "2026-11-22T01:00:00.000Z"


@pytest.mark.parametrize("shape", ["R1", "R2", "R3"])
def test_a_sale_can_be_refunded_in_each_shape(
    server: PosabitServer, probe: Probe, shape: str
) -> None:
    shop = server.world.shops[0]
    sale = next(row for row in shop.sales.rows() if row.shopper and row.status == "completed")

    (changed,) = server.edits.apply({"do": "refund", "id": sale.id, "shape": shape})

    row = probe.get(SALES, **{"q[id_eq]": changed}).json()["sales_histories"][0]
    assert row["customer_id"] == sale.shopper
    assert row["updated_at"] > "2026-11-22"
    assert (changed == sale.id) == (shape != "R1")
    expected = {
        "R1": row["total"] < 0,
        "R2": row["status"] == "refunded",
        "R3": 0 < row["total"] < sale.total,
    }
    assert expected[shape]


def test_wall_clock_times_of_a_sale_carry_no_offset(probe: Probe) -> None:
    row = probe.get(SALES, per_page=1).json()["sales_histories"][0]
    utc, local = (parse_instant(row[name]) or 0 for name in ("ordered_at", "ordered_at_local"))

    assert not row["ordered_at_local"].endswith("Z")
    assert (utc - local) / HOUR in (7, 8)
    assert abs(utc - NOW) < 351 * DAY
