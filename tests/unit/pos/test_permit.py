"""No request or connection begins more than 2 s after a source was frozen (freezing.md, rule 1).

The source freezes at an instant of a clock that only what is slow moves: looking a name up,
connecting, an answer, a pause, reading the card.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import AiqError, CallsStopped
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import typed_host as hosts
from chalicelib.pos.transport.egress import AddressRanges, Guard
from chalicelib.pos.transport.own_server import OwnServer
from chalicelib.pos.transport.transport import Call, Transport
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.pos import CredentialAccess, HostTrust, Permit
from tests.fakes.common import FakeClock
from tests.fakes.integrations import MemoryIntegrations

from .tiny_server import Script, TinyServer, say, serving

UID, PLATFORM = "1000", "posabit"
CALL = Call("customers", "/v3/venue/customers")
GOOD = say(b'{"ok": true}')
LOOPBACK = AddressRanges.of(["127.0.0.1/32"], [])


class FreezingCard(MemoryIntegrations):
    """A connected source that is freezing from `at` on; reading its card takes `seconds`."""

    def __init__(self, at: float = float("inf"), seconds: float = 0.0) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.at = at
        self.seconds = seconds
        self.begun = self.clock.monotonic()
        self.sent: list[float] = []
        self.dialled: list[float] = []

    def get(self, uid: str, platform: str) -> Integration | None:
        state = "freezing" if self.elapsed >= self.at else "connected"
        self.clock.move(self.seconds)
        return Integration(uid, platform, state=state)  # type: ignore[arg-type]

    @property
    def elapsed(self) -> float:
        return self.clock.monotonic() - self.begun

    @property
    def permit(self) -> Permit:
        return SourcePermits(self, self.clock).for_syncs(UID, PLATFORM)

    def freeze(self) -> None:
        self.at = self.elapsed

    def answering(self, *answers: tuple[float, Script]) -> Script:
        """Answers, each so many seconds after its request came; the last one stays."""

        def script(connection: socket.socket, number: int) -> None:
            self.sent.append(self.elapsed)
            seconds, answer = answers[min(number, len(answers) - 1)]
            self.clock.move(seconds)
            answer(connection, number)

        return script

    def asks(self, server: TinyServer) -> Transport:
        return Transport(self.clock, server.url, title="POSaBIT", permit=self.permit)


def get(transport: Transport) -> Any:
    try:
        return transport.get(CALL, lambda body: body)
    finally:
        transport.close()


def test_a_frozen_source_is_asked_nothing_and_no_connection_is_opened() -> None:
    card = FreezingCard(at=0)
    with serving(card.answering((0, GOOD))) as server:
        asked = card.asks(server)

        with pytest.raises(CallsStopped):
            get(asked)

        assert (server.requests, asked.requests) == ([], 0)


def test_a_503_is_not_asked_again_later_than_two_seconds_after_the_freeze() -> None:
    card = FreezingCard()

    def freeze(connection: socket.socket, number: int) -> None:
        if not number:
            card.freeze()
        say(b"{}", "503 Oops")(connection, number)

    with serving(card.answering((0, freeze), (1.7, freeze))) as server, pytest.raises(CallsStopped):
        get(card.asks(server))

    # The first retry comes in time; its answer is not, so there is no second.
    assert len(card.sent) == 2
    assert card.sent[-1] < card.at + 2


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        say(b"{}", "401 Unauthorized"),
        say(b"{}", "503 Oops"),
        say(b"{}", "429 Too Many Requests", Retry_After="1"),
        say(b"", "302 Found", Location="http://127.0.0.1:1/"),
        say(b"<html>", Content_Type="text/html"),
    ],
)
def test_an_answer_that_hangs_for_twenty_seconds_is_thrown_away_whatever_it_says(
    answer: Script,
) -> None:
    card = FreezingCard(at=1)
    used: list[Any] = []
    with serving(card.answering((20, answer))) as server:
        asked = card.asks(server)

        with pytest.raises(CallsStopped):
            asked.get(CALL, used.append)

        assert (card.sent, asked.requests, asked.retries) == ([0.0], 1, 0)


def test_a_redirect_is_not_followed_and_its_retry_is_refused() -> None:
    card = FreezingCard(at=0.5)
    with serving(GOOD) as elsewhere:
        moved = say(b"", "302 Found", Location=elsewhere.url)
        with serving(card.answering((2, moved))) as server, pytest.raises(CallsStopped):
            get(card.asks(server))

        assert (len(card.sent), elsewhere.requests) == (1, [])


def test_a_pause_between_requests_is_no_permission() -> None:
    card = FreezingCard(at=1)
    with serving(card.answering((0, GOOD))) as server:
        asked = Transport(
            card.clock, server.url, title="POSaBIT", permit=card.permit, gap_seconds=5.0
        )
        asked.get(CALL, lambda body: body)

        with pytest.raises(CallsStopped):
            get(asked)

    assert card.sent == [0.0]


def test_a_connection_that_is_kept_is_asked_for_again() -> None:
    """One connection for all requests, as POSs keep it."""
    card = FreezingCard(at=1)
    body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    received: list[bytes] = []

    def keep(connection: socket.socket, _number: int) -> None:
        connection.sendall(body)
        while more := connection.recv(65536):
            received.append(more)
            connection.sendall(body)

    with serving(keep) as server:
        asked = card.asks(server)
        for _ in range(2):
            asked.get(CALL, lambda body: body)
        card.clock.move(2)

        with pytest.raises(CallsStopped):
            get(asked)

        assert (len(server.requests), len(received)) == (1, 1)


def test_a_name_that_takes_long_to_look_up_leads_to_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = FreezingCard(at=1)
    usual = socket.getaddrinfo

    def slow(*given: Any, **options: Any) -> Any:
        card.clock.move(10)
        return usual(*given, **options)

    with serving(card.answering((0, GOOD))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        monkeypatch.setattr("urllib3.util.connection.create_connection", _never)

        with pytest.raises(CallsStopped):
            get(card.asks(server))


def _never(*_: Any, **__: Any) -> socket.socket:
    raise AssertionError("a connection was opened")


def test_the_second_address_of_a_name_is_not_tried_after_the_freeze(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = FreezingCard(at=1)
    tried: list[float] = []
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 80)) for n in (1, 2)]

    def black_hole(*_: Any, **__: Any) -> socket.socket:
        tried.append(card.elapsed)
        card.clock.move(3)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    monkeypatch.setattr("urllib3.util.connection.create_connection", black_hole)

    with pytest.raises(CallsStopped):
        get(Transport(card.clock, "http://pos.example/api", title="P", permit=card.permit))

    assert tried == [0.0]


def test_a_connection_that_took_long_carries_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    card = FreezingCard(at=1)
    with serving(card.answering((0, GOOD))) as server:
        _connecting_takes(3, card, monkeypatch)

        with pytest.raises(CallsStopped):
            get(card.asks(server))

        assert server.requests == []


def _connecting_takes(seconds: float, card: FreezingCard, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3.util import connection

    usual = connection.create_connection

    def slow(*given: Any, **options: Any) -> socket.socket:
        made = usual(*given, **options)
        card.clock.move(seconds)
        return made

    monkeypatch.setattr(connection, "create_connection", slow)


class SlowGuard(Guard):
    """A guard each of whose connections takes `seconds` on the card's clock, and counts them."""

    def __init__(self, card: FreezingCard, seconds: float) -> None:
        super().__init__(LOOPBACK)
        object.__setattr__(self, "card", card)
        object.__setattr__(self, "takes", seconds)

    def dial(self, host: hosts.Host, seconds: float) -> socket.socket:
        self.card.dialled.append(self.card.elapsed)  # type: ignore[attr-defined]
        made = super().dial(host, seconds)
        self.card.clock.move(self.takes)  # type: ignore[attr-defined]
        return made


