"""A running simulator: an API with its faults, scheduled edits, statistics and control plane."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Generic, Self, TypeVar

from simulators.retailer.world import World
from simulators.serving.control import Control
from simulators.serving.edits import Edits
from simulators.serving.faults import STATUSES, Fault, Faults
from simulators.serving.httpd import Httpd, Reply, Request, Sender, do_nothing
from simulators.serving.pos_api import Api, Call
from simulators.serving.stats import Stats, mask_params

A = TypeVar("A", bound=Api)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class SimServer(Generic[A]):
    """Serves one platform's API on loopback: `with SomeServer(world) as server: …  server.url`.

    A platform's subclass names its `api_class`. `clock` gives the POS's now in milliseconds; edits
    are stamped with it. `tls` serves HTTPS with that context's certificate. Tests reach its `api`
    (settings, world), `faults`, `edits` and `stats`.
    """

    api_class: Callable[[World, Callable[[], int], int], A]
    edits_class: type[Edits] = Edits
    httpd_class: type[Httpd] = Httpd

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], int] = now_ms,
        cache_bytes: int = 512_000_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api: A = type(self).api_class(world, clock, cache_bytes)
        self.faults = Faults(self.api.aliases)
        self.edits = self.edits_class(self.api)
        self.stats = Stats()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._host, self._tls = host, tls
        self.control = Control(self)
        self._http = self._httpd(port)

    def _httpd(self, port: int) -> Httpd:
        return self.httpd_class((self._host, port), self, self._tls)

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
        """The URL under which the platform's API is."""
        return self.url + self.api.base_path

    def describe(self) -> dict[str, Any]:
        """The address of the simulator, its keys and its stores, all made up from the seed."""
        return {
            "platform": self.world.platform.name,
            "port": self.port,
            "url": self.url,
            "base_url": self.base_url,
            "spec": self.world.spec.as_dict(),
            **self.api.about(),
        }

    def start(self) -> Self:
        self._http.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; slow answers are given up."""
        self.closing.set()
        self._http.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
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
        """Count one request, run the edits and the fault that are due on it, and send the answer.

        Edits due after a request are made once its reply is written out but before it leaves, so
        that a client can never be faster than they are.
        """
        if request.path.startswith("/_sim/"):
            return send(self.control.answer(request), None, do_nothing)
        with self.lock:
            call = self.api.route(request)
            kind = call.kind if call else "unknown"
            venue = call.shop.venue.code if call and call.shop else None
            ticket = self.stats.begin(time.time(), kind, venue, self._log_entry(request, call))
            self.edits.before(kind, venue)
            fault = self.faults.match(kind, venue)
            reply = self._reply(request, call, fault)
            self.edits.after(kind, venue)
        status = "reset" if fault and fault.kind == "reset" else reply.status
        end_ticket = self._once(lambda: self.stats.end(ticket, time.time(), status, reply))
        try:
            send(reply, fault, end_ticket)
        finally:
            end_ticket()
        return None

    def _once(self, act: Callable[[], None]) -> Callable[[], None]:
        """A function that runs `act` under the lock when it is first called, and never again."""
        pending = [act]

        def run() -> None:
            with self.lock:
                while pending:
                    pending.pop()()

        return run

    def _reply(self, request: Request, call: Call | None, fault: Fault | None) -> Reply:
        if fault and fault.kind in STATUSES:
            return self.api.problem(int(fault.kind), HTTPStatus(int(fault.kind)).phrase)
        body = self.api.fault_bodies().get(fault.kind) if fault else None
        if body:
            return body()
        if call is None:
            return self.api.problem(404, "Not found")
        return self.api.answer(request, call, fault.kind if fault else None)

    def _log_entry(self, request: Request, call: Call | None) -> dict[str, Any]:
        return {
            "method": request.method,
            **(call.note if call else {}),
            "auth": self.api.credential_kind(request),
            "params": mask_params(request.params, self.api.plain_params),
        }
