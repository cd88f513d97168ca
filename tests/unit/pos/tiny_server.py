"""A server on loopback that says, in bytes, exactly what a test wants it to."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket, int], None]
"""Answers one request; the number counts from 0."""


def say(body: bytes, status: str = "200 OK", **headers: str) -> Script:
    """One whole answer; a header's underscores become dashes."""
    given = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(head(status, given) + body)


def head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


def raw(answer: bytes) -> Script:
    return lambda connection, _number: connection.sendall(answer)


def drip(answer: bytes, pause: float) -> Script:
    def send(connection: socket.socket, _number: int) -> None:
        for at in range(len(answer)):
            connection.sendall(answer[at : at + 1])
            time.sleep(pause)

    return send


def one_after_another(*scripts: Script) -> Script:
    """The last one stays."""
    return lambda connection, number: scripts[min(number, len(scripts) - 1)](connection, number)


class TinyServer:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return
            received += piece
        header, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", header)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        received = header + b"\r\n\r\n" + body
        self.requests.append(received.decode())
        try:
            self.script(connection, len(self.requests) - 1)
        except OSError:
            return


@contextmanager
def serving(script: Script) -> Iterator[TinyServer]:
    server = TinyServer(script)
    try:
        yield server
    finally:
        server.close()
