"""Hosts that retailers type: none that is hostile is ever called, and all refusals are alike."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import HostRefused, ServerUnreachable
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.pos.profile import typed_host as hosts
from chalicelib.pos.profile.profile import FieldProfile
from chalicelib.pos.profile.typed_host import Address, Host
from chalicelib.pos.transport.egress import AddressRanges, Guard, look_up
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, StreamPlan
from tests.fakes.common import FakeClock

PUBLIC = "8.8.8.8"
OURS = "8.8.4.0/24"

NAMES = {
    "loopback.example.com": ["127.0.0.1"],
    "private.example.com": ["10.1.2.3"],
    "one-of-two.example.com": [PUBLIC, "192.168.1.10"],
    "one-of-many.example.com": [*(f"8.8.8.{n}" for n in range(1, 60)), "10.0.0.1"],
    "one-of-both-kinds.example.com": [PUBLIC, "fd00:ec2::254"],
    "metadata.example.com": ["169.254.169.254"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "mapped-public.example.com": ["::ffff:8.8.8.8"],
    "link-local.example.com": ["fe80::1%1"],
    "ours.example.com": ["8.8.4.4"],
    "nothing.example.com": [],
}

HOSTILE = [
    # forms
    "",
    "192.101.102.103",
    ":25565",
    "192.101.102.103:",
    "http://8.8.8.8:8443",
    "https://8.8.8.8:8443",
    "//8.8.8.8:8443",
    "file:///proc/self/environ",
    "gopher://8.8.8.8:70/_",
    "8.8.8.8:8443/",
    "8.8.8.8:8443/latest/meta-data",
    "8.8.8.8:8443?x=1",
    "8.8.8.8:8443#x",
    "user@8.8.8.8:8443",
    "user:pass@8.8.8.8:8443",
    "8.8.8.8:8443@127.0.0.1:8443",
    "8.8.8.8:8443@127.0.0.1",
    "127.0.0.1\\@8.8.8.8:8443",
    "8.8.8.8 :8443",
    "8.8.8.8: 8443",
    "8.8.8.8:8443\r\nHost: 127.0.0.1",
    "8.8.8.8\x00.example.com:8443",
    "8.8.8.8:8443:8443",
    "8.8.8.8:+8443",
    "8.8.8.8:8_443",
    "8.8.8.8:08443",
    "8.8.8.8:0",
    "8.8.8.8:65536",
    "8.8.8.8:99999",
    "8.8.8.8:-1",
    "8.8.8.8:0x20fb",
    "8.8.8.8:\uff18\uff14\uff14\uff13",  # full-width digits
    "\uff18.8.8.8:8443",
    "8\u30028\u30028\u30028:8443",  # ideographic full stops
    "8\u2024 8.8.8:8443",
    "\u24d4xample.com:8443",
    "exampl\u0435.com:8443",  # a Cyrillic e
    "example.com\u200b:8443",
    "8.8.8.8%00:8443",
    "%31%32%37.0.0.1:8443",
    "x" * 64 + ".example.com:8443",
    "a." * 130 + "example.com:8443",
    "-x.example.com:8443",
    "x_y.example.com:8443",
    "*.example.com:8443",
    "x..example.com:8443",
    "example.com..:8443",
    ".example.com:8443",
    "[8.8.8.8]:8443",
    "2001:4860:4860::8888:8443",
    "[2001:4860:4860::8888]8443",
    "[fe80::1%25eth0]:8443",
    "[fe80::1%eth0]:8443",
    "[2001:4860:4860::8888:8443",
    # numbers that some library takes for an address
    "2130706433:8443",
    "0x7f000001:8443",
    "0x7f.1:8443",
    "0177.0.0.1:8443",
    "017700000001:8443",
    "127.1:8443",
    "127.0.1:8443",
    "0:8443",
    "127.0.0.0x1:8443",
    "127.0.0.1.:8443",
    "8.8.8.8.:8443",
    "8.8.8.256:8443",
    "8.8.8.8.8:8443",
    "010.8.8.8:8443",
    # addresses
    "127.0.0.1:8443",
    "127.255.255.254:8443",
    "0.0.0.0:8443",
    "10.0.0.1:8443",
    "172.16.0.1:8443",
    "172.31.255.255:8443",
    "192.168.0.1:8443",
    "169.254.169.254:80",
    "169.254.170.2:80",
    "169.254.78.1:8443",
    "168.63.129.16:80",
    "100.64.0.1:8443",
    "100.100.100.200:80",
    "192.0.0.192:80",
    "192.0.2.1:8443",
    "192.88.99.1:8443",
    "198.18.0.1:8443",
    "198.51.100.1:8443",
    "203.0.113.1:8443",
    "224.0.0.1:8443",
    "239.255.255.250:8443",
    "240.0.0.1:8443",
    "255.255.255.255:8443",
    "8.8.4.4:8443",
    "[::]:8443",
    "[::1]:8443",
    "[::127.0.0.1]:8443",
    "[::7f00:1]:8443",
    "[::8.8.8.8]:8443",
    "[::ffff:127.0.0.1]:8443",
    "[::ffff:10.0.0.1]:8443",
    "[::ffff:8.8.8.8]:8443",
    "[::ffff:0:127.0.0.1]:8443",
    "[64:ff9b::127.0.0.1]:8443",
    "[64:ff9b::8.8.8.8]:8443",
    "[64:ff9b:1::10.0.0.1]:8443",
    "[2002:7f00:1::]:8443",
    "[2002:808:808::]:8443",
    "[2001::1]:8443",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]:8443",
    "[2001:2::1]:8443",
    "[2001:10::1]:8443",
    "[2001:20::1]:8443",
    "[2001:db8::1]:8443",
    "[3fff::1]:8443",
    "[100::1]:8443",
    "[5f00::1]:8443",
    "[fc00::1]:8443",
    "[fd00:ec2::254]:80",
    "[fe80::1]:8443",
    "[fec0::1]:8443",
    "[ff02::1]:8443",
    "[4000::1]:8443",
    # names
    "localhost:8443",
    "metadata:80",
    "nowhere.example.com:8443",
    *(f"{name}:8443" for name in NAMES),
    # ports
    *(f"{PUBLIC}:{port}" for port in (22, 25, 53, 111, 135, 139, 445, 2375, 2379, 3306, 5432)),
    *(f"{PUBLIC}:{port}" for port in (6379, 9001, 9200, 9300, 11211, 27017, 10250)),
]


class Wire:
    """Sockets that reach nobody, and a resolver that knows `NAMES`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.connects: list[Any] = []
        self.asked: list[str] = []
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, self._connect)
        patch.setattr(socket, "getaddrinfo", self._look_up)

    def _connect(self, *to: Any) -> None:
        self.connects.append(to[-1])
        raise ConnectionRefusedError

    def _look_up(self, name: bytes, _port: object, **_options: object) -> list[Any]:
        self.asked.append(name.decode())
        found = NAMES.get(name.decode().removesuffix("."))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(0, 0, 0, "", (address, 0)) for address in found]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Of a platform whose credential has an own server's address."""
    profile = registry.profile("posabit")
    ip = FieldProfile(
        key="ip", label="IP", help="", example="", max_length=260, required=False, host=True
    )
    fields = (*profile.credential.fields, ip)
    changed = profile.model_copy(
        update={
            "base_url": None,
            "credential": profile.credential.model_copy(update={"fields": fields}),
        }
    )
    monkeypatch.setattr(registry, "profile", lambda _platform: changed)
    return Gateway(FakeClock(), {}, lambda _platform: None, Guard(AddressRanges.of([], [OURS])))


