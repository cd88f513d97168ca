"""A POS that runs in a back office: at times unplugged, hung, behind a router, or not itself."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Self, TypeVar

from simulators.retailer.world import World
from simulators.serving.httpd import Httpd, Reply, Request, Sender, do_nothing
from simulators.serving.pos_api import Api, json_reply
from simulators.serving.server import SimServer

A = TypeVar("A", bound=Api)

ITSELF, OFFLINE, HANGS = "itself", "offline", "hangs"
TLS = ("none", "self-signed", "expired")
_ROUTER = (
    b"<!DOCTYPE html><html><head><title>Router login</title></head>"
    b"<body><form>Administrator password <input type=password></form></body></html>"
)
STRANGERS: dict[str, Callable[[], Reply]] = {
    "router": lambda: Reply(200, _ROUTER, "text/html"),
    "other_server": lambda: json_reply({"device": "camera-3", "state": "recording"}),
    "nothing_here": lambda: Reply(404, b"<html><body>Not Found</body></html>", "text/html"),
    "redirect": lambda: Reply(302, b"", "text/html", headers=("Location: http://127.0.0.1:9/",)),
}
FRONTS = (ITSELF, OFFLINE, HANGS, *STRANGERS)


class _FrontHttpd(Httpd):
    """Counts every connection as a knock, and leaves it unanswered while the server hangs."""

    simulator: BackOfficeServer[Any]

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.simulator.knocks += 1
        if self.simulator.front == HANGS:
            self.simulator.front_changed.wait()
            return
        super().finish_request(request, client_address)


class BackOfficeServer(SimServer[A]):
    """Serves a POS on the retailer's own machine, whose `front` decides what a caller meets.

    The front may change at any time:

    `itself`: the POS answers; `offline`: connections are refused; `hangs`: they are accepted, and
    nothing more; `router`, `other_server`, `nothing_here`, `redirect`: another device answers,
    whatever the path.
    `tls`: "none", or a certificate that nobody vouches for ("self-signed", "expired").
    The control plane has a port of its own, `control_url`, which is always there.
    """

    httpd_class = _FrontHttpd

    def __init__(self, world: World, *, tls: str = "none", **options: Any) -> None:
        self.front = ITSELF
        self.knocks = 0
        self.front_changed = threading.Event()
        self.certificate_sha256: str | None = None
        self._reserved_port: socket.socket | None = None
        super().__init__(world, tls=self._certify(tls), **options)
        self._control_http = Httpd((self._host, 0), _ControlPlane(self))

    @property
    def control_url(self) -> str:
        """`http://127.0.0.1:port`, where `/_sim/` is whatever the front is."""
        return f"http://{self._host}:{self._control_http.server_address[1]}"

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "control_url": self.control_url, **self.front_state()}

    def front_state(self) -> dict[str, Any]:
        """The front and its transport; `knocks` counts the connections since the start."""
        return {
            "front": self.front,
            "tls": self.tls_kind,
            "certificate_sha256": self.certificate_sha256,
            "knocks": self.knocks,
        }

    def change_front(self, front: str | None = None, tls: str | None = None) -> None:
        """Change the front, the transport, or both; connections are dropped, the port is kept.

        Naming the same `tls` again makes a new certificate. Raises ValueError.
        """
        if front not in (None, *FRONTS) or tls not in (None, *TLS):
            raise ValueError(f"front is one of {FRONTS}, tls one of {TLS}")
        with self.lock:
            self._close()
            self.front = front or self.front
            if tls:
                self._tls = self._certify(tls)
            if self.front == OFFLINE:
                self._reserved_port = _reserve_port(self._host, self.port)
            else:
                self.front_changed.clear()
                self._http = self._httpd(self.port)
                self._http.start()

    def _certify(self, kind: str) -> ssl.SSLContext | None:
        self.tls_kind, self.certificate_sha256 = kind, None
        if kind == "none":
            return None
        from simulators.serving.selfsigned import make_certificate, server_context

        certificate, key = make_certificate("pos-server", expired=kind == "expired")
        der = ssl.PEM_cert_to_DER_cert(certificate.decode())
        self.certificate_sha256 = sha256(der).hexdigest()
        return server_context(certificate, key)

    def _close(self) -> None:
        self.front_changed.set()
        if self._reserved_port:
            self._reserved_port.close()
            self._reserved_port = None
        else:
            self._http.stop()

    def start(self) -> Self:
        self._control_http.start()
        return super().start()

    def stop(self) -> None:
        self.closing.set()
        self._close()
        self._control_http.stop()

    def handle(self, request: Request, send: Sender) -> None:
        stranger = STRANGERS.get(self.front)
        if stranger:
            return send(stranger(), None, do_nothing)
        return super().handle(request, send)


class _ControlPlane:
    """Answers `/_sim/` on a port of its own, whatever the server's front is."""

    def __init__(self, server: BackOfficeServer[Any]) -> None:
        self._server = server
        self.closing = server.closing
        self.skew_seconds = 0

    def handle(self, request: Request, send: Sender) -> None:
        send(self._answer(request), None, do_nothing)

    def _answer(self, request: Request) -> Reply:
        if request.path != "/_sim/front":
            return self._server.control.answer(request)
        try:
            if request.method == "POST":
                asked = json.loads(request.body)
                self._server.change_front(asked.pop("as", None), asked.pop("tls", None))
        except (ValueError, AttributeError, TypeError) as error:
            return json_reply({"error": str(error)}, 400)
        return json_reply(self._server.front_state())


def _reserve_port(host: str, port: int) -> socket.socket:
    """Bind the port without listening on it, so that every connection is refused."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((host, port))
    return reserved
