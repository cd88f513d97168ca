"""Tokens that a POS gives for a key: asked for once, kept, renewed once, never shown."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from chalicelib.domain.errors import KeyRejected, LoginExpired, UnexpectedAnswer
from chalicelib.domain.times import HOUR, to_text
from chalicelib.pos.asking.tokens import SessionTokens
from chalicelib.pos.profile.profile import Profile
from tests.fakes.common import NOON, FakeClock

from .made_up import a_field, a_gateway, a_profile, a_secret, an_access, faults_of
from .test_requests import asked
from .tiny_server import Script, TinyServer, one_after_another, say, serving

CARD = {
    "per": "store",
    "steps": [],
    "fields": [a_field("client_id"), a_secret("api_key"), a_secret("login", label="Login Token")],
}
EXCHANGE = {
    "path": "/token",
    "form": {
        "grant_type": "client_credentials",
        "client_id": "{client_id}",
        "client_secret": "{api_key}",
    },
    "token": "access_token",
    "expires_in": "expires_in",
}
REFRESH = {
    "path": "/token",
    "basic": ["client_id", "api_key"],
    "form": {"grant_type": "refresh_token", "refresh_token": "{login}"},
    "token": "access_token",
    "expires_in": "expires_in",
    "rotates": {"login": "refresh_token"},
}
KEYS = {"client_id": "cl42", "api_key": "k3y-abcdef", "login": "first-login"}
ROWS = say(b"[]")
UNAUTHORIZED = say(b"{}", "401 Unauthorized")


def a_token_pos(call: dict[str, Any] = EXCHANGE, **changes: Any) -> Profile:
    auth = [{"name": "oauth", "scheme": "bearer", "token": call}]
    return a_profile(credential=CARD, auth=auth, **changes)


def gives(token: str, **more: Any) -> Script:
    return say(json.dumps({"access_token": token, **more}).encode())


class Talk:
    """A session with a made-up POS that answers one script after another."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        server: TinyServer,
        profile: Profile,
        store: SessionTokens | None = None,
    ) -> None:
        self.clock = FakeClock()
        gateway = a_gateway(monkeypatch, profile, server.url, clock=self.clock)
        self.session: Any = gateway.open(an_access(store, **KEYS))
        self.server = server

    def ask(self) -> Any:
        return self.session._auth.get("rows", {}, lambda body: body)

    @property
    def asked(self) -> list[str]:
        """The path of each request, and the key that it showed."""
        parts = [asked(self.server, number) for number in range(len(self.server.requests))]
        return [f"{p[0].split()[1]} {p[1].get('Authorization', '-')}" for p in parts]


def test_a_key_is_exchanged_once_for_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = one_after_another(gives("tok-1", expires_in=3600), ROWS)
    with serving(answers) as server:
        talk = Talk(monkeypatch, server, a_token_pos())
        talk.ask()
        talk.ask()

        assert talk.asked == ["/api/token -", *["/api/rows Bearer tok-1"] * 2]
        assert asked(server, 0)[2] == (
            "grant_type=client_credentials&client_id=cl42&client_secret=k3y-abcdef"
        )


def test_a_token_that_ends_inside_a_listing_is_exchanged_and_the_page_asked_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = one_after_another(
        gives("tok-1"), say(b"[1]"), UNAUTHORIZED, gives("tok-2"), say(b"[2]")
    )
    with serving(answers) as server:
        talk = Talk(monkeypatch, server, a_token_pos())

        assert [talk.ask(), talk.ask()] == [[1], [2]]
        assert talk.asked == [
            "/api/token -",
            *["/api/rows Bearer tok-1"] * 2,
            "/api/token -",
            "/api/rows Bearer tok-2",
        ]