def own_server(card: FreezingCard, server: TinyServer, *, dial_takes: float) -> Transport:
    """The way to a retailer's own server that speaks plain HTTP: HTTPS is tried first."""
    host = hosts.parse(server.url.removeprefix("http://").removesuffix("/api"))
    permit = card.permit
    way = OwnServer(host, HostTrust(allow_http=True), SlowGuard(card, dial_takes), permit=permit)
    return Transport(card.clock, way.base_url, title="Auphan", own_server=way, permit=permit)


def test_a_retailers_own_server_is_not_dialled_for_a_frozen_source() -> None:
    card = FreezingCard(at=0)
    with serving(GOOD) as server:
        with pytest.raises(CallsStopped):
            get(own_server(card, server, dial_takes=0))

        assert (card.dialled, server.requests) == ([], [])


def test_after_https_was_tried_first_the_permit_is_asked_again() -> None:
    card = FreezingCard(at=1)
    with serving(GOOD) as server:
        with pytest.raises(CallsStopped):
            get(own_server(card, server, dial_takes=1.5))

        # The second dial, for plain HTTP, begins in time and ends too late for a request.
        assert [at for at in card.dialled if at >= 3] == []
        assert not any("GET" in request for request in server.requests)


def test_an_own_server_that_is_not_frozen_is_asked() -> None:
    card = FreezingCard()
    with serving(GOOD) as server:
        assert get(own_server(card, server, dial_takes=1.5)) == {"ok": True}


