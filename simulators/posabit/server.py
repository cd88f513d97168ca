"""The HTTP server: sockets, faults that need a socket, statistics, and the control plane."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulators.faults import Fault, Faults, STATUSES
from simulators.stats import Stats, Ticket, masked
from simulators.world import World

from . import wire
from .api import JSON, Call, PosabitApi, Reply, Request, problem
from .control import Control
from .edits import Edits

MAX_BODY = 1_000_000
_HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon</body></html>"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class PosabitServer:
    """A POSaBIT on loopback: `with PosabitServer(world) as server: …  server.url`.

    `clock` gives the POS's now in milliseconds; edits are stamped with it. Public parts: `api`
    (settings, permissions, world), `faults`, `edits`, `stats`.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], int] = _now_ms,
        cache_bytes: int = 256_000_000,
    ) -> None:
        self.api = PosabitApi(world, clock, cache_bytes)
        self.faults = Faults()
        self.edits = Edits(self.api)
        self.stats = Stats()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.control = Control(self)
        self._http = _Http((host, port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def world(self) -> World:
        return self.api.world

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`; the API lives under `/api`."""
        return f"http://{self._http.server_address[0]}:{self.port}"

    def start(self) -> PosabitServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; slow answers are given up."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.drop_connections()

    def __enter__(self) -> PosabitServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def reset(self, world: World) -> None:
        """Another retailer behind the same port; faults, edits and statistics start anew."""
        with self.lock:
            self.api.reset(world)
            self.faults.clear()
            self.edits.clear()
            self.stats.clear()

    def handle(self, request: Request, send: Sender) -> None:
        """Answer one request: count it, let edits and faults have their turn, send."""
        with self.lock:
            call = self.api.route(request)
            kind = call.kind if call else "unknown"
            shop = call.caller.shop if call and call.caller else None
            venue = shop.venue.code if shop else None
            ticket = self.stats.begin(time.time(), kind, venue, _line(request, call))
            self.edits.before(kind, venue)
            fault = self.faults.match(kind, venue)
            reply = self._reply(request, call, fault)
        with self._measured(ticket, fault, reply):
            send(self, reply, fault)
        with self.lock:
            self.edits.after(kind, venue)

    def _reply(self, request: Request, call: Call | None, fault: Fault | None) -> Reply:
        if fault and fault.kind in STATUSES:
            return problem(int(fault.kind), HTTPStatus(int(fault.kind)).phrase)
        if fault and fault.kind in _BODIES:
            return _BODIES[fault.kind]()
        if call is None:
            return problem(404, "Not found")
        return self.api.answer(request, call, fault.kind if fault else None)

    @contextmanager
    def _measured(self, ticket: Ticket, fault: Fault | None, reply: Reply) -> Iterator[None]:
        status = "reset" if fault and fault.kind == "reset" else reply.status
        try:
            yield
        finally:
            with self.lock:
                self.stats.end(ticket, time.time(), status, reply.rows, len(reply.body))


_BODIES: dict[str, Callable[[], Reply]] = {
    "html": lambda: Reply(200, _HTML, "text/html; charset=utf-8"),
    "not_json": lambda: Reply(200, b"Internal error, please try again later"),
    "wrong_shape": lambda: Reply(200, b'{"result":"ok"}'),
    "error_object": lambda: Reply(200, wire.encode({"error": "Something went wrong"})),
}


def _line(request: Request, call: Call | None) -> dict[str, Any]:
    scheme = request.authorization.partition(" ")[0].lower()
    return {
        "method": request.method,
        "version": call.version if call else None,
        "auth": scheme or None,
        "params": masked(request.params),
    }


Sender = Callable[[PosabitServer, Reply, Fault | None], None]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: PosabitServer) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A client that hangs up is no news; anything else is a bug worth a traceback."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

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
            self._send(problem(413, "Request entity too large"))
            return
        request = Request(
            self.command,
            target.path,
            params,
            self.headers.get("Authorization", ""),
            self.rfile.read(size) if size else b"",
        )
        if target.path.startswith("/_sim/"):
            self._send(self.server.simulator.control.answer(request))
        else:
            self.server.simulator.handle(request, self._deliver)

    def _head(self, reply: Reply, length: int, *extra: str) -> bytes:
        skew = self.server.simulator.api.settings.skew_seconds
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=skew), usegmt=True)
        lines = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"Date: {date}",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {length}",
            *(("Connection: close",) if self.close_connection else ()),
            *extra,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, reply: Reply, *extra: str) -> None:
        self.wfile.write(self._head(reply, len(reply.body), *extra) + reply.body)

    def _deliver(self, simulator: PosabitServer, reply: Reply, fault: Fault | None) -> None:
        options = fault.options if fault else {}
        match fault.kind if fault else "":
            case "slow":
                simulator.closing.wait(float(options.get("seconds", 1)))
                self._send(reply)
            case "drip":
                self._drip(simulator, reply, float(options.get("seconds", 1)))
            case "cut":
                self.close_connection = True
                head = self._head(reply, len(reply.body))
                self.wfile.write(head + reply.body[: len(reply.body) // 2])
            case "wrong_type":
                reply.content_type = "text/plain"
                self._send(reply)
            case "reset":
                self._reset()
            case "oversized":
                self._flood(simulator, reply, int(options.get("bytes", 64_000_000)))
            case "429":
                self._send(reply, *_retry_after(options))
            case _:
                self._send(reply)

    def _drip(self, simulator: PosabitServer, reply: Reply, seconds: float) -> None:
        self.wfile.write(self._head(reply, len(reply.body)))
        step = max(1, len(reply.body) // 20)
        for start in range(0, len(reply.body), step):
            if simulator.closing.wait(seconds / 20):
                break
            self.wfile.write(reply.body[start : start + step])

    def _flood(self, simulator: PosabitServer, reply: Reply, size: int) -> None:
        """A well-formed body of `size` bytes: the answer, then blanks."""
        self.close_connection = True
        self.wfile.write(self._head(reply, max(size, len(reply.body))) + reply.body)
        left, blanks = size - len(reply.body), b" " * 65_536
        while left > 0 and not simulator.closing.is_set():
            self.wfile.write(blanks[:left])
            left -= len(blanks)

    def _reset(self) -> None:
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Closing here, not through `shutdown`, is what makes the kernel send a reset.
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        """The request log is kept in `Stats`, without secrets."""


def _retry_after(options: dict[str, Any]) -> tuple[str, ...]:
    """`retry_after` seconds, or with `retry_after_date` true the same as an HTTP date."""
    if options.get("retry_after") is None:
        return ()
    seconds = float(options["retry_after"])
    if not options.get("retry_after_date"):
        return (f"Retry-After: {options['retry_after']}",)
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return (f"Retry-After: {format_datetime(moment, usegmt=True)}",)


__all__ = ["JSON", "PosabitServer"]