def test_a_key_whose_new_token_is_refused_too_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = one_after_another(gives("tok-1"), UNAUTHORIZED, gives("tok-2"), UNAUTHORIZED)
    with serving(answers) as server:
        talk = Talk(monkeypatch, server, a_token_pos())

        with pytest.raises(KeyRejected):
            talk.ask()
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    "ends",
    [
        {"expires_in": 3600},
        {"expires_in": "3600"},
        {"expires_at": to_text(NOON + HOUR)},
        {"expires_at": (NOON + HOUR) // 1000},
        {"expires_at": NOON + HOUR},
    ],
)
def test_a_token_is_renewed_before_it_ends(
    monkeypatch: pytest.MonkeyPatch, ends: dict[str, Any]
) -> None:
    answers = one_after_another(gives("tok-1", **ends), ROWS, ROWS, gives("tok-2", **ends), ROWS)
    with serving(answers) as server:
        talk = Talk(monkeypatch, server, a_token_pos({**EXCHANGE, "expires_at": "expires_at"}))
        talk.ask()
        talk.clock.move(3500)
        talk.ask()
        talk.clock.move(60)
        talk.ask()

        assert talk.asked[2:] == [
            "/api/rows Bearer tok-1",
            "/api/token -",
            "/api/rows Bearer tok-2",
        ]


@pytest.mark.parametrize("ends", [{"expires_in": 5}, {"expires_at": "2020-01-01T00:00:00Z"}, {}])
def test_a_token_that_seems_over_at_once_is_used_until_the_pos_refuses_it(
    monkeypatch: pytest.MonkeyPatch, ends: dict[str, Any]
) -> None:
    with serving(one_after_another(gives("tok-1", **ends), ROWS)) as server:
        talk = Talk(monkeypatch, server, a_token_pos({**EXCHANGE, "expires_at": "expires_at"}))
        talk.ask()
        talk.ask()

        assert len(server.requests) == 3


def test_a_token_that_rotates_is_renewed_with_what_came_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = one_after_another(
        gives("tok-1", refresh_token="second"),
        UNAUTHORIZED,
        gives("tok-2", refresh_token="third"),
        ROWS,
    )
    store = SessionTokens()
    with serving(answers) as server:
        Talk(monkeypatch, server, a_token_pos(REFRESH), store).ask()

        sent = [asked(server, number) for number in (0, 2)]

    assert [body for _, _, body in sent] == [
        "grant_type=refresh_token&refresh_token=first-login",
        "grant_type=refresh_token&refresh_token=second",
    ]
    basic = b64encode(b"cl42:k3y-abcdef").decode()
    assert sent[0][1]["Authorization"] == f"Basic {basic}"
    assert store.token
    assert (store.token.text, store.token.new_secrets) == ("tok-2", {"login": "third"})


@pytest.mark.parametrize(
    "refusal",
    [
        say(b'{"error": "invalid_grant"}', "400 Bad Request"),
        say(b"{}", "401 Unauthorized"),
        say(b"{}", "403 Forbidden"),
    ],
)
def test_a_login_that_is_renewed_no_more_says_so(
    monkeypatch: pytest.MonkeyPatch, refusal: Script
) -> None:
    with serving(refusal) as server:
        talk = Talk(monkeypatch, server, a_token_pos(REFRESH))

        with pytest.raises(LoginExpired, match="Log in to Made Up again") as ended:
            talk.ask()

        assert "enter the new Login Token on the card" in ended.value.message
        assert len(server.requests) == 1


def test_a_refused_exchange_of_a_key_is_a_rejected_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(say(b"no", "400 Bad Request")) as server:
        talk = Talk(monkeypatch, server, a_token_pos())

        with pytest.raises(KeyRejected) as refused:
            talk.ask()

    assert refused.value.code == "key_rejected"