def access(typed: str) -> CredentialAccess:
    return CredentialAccess(
        "posabit", {"store_name": "x", "key": "vt_4f1c9a2b7d", "ip": typed}, permit=do_nothing
    )


def refusal(act: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(HostRefused) as refused:
        act()
    return type(refused.value), refused.value.message, refused.value.details


def test_the_table_of_hostile_hosts_is_long_and_without_repetition() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("typed", HOSTILE[1:])
def test_a_hostile_host_is_never_connected_to_and_all_answers_are_alike(
    typed: str, wire: Wire, gateway: Gateway
) -> None:
    checked = refusal(lambda: gateway.check(access(typed)))

    assert checked == (HostRefused, hosts.REFUSED, {})
    assert wire.connects == []


def test_a_sync_is_refused_as_a_check_is(wire: Wire, gateway: Gateway) -> None:
    session = gateway.open(access("private.example.com:8443"))

    assert refusal(lambda: session.fetch(StreamPlan("sales", now=0), None))[1] == hosts.REFUSED
    assert wire.connects == []


def test_a_blank_host_is_no_host(wire: Wire, gateway: Gateway) -> None:
    with pytest.raises(HostRefused, match="never guessed"):
        gateway.open(access(""))


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("192.101.102.103:25565", ("192.101.102.103", 25565)),
        ("8.8.8.8:80", ("8.8.8.8", 80)),
        ("8.8.8.8:443", ("8.8.8.8", 443)),
        ("8.8.8.8:8443", ("8.8.8.8", 8443)),
        ("8.8.8.8:18081", ("8.8.8.8", 18081)),
        ("8.8.8.8:65535", ("8.8.8.8", 65535)),
        ("[2001:4860:4860::8888]:443", ("2001:4860:4860::8888", 443)),
    ],
)
def test_a_public_address_is_called_as_typed(
    typed: str, called: tuple[str, int], wire: Wire, gateway: Gateway
) -> None:
    result = gateway.check(access(typed))

    assert result.outcome == "server_unreachable"
    assert set(wire.connects) == {called}


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("POS.Example.COM:8443", "pos.example.com:8443"),
        ("pos.example.com.:8443", "pos.example.com:8443"),
        ("xn--bcher-kva.example:8443", "xn--bcher-kva.example:8443"),
        ("[2001:4860:4860:0:0:0:0:8888]:443", "[2001:4860:4860::8888]:443"),
        ("8.8.8.8:443", "8.8.8.8:443"),
    ],
)
def test_there_is_one_way_to_write_a_host(typed: str, written: str) -> None:
    assert str(hosts.parse(typed)) == written
    assert hosts.parse(written) == hosts.parse(typed)


