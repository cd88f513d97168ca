"""Every fault can be switched on by resource and request count, and off again."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from simulators.posabit import PosabitServer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import parse_instant
from simulators.serving.probe import Probe, basic

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
CUSTOMERS = "/api/v3/venue/customers"


@pytest.fixture
def server() -> Iterator[PosabitServer]:
    spec = WorldSpec(now=NOW, shoppers=120, sales=100, products=20, old_lots=0)
    with PosabitServer(World(spec)) as running:
        yield running


@pytest.fixture
def probe(server: PosabitServer) -> Iterator[Probe]:
    token = server.world.venues[0].token
    with Probe(server.url, basic(server.world.integrator_token, token)) as opened:
        yield opened


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "422", "429", "500", "502", "503"])
def test_a_status_is_answered_on_the_requests_named_and_no_other(
    server: PosabitServer, probe: Probe, status: str
) -> None:
    server.faults.add({"resource": "customers", "requests": [2, 3], "fault": status})

    statuses = [probe.get(CUSTOMERS).status for _ in range(4)]

    assert statuses == [200, int(status), int(status), 200]


def test_500_then_ok(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"fault": "500", "times": 1})

    assert [probe.get(CUSTOMERS).status for _ in range(2)] == [500, 200]


def test_429_says_when_to_come_back_only_where_asked(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"fault": "429", "requests": [1], "retry_after": 2})
    server.faults.add(
        {"fault": "429", "requests": [2], "retry_after": 60, "retry_after_date": True}
    )
    server.faults.add({"fault": "429", "requests": [3]})

    seconds, date, nothing = (probe.get(CUSTOMERS).headers for _ in range(3))

    assert seconds["Retry-After"] == "2"
    ahead = parsedate_to_datetime(date["Retry-After"]).timestamp() - time.time()
    assert 55 < ahead <= 60
    assert "Retry-After" not in nothing


def test_a_cut_body_ends_before_its_length(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "fault": "cut", "times": 1})

    with pytest.raises(http.client.IncompleteRead):
        probe.get(CUSTOMERS)


def test_a_reset_connection_answers_nothing(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "fault": "reset", "times": 1})

    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        probe.get(CUSTOMERS)


def test_an_html_page_comes_with_status_200(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "fault": "html"})

    page = probe.get(CUSTOMERS)

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("kind", ["not_json", "wrong_shape", "error_object"])
def test_a_body_of_another_kind_comes_with_status_200(
    server: PosabitServer, probe: Probe, kind: str
) -> None:
    server.faults.add({"resource": "customers", "fault": kind})

    page = probe.get(CUSTOMERS)

    assert page.status == 200
    assert b'"customers"' not in page.body


def test_the_right_rows_under_the_wrong_type(server: PosabitServer, probe: Probe) -> None:
    good = probe.get(CUSTOMERS)
    server.faults.add({"resource": "customers", "fault": "wrong_type"})

    wrong = probe.get(CUSTOMERS)

    assert wrong.headers["Content-Type"] == "text/plain"
    assert wrong.body == good.body


def test_an_empty_page_in_the_middle_keeps_its_totals(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "requests": [2], "fault": "empty"})

    pages = [probe.get(CUSTOMERS, page=number, per_page=10).json() for number in (1, 2, 3)]

    assert [len(page["customers"]) for page in pages] == [10, 0, 10]
    assert len({page["total_records"] for page in pages}) == 1


def test_an_ignored_filter_gives_everything(server: PosabitServer, probe: Probe) -> None:
    nothing = {"q[updated_at_gt]": "2030-01-01T00:00:00.000Z", "start_date": "2030-01-01"}
    server.faults.add({"resource": "customers", "requests": [2], "fault": "ignore_filter"})

    totals = [probe.get(CUSTOMERS, **nothing).json()["total_records"] for _ in range(3)]

    assert totals == [0, probe.get(CUSTOMERS).json()["total_records"], 0]


def test_a_slow_answer_is_a_good_one_later(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "fault": "slow", "seconds": 0.2, "times": 1})

    begin = time.monotonic()
    status = probe.get(CUSTOMERS).status

    assert status == 200
    assert time.monotonic() - begin >= 0.2


def test_a_dripping_body_arrives_whole(server: PosabitServer, probe: Probe) -> None:
    good = probe.get(CUSTOMERS).body
    server.faults.add({"resource": "customers", "fault": "drip", "seconds": 0.2, "times": 1})

    begin = time.monotonic()
    body = probe.get(CUSTOMERS).body

    assert body == good
    assert time.monotonic() - begin >= 0.2


def test_an_oversized_body_is_as_large_as_asked(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "customers", "fault": "oversized", "bytes": 3_000_000})

    assert len(probe.get(CUSTOMERS).body) == 3_000_000


def test_a_skewed_clock_shows_in_the_date_and_in_what_is_edited(
    server: PosabitServer, probe: Probe
) -> None:
    server.api.settings.skew_seconds = 600
    number = server.world.shops[0].customers.ids[0]

    server.edits.apply({"do": "touch", "ids": [number]})
    answer = probe.get(f"{CUSTOMERS}/{number}")

    stamped = (parse_instant(answer.json()["customer"]["updated_at"]) or 0) / 1000
    assert 590 < stamped - time.time() <= 600
    assert 590 < parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() <= 600


def test_a_fault_of_one_venue_or_resource_spares_the_others(
    server: PosabitServer, probe: Probe
) -> None:
    server.faults.add({"resource": "sales", "fault": "500"})
    server.faults.add(
        {"resource": "customers", "venue": server.world.venues[1].code, "fault": "500"}
    )

    assert probe.get(CUSTOMERS).status == 200
    assert probe.get("/api/v3/venue/sales_histories").status == 500


def test_cleared_faults_are_gone(server: PosabitServer, probe: Probe) -> None:
    server.faults.add({"resource": "sales", "fault": "500"})
    server.faults.add({"resource": "customers", "fault": "500"})

    server.faults.clear("customers")

    assert probe.get(CUSTOMERS).status == 200
    assert probe.get("/api/v3/venue/sales_histories").status == 500


@pytest.mark.parametrize("rule", [{"fault": "flood"}, {}, {"fault": "500", "requests": ["x"]}])
def test_a_fault_that_cannot_be_read_is_refused(
    server: PosabitServer, rule: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"unknown fault|invalid literal"):
        server.faults.add(rule)


def test_stopping_the_server_gives_up_slow_answers_and_closes_connections() -> None:
    spec = WorldSpec(now=NOW, shoppers=5, sales=0, products=5, old_lots=0)
    server = PosabitServer(World(spec)).start()
    token = basic(server.world.integrator_token, server.world.venues[0].token)
    server.faults.add({"fault": "slow", "seconds": 30})
    waiting = threading.Thread(target=_swallow, args=(server.url, token))
    waiting.start()

    begin = time.monotonic()
    while not server.stats.as_dict()["requests"]:
        time.sleep(0.01)
    server.stop()
    waiting.join(5)

    assert not waiting.is_alive()
    assert time.monotonic() - begin < 5
    with pytest.raises(ConnectionRefusedError), socket.socket() as knock:
        knock.connect(("127.0.0.1", server.port))


def _swallow(url: str, token: str) -> None:
    with Probe(url, token) as probe:
        try:
            probe.get(CUSTOMERS)
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return
