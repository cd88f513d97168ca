"""Connecting to hosts that retailers typed: who may be called, and that it is really them.

Every address of a name is judged, and the connection goes to an address that was judged, at every
new connection again: a name that answers differently later leads nowhere (practice.md E.2).
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from chalicelib.domain.errors import ServerUnreachable
from chalicelib.pos.profile.typed_host import Address, Host, host_refused

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, float], Sequence[Address]]
"""Name and seconds to every address of the name; raises HostRefused when it has none,
ServerUnreachable when nobody says."""

MOST_TRIED = 4
"""Of a name's addresses, in the order of the resolver."""

GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is handed out. Addresses that carry another inside (mapped, compatible, NAT64) lie
outside, as do private, link-local and multicast ones."""

REFUSED_RANGES: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; some clouds keep their metadata here
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's internal services at a public address
        "169.254.0.0/16",  # link-local, metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # Teredo, ORCHID, benchmarking and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
"""Beside what the standard library calls not global: its list differs between its versions."""


@dataclass(frozen=True, slots=True)
class AddressRanges:
    """Deployment settings: `denied` are our own networks, `allowed` those of test servers.

    What is denied stays so though it is allowed too. Wrapped forms (`::ffff:127.0.0.1`) are never
    allowed by the range of the address inside.
    """

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str], denied: Iterable[str]) -> AddressRanges:
        """Read CIDR texts. Raises ValueError."""
        return cls(tuple(map(ip_network, allowed)), tuple(map(ip_network, denied)))

    def refuses(self, address: Address) -> bool:
        """Whether no connection may go to this address."""
        if any(address in network for network in self.denied):
            return True
        if any(address in network for network in self.allowed):
            return False
        if address.version == 6 and address not in GLOBAL_IPV6:
            return True
        return not address.is_global or any(address in network for network in REFUSED_RANGES)


def look_up(name: str, seconds: float) -> list[Address]:
    """Every address the system's resolver knows for an absolute name.

    In a thread, since the resolver itself may take longer than anyone should wait.
    Raises HostRefused for a name nobody knows, ServerUnreachable when there is no answer in time.
    """
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(name, answers.put), daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise _unreachable() from None
    if isinstance(answer, list):
        return answer
    if answer.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
        raise host_refused()
    raise _unreachable()


def _ask(name: str, put: Callable[[list[Address] | OSError], None]) -> None:
    """Put what the resolver answers: the addresses, or its error."""
    # Bytes, lest Python reads the name as an internationalised one; a dot at the end, lest the
    # resolver tries it inside our own domain.
    absolute = f"{name}.".encode("ascii")
    try:
        entries = socket.getaddrinfo(absolute, None, type=socket.SOCK_STREAM)
    except OSError as error:
        put(error)
    else:
        put(list(dict.fromkeys(ip_address(address[0]) for *_, address in entries)))


@dataclass(frozen=True, slots=True)
class Guard:
    """The only way to a host that a retailer typed: connects to addresses that may be called."""

    ranges: AddressRanges
    resolve: Resolver = look_up

    def dial(self, host: Host, seconds: float) -> socket.socket:
        """A TCP connection to a judged address; what is left of `seconds` is its time-out.

        Raises HostRefused before any packet is sent to the host, ServerUnreachable.
        """
        until = time.monotonic() + seconds
        for address in self._addresses(host, seconds)[:MOST_TRIED]:
            left = until - time.monotonic()
            if left <= 0:
                break
            connection = _connect(address, host.port, left)
            if connection:
                connection.settimeout(max(until - time.monotonic(), 0.05))
                return connection
        raise _unreachable()

    def _addresses(self, host: Host, seconds: float) -> Sequence[Address]:
        """The host's addresses. One that must not be called spoils the name: it is on its way to
        lead there."""
        addresses = [host.address] if host.address else self.resolve(host.name, seconds)
        if not addresses or any(map(self.ranges.refuses, addresses)):
            raise host_refused()
        return addresses


def _connect(address: Address, port: int, seconds: float) -> socket.socket | None:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect((str(address), port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        return None
    return connection


def _unreachable() -> ServerUnreachable:
    return ServerUnreachable("The server at this address cannot be reached.")
