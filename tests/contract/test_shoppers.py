"""The calls that search and create a shopper, against the simulated POSaBIT and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.errors import (
    CallsStopped,
    FilterIgnored,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    RecordRefused,
    UpstreamError,
)
from chalicelib.pos.gateway import Gateway
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.contact_sync import NewShopper
from chalicelib.services.ports.pos import CredentialAccess
from simulators.posabit import PosabitServer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import HOUR, parse_instant
from tests.fakes.common import FakeClock

NOW = parse_instant("2026-11-22T00:00:00Z") or 0
ANA = NewShopper("Ana", "", "+12065550142", "ana@example.com", "1990-07-23", "WA")


@pytest.fixture
def server() -> Iterator[PosabitServer]:
    world = World(WorldSpec(now=NOW, shoppers=300, sales=10, products=5, old_lots=5))
    with PosabitServer(world, clock=lambda: NOW + HOUR) as running:
        yield running


def session(server: PosabitServer, *, key: str = "", permit: Any = do_nothing) -> Any:
    gateway = Gateway(
        FakeClock(), {"posabit": server.base_url}, lambda _: server.world.integrator_token
    )
    venue = server.world.venues[0]
    fields = {"store_name": venue.name, "key": key or venue.token}
    return gateway.open_shoppers(CredentialAccess("posabit", fields, venue.code, permit=permit))


def others(server: PosabitServer) -> int:
    return len(server.world.shops[0].customers)


def test_who_was_created_is_found_by_phone_and_by_email(server: PosabitServer) -> None:
    before = others(server)

    with_id = session(server).create(ANA)

    found = session(server).find(ANA.phone, ANA.email)
    assert [(c.ext_id, c.phone, c.email, c.birth_date) for c in found] == [
        (with_id, "+12065550142", "ana@example.com", "1990-07-23")
    ]
    assert [c.ext_id for c in session(server).find(None, "ana@example.com")] == [with_id]
    assert session(server).find("+12065550177", "nobody@example.com") == ()
    row = server.world.shops[0].customers.get(before)
    assert (row.phone, row.last, row.kind, row.loyalty) == ("2065550142", "", "recreational", True)
    assert (row.sms_in, row.sms_out, row.marketing) == (False, False, False)


def test_a_refusal_says_what_is_taken_and_nothing_of_the_person(server: PosabitServer) -> None:
    server.api.settings.unique_phones = True
    session(server).create(ANA)

    with pytest.raises(RecordRefused) as refused:
        session(server).create(ANA)

    assert refused.value.details == {"taken": True, "fields": ["telephone"]}
    assert "206" not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("429", RateLimited), ("403", PermissionMissing), ("422", RecordRefused)],
)
def test_after_a_refusal_nothing_was_created(
    server: PosabitServer, fault: str, error: type[Exception]
) -> None:
    server.faults.add({"resource": "customers.create", "fault": fault})
    before = others(server)

    with pytest.raises(error):
        session(server).create(ANA)

    assert others(server) == before


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_a_creation_whose_answer_is_lost_is_sent_once_and_found_by_the_search(
    server: PosabitServer, fault: str
) -> None:
    server.faults.add({"resource": "customers.create", "fault": fault})
    before = others(server)

    with pytest.raises(UpstreamError):
        session(server).create(ANA)

    assert others(server) == before + 1
    assert len(session(server).find(ANA.phone, None)) == 1


@pytest.mark.parametrize("fault", ["502", "html", "not_json"])
def test_an_answer_that_says_nothing_is_no_answer(server: PosabitServer, fault: str) -> None:
    server.faults.add({"resource": "customers.create", "fault": fault})

    with pytest.raises(UpstreamError):
        session(server).create(ANA)


def test_a_search_that_passes_over_its_filter_is_no_search(server: PosabitServer) -> None:
    server.faults.add({"resource": "customers", "fault": "ignore_filter"})

    with pytest.raises(FilterIgnored):
        session(server).find(ANA.phone, None)


def test_a_search_lags_behind_what_was_stored(server: PosabitServer) -> None:
    server.api.settings.search_lag_seconds = 10
    session(server).create(ANA)

    assert session(server).find(ANA.phone, ANA.email) == ()


def test_a_rejected_key_and_a_stopped_source_ask_nothing_further(server: PosabitServer) -> None:
    def stopped() -> None:
        raise CallsStopped("frozen", state="frozen")

    with pytest.raises(KeyRejected):
        session(server, key="vt_of_nobody").create(ANA)
    before = others(server)
    with pytest.raises(CallsStopped):
        session(server, permit=stopped).create(ANA)

    assert others(server) == before


def test_no_other_pos_is_written_to() -> None:
    gateway = Gateway(FakeClock(), {"thsuite": "http://127.0.0.1:1"}, lambda _: None)

    with pytest.raises(HostRefused):
        gateway.open_shoppers(CredentialAccess("thsuite", {"key": "x"}, "s", permit=do_nothing))
