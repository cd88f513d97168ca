"""The control plane, the statistics it shows, and the command that starts it all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from simulators.oracle import answer
from simulators.posabit import PosabitServer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import HOUR, parse_instant
from simulators.serving.probe import Probe, basic

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
SPEC = WorldSpec(now=NOW, shoppers=400, sales=600, products=30, old_lots=10)
CUSTOMERS = "/api/v3/venue/customers"
SALES = "/api/v3/venue/sales_histories"


@pytest.fixture
def server() -> Iterator[PosabitServer]:
    with PosabitServer(World(SPEC), clock=lambda: NOW + HOUR) as running:
        yield running


@pytest.fixture
def probe(server: PosabitServer) -> Iterator[Probe]:
    with Probe(server.url, token(server)) as opened:
        yield opened


def token(server: PosabitServer) -> str:
    return basic(server.world.integrator_token, server.world.venues[0].token)


def ids(probe: Probe, page: int, **params: Any) -> list[int]:
    rows = probe.get(CUSTOMERS, page=page, per_page=20, **params).json()["customers"]
    return [row["customer"]["id"] for row in rows]


# --- edits ---


def test_one_percent_touched_is_what_an_incremental_listing_finds(
    server: PosabitServer, probe: Probe
) -> None:
    changed = probe.post("/_sim/edits", {"do": "touch", "percent": 5}).json()["changed"]

    found = []
    for venue in server.world.venues:
        with Probe(server.url, basic(server.world.integrator_token, venue.token)) as each:
            since = {"q[updated_at_gt]": "2026-11-22T00:00:00.000Z"}
            found += each.pages(CUSTOMERS, "customers", **since)
    assert sorted(row["customer"]["id"] for row in found) == sorted(changed)
    assert len(changed) == 20
    assert all("Changed" in row["customer"]["address"] for row in found)


@pytest.mark.parametrize(
    ("resource", "field"), [("sales", "local_order_id"), ("inventory", "quantity_on_hand")]
)
def test_other_rows_can_be_touched_too(probe: Probe, resource: str, field: str) -> None:
    path, key = {
        "sales": (SALES, "sales_histories"),
        "inventory": ("/api/v3/venue/inventories", "inventory"),
    }[resource]
    before = {row["id"]: row[field] for row in probe.pages(path, key, per_page=500)}

    reply = probe.post("/_sim/edits", {"do": "touch", "resource": resource, "percent": 10}).json()

    after = {row["id"]: row[field] for row in probe.pages(path, key, per_page=500)}
    differing = {number for number in after if after[number] != before[number]}
    assert differing
    assert differing <= set(reply["changed"])


def test_a_row_edited_during_a_listing_moves_and_another_is_skipped(
    server: PosabitServer, probe: Probe
) -> None:
    by_time = {"q[s]": "updated_at asc"}
    second_page = ids(probe, 2, **by_time)
    first = ids(probe, 1, **by_time)[0]
    probe.post(
        "/_sim/edits",
        {
            "do": "touch",
            "ids": [first],
            "after": {"resource": "customers", "requests": [1], "venue": second_venue(server, 0)},
        },
    )

    ids(probe, 1, **by_time)
    moved = ids(probe, 2, **by_time)

    assert moved == [*second_page[1:], moved[-1]]
    last = probe.get(CUSTOMERS, per_page=1000, **by_time).json()["customers"][-1]
    assert last["customer"]["id"] == first


def second_venue(server: PosabitServer, at: int) -> str:
    return server.world.venues[at].code


def test_a_row_deleted_during_a_listing_moves_the_rest_up(probe: Probe) -> None:
    first, second = ids(probe, 1), ids(probe, 2)
    edit = {"do": "delete", "id": first[0], "after": {"resource": "customers"}}
    probe.post("/_sim/edits", edit)

    ids(probe, 1)

    assert ids(probe, 2)[: len(second) - 1] == second[1:]
    assert probe.get(f"{CUSTOMERS}/{first[0]}").status == 404


def test_somebody_else_creates_the_shopper_just_before_we_do(
    server: PosabitServer, probe: Probe
) -> None:
    mine = {"first_name": "Ana", "telephone": "2065550142", "drivers_license": "WDL1"}
    probe.post(
        "/_sim/edits",
        {"do": "create", "set": mine, "before": {"resource": "customers.create"}},
    )

    searched = probe.get(CUSTOMERS, **{"q[telephone_eq]": "2065550142"}).json()
    refused = probe.post(CUSTOMERS, {"customer": mine})
    again = probe.get(CUSTOMERS, **{"q[telephone_eq]": "2065550142"}).json()

    assert searched["total_records"] == 0
    assert refused.status == 422
    assert again["total_records"] == 1


def test_sales_can_be_added_and_the_oracle_knows(server: PosabitServer, probe: Probe) -> None:
    before = probe.get("/_sim/oracle", groups=0).json()["sales"]["kept"]

    added = probe.post("/_sim/edits", {"do": "add_sales", "count": 4}).json()["changed"]

    assert probe.get("/_sim/oracle", groups=0).json()["sales"]["kept"] == before + 4
    rows = probe.get(SALES, **{"q[updated_at_gt]": "2026-11-22T00:00:00.000Z"}).json()
    assert [row["id"] for row in rows["sales_histories"]] == added
    assert probe.get("/_sim/oracle").json() == json.loads(json.dumps(answer(server.world)))


def test_a_row_can_be_broken_and_mended(server: PosabitServer, probe: Probe) -> None:
    number = next(row.id for row in server.world.shops[0].sales.rows() if not row.quirk)

    def aside() -> int:
        found = probe.get("/_sim/oracle", groups=0).json()["set_aside"]["sales"]
        return int(found["by_reason"]["bad_date"])

    before = aside()
    for quirk, expected in (("bad_date", before + 1), ("", before)):
        edit = {"do": "update", "resource": "sales", "id": number, "set": {"quirk": quirk}}
        probe.post("/_sim/edits", edit)
        assert aside() == expected


@pytest.mark.parametrize(
    "edit",
    [
        {"do": "dance"},
        {"do": "touch", "ids": [1]},
        {"do": "update", "resource": "customers", "id": 4410002, "set": {"shoe_size": 4}},
        {"do": "update", "resource": "sales", "id": 90210002, "set": {"total": "x"}},
        {"do": "merge", "keep": 1, "gone": 2},
        {"do": "touch", "resource": "shoes", "percent": 1},
        {"do": "refund", "id": 90210002, "shape": "R9"},
    ],
)
def test_an_edit_that_cannot_be_made_is_400(probe: Probe, edit: dict[str, Any]) -> None:
    reply = probe.post("/_sim/edits", edit)

    assert reply.status == 400
    assert reply.json()["error"]


# --- statistics and log ---


def test_statistics_count_requests_rows_and_statuses(probe: Probe) -> None:
    probe.post("/_sim/faults", {"resource": "sales", "fault": "500", "times": 1})
    probe.get(CUSTOMERS, per_page=20)
    probe.get(SALES)

    stats = probe.get("/_sim/stats").json()

    assert stats["requests"] == 2
    assert stats["resources"]["customers"] == {"requests": 1, "statuses": {"200": 1}, "rows": 20}
    assert stats["resources"]["sales_histories"]["statuses"] == {"500": 1}
    assert stats["in_flight"] == 0
    assert stats["last_request_at"] <= time.time()


def test_cleared_statistics_show_that_nobody_asked(probe: Probe) -> None:
    probe.get(CUSTOMERS)

    probe.delete("/_sim/stats")

    stats = probe.get("/_sim/stats").json()
    assert (stats["requests"], stats["last_request_at"]) == (0, None)


def test_statistics_show_the_pace_of_each_venue(server: PosabitServer, probe: Probe) -> None:
    for _ in range(3):
        probe.get(CUSTOMERS, per_page=1)
        time.sleep(0.05)

    pace = probe.get("/_sim/stats").json()["venues"][server.world.venues[0].code]

    assert 50 <= pace["min_start_gap_ms"] < 500
    assert 45 <= pace["min_idle_gap_ms"] <= pace["min_start_gap_ms"]
    assert pace["max_in_flight"] == 1


def test_two_requests_at_once_are_seen(server: PosabitServer) -> None:
    server.faults.add({"fault": "slow", "seconds": 0.3})

    def one() -> None:
        with Probe(server.url, token(server)) as probe:
            probe.get(CUSTOMERS)

    callers = [threading.Thread(target=one) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert server.stats.as_dict()["max_in_flight"] == 2


def test_the_log_holds_no_secret_and_no_personal_data(server: PosabitServer, probe: Probe) -> None:
    probe.get(CUSTOMERS, page=2, **{"q[telephone_eq]": "2065550142", "q[s]": "id desc"})
    probe.post(CUSTOMERS, {"customer": {"first_name": "Ana", "telephone": "2065550142"}})

    text = probe.get("/_sim/log").body.decode()

    entry = json.loads(text)[0]
    assert entry["params"] == {"page": "2", "q[telephone_eq]": "***", "q[s]": "id desc"}
    assert (entry["resource"], entry["status"]) == ("customers", 200)
    assert (entry["auth"], entry["version"]) == ("basic", "v3")
    for secret in ("2065550142", server.world.integrator_token, server.world.venues[0].token):
        assert secret not in text


def test_the_log_can_be_read_from_where_one_left_off(probe: Probe) -> None:
    for _ in range(3):
        probe.get(CUSTOMERS)

    assert [entry["n"] for entry in probe.get("/_sim/log", since=2).json()] == [3]


# --- the rest of the control plane ---


def test_permissions_are_set_per_venue(server: PosabitServer, probe: Probe) -> None:
    first, second = (venue.code for venue in server.world.venues)

    probe.post("/_sim/permissions", {"venue": first, "venue_data": False})

    permissions = probe.get("/_sim/permissions").json()
    assert (permissions[first]["venue_data"], permissions[second]["venue_data"]) == (False, True)
    assert probe.get(SALES).status == 403
    assert probe.post("/_sim/permissions", {"sing": True}).status == 400


def test_settings_change_what_the_server_does(probe: Probe) -> None:
    probe.post("/_sim/settings", {"max_per_page": 5})

    assert probe.get(CUSTOMERS, per_page=100).json()["per_page"] == 5
    assert probe.post("/_sim/settings", {"volume": 11}).status == 400


def test_a_reset_puts_another_retailer_behind_the_same_port(
    server: PosabitServer, probe: Probe
) -> None:
    probe.post("/_sim/faults", {"fault": "500"})

    world = probe.post("/_sim/reset", {"shoppers": 30, "stores": 1, "sales": 10}).json()

    assert [venue["customers"] for venue in world["venues"]] == [30]
    assert probe.get(CUSTOMERS).json()["total_records"] == 30
    assert probe.get("/_sim/stats").json()["requests"] == 1
    assert probe.post("/_sim/reset", {"colour": "red"}).status == 400


def test_rows_can_be_rendered_ahead(probe: Probe) -> None:
    cold = probe.get(SALES, per_page=500).body

    held = probe.post("/_sim/warm", {}).json()["bytes"]

    assert held > len(cold)
    assert probe.get(SALES, per_page=500).body == cold


def test_a_full_cache_is_let_go_and_answers_stay_right() -> None:
    with (
        PosabitServer(World(SPEC), cache_bytes=10_000) as tight,
        Probe(tight.url, token(tight)) as probe,
    ):
        rows = [probe.get(SALES, per_page=50, page=page).body for page in (1, 2, 1)]

    assert rows[0] == rows[2] != rows[1]


def test_an_unknown_control_is_404(probe: Probe) -> None:
    assert probe.get("/_sim/nothing").status == 404


def test_the_command_prints_where_it_listens_and_stops_on_sigterm() -> None:
    sizes = ["--shoppers", "20", "--sales", "20", "--stores", "1", "--now", "2026-11-22"]
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", "posabit", "--port", "0", *sizes],
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout
            found = json.loads(started.stdout.readline())
            key = basic(found["integrator_token"], found["venues"][0]["token"])
            with Probe(found["url"], key) as probe:
                listed = probe.get(CUSTOMERS).json()["total_records"]
        finally:
            started.send_signal(signal.SIGTERM)
            code = started.wait(10)

    assert listed == 20
    assert found["spec"]["now"] == NOW
    assert code == 0
