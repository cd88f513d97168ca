"""A retailer's own server: HTTPS first, and nothing less unless the retailer said so."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.errors import (
    AiqError,
    HostRefused,
    ServerUnreachable,
    ServerUntrusted,
    UnexpectedAnswer,
)
from chalicelib.pos.profile import typed_host as hosts
from chalicelib.pos.profile.typed_host import Address, Host
from chalicelib.pos.transport.egress import AddressRanges, Guard
from chalicelib.pos.transport.own_server import OwnServer, fingerprint
from chalicelib.pos.transport.transport import Call, TooSlow, Transport
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import HostTrust
from simulators.serving.selfsigned import make_certificate, server_context
from tests.fakes.common import FakeClock

from .tiny_server import Script, TinyServer, drip, head, say

GOOD = say(b'{"ok": true}')
LOOPBACK = AddressRanges.of(["127.0.0.1/32"], [])
NAME = "pos.example.com"
NOTHING_SAID = HostTrust()
CALL = Call("customers", "/customers", headers={"Authorization": "Bearer vt_canary"})


class TlsServer(TinyServer):
    def __init__(self, script: Script, context: ssl.SSLContext) -> None:
        self.context = context
        self.names: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__(script)

    def _answer(self, connection: socket.socket) -> None:
        try:
            with self.context.wrap_socket(connection, server_side=True) as spoken:
                super()._answer(spoken)
        except OSError:
            return


def a_vouched_for_certificate(name: str) -> tuple[bytes, bytes]:
    """(certificate, key) in PEM; the certificate is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    names: list[x509.GeneralName] = [
        x509.DNSName(name),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), pem


def sha256(pem: bytes) -> str:
    return fingerprint(ssl.PEM_cert_to_DER_cert(pem.decode()))


@contextmanager
def plain(script: Script = GOOD) -> Iterator[TinyServer]:
    with ExitStack() as stack:
        server = TinyServer(script)
        stack.callback(server.close)
        yield server


@contextmanager
def secure(certificate: bytes, key: bytes, script: Script = GOOD) -> Iterator[TlsServer]:
    with ExitStack() as stack:
        server = TlsServer(script, server_context(certificate, key))
        stack.callback(server.close)
        yield server


def port(server: TinyServer) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def typed(server: TinyServer) -> Host:
    return hosts.parse(f"127.0.0.1:{port(server)}")


def own(
    server: TinyServer,
    trust: HostTrust = NOTHING_SAID,
    *,
    host: Host | None = None,
    guard: Guard | None = None,
    **options: Any,
) -> OwnServer:
    return OwnServer(
        host or typed(server), trust, guard or Guard(LOOPBACK), permit=do_nothing, **options
    )


def transport(way: OwnServer, clock: Any = None) -> Transport:
    return Transport(
        clock or FakeClock(), way.base_url, title="Auphan", own_server=way, permit=do_nothing
    )


def ask(way: OwnServer) -> Any:
    """The body, or the error."""
    used = transport(way)
    try:
        return used.get(CALL, lambda body: body)
    except AiqError as error:
        return error
    finally:
        used.close()


