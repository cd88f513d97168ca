"""A running POSaBIT: the API with its faults, scheduled edits, statistics and control plane."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from simulators.faults import STATUSES, Fault, Faults
from simulators.httpd import Httpd, Reply, Request, Sender
from simulators.stats import Stats, masked
from simulators.world import World

from . import wire
from .api import Call, PosabitApi, problem
from .control import Control
from .edits import Edits

_HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon</body></html>"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _nothing() -> None:
    """For calls that are not counted."""


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
        cache_bytes: int = 512_000_000,
    ) -> None:
        self.api = PosabitApi(world, clock, cache_bytes)
        self.faults = Faults()
        self.edits = Edits(self.api)
        self.stats = Stats()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._host = host
        self.control = Control(self)
        self._http = Httpd((host, port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def world(self) -> World:
        return self.api.world

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`; the API lives under `/api`."""
        return f"http://{self._host}:{self.port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; slow answers are given up."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.drop_connections()

    def __enter__(self) -> Self:
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

    @property
    def skew_seconds(self) -> int:
        return self.api.settings.skew_seconds

    def handle(self, request: Request, send: Sender) -> None:
        """Answer one request: count it, let edits and faults have their turn, send.

        Edits due after a request are made once its reply is written out but before it leaves, so
        that a client can never be faster than they are.
        """
        if request.path.startswith("/_sim/"):
            return send(self.control.answer(request), None, _nothing)
        with self.lock:
            call = self.api.route(request)
            kind = call.kind if call else "unknown"
            shop = call.caller.shop if call and call.caller else None
            venue = shop.venue.code if shop else None
            ticket = self.stats.begin(time.time(), kind, venue, _line(request, call))
            self.edits.before(kind, venue)
            fault = self.faults.match(kind, venue)
            reply = self._reply(request, call, fault)
            self.edits.after(kind, venue)
        status = "reset" if fault and fault.kind == "reset" else reply.status
        ended = self._once(lambda: self.stats.end(ticket, time.time(), status, reply))
        try:
            send(reply, fault, ended)
        finally:
            ended()
        return None

    def _once(self, act: Callable[[], None]) -> Callable[[], None]:
        """`act` under the lock, the first time only."""
        left = [act]

        def run() -> None:
            with self.lock:
                while left:
                    left.pop()()

        return run

    def _reply(self, request: Request, call: Call | None, fault: Fault | None) -> Reply:
        if fault and fault.kind in STATUSES:
            return problem(int(fault.kind), HTTPStatus(int(fault.kind)).phrase)
        if fault and fault.kind in _BODIES:
            return _BODIES[fault.kind]()
        if call is None:
            return problem(404, "Not found")
        return self.api.answer(request, call, fault.kind if fault else None)


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