def test_a_call_that_spends_a_secret_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(one_after_another(say(b"{", "502 Oops"), gives("tok"))) as server:
        talk = Talk(monkeypatch, server, a_token_pos(REFRESH))

        with pytest.raises(Exception, match="failed with status 502"):
            talk.ask()

        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"access_token": null}', b'{"access_token": ""}', b"[]"]
)
def test_an_answer_without_a_token_is_unexpected(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with serving(say(answer)) as server:
        talk = Talk(monkeypatch, server, a_token_pos())

        with pytest.raises(UnexpectedAnswer, match="sent no token that can be used"):
            talk.ask()


def test_a_token_that_a_pos_echoes_is_hidden_like_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    echo = say(b'["tok-canary-1", "login-canary-2", "k3y-abcdef"]')
    first = gives("tok-canary-1", refresh_token="login-canary-2")
    with serving(one_after_another(first, echo)) as server:
        talk = Talk(monkeypatch, server, a_token_pos(REFRESH))

        assert set(talk.ask()) == {"•••"}
    assert "canary" not in repr(talk.session.__dict__)


def test_a_check_returns_the_token_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = say(b'{"id": "shop_1", "name": "Main"}')
    answers = one_after_another(gives("tok-1", refresh_token="second"), shop)
    with serving(answers) as server:
        gateway = a_gateway(monkeypatch, a_token_pos(REFRESH), server.url)

        result = gateway.check(an_access(**KEYS))

    assert (result.outcome, result.scope) == ("ok", "shop_1")
    assert result.token
    assert result.token.new_secrets == {"login": "second"}
    assert "tok-1" not in repr(result)


def test_a_check_of_an_ended_login_is_a_rejected_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(UNAUTHORIZED) as server:
        gateway = a_gateway(monkeypatch, a_token_pos(REFRESH), server.url)

        result = gateway.check(an_access(**KEYS))

    assert result.outcome == "key_rejected"
    assert "Log in to Made Up again" in result.message


def test_a_token_server_at_another_host_is_stood_in_for_where_the_pos_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = a_token_pos({**EXCHANGE, "base_url": "https://login.example.com"})
    with serving(gives("tok-1")) as login, serving(ROWS) as server:
        urls = {"madeup/token": login.url}
        gateway = a_gateway(monkeypatch, profile, server.url, urls=urls)
        session: Any = gateway.open(an_access(**KEYS))
        session._auth.get("rows", {}, len)

        assert (len(login.requests), len(server.requests)) == (1, 1)

        gateway = a_gateway(monkeypatch, profile, server.url)
        with pytest.raises(UnexpectedAnswer):
            gateway.open(an_access(**KEYS))._auth.get("rows", {}, len)  # type: ignore[attr-defined]
        assert len(login.requests) == 1


def test_an_endpoint_may_be_at_another_host_of_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"path": "/rows", "base_url": "https://rows.example.com/v3"}
    profile = a_token_pos(endpoints={"shop": {"path": "/shop"}, "rows": rows})
    with serving(ROWS) as other, serving(gives("tok-1")) as server:
        urls = {"madeup/rows": other.url}
        gateway = a_gateway(monkeypatch, profile, server.url, urls=urls)
        session: Any = gateway.open(an_access(**KEYS))
        session._auth.get("rows", {}, len)

        assert [len(other.requests), len(server.requests)] == [1, 1]
    assert faults_of(profile) == []
    plain = {"path": "/rows", "base_url": "http://rows.example.com"}
    bad = a_token_pos(endpoints={"shop": {"path": "/shop"}, "rows": plain})
    assert any("must begin with https" in line for line in faults_of(bad))


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ({**EXCHANGE, "form": {"x": "{nobody}"}}, "no field of the credential is called 'nobody'"),
        ({**REFRESH, "rotates": {"client_id": "x"}}, "is no secret field"),
        ({**EXCHANGE, "path": "token"}, "write the path from / on"),
        ({**EXCHANGE, "method": "GET"}, "only a POST carries a form"),
    ],
)
def test_a_token_call_that_cannot_be_meant_is_told(call: dict[str, Any], fault: str) -> None:
    assert any(fault in line for line in faults_of(a_token_pos(call)))
    assert faults_of(a_token_pos(REFRESH)) == []
