"""HTTP/1.1 with keep-alive over a simulator, and the faults that need a socket."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from simulators.serving.faults import Fault

MAX_BODY = 1_000_000
JSON = "application/json; charset=utf-8"


@dataclass(slots=True)
class Request:
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in small letters."""
    target: str = ""
    """Path and query as they came."""


@dataclass(slots=True)
class Reply:
    status: int
    body: bytes
    content_type: str = JSON
    rows: int = 0
    headers: tuple[str, ...] = ()
    """Further header lines."""


Sender = Callable[[Reply, Fault | None, Callable[[], None]], None]
"""Send a reply with its fault; the callable is run right before the last bytes leave."""


def do_nothing() -> None:
    """The callable for replies that nobody counts."""


class Simulator(Protocol):
    """Answers requests: `handle` calls `send` once. `skew_seconds` shifts the Date header."""

    closing: threading.Event

    @property
    def skew_seconds(self) -> int: ...

    def handle(self, request: Request, send: Sender) -> None: ...


class Httpd(ThreadingHTTPServer):
    """Serves a simulator on its port from a thread of its own, one more for each connection.

    The port is taken at once; callers are answered once `start` was called.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], simulator: Simulator, tls: ssl.SSLContext | None = None
    ) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        super().__init__(address, _Handler)
        if tls:
            # The handshake is the handler's: a client that stalls in it delays nobody else.
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give the port back and close every connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up; anything else is a bug worth a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Httpd

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        target = urlsplit(self.path)
        params = dict(parse_qsl(target.query, keep_blank_values=True))
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY:
            self.close_connection = True
            self._send(Reply(413, b'{"error":"Request entity too large"}'))
            return
        request = Request(
            self.command,
            target.path,
            params,
            self.headers.get("Authorization", ""),
            self.rfile.read(size) if size else b"",
            {name.lower(): value for name, value in self.headers.items()},
            self.path,
        )
        self.server.simulator.handle(request, self._deliver)

    def _head(self, reply: Reply, length: int, *extra: str) -> bytes:
        skew = self.server.simulator.skew_seconds
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=skew), usegmt=True)
        lines = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"Date: {date}",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {length}",
            *reply.headers,
            *(("Connection: close",) if self.close_connection else ()),
            *extra,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, reply: Reply, *extra: str) -> None:
        self.wfile.write(self._head(reply, len(reply.body), *extra) + reply.body)

    def _deliver(self, reply: Reply, fault: Fault | None, done: Callable[[], None]) -> None:
        kind, options = (fault.kind, fault.options) if fault else ("", {})
        seconds = float(options.get("seconds", 1))
        if kind == "slow":
            self.server.simulator.closing.wait(seconds)
        elif kind == "drip":
            return self._drip(reply, seconds, done)
        done()
        if kind == "reset":
            return self._reset()
        if kind == "cut":
            self.close_connection = True
            head = self._head(reply, len(reply.body))
            self.wfile.write(head + reply.body[: len(reply.body) // 2])
        elif kind == "oversized":
            self._flood(reply, int(options.get("bytes", 64_000_000)))
        else:
            if kind == "wrong_type":
                reply.content_type = "text/plain"
            self._send(reply, *(_retry_after(options) if kind == "429" else ()))
        return None

    def _drip(self, reply: Reply, seconds: float, done: Callable[[], None]) -> None:
        self.wfile.write(self._head(reply, len(reply.body)))
        step = max(1, -(-len(reply.body) // 20))
        for start in range(0, len(reply.body), step):
            if self.server.simulator.closing.wait(seconds / 20):
                break
            if start + step >= len(reply.body):
                done()
            self.wfile.write(reply.body[start : start + step])

    def _flood(self, reply: Reply, size: int) -> None:
        """Send a well-formed body of `size` bytes: the answer, then blanks."""
        self.close_connection = True
        self.wfile.write(self._head(reply, max(size, len(reply.body))) + reply.body)
        left, blanks = size - len(reply.body), b" " * 65_536
        while left > 0 and not self.server.simulator.closing.is_set():
            self.wfile.write(blanks[:left])
            left -= len(blanks)

    def _reset(self) -> None:
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Closing here, not through `shutdown`, is what makes the kernel send a reset.
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The request log is kept in `Stats`, without secrets."""


def _retry_after(options: dict[str, Any]) -> tuple[str, ...]:
    """The Retry-After line: `retry_after` seconds, or with `retry_after_date` true an HTTP date."""
    if options.get("retry_after") is None:
        return ()
    seconds = float(options["retry_after"])
    if not options.get("retry_after_date"):
        return (f"Retry-After: {options['retry_after']}",)
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return (f"Retry-After: {format_datetime(moment, usegmt=True)}",)
