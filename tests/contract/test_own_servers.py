"""Auphan and Profitek behind an address that the retailer typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from chalicelib.domain.errors import HostRefused, ServerUnreachable, ServerUntrusted
from chalicelib.domain.records import Sale
from chalicelib.domain.times import DAY, at_wall_clock
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.transport.egress import AddressRanges, Guard
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, HostTrust, StreamPlan

from .auphan import Auphan
from .bench import NOW, Bench, bench_of, pages, read
from .profitek import Profitek

Own = Auphan | Profitek


@pytest.fixture(params=[Auphan, Profitek], ids=lambda each: each.__name__)
def bench(request: pytest.FixtureRequest) -> Iterator[Own]:
    with request.param(shoppers=60, sales=40) as started:
        yield started


def gateway(bench: Own, *allowed: str) -> Gateway:
    """No address is configured: the typed one is all there is."""
    return Gateway(bench.clock, {}, lambda _name: None, Guard(AddressRanges.of(allowed, ())))


def access(bench: Own, trust: HostTrust) -> CredentialAccess:
    known = bench.access()
    fields = {**known.fields, "host": f"127.0.0.1:{bench.server.port}"}
    return CredentialAccess(
        known.platform, fields, known.scope, known.time_zone, "CAD", trust, permit=do_nothing
    )


def test_a_server_without_https_is_read_once_the_retailer_allows_it(bench: Own) -> None:
    """IP: IP:port of your server, if hosted on-premises.

    Custom IP: Required if your server is hosted on-premises.
    """
    own = access(bench, HostTrust(allow_http=True))
    there = gateway(bench, "127.0.0.0/8")

    checked = there.check(own)
    session = there.open(own)
    listing = list(pages(session, StreamPlan("customers", NOW)))

    assert (checked.outcome, checked.scope) == ("ok", own.scope)
    assert {fact.ext_id for page in listing for fact in page.facts} == set(  # type: ignore[union-attr]
        bench.truth("customers")
    )


def test_a_server_without_https_is_not_spoken_to_unasked(bench: Own) -> None:
    there = gateway(bench, "127.0.0.0/8")

    with pytest.raises(ServerUntrusted):
        there.open(access(bench, HostTrust())).fetch(StreamPlan("sales", NOW), None)


def test_a_certificate_nobody_vouches_for_is_pinned_by_the_check_and_then_enough(
    bench: Own,
) -> None:
    bench.server.change_front(tls="self-signed")
    there = gateway(bench, "127.0.0.0/8")

    pinned = there.check(access(bench, HostTrust(accept_certificate=True))).certificate
    trust = HostTrust(accept_certificate=True, certificate=pinned)
    page = there.open(access(bench, trust)).fetch(StreamPlan("sales", NOW), None)

    assert pinned
    assert pinned.replace(":", "").lower() == bench.server.certificate_sha256
    assert page.requests == 1


def test_an_address_within_a_network_is_refused(bench: Own) -> None:
    with pytest.raises(HostRefused):
        gateway(bench).open(access(bench, HostTrust(allow_http=True))).fetch(
            StreamPlan("sales", NOW), None
        )


def test_a_server_that_is_switched_off_is_unreachable(bench: Own) -> None:
    bench.server.change_front("offline")

    with pytest.raises(ServerUnreachable):
        gateway(bench, "127.0.0.0/8").open(access(bench, HostTrust(allow_http=True))).fetch(
            StreamPlan("sales", NOW), None
        )


@pytest.mark.parametrize("somebody", ["router", "other_server", "nothing_here", "redirect"])
def test_somebody_elses_answer_is_none(bench: Own, somebody: str) -> None:
    bench.server.change_front(somebody)
    own = access(bench, HostTrust(allow_http=True))

    assert gateway(bench, "127.0.0.0/8").check(own).outcome == "unexpected_answer"


@pytest.mark.parametrize("typed", ["pos.example.com", "POS.Example.com", "pos.example.com."])
def test_a_server_typed_in_another_way_is_not_another_server(typed: str) -> None:
    with Auphan(shoppers=20, sales=10) as bench:
        own = access(bench, HostTrust(allow_http=True))
        fields = {**own.fields, "host": f"{typed}:{bench.server.port}"}
        guard = Guard(
            AddressRanges.of(["127.0.0.0/8"], ()), lambda _n, _s: [ip_address("127.0.0.1")]
        )
        there = Gateway(bench.clock, {}, lambda _name: None, guard)

        checked = there.check(replace(own, fields=fields, scope=None))

        assert checked.scope == f"pos.example.com:{bench.server.port}"


@pytest.mark.parametrize("platform", ["auphan", "profitek"])
def test_a_time_without_a_zone_is_kept_as_the_clock_showed_it(platform: str) -> None:
    with bench_of(platform)() as bench:
        here, there = (
            {sale.ext_id: sale for sale in facts_in(bench, zone)}
            for zone in ("America/Vancouver", "America/St_Johns")
        )

    assert here
    assert {n: sale.wall_clock for n, sale in here.items()} == {
        n: sale.wall_clock for n, sale in there.items()
    }
    for number, sale in here.items():
        assert sale.wall_clock is not None
        assert sale.ordered_at == at_wall_clock(sale.wall_clock, "America/Vancouver")
        assert there[number].ordered_at == at_wall_clock(sale.wall_clock, "America/St_Johns")


@pytest.mark.parametrize("platform", ["posabit", "thsuite", "webjoint"])
def test_a_time_with_its_zone_is_an_instant(platform: str) -> None:
    with bench_of(platform)() as bench:
        sales = facts_in(bench, "America/St_Johns")

    assert sales
    assert {sale.wall_clock for sale in sales} == {None}


def facts_in(bench: Bench, zone: str) -> list[Sale]:
    access = replace(bench.access(), time_zone=zone)
    found = read(bench, "sales", history_from=NOW - 400 * DAY, access=access).facts
    return [fact for fact in found if isinstance(fact, Sale)]
