"""A running simulator: an API with its faults, scheduled edits, statistics and control plane."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from simulators.retailer.world import World
from simulators.serving.control import Control
from simulators.serving.edits import Edits
from simulators.serving.faults import STATUSES, Fault, Faults
from simulators.serving.httpd import Httpd, Reply, Request, Sender
from simulators.serving.pos_api import Api, Call
from simulators.serving.stats import Stats, masked

A = TypeVar("A", bound=Api)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _nothing() -> None:
    """For calls that are not counted."""


class SimServer(Generic[A]):
    """A POS on loopback: `with SomeServer(world) as server: …  server.url`.

    `clock` gives the POS's now in milliseconds; edits are stamped with it. `tls` serves HTTPS with
    that context's certificate. Public parts: `api` (settings, world), `faults`, `edits`, `stats`.
    """

    edits_class: type[Edits] = Edits
    httpd_class: type[Httpd] = Httpd

    def __init__(
        self,
        world: World,
        api: Callable[[World, Callable[[], int], int], A],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], int] = now_ms,
        cache_bytes: int = 512_000_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api = api(world, clock, cache_bytes)
        self.faults = Faults(self.api.aliases)
        self.edits = self.edits_class(self.api)
        self.stats = Stats()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._host, self._tls = host, tls
        self.control = Control(self)
        self._bind(port)

    def _bind(self, port: int) -> None:
        """Take the port; who connects is answered once `start` was called."""
        self._http = self.httpd_class((self._host, port), self, self._tls)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def world(self) -> World:
        return self.api.world

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`, where `/_sim/` is."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where the platform's API is."""
        return self.url + self.api.base_path

    def describe(self) -> dict[str, Any]:
        """Where the simulator listens and what opens it; all of it made up from the seed."""
        return {
            "platform": self.world.platform.name,
            "port": self.port,
            "url": self.url,
            "base_url": self.base_url,
            "spec": self.world.spec.as_dict(),
            **self.api.about(),
        }

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; slow answers are given up."""
        self.closing.set()
        self._hang_up()

    def _hang_up(self) -> None:
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
            venue = call.shop.venue.code if call and call.shop else None
            ticket = self.stats.begin(time.time(), kind, venue, self._line(request, call))
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
            return self.api.problem(int(fault.kind), HTTPStatus(int(fault.kind)).phrase)
        body = self.api.bodies().get(fault.kind) if fault else None
        if body:
            return body()
        if call is None:
            return self.api.problem(404, "Not found")
        return self.api.answer(request, call, fault.kind if fault else None)

    def _line(self, request: Request, call: Call | None) -> dict[str, Any]:
        return {
            "method": request.method,
            **(call.note if call else {}),
            "auth": self.api.credential_kind(request),
            "params": masked(request.params, self.api.plain_params),
        }
