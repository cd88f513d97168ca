"""Speaking to a retailer's own server: HTTPS first, and nothing less unless the retailer said so.

`requests` sends through `OwnServer`, an adapter with one pool to one host; the pool's connections
are dialled by the guard, so that the address is judged whenever one is opened, while `Host`, SNI
and the certificate's name stay those of the host.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import requests
import urllib3
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.connection import HTTPSConnection

from chalicelib.domain.errors import ServerUntrusted
from chalicelib.pos.profile.typed_host import Host
from chalicelib.pos.transport.egress import Guard
from chalicelib.pos.transport.permitted import PermittedConnection, dial_permitted
from chalicelib.services.ports.pos import HostTrust, Permit

GREETING_SECONDS = 6.0
"""To find out how a server speaks: up to three handshakes."""
HANDSHAKE_SECONDS = 3.0

NO_HTTPS = (
    "The server at this address does not answer with HTTPS (TLS 1.2 or newer). Turn HTTPS on there,"
    " or allow plain HTTP on this credential; the key then travels for all to read."
)
NOT_VOUCHED_FOR = (
    "Nobody vouches for the certificate of the server at this address. Compare its SHA-256 with the"
    " one your server shows, {shown}, and accept the certificate on this credential; or install one"
    " from a public authority."
)
CHANGED = (
    "The server at this address shows another certificate than the one accepted on this credential."
    " If you renewed it, compare its SHA-256, {shown}, and accept the certificate again. If nobody"
    " did, somebody may be listening: call whoever looks after your network."
)

Dial = Callable[[float], socket.socket]


class TlsChoice(NamedTuple):
    """Says how a server is spoken to: the scheme, and the certificate to insist on (`pin`), whoever
    vouches for it."""

    scheme: str
    pin: str | None = None


class OwnServer(HTTPAdapter):
    """The way to one typed host for the length of a session.

    `first_use`: with `trust.accept_certificate` and none pinned yet, the one that is shown is
    accepted; only *check* says so, whose result is kept. `certificate` is then the SHA-256 of a
    certificate that no public authority vouches for, accepted or not. `authorities`: their bundle.
    `permit`: asked whenever a connection is opened and a request sent.
    """

    def __init__(
        self,
        host: Host,
        trust: HostTrust,
        guard: Guard,
        *,
        permit: Permit,
        first_use: bool = False,
        authorities: str = DEFAULT_CA_BUNDLE_PATH,
    ) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._host = host
        self._trust = trust
        self._first_use = first_use
        self._authorities = authorities
        self._permit = permit
        self._dial: Dial = lambda seconds: dial_permitted(permit, lambda: guard.dial(host, seconds))
        self._pool: urllib3.HTTPConnectionPool | None = None
        self.certificate: str | None = None

    @property
    def base_url(self) -> str:
        """`https`, though plain HTTP may be what goes over the wire: the pool decides."""
        return f"https://{self._host}"

    def greet(self, seconds: float) -> urllib3.HTTPConnectionPool:
        """Find out, once, how the server may be spoken to.

        Raises CallsStopped, HostRefused, ServerUnreachable, and ServerUntrusted, whose sentence
        says what the retailer can do.
        """
        if self._pool is None:
            until = time.monotonic() + seconds
            self.certificate = None
            self._pool = self._pool_for(self._choose_tls(lambda: until - time.monotonic()))
        return self._pool

    def _choose_tls(self, left: Callable[[], float]) -> TlsChoice:
        try:
            if (
                self._trust.certificate
                and self._read_certificate(left()) == self._trust.certificate
            ):
                return TlsChoice("https", self._trust.certificate)
            self._handshake(verifying_context(self._authorities), left())
        except ssl.SSLCertVerificationError:
            return self._not_vouched_for(left())
        except OSError:
            # Once a certificate was pinned, whoever strips HTTPS off is not the retailer.
            if self._trust.allow_http and not self._trust.certificate:
                return TlsChoice("http")
            raise ServerUntrusted(NO_HTTPS) from None
        return TlsChoice("https")

    def _not_vouched_for(self, left: float) -> TlsChoice:
        try:
            shown = self.certificate or self._read_certificate(left)
        except OSError:
            raise ServerUntrusted(NO_HTTPS) from None
        if self._trust.pending and self._first_use:
            return TlsChoice("https", shown)
        message = CHANGED if self._trust.certificate else NOT_VOUCHED_FOR
        raise ServerUntrusted(message.format(shown=shown), certificate=shown)

    def _read_certificate(self, left: float) -> str:
        """Remember and return the SHA-256 of whatever certificate is shown."""
        self.certificate = fingerprint(self._handshake(unverified_context(), left))
        return self.certificate

    def _handshake(self, context: ssl.SSLContext, left: float) -> bytes:
        """Shake hands and return the server's certificate. Nothing of ours is sent."""
        plain = self._dial(min(max(left, 0.0), HANDSHAKE_SECONDS))
        with plain, context.wrap_socket(plain, server_hostname=self._host.name) as tls:
            return tls.getpeercert(binary_form=True) or b""

    def _pool_for(self, choice: TlsChoice) -> urllib3.HTTPConnectionPool:
        if choice.pin is None:
            self.certificate = None
        name, port = self._host.name, self._host.port
        options: Any = {"maxsize": 1, "permit": self._permit, "dial": self._dial}
        if choice.scheme == "http":
            return _PlainPool(name, port, **options)
        context = unverified_context() if choice.pin else verifying_context(self._authorities)
        return _SecurePool(
            name, port, ssl_context=context, assert_fingerprint=choice.pin, **options
        )

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> urllib3.HTTPConnectionPool:
        """The one pool, whatever the request says."""
        return self.greet(GREETING_SECONDS)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Do nothing: the pool came with its own conditions."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        """Send as the adapter of `requests` does. Raises what `greet` raises, too."""
        try:
            return super().send(*args, **options)
        except requests.exceptions.SSLError:
            self._hang_up()  # the next try greets anew and tells what is wrong
            raise

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._pool:
            self._pool.close()
            self._pool = None


@cache
def verifying_context(authorities: str) -> ssl.SSLContext:
    """Trusts certificates of public authorities, for the host's name."""
    return ssl.create_default_context(cafile=authorities)


@cache
def unverified_context() -> ssl.SSLContext:
    """Takes any certificate: only to look at it, or beside a pin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the DER form, written as browsers and openssl do: `AB:CD:…`."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


class _GuardedConnection(PermittedConnection):
    """A connection that the guard opens."""

    def __init__(self, *args: Any, dial: Dial, **options: Any) -> None:
        super().__init__(*args, **options)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(float(self.timeout or HANDSHAKE_SECONDS))


class _SecureGuardedConnection(_GuardedConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureGuardedConnection
