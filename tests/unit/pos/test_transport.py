"""One transport: limits, pace, retries, and errors that say who must act."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
from base64 import b64encode
from email.utils import formatdate
from typing import Any

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    FilterIgnored,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    RecordNotFound,
    ServerUnreachable,
    UnexpectedAnswer,
    UpstreamError,
)
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.redaction import HIDDEN
from chalicelib.pos.transport.transport import Call, TooSlow, Transport
from chalicelib.services.ports.common import do_nothing
from tests.fakes.common import FakeClock

from .tiny_server import Script, drip, head, one_after_another, raw, say, serving

SECRET = "vt_canary/4f1c+9a"
GOOD = say(b'{"ok": true}')
CALL = Call(
    "customers",
    "/v3/venue/customers",
    {"q[updated_at_gt]": "2026-05-01T00:00:00.000Z", "token": SECRET},
    {"Authorization": "Bearer " + SECRET},
    permission="Enhanced Customer Data Access",
)


def transport(url: str, clock: Any = None, **options: Any) -> Transport:
    given: Any = {"title": "POSaBIT", "secrets": [SECRET], "permit": do_nothing} | options
    return Transport(clock or FakeClock(), url, **given)


def ask(script: Script) -> tuple[Any, Transport]:
    """The body, or the error, and the transport that was used."""
    with serving(script) as server:
        used = transport(server.url)
        try:
            return used.get(CALL, lambda body: body), used
        except AiqError as error:
            return error, used
        finally:
            used.close()


@pytest.mark.parametrize(
    ("script", "error", "requests", "message"),
    [
        (say(b"{}", "401 Unauthorized"), KeyRejected, 1, "POSaBIT rejected the key."),
        (
            say(b"<html>", "401 Unauthorized", Content_Type="text/html"),
            KeyRejected,
            1,
            "POSaBIT rejected the key.",
        ),
        (
            say(b"{}", "403 Forbidden"),
            PermissionMissing,
            1,
            "The key lacks a permission for customers: Enhanced Customer Data Access.",
        ),
        (
            say(b'{"no": 1}', "403 Forbidden", Content_Type="text/html"),
            PermissionMissing,
            1,
            "The key lacks a permission for customers: Enhanced Customer Data Access.",
        ),
        (
            say(b"<html>", "403 Forbidden", Content_Type="text/html"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 403 (customers).",
        ),
        (say(b"{}", "404 Not Found"), RecordNotFound, 1, "POSaBIT does not know this (customers)."),
        (say(b"{}", "429 Too Many Requests"), RateLimited, 1, "POSaBIT asks us to wait."),
        (say(b"{}", "500 Oops"), UpstreamError, 3, "POSaBIT failed with status 500 (customers)."),
        (say(b"{}", "503 Oops"), UpstreamError, 3, "POSaBIT failed with status 503 (customers)."),
        (
            say(b"{}", "422 Oops"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 422 (customers).",
        ),
        (
            say(b"", "403 Forbidden", Content_Type="text/html"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 403 (customers).",
        ),
        (
            say(b"", "302 Found", Location="http://127.0.0.1:1/"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 302 (customers).",
        ),
        (
            say(b"", "302 Found", Location="http://[::1"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 302 (customers).",
        ),
        (
            say(b"", "302 Found", Location="\u00ff"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 302 (customers).",
        ),
        (
            say(b"", "302 Found", Location="file:///etc/passwd"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with status 302 (customers).",
        ),
        (
            say(b"{}", Content_Length="2, 3"),
            UnexpectedAnswer,
            3,
            "POSaBIT sent headers that cannot be read (customers).",
        ),
        (
            say(b"<!DOCTYPE html><p>", Content_Type="text/html"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with a web page instead of data (customers).",
        ),
        (
            say(b"  <html>"),
            UnexpectedAnswer,
            3,
            "POSaBIT answered with a web page instead of data (customers).",
        ),
        (
            say(b""),
            UnexpectedAnswer,
            3,
            "POSaBIT sent an answer that is cut short or no JSON (customers).",
        ),
        (
            say(b"Internal error"),
            UnexpectedAnswer,
            3,
            "POSaBIT sent an answer that is cut short or no JSON (customers).",
        ),
        (
            say(b'{"a": 1', Content_Length="100"),
            UnexpectedAnswer,
            3,
            "POSaBIT sent an answer that was cut short (customers).",
        ),
        (
            say(b"plain", Content_Encoding="gzip"),
            UnexpectedAnswer,
            3,
            "POSaBIT sent an answer that was cut short (customers).",
        ),
        (
            raw(head("200 OK", {"Transfer-Encoding": "chunked"}) + b'9\r\n{"a"'),
            UnexpectedAnswer,
            3,
            "POSaBIT sent an answer that was cut short (customers).",
        ),
        (
            raw(b""),
            UpstreamError,
            3,
            "POSaBIT closed the connection without an answer (customers).",
        ),
        (
            raw(b"SSH-2.0-OpenSSH\r\n"),
            UpstreamError,
            3,
            "POSaBIT closed the connection without an answer (customers).",
        ),
    ],
)
def test_every_bad_answer_has_its_error_and_its_number_of_tries(
    script: Script, error: type[AiqError], requests: int, message: str
) -> None:
    made, used = ask(script)

    assert type(made) is error
    assert made.message == message
    assert (used.requests, used.retries) == (requests, requests - 1)


@pytest.mark.parametrize(
    "bad",
    [
        say(b"{}", "502 Oops"),
        say(b"<html>", Content_Type="text/html"),
        say(b'{"a": 1', Content_Length="100"),
        raw(b""),
    ],
)
def test_what_is_mended_by_the_third_try_is_an_answer(bad: Script) -> None:
    made, used = ask(one_after_another(bad, bad, GOOD))

    assert made == {"ok": True}
    assert used.retries == 2


def test_a_key_that_the_pos_sends_back_is_hidden_in_what_is_read() -> None:
    body, _ = ask(say(json.dumps({"stores": [{"name": SECRET, "id": 7}]}).encode()))

    assert body == {"stores": [{"name": HIDDEN, "id": 7}]}


def test_a_body_that_its_reader_refuses_is_asked_for_again() -> None:
    bodies = iter(["ignored", "fine"])

    def read(_body: Any) -> str:
        if (found := next(bodies)) == "ignored":
            raise FilterIgnored("the filter was ignored")
        return found

    with serving(GOOD) as server:
        assert transport(server.url).get(CALL, read) == "fine"


def test_a_missing_permission_is_named() -> None:
    made, _ = ask(say(b"{}", "403 Forbidden"))

    assert made.details["permissions"] == ["Enhanced Customer Data Access"]
    assert "Enhanced Customer Data Access" in made.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("9999999", 86400.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        (formatdate(FakeClock().now() / 1000 + 90, usegmt=True), 90.0),
        (formatdate(FakeClock().now() / 1000 - 90, usegmt=True), 0.0),
    ],
)
def test_a_limit_tells_how_long_to_wait_and_nobody_waits_here(
    value: str | None, seconds: float | None
) -> None:
    clock = FakeClock()
    headers = {"Retry_After": value} if value else {}
    script = say(b"{}", "429 Too Many Requests", **headers)
    with serving(script) as server, pytest.raises(RateLimited) as limited:
        transport(server.url, clock).get(CALL, lambda body: body)

    assert limited.value.details["retry_after"] == seconds
    assert clock.slept == 0


def test_a_pos_that_is_down_and_says_how_long_is_left_alone_for_so_long() -> None:
    for value in ("90", formatdate(FakeClock().now() / 1000 + 90, usegmt=True)):
        made, used = ask(say(b"{}", "503 Service Unavailable", Retry_After=value))

        assert type(made) is RateLimited
        assert made.details["retry_after"] == 90
        assert used.requests == 1


def test_a_pos_that_is_down_and_says_nothing_that_can_be_read_is_asked_again() -> None:
    made, used = ask(say(b"{}", "503 Service Unavailable", Retry_After="soon"))

    assert type(made) is UpstreamError
    assert used.requests == 3


def test_a_host_that_refuses_is_tried_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    used = transport(f"http://127.0.0.1:{port}/api")

    with pytest.raises(ServerUnreachable):
        used.get(CALL, lambda body: body)

    assert (used.requests, used.retries) == (2, 1)


def test_a_dead_server_costs_less_than_eight_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()

    def black_hole(*_: Any, **options: Any) -> None:
        clock.sleep(options["timeout"])
        raise TimeoutError

    monkeypatch.setattr(
        "urllib3.util.connection.create_connection",
        lambda _a, timeout, **_: black_hole(timeout=timeout),
    )
    begun = clock.monotonic()

    with pytest.raises(ServerUnreachable):
        transport("http://192.0.2.1/api", clock).get(CALL, lambda body: body)

    assert 6 <= clock.monotonic() - begun <= 8


def test_a_name_that_does_not_exist_is_an_unreachable_server() -> None:
    with pytest.raises(ServerUnreachable):
        transport("http://no-such-host.invalid/api").get(CALL, lambda body: body)


def test_a_body_over_ten_megabytes_is_not_read_to_its_end() -> None:
    bomb = gzip.compress(b" " * (answers.MAX_BYTES + 1))

    made, _ = ask(say(bomb, Content_Encoding="gzip"))

    assert isinstance(made, UnexpectedAnswer)
    assert "10 MB" in made.message


def test_nothing_of_what_follows_a_redirect_is_read() -> None:
    taken = threading.Event()

    def endless(connection: socket.socket, _number: int) -> None:
        connection.sendall(head("302 Found", {"Location": "http://127.0.0.1:1/"}))
        for _ in range(100):
            connection.sendall(b"x" * answers.MAX_BYTES)
        taken.set()

    made, _ = ask(endless)

    assert isinstance(made, UnexpectedAnswer)
    assert not taken.is_set()


def test_a_compressed_answer_is_read() -> None:
    made, _ = ask(say(gzip.compress(b'{"ok": true}'), Content_Encoding="gzip"))

    assert made == {"ok": True}


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        (b'"Ana \\ud83d"', "Ana \N{REPLACEMENT CHARACTER}"),
        (b'"\\ude00 Ana \\ud83d\\ude00"', "\N{REPLACEMENT CHARACTER} Ana \N{GRINNING FACE}"),
        (b'"Jos\xe9"', "José"),
        (b'"\xed\xa0\xbd"', "\N{REPLACEMENT CHARACTER}"),
        (b"NaN", ["NaN"]),
        (b"1e999", "1e999"),
        (b"-1" + b"0" * 5000, "-1" + "0" * 5000),
        (
            b"[1e999, 12, 12.5, -3, 123456789012345678901]",
            ["1e999", 12, 12.5, -3, 1.2345678901234568e20],
        ),
    ],
)
def test_a_value_beyond_what_json_can_carry_costs_its_record_and_not_the_page(
    odd: bytes, read: Any
) -> None:
    made, _ = ask(say(b'{"odd": ' + odd + b', "good": 1}'))

    assert made == {"odd": read, "good": 1}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": "\\ud83d"', b'{"a": -Infinity'])
def test_what_is_no_json_by_any_reading_is_refused(body: bytes) -> None:
    made, _ = ask(say(body))

    assert isinstance(made, UnexpectedAnswer)


HTML = "text/html; charset=UTF-8"


def test_json_that_a_server_calls_a_web_page_is_read() -> None:
    made, _ = ask(say(b' [{"id": 1}]', Content_Type=HTML))

    assert made == [{"id": 1}]


@pytest.mark.parametrize(
    "body", [b"\n<html><form>Log in</form>", b"Please log in", b"", b"null and void"]
)
def test_a_log_in_page_is_told_from_data(body: bytes) -> None:
    made, _ = ask(say(body, Content_Type=HTML))

    assert isinstance(made, UnexpectedAnswer)
    assert "a web page instead of data" in made.message


def test_a_page_in_the_charset_that_its_type_declares_is_read() -> None:
    body = '{"name": "Zoë Müller", "city": "Лондон"}'.encode("koi8-r", "replace")

    made, _ = ask(say(body, Content_Type='application/json; charset="koi8-r"'))

    assert made["city"] == "Лондон"


def test_a_body_of_empty_arrays_without_end_is_refused_before_it_is_parsed() -> None:
    bomb = b"[" + b"[]," * 3_400_000 + b"[]]"

    made, _ = ask(say(gzip.compress(bomb), Content_Encoding="gzip"))

    assert isinstance(made, UnexpectedAnswer)
    assert "more records than anybody can read" in made.message


def test_a_byte_order_mark_before_an_answer_is_passed_over() -> None:
    made, _ = ask(say(b'\xef\xbb\xbf{"ok": true}'))

    assert made == {"ok": True}


def test_a_chunked_answer_is_read() -> None:
    chunked = (
        head("200 OK", {"Transfer-Encoding": "chunked"})
        + b'5\r\n{"ok"\r\n7\r\n: true}\r\n0\r\n\r\n'
    )

    made, _ = ask(raw(chunked))

    assert made == {"ok": True}


@pytest.mark.parametrize(("length", "pause"), [(5000, 0.002), (2, 0.05)], ids=["body", "head"])
def test_a_server_that_drips_is_given_up_at_the_deadline(length: int, pause: float) -> None:
    clock = SystemClock()
    answer = head("200 OK", {"Content-Length": str(length)}) + b" " * length
    with serving(drip(answer, pause)) as server:
        used = transport(server.url, clock)
        used.deadline = clock.monotonic() + 0.4
        with pytest.raises(TooSlow, match=r"^POSaBIT took too long to answer \(customers\)\.$"):
            used.get(CALL, lambda body: body)

    assert clock.monotonic() < used.deadline + 2, "not when all has dripped, 3 s and more"
    assert used.requests == 1


def test_past_the_deadline_nothing_is_asked() -> None:
    clock = FakeClock()
    with serving(GOOD) as server:
        used = transport(server.url, clock)
        used.deadline = clock.monotonic()
        with pytest.raises(TooSlow, match=r"^POSaBIT did not answer in time\.$"):
            used.get(CALL, lambda body: body)

        assert server.requests == []


def test_requests_keep_their_distance() -> None:
    clock = FakeClock()
    with serving(GOOD) as server:
        used = transport(server.url, clock, gap_seconds=0.2)
        for _ in range(3):
            used.get(CALL, lambda body: body)
        clock.move(5)
        used.get(CALL, lambda body: body)

    assert clock.slept == pytest.approx(0.4)


def test_waits_between_tries_grow_and_differ() -> None:
    waits = set()
    for _ in range(5):
        clock = FakeClock()
        with serving(say(b"{}", "500 Oops")) as server, pytest.raises(UpstreamError):
            transport(server.url, clock).get(CALL, lambda body: body)
        waits.add(clock.slept)
        assert 1.2 <= clock.slept <= 2.1

    assert len(waits) > 1


def test_the_environment_sends_nothing_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    made, _ = ask(GOOD)

    assert made == {"ok": True}


@pytest.mark.parametrize("key", ["vt_\n4f1c", "vt_ключ"])
def test_a_key_that_no_header_can_carry_is_the_retailers_matter(key: str) -> None:
    call = Call("info", "/v3/info", headers={"Authorization": f"Bearer {key}"})

    with pytest.raises(ConfigurationError):
        transport("http://127.0.0.1:1/api").get(call, lambda body: body)


def test_no_secret_is_in_any_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts = [
        say(SECRET.encode(), "500 " + SECRET),
        say(SECRET.encode()),
        say(b"{}", "401 Unauthorized"),
        say(b"{}", "403 Forbidden"),
        raw(b""),
    ]

    for script in scripts:
        made, used = ask(script)
        told = f"{made!r} {made.message} {made.details} {made.__cause__!r} {used!r} {CALL!r}"
        assert SECRET not in told
        assert made.__cause__ is None
        assert made.__suppress_context__ or made.__context__ is None

    assert SECRET not in caplog.text
    assert "updated_at_gt" not in caplog.text


@pytest.mark.parametrize("line", [b"no colon ana@example.com", b": no name", b"\xff\x00: 1"])
def test_a_header_that_cannot_be_read_takes_no_secret_into_the_log(
    line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = head("200 OK", {"Content-Length": "12"}).removesuffix(b"\r\n")

    ask(raw(whole + line + b'\r\n\r\n{"ok": true}'))

    assert "vt_canary" not in caplog.text
    assert "updated_at_gt" not in caplog.text
    assert "ana@example.com" not in caplog.text


def test_an_error_hides_a_secret_in_whatever_form_it_came() -> None:
    forms = [SECRET, "vt_canary%2F4f1c%2B9a", b64encode(SECRET.encode()).decode()]
    for form in forms:
        with serving(say(b"{}", "500 Oops")) as server, pytest.raises(UpstreamError) as failed:
            transport(server.url).get(Call(f"customers {form}", "/x"), lambda body: body)

        assert form not in failed.value.message