@contextmanager
def checked(card: FreezingCard, script: Script) -> Iterator[Callable[[], Any]]:
    with serving(script) as server:
        gateway = Gateway(card.clock, {"posabit": server.url}, lambda _platform: None)
        permit = SourcePermits(card, card.clock).for_checks(UID, PLATFORM)
        fields = {"store_name": "Ballard", "key": "vt_4f1c9a2b7d"}
        access = CredentialAccess(PLATFORM, fields, permit=permit)
        yield lambda: gateway.check(access)


@pytest.mark.parametrize("requests", [0, 1, 2, 3, 4])
def test_a_check_ends_with_the_freeze_at_whichever_of_its_probes_it_is(requests: int) -> None:
    """An optional probe, too, and one that says which permission is missing."""
    card = FreezingCard(at=requests + 0.5 if requests else 0)
    empty = say(b"[]", "403 Forbidden")

    with checked(card, card.answering((1, empty))) as check, pytest.raises(CallsStopped):
        check()

    assert all(at < card.at + 2 for at in card.sent)


answers_of_a_pos = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.05, 0.4, 1.0, 1.9, 2.0, 3.0, 20.0]),
        st.sampled_from(
            [
                GOOD,
                say(b"{}", "503 Oops"),
                say(b"<html>", Content_Type="text/html"),
                say(b"", "302 Found", Location="/elsewhere"),
            ]
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(
    answers=answers_of_a_pos,
    frozen_at=st.floats(0, 30),
    reading=st.sampled_from([0.0, 0.005, 0.5, 2.5]),
    gap=st.sampled_from([0.0, 0.2, 3.0]),
)
def test_no_request_starts_later_than_two_seconds_after_the_freeze_whenever_that_is(
    answers: list[tuple[float, Script]], frozen_at: float, reading: float, gap: float
) -> None:
    card = FreezingCard(frozen_at, reading)
    stopped = False
    with serving(card.answering(*answers)) as server:
        asked = Transport(
            card.clock, server.url, title="POSaBIT", permit=card.permit, gap_seconds=gap
        )
        while card.elapsed < frozen_at + 40 and not stopped:
            try:
                asked.get(CALL, lambda body: body)
            except CallsStopped:
                stopped = True
            except AiqError:
                pass
            card.clock.move(0.1)
        asked.close()

    assert stopped
    assert all(at < frozen_at + 2 for at in card.sent)
