"""Connections whose answer's head comes in time as a whole: the time-out of a socket starts anew
with every byte, so that a server that drips could hold us for hours."""

from __future__ import annotations

import socket
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from chalicelib.pos.transport import answers

HEAD_SECONDS = 20.0
"""Where the connection has no time-out of its own."""


class DeadlineConnection(HTTPConnection):
    """A connection that is cut when an answer's head takes longer than the time-out as a whole."""

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        connection = self.sock

        def cut() -> None:
            # Of the plain socket: TLS below a thread that reads is better left alone.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

        with answers.cut_after(float(self.timeout or HEAD_SECONDS), cut):
            return super().getresponse()


class _SecureDeadlineConnection(DeadlineConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureDeadlineConnection


class HeadDeadlineAdapter(HTTPAdapter):
    """The adapter of `requests` for hosts of our own configuration: one connection at a time."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