@given(st.text(max_size=40) | st.from_regex(r"[0-9a-fA-F.:\[\]x-]{1,40}", fullmatch=True))
def test_whatever_is_typed_is_a_host_or_the_one_refusal(typed: str) -> None:
    try:
        written = str(hosts.parse(typed))
    except HostRefused as error:
        written = error.message

    assert written == hosts.REFUSED or str(hosts.parse(written)) == written
    assert written.isascii()


@given(st.ip_addresses(v=4))
def test_wrapped_forms_of_an_address_are_refused_whatever_is_inside(inside: IPv4Address) -> None:
    allowed = AddressRanges.of(["0.0.0.0/0"], [])

    for prefix in ("::", "::ffff:", "64:ff9b::", "64:ff9b:1::", "::ffff:0:"):
        assert allowed.refuses(IPv6Address(f"{prefix}{inside}"))
    six_to_four = (0x2002 << 112) | (int(inside) << 80)
    assert allowed.refuses(IPv6Address(six_to_four))


@given(st.ip_addresses())
def test_nothing_private_multicast_or_reserved_is_called(address: Address) -> None:
    if not AddressRanges().refuses(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_link_local))


def test_a_range_of_test_servers_may_be_allowed_and_what_is_ours_stays_denied() -> None:
    ranges = AddressRanges.of(["127.0.0.0/8"], ["127.0.0.9/32"])

    assert not ranges.refuses(ip_address("127.0.0.1"))
    assert ranges.refuses(ip_address("127.0.0.9"))
    assert ranges.refuses(ip_address("10.0.0.1"))


