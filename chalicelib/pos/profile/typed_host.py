"""What a retailer may type as the address of their own server: `IP:port` or `name:port`, no more.

Pure: nothing is looked up here. Who may be called is decided in `egress.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TypeVar

from chalicelib.domain.errors import HostRefused

EXAMPLE = "192.101.102.103:25565"
REFUSED = (
    "That address cannot be used. Give the plain public address and port of your server,"
    f" without http:// or a path, for example {EXAMPLE}."
)
"""For every reason alike: who types addresses learns nothing of our network (practice.md E.2)."""

INTERNAL_PORTS = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 67, 69, 77, 79, 87, 95),
        *(101, 102, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 162),
        *(179, 389, 427, 445, 464, 465, 500, 512, 513, 514, 515, 526, 530, 532, 540, 548, 554, 563),
        *(587, 593, 601, 623, 631, 636, 873, 902, 989, 990, 993, 995),
        *(1080, 1433, 1434, 1521, 1719, 1720, 1723, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3128),
        *(3268, 3269, 3306, 3389, 4045, 4190, 4369, 4444, 5060, 5061, 5432, 5433, 5672, 5900, 5984),
        *(5985, 5986, 6000, 6379, 6443, 6665, 6666, 6667, 6668, 6669, 6697, 7000, 7001, 7199, 8089),
        *(8125, 8300, 8301, 8500, 8600, 9001, 9042, 9092, 9160, 9200, 9300, 10080, 10250, 10255),
        *(11211, 15672, 26379, 27017, 27018, 27019, 61616),
    }
)
"""Where mail, shells, files, directories, databases, queues and cluster managers listen. 9001 is
also Lambda's runtime API."""

LONGEST_NAME = 253
_PORT = "([1-9][0-9]{0,4})"
_NAMED = re.compile(rf"([A-Za-z0-9.-]{{1,{LONGEST_NAME + 1}}}):{_PORT}")
_BRACKETED = re.compile(rf"\[([0-9A-Fa-f:.]{{2,45}})\]:{_PORT}")
_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HIGHEST_PORT = 65535

Address = IPv4Address | IPv6Address
A = TypeVar("A", IPv4Address, IPv6Address)


@dataclass(frozen=True, slots=True)
class Host:
    """`address` is None for a name, which is lower case and has no dot at its end.

    `str` gives the one way to write it.
    """

    name: str
    port: int
    address: Address | None = None

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def host_refused() -> HostRefused:
    """The one error for every reason alike."""
    return HostRefused(REFUSED)


def parse(typed: str) -> Host:
    """Read `203.0.113.7:443`, `[2001:db8::7]:443` or `pos.example.com:443`.

    No scheme, user, path or query, no space, only ASCII; an IPv4 address as four plain decimal
    numbers, no other way that some library would take; a name with at least one dot. Raises
    HostRefused, for a port of `INTERNAL_PORTS` too.
    """
    if bracketed := _BRACKETED.fullmatch(typed):
        text, port = bracketed.groups()
        address: Address | None = _address(IPv6Address, text)
        name = str(address)
    elif named := _NAMED.fullmatch(typed):
        text, port = named.groups()
        name, address = _name(text.lower())
    else:
        raise host_refused()
    number = int(port)
    if number > _HIGHEST_PORT or number in INTERNAL_PORTS:
        raise host_refused()
    return Host(name, number, address)


def _name(text: str) -> tuple[str, IPv4Address | None]:
    """The name and, where it is one, the address. What ends in a number is meant as an address (and
    may be read as one in strange ways)."""
    labels = text.removesuffix(".").split(".")
    if labels[-1][:1].isdigit():
        address = _address(IPv4Address, text)
        return str(address), address
    name = ".".join(labels)
    if len(labels) == 1 or len(name) > LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise host_refused()
    return name, None


def _address(kind: type[A], text: str) -> A:
    try:
        return kind(text)
    except AddressValueError:
        raise host_refused() from None