@pytest.fixture(autouse=True)
def short_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain server of these tests waits for more, as some do, when it is greeted with TLS."""
    monkeypatch.setattr("chalicelib.pos.transport.own_server.HANDSHAKE_SECONDS", 0.5)


@pytest.fixture(scope="module")
def self_signed() -> tuple[bytes, bytes]:
    return make_certificate("back office")


@pytest.fixture(scope="module")
def vouched_for() -> tuple[bytes, bytes]:
    return a_vouched_for_certificate(NAME)


@pytest.fixture
def authorities(vouched_for: tuple[bytes, bytes], tmp_path: Path) -> str:
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(vouched_for[0])
    return str(bundle)


def test_plain_http_is_not_spoken_unless_the_retailer_says_so() -> None:
    with plain() as server:
        refused = ask(own(server))
        taken = ask(own(server, HostTrust(allow_http=True)))

    assert isinstance(refused, ServerUntrusted)
    assert "allow plain HTTP on this credential" in refused.message
    assert taken == {"ok": True}
    assert not any("vt_canary" in asked for asked in server.requests[:-1])


def test_a_certificate_of_a_public_authority_needs_no_word(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    with secure(*vouched_for) as server:
        way = own(server, authorities=authorities)

        assert ask(way) == {"ok": True}
        assert way.certificate is None


def test_https_is_taken_where_it_is_there_though_http_was_allowed(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    with secure(*vouched_for) as server:
        assert ask(own(server, HostTrust(allow_http=True), authorities=authorities)) == {"ok": True}


def test_a_certificate_for_another_name_is_not_vouched_for(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    resolver = Guard(LOOPBACK, lambda _name, _seconds: [ip_address("127.0.0.1")])

    with secure(*vouched_for) as server:
        right, other = (Host(name, port(server)) for name in (NAME, "other.example.com"))
        before = ask(own(server, host=right, guard=resolver, authorities=authorities))
        error = ask(own(server, host=other, guard=resolver, authorities=authorities))

    assert before == {"ok": True}
    assert isinstance(error, ServerUntrusted)
    assert len(server.requests) == 1


def test_name_and_certificate_stay_those_of_the_host_though_an_address_is_called(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    resolver = Guard(LOOPBACK, lambda _name, _seconds: [ip_address("127.0.0.1")])

    with secure(*vouched_for) as server:
        host = Host(NAME, port(server))
        assert ask(own(server, host=host, guard=resolver, authorities=authorities)) == {"ok": True}

    assert set(server.names) == {NAME}
    assert f"Host: {NAME}:{host.port}" in server.requests[0]


@pytest.mark.parametrize("trust", [NOTHING_SAID, HostTrust(allow_http=True)])
def test_a_certificate_nobody_vouches_for_is_told_and_no_key_is_sent(
    self_signed: tuple[bytes, bytes], trust: HostTrust
) -> None:
    with secure(*self_signed) as server:
        way = own(server, trust)
        error = ask(way)

    assert isinstance(error, ServerUntrusted)
    assert error.details == {"certificate": sha256(self_signed[0])}
    assert sha256(self_signed[0]) in error.message
    assert way.certificate == sha256(self_signed[0])
    assert server.requests == []


def test_an_accepted_certificate_is_taken_on_first_use_and_told(
    self_signed: tuple[bytes, bytes],
) -> None:
    with secure(*self_signed) as server:
        way = own(server, HostTrust(accept_certificate=True), first_use=True)

        assert ask(way) == {"ok": True}
        assert way.certificate == sha256(self_signed[0])


def test_only_a_check_is_a_first_use(self_signed: tuple[bytes, bytes]) -> None:
    with secure(*self_signed) as server:
        error = ask(own(server, HostTrust(accept_certificate=True)))

    assert isinstance(error, ServerUntrusted)
    assert server.requests == []


def test_the_pinned_certificate_is_enough_even_when_it_is_expired() -> None:
    pair = make_certificate("back office", expired=True)
    pinned = HostTrust(accept_certificate=True, certificate=sha256(pair[0]))

    with secure(*pair) as server:
        assert ask(own(server, pinned)) == {"ok": True}


@pytest.mark.parametrize("first_use", [True, False])
def test_a_changed_certificate_is_refused_with_what_to_do(
    self_signed: tuple[bytes, bytes], first_use: bool
) -> None:
    pinned = HostTrust(accept_certificate=True, certificate=sha256(make_certificate("old")[0]))

    with secure(*self_signed) as server:
        error = ask(own(server, pinned, first_use=first_use))

    assert isinstance(error, ServerUntrusted)
    assert "accept the certificate again" in error.message
    assert error.details == {"certificate": sha256(self_signed[0])}
    assert server.requests == []


def test_a_pinned_server_that_got_a_public_certificate_is_fine(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    pinned = HostTrust(accept_certificate=True, certificate=sha256(make_certificate("old")[0]))

    with secure(*vouched_for) as server:
        assert ask(own(server, pinned, authorities=authorities)) == {"ok": True}


def test_a_pinned_server_is_never_spoken_to_without_https() -> None:
    trust = HostTrust(allow_http=True, accept_certificate=True, certificate="AB:CD")

    with plain() as server:
        error = ask(own(server, trust))

    assert isinstance(error, ServerUntrusted)
    assert not any("vt_canary" in asked for asked in server.requests)


def test_a_certificate_that_changes_within_a_session_is_refused(
    self_signed: tuple[bytes, bytes],
) -> None:
    pinned = HostTrust(accept_certificate=True, certificate=sha256(self_signed[0]))

    with secure(*self_signed) as server:
        way = own(server, pinned)
        used = transport(way)
        used.get(CALL, lambda body: body)
        server.context = server_context(*make_certificate("somebody else"))
        with pytest.raises(ServerUntrusted, match="another certificate"):
            used.get(CALL, lambda body: body)

    assert len(server.requests) == 1


def test_a_server_that_was_vouched_for_is_refused_once_it_shows_somebody_elses_certificate(
    vouched_for: tuple[bytes, bytes], authorities: str
) -> None:
    with secure(*vouched_for) as server:
        used = transport(own(server, authorities=authorities))
        used.get(CALL, lambda body: body)
        server.context = server_context(*make_certificate("somebody else"))
        with pytest.raises(ServerUntrusted, match="Nobody vouches"):
            used.get(CALL, lambda body: body)

    assert len(server.requests) == 1


def test_a_name_is_judged_again_at_every_connection() -> None:
    loopback, private = [ip_address("127.0.0.1")], [ip_address("10.0.0.1")]
    answers: list[Sequence[Address]] = [loopback, loopback, loopback, private]
    guard = Guard(LOOPBACK, lambda _name, _seconds: answers.pop(0))

    with plain() as server:
        host = Host(NAME, port(server))
        used = transport(own(server, HostTrust(allow_http=True), host=host, guard=guard))
        used.get(CALL, lambda body: body)
        used.get(CALL, lambda body: body)
        with pytest.raises(HostRefused):
            used.get(CALL, lambda body: body)

    assert sum("vt_canary" in asked for asked in server.requests) == 2


def test_a_redirect_is_not_followed_and_no_proxy_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with plain() as elsewhere:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        with plain(say(b"", "302 Found", Location=elsewhere.url)) as server:
            error = ask(own(server, HostTrust(allow_http=True)))

    assert isinstance(error, UnexpectedAnswer)
    assert elsewhere.requests == []


def test_a_server_that_is_not_there_is_unreachable_whatever_was_said() -> None:
    with plain() as server:
        way = own(server, HostTrust(allow_http=True, accept_certificate=True))
    error = ask(way)

    assert type(error) is ServerUnreachable


def test_a_server_that_takes_the_connection_and_says_nothing_is_the_retailers_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chalicelib.pos.transport.transport.READ_SECONDS", 0.3)

    def silent(connection: socket.socket, _number: int) -> None:
        connection.recv(1024)
        time.sleep(0.6)

    with plain(silent) as server:
        way = own(server, HostTrust(allow_http=True))
        way.greet(3.0)
        error = ask(way)

    assert type(error) is ServerUnreachable
    assert (error.actor, str(error)) == ("you", "The server of Auphan does not answer.")


def test_a_head_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.pos.transport.transport.READ_SECONDS", 0.3)
    dripping = drip(head("200 OK", {f"X-{n}": "y" for n in range(200)}), 0.02)

    with plain(dripping) as server:
        way = own(server, HostTrust(allow_http=True))
        way.greet(3.0)
        started = time.monotonic()
        error = ask(way)

    assert type(error) is ServerUnreachable
    assert time.monotonic() - started < 2


def test_a_chunk_size_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.pos.transport.transport.ANSWER_SECONDS", 0.3)
    start = head("200 OK", {"Transfer-Encoding": "chunked"})

    def endless(connection: socket.socket, number: int) -> None:
        connection.sendall(start)
        drip(b"0" * 500, 0.02)(connection, number)

    with plain(endless) as server:
        way = own(server, HostTrust(allow_http=True))
        way.greet(3.0)
        started = time.monotonic()
        error = ask(way)

    assert isinstance(error, TooSlow)
    assert time.monotonic() - started < 2


def test_a_server_that_is_slow_to_connect_and_then_silent_is_given_up_at_the_deadline(
    self_signed: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.pos.transport.own_server.HANDSHAKE_SECONDS", 3.0)
    clock, pin = SystemClock(), fingerprint(ssl.PEM_cert_to_DER_cert(self_signed[0].decode()))

    class SlowGuard(Guard):
        def dial(self, host: Host, seconds: float) -> socket.socket:
            time.sleep(0.4)
            return super().dial(host, seconds)

    def silent(_connection: socket.socket, _number: int) -> None:
        time.sleep(2)

    with secure(*self_signed, silent) as server:
        trust = HostTrust(accept_certificate=True, certificate=pin)
        used = transport(own(server, trust, guard=SlowGuard(LOOPBACK)), clock)
        used.deadline = clock.monotonic() + 1
        with pytest.raises(ServerUnreachable):
            used.get(CALL, lambda body: body)

    assert clock.monotonic() < used.deadline + 1, (
        "not when the server hangs up, a second and a half late"
    )
