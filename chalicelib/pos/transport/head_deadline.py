"""Connections whose answer's head comes in time as a whole: the time-out of a socket starts anew
with every byte, so that a server that drips could hold us for hours."""

from __future__ import annotations

import socket

import urllib3
from urllib3.connection import HTTPConnection

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
