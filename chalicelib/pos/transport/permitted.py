"""Connections that ask for the permit to call before they are opened and before a request is sent.

What comes before a request may take long: looking a name up, connecting, a handshake. So whoever
asked only in the beginning could still reach a POS whose source was frozen meanwhile.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection as sockets

from chalicelib.pos.transport.head_deadline import DeadlineConnection
from chalicelib.services.ports.pos import Permit


def dial_permitted(permit: Permit, dial: Callable[[], socket.socket]) -> socket.socket:
    """Open a connection, which is closed again where the permit ended meanwhile. Raises
    CallsStopped."""
    permit()
    connection = dial()
    try:
        permit()
    except BaseException:
        connection.close()
        raise
    return connection


class PermittedConnection(DeadlineConnection):
    """A connection that asks `permit` before each address that it tries, and before each request.

    Raises CallsStopped.
    """

    def __init__(self, *args: Any, permit: Permit, **options: Any) -> None:
        super().__init__(*args, **options)
        self.permit = permit

    def _new_conn(self) -> socket.socket:
        """Connect to the first address of the name that answers, within the time-out each."""
        try:
            addresses = socket.getaddrinfo(
                self._dns_host, self.port, sockets.allowed_gai_family(), socket.SOCK_STREAM
            )
        except socket.gaierror as unknown:
            raise NameResolutionError(self.host, self, unknown) from unknown
        failure: Exception = OSError("the name has no address")
        for *_, address in addresses:
            try:
                return dial_permitted(self.permit, partial(self._connect, address))
            except OSError as failed:
                failure = failed
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "The host took too long to connect.") from failure
        raise NewConnectionError(self, f"No connection: {failure}") from failure

    def _connect(self, address: tuple[Any, ...]) -> socket.socket:
        return sockets.create_connection(
            (address[0], self.port), self.timeout, socket_options=self.socket_options
        )

    def send(self, data: Any) -> None:
        """Send a request's head, or a piece of its body; connect first where that is not done."""
        if self.sock is None:
            self.connect()
        self.permit()
        super().send(data)


class _SecurePermittedConnection(PermittedConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = PermittedConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecurePermittedConnection


class PermittedAdapter(HTTPAdapter):
    """The adapter of `requests` for hosts of our own configuration: one connection at a time."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, permit=self._permit),
            "https": partial(_SecurePool, permit=self._permit),
        }
