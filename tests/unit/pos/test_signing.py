"""Requests that are signed: what is sent, at the time it is sent, with what the profile says."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from chalicelib.domain.errors import ConfigurationError
from tests.fakes.common import NOON, FakeClock

from .made_up import a_field, a_gateway, a_profile, a_secret, an_access, faults_of
from .test_requests import asked
from .tiny_server import TinyServer, one_after_another, say, serving

CARD = {"per": "store", "steps": [], "fields": [a_field("client_id"), a_secret("api_key")]}
SIGNED = {
    "secret": "api_key",
    "text": "{method}\n{path}\n{query}\n{time}\n{body}",
    "headers": {"X-Time": "{time}", "X-Signature": "{client_id}:{signature}"},
}
ROWS = say(b"[]")
KEY = "00ff3365-not-hex"


def ask(
    monkeypatch: pytest.MonkeyPatch,
    server: TinyServer,
    signature: dict[str, Any],
    *,
    key: str = KEY,
    rows: dict[str, Any] | None = None,
) -> dict[str, str]:
    """The headers of a request for rows."""
    profile = a_profile(
        credential=CARD,
        auth=[{"name": "signed", "signature": signature}],
        endpoints={"shop": {"path": "/shop"}, "rows": rows or {"path": "/rows"}},
    )
    gateway = a_gateway(monkeypatch, profile, server.url, clock=FakeClock())
    session: Any = gateway.open(an_access(client_id="cl42", api_key=key))
    session._auth.get("rows", {"page": "1 2"}, len)
    session.close()
    return asked(server)[1]


def test_a_request_is_signed_over_all_that_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"path": "/rows", "method": "POST", "body": {"of": "{client_id}", "p": "{page}"}}
    with serving(ROWS) as server:
        headers = ask(monkeypatch, server, SIGNED, rows=rows)
        body = asked(server)[2]

    text = f"POST\n/api/rows\n\n{NOON // 1000}\n{body}"
    signed = hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest()
    assert (headers["X-Time"], headers["X-Signature"]) == (str(NOON // 1000), f"cl42:{signed}")


@pytest.mark.parametrize(
    ("changes", "key", "time", "encode"),
    [
        ({"encoding": "base64"}, KEY.encode(), NOON // 1000, b64encode),
        ({"encoding": "base64url"}, KEY.encode(), NOON // 1000, urlsafe_b64encode),
        ({"time": "milliseconds"}, KEY.encode(), NOON, lambda raw: raw.hex().encode()),
        (
            {"time": "iso", "secret_as": "hex"},
            bytes.fromhex("00ff3365"),
            "2026-01-01T12:00:00Z",
            lambda raw: raw.hex().encode(),
        ),
        (
            {"secret_as": "base64", "algorithm": "sha512"},
            b"\x00\xff\x33",
            NOON // 1000,
            lambda raw: raw.hex().encode(),
        ),
    ],
)
def test_key_time_and_signature_are_written_as_the_profile_says(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], key: bytes, time: Any, encode: Any
) -> None:
    typed = {"hex": "00ff3365", "base64": "AP8z"}.get(changes.get("secret_as", ""), KEY)
    with serving(ROWS) as server:
        headers = ask(monkeypatch, server, {**SIGNED, **changes}, key=typed)

    text = f"GET\n/api/rows\npage=1+2\n{time}\n"
    raw = hmac.new(key, text.encode(), changes.get("algorithm", "sha256")).digest()
    assert headers["X-Signature"] == f"cl42:{encode(raw).decode()}"


def test_a_hash_of_the_body_may_be_signed_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ROWS) as server:
        headers = ask(monkeypatch, server, {**SIGNED, "text": "{body_hash}"})

    nothing = hashlib.sha256(b"").hexdigest()
    signed = hmac.new(KEY.encode(), nothing.encode(), "sha256").hexdigest()
    assert headers["X-Signature"] == f"cl42:{signed}"


def test_each_try_is_signed_at_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(one_after_another(say(b"{", "502 Oops"), ROWS)) as server:
        ask(monkeypatch, server, {**SIGNED, "time": "milliseconds"})

        times = [asked(server, number)[1]["X-Time"] for number in (0, 1)]

    assert times[0] != times[1]


def test_a_secret_that_is_not_written_as_it_should_be_is_sent_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(ROWS) as server:
        with pytest.raises(ConfigurationError, match="Api Key is not written in hex") as refused:
            ask(monkeypatch, server, {**SIGNED, "secret_as": "hex"})

        assert server.requests == []
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"headers": {"X-Time": "{time}"}}, "none of them carries the {signature}"),
        ({"headers": {"X": "{signature}"}}, "the text has a {time} that no header tells"),
        ({"secret": "nobody"}, "no field of the credential is called 'nobody'"),
    ],
)
def test_a_signature_that_nobody_could_check_is_told(changes: dict[str, Any], fault: str) -> None:
    auth = [{"name": "signed", "signature": {**SIGNED, **changes}}]

    assert any(fault in line for line in faults_of(a_profile(credential=CARD, auth=auth)))
    good = a_profile(credential=CARD, auth=[{"name": "signed", "signature": SIGNED}])
    assert faults_of(good) == []