@pytest.mark.parametrize("bad", ["127.0.0.1/8", "localhost", "10.0.0.0/33"])
def test_a_range_that_is_none_is_said_at_once(bad: str) -> None:
    with pytest.raises(ValueError, match=r"\d|localhost"):
        AddressRanges.of([bad], [])


def test_a_name_is_looked_up_as_it_is_and_never_inside_our_own_domain(wire: Wire) -> None:
    assert look_up("private.example.com", 1.0) == [ip_address("10.1.2.3")]
    assert wire.asked == ["private.example.com."]


def test_a_resolver_that_hangs_costs_no_more_than_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, asking = threading.Event(), []

    def hang(*_: object, **__: object) -> list[Any]:
        asking.append(threading.current_thread())
        released.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()

    with pytest.raises(ServerUnreachable):
        look_up("slow.example.com", 0.05)
    waited = time.monotonic() - started
    released.set()
    asking[0].join()

    assert waited < 1


def test_a_resolver_in_trouble_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(ServerUnreachable):
        look_up("pos.example.com", 1.0)


def test_the_next_address_of_a_name_is_tried_and_only_a_few(wire: Wire) -> None:
    addresses = [ip_address(f"8.8.8.{number}") for number in range(1, 9)]
    guard = Guard(AddressRanges(), lambda _name, _seconds: addresses)

    with pytest.raises(ServerUnreachable):
        guard.dial(Host("pos.example.com", 8443), 1.0)

    assert wire.connects == [(f"8.8.8.{number}", 8443) for number in range(1, 5)]


class SlowRoad:
    """Time that passes while a name is looked up and while each connection is tried."""

    def __init__(self, patch: pytest.MonkeyPatch, *, refusing: int, each: float) -> None:
        self.now, self.refusing, self.each = 100.0, refusing, each
        self.timeouts: list[float | None] = []
        road = self

        def connect(connection: socket.socket, _to: object) -> None:
            road.timeouts.append(connection.gettimeout())
            road.now += road.each
            if len(road.timeouts) <= road.refusing:
                raise ConnectionRefusedError

        patch.setattr(socket.socket, "connect", connect)
        clock = SimpleNamespace(monotonic=lambda: road.now)
        patch.setattr("chalicelib.pos.transport.egress.time", clock)

    def look_up(self, _name: str, _seconds: float) -> Sequence[Address]:
        self.now += 0.125
        return [ip_address(f"8.8.8.{number}") for number in range(1, 5)]

    def dial(self) -> socket.socket:
        guard = Guard(AddressRanges(), self.look_up)
        return guard.dial(Host("pos.example.com", 8443), 1.0)


def test_each_address_has_what_is_left_of_the_time_and_the_connection_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    road = SlowRoad(monkeypatch, refusing=2, each=0.25)

    with road.dial() as connection:
        assert connection.gettimeout() == 0.125

    assert road.timeouts == [0.875, 0.625, 0.375]


def test_nothing_is_connected_to_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    road = SlowRoad(monkeypatch, refusing=4, each=0.4375)

    with pytest.raises(ServerUnreachable):
        road.dial()

    assert road.timeouts == [0.875, 0.4375]


def test_a_connection_made_in_the_last_moment_may_still_be_spoken_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SlowRoad(monkeypatch, refusing=0, each=0.875).dial() as connection:
        assert connection.gettimeout() == 0.05


def test_a_name_that_answers_differently_later_leads_nowhere(wire: Wire) -> None:
    answers: list[Sequence[Address]] = [[ip_address(PUBLIC)], [ip_address("127.0.0.1")]]
    guard = Guard(AddressRanges(), lambda _name, _seconds: answers.pop(0))
    host = Host("rebinding.example.com", 8443)

    with pytest.raises(ServerUnreachable):
        guard.dial(host, 1.0)
    with pytest.raises(HostRefused):
        guard.dial(host, 1.0)

    assert wire.connects == [(PUBLIC, 8443)]
