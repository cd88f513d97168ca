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
from simulators.serving.httpd import Httpd, Reply, Request, Sender
from simulators.serving.pos_api import Api, answered
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
    "other_server": lambda: answered({"device": "camera-3", "state": "recording"}),
    "nothing_here": lambda: Reply(404, b"<html><body>Not Found</body></html>", "text/html"),
    "redirect": lambda: Reply(302, b"", "text/html", headers=("Location: http://127.0.0.1:9/",)),
}
FRONTS = (ITSELF, OFFLINE, HANGS, *STRANGERS)


class _Door(Httpd):
    """Lets nobody in while the server hangs; counts who knocks."""

    simulator: BackOfficeServer[Any]

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.simulator.knocks += 1
        if self.simulator.front == HANGS:
            self.simulator.moved.wait()
            return
        super().finish_request(request, client_address)


class BackOfficeServer(SimServer[A]):
    """What a caller from outside meets is its `front`, and may change at any time.

    `itself`; `offline`: connections are refused; `hangs`: they are accepted, and nothing more;
    `router`, `other_server`, `nothing_here`, `redirect`: somebody else answers, whatever the path.
    `tls`: "none", or a certificate that nobody vouches for ("self-signed", "expired").
    The control plane has a port of its own, `control_url`, which is always there.
    """

    httpd_class = _Door

    def __init__(
        self,
        world: World,
        api: Callable[[World, Callable[[], int], int], A],
        *,
        tls: str = "none",
        **options: Any,
    ) -> None:
        self.front = ITSELF
        self.knocks = 0
        self.moved = threading.Event()
        self.certificate_sha256: str | None = None
        self._kept: socket.socket | None = None
        super().__init__(world, api, tls=self._certify(tls), **options)
        self._desk = Httpd((self._host, 0), _Desk(self))
        self._desk_thread = threading.Thread(
            target=self._desk.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def control_url(self) -> str:
        """`http://127.0.0.1:port`, where `/_sim/` is whatever the front is."""
        return f"http://{self._host}:{self._desk.server_address[1]}"

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "control_url": self.control_url, **self.showing()}

    def showing(self) -> dict[str, Any]:
        """`knocks` counts connections since the start."""
        return {
            "front": self.front,
            "tls": self.tls_kind,
            "certificate_sha256": self.certificate_sha256,
            "knocks": self.knocks,
        }

    def show(self, front: str | None = None, tls: str | None = None) -> None:
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
                self._kept = _keep(self._host, self.port)
            else:
                self._open(self.port)

    def _certify(self, kind: str) -> ssl.SSLContext | None:
        self.tls_kind, self.certificate_sha256 = kind, None
        if kind == "none":
            return None
        from simulators.serving.selfsigned import make_certificate, server_context

        certificate, key = make_certificate("pos-server", expired=kind == "expired")
        der = ssl.PEM_cert_to_DER_cert(certificate.decode())
        self.certificate_sha256 = sha256(der).hexdigest()
        return server_context(certificate, key)

    def _open(self, port: int) -> None:
        self.moved.clear()
        self._bind(port)
        self._thread.start()

    def _close(self) -> None:
        self.moved.set()
        if self._kept:
            self._kept.close()
            self._kept = None
        else:
            self._hang_up()

    def start(self) -> Self:
        self._desk_thread.start()
        return super().start()

    def stop(self) -> None:
        self.closing.set()
        self._close()
        self._desk.shutdown()
        self._desk.server_close()
        self._desk.drop_connections()

    def handle(self, request: Request, send: Sender) -> None:
        stranger = STRANGERS.get(self.front)
        if stranger:
            return send(stranger(), None, _nothing)
        return super().handle(request, send)


class _Desk:
    """The control plane behind the counter."""

    def __init__(self, server: BackOfficeServer[Any]) -> None:
        self._server = server
        self.closing = server.closing
        self.skew_seconds = 0

    def handle(self, request: Request, send: Sender) -> None:
        send(self._answer(request), None, _nothing)

    def _answer(self, request: Request) -> Reply:
        if request.path != "/_sim/front":
            return self._server.control.answer(request)
        try:
            if request.method == "POST":
                asked = json.loads(request.body)
                self._server.show(asked.pop("as", None), asked.pop("tls", None))
        except (ValueError, AttributeError, TypeError) as error:
            return answered({"error": str(error)}, 400)
        return answered(self._server.showing())


def _keep(host: str, port: int) -> socket.socket:
    """The port, held but not listened on: whoever connects is refused."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((host, port))
    return kept


def _nothing() -> None:
    """Nothing here is counted as a request."""
