"""Requests that a profile says: what stands in path, headers and body, and what may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.errors import ConfigurationError, UnexpectedAnswer
from chalicelib.domain.records import Customer
from chalicelib.pos.asking.request_parts import listing_call
from chalicelib.pos.profile import template
from chalicelib.pos.transport.next_url import path_on_host
from chalicelib.services.ports.pos import StreamPlan

from .made_up import a_field, a_gateway, a_profile, a_secret, an_access, faults_of
from .tiny_server import TinyServer, one_after_another, say, serving

NO_ROWS = say(b"[]")
CARD = {
    "per": "store",
    "steps": [],
    "fields": [a_secret("api_key"), a_field("client_id"), a_field("company", pattern="[a-z0-9]+")],
}
ROWS: dict[str, Any] = {"shop": {"path": "/shop"}}
POSTED = {"path": "/rows", "method": "POST"}


def asked(server: TinyServer, number: int = -1) -> tuple[str, dict[str, str], str]:
    """The first line, the headers and the body of a request that came."""
    header, _, body = server.requests[number].partition("\r\n\r\n")
    first, *lines = header.split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


def ask_customers(
    monkeypatch: pytest.MonkeyPatch,
    server: TinyServer,
    fields: dict[str, str],
    params: dict[str, str] | None = None,
    **changes: Any,
) -> None:
    """Ask for the rows of a page by its `params`."""
    profile = a_profile(credential=CARD, **changes)
    session: Any = a_gateway(monkeypatch, profile, server.url).open(an_access(**fields))
    try:
        if params is None:
            session.fetch(StreamPlan("customers", 0), None)
        else:
            session._auth.get("rows", params, len)
    finally:
        session.close()


KEYS = {"api_key": "k3y-abcdef", "client_id": "cl/42", "company": "acme"}


def test_several_headers_with_any_prefix_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = [
        {
            "name": "two",
            "headers": {"Authorization": "Token {api_key}", "X-Client": "{client_id}"},
        }
    ]
    with serving(NO_ROWS) as server:
        ask_customers(monkeypatch, server, KEYS, auth=auth)

        first, headers, _ = asked(server)

    assert first == "GET /api/rows HTTP/1.1"
    assert (headers["Authorization"], headers["X-Client"]) == ("Token k3y-abcdef", "cl/42")


def test_a_field_in_a_path_is_one_step_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = ROWS | {"rows": {"path": "/v1/{company}/rows", "params": {"for": "{client_id}"}}}
    with serving(NO_ROWS) as server:
        ask_customers(monkeypatch, server, KEYS, endpoints=endpoints)

        first, _, _ = asked(server)

    assert first == "GET /api/v1/acme/rows?for=cl%2F42 HTTP/1.1"


def test_a_listing_may_be_asked_for_by_a_post_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query($c: ID!) { customers(company: $c) { id } }"
    body = {"query": query, "variables": {"c": "{company}", "after": "{cursor}", "n": "{size:int}"}}
    endpoints = ROWS | {"rows": {"path": "/graphql", "method": "POST", "body": body}}
    with serving(NO_ROWS) as server:
        params = {"size": "50", "sort": "id"}
        ask_customers(monkeypatch, server, KEYS, params, endpoints=endpoints)

        first, headers, sent = asked(server)

    assert first == "POST /api/graphql?sort=id HTTP/1.1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(sent) == {"query": query, "variables": {"c": "acme", "n": 50}}


def test_a_listing_may_be_asked_for_by_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"company": "{company}", "of": "store {client_id}", "after": "{cursor}"}
    endpoints = ROWS | {"rows": {"path": "/search", "method": "POST", "form": form}}
    with serving(NO_ROWS) as server:
        ask_customers(monkeypatch, server, KEYS, endpoints=endpoints)

        first, headers, sent = asked(server)

    assert first == "POST /api/search HTTP/1.1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert sent == "company=acme&of=store+cl%2F42"


NUMBERED = {
    "pager": {"by": "number", "param": "page", "size": "per", "limit": 2},
    "proof": {"by": "downwards", "changed": "at"},
}


@pytest.mark.parametrize(
    "endpoint",
    [
        {"path": "/rows/{page}"},
        {"path": "/rows", "method": "POST", "body": {"at": {"page": "{page:int}"}}},
        {"path": "/rows", "method": "POST", "form": {"page": "{page}"}},
    ],
    ids=["path", "body", "form"],
)
def test_the_number_of_a_page_may_stand_in_the_path_or_the_body(
    monkeypatch: pytest.MonkeyPatch, endpoint: dict[str, Any]
) -> None:
    streams = a_profile().model_dump(exclude_unset=True)["streams"]
    streams["customers"]["page"] = NUMBERED
    profile = a_profile(endpoints=ROWS | {"rows": endpoint}, streams=streams)
    answers = say(b'[{"id": 1}, {"id": 2}]'), say(b'[{"id": 3}]')
    seen: list[str] = []

    with serving(one_after_another(*answers)) as server:
        session = a_gateway(monkeypatch, profile, server.url).open(an_access(**KEYS))
        cursor = None
        for _ in answers:
            page = session.fetch(StreamPlan("customers", 0), cursor)
            seen += [fact.ext_id for fact in page.facts if isinstance(fact, Customer)]
            cursor = page.cursor
        session.close()
        sent = [asked(server, n) for n in range(len(answers))]

    assert (seen, cursor) == (["1", "2", "3"], None)
    for number, (first, _, body) in enumerate(sent, start=1):
        if "{page}" in endpoint["path"]:
            assert first == f"GET /api/rows/{number}?per=2 HTTP/1.1"
        elif "form" in endpoint:
            assert (first, body) == ("POST /api/rows?per=2 HTTP/1.1", f"page={number}")
        else:
            assert first == "POST /api/rows?per=2 HTTP/1.1"
            assert json.loads(body) == {"at": {"page": number}}


@pytest.mark.parametrize(
    ("company", "said"),
    [
        ("acme/../other", "Company has a slash in it"),
        ("acme\\other", "Company has a slash in it"),
        ("me@other", "Company has an @ in it"),
        ("..", "Company has dots that lead elsewhere"),
        ("\u0430cme", "Company has a letter that only looks like one"),
        ("ac me", "Company has a character that no address has"),
        ("acme?x=1", "Company has a character that no address has"),
        ("", "Company is needed for this request"),
    ],
)
def test_a_field_that_would_lead_elsewhere_is_sent_nowhere(
    monkeypatch: pytest.MonkeyPatch, company: str, said: str
) -> None:
    endpoints = ROWS | {"rows": {"path": "/v1/{company}/rows"}}
    with serving(NO_ROWS) as server:
        with pytest.raises(ConfigurationError, match=said) as refused:
            ask_customers(monkeypatch, server, KEYS | {"company": company}, endpoints=endpoints)

        assert server.requests == []
    assert refused.value.details == {"field": "company"}
    assert not company or company not in str(refused.value)


def test_a_field_with_a_line_break_is_no_second_header(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = [{"name": "two", "headers": {"X-Client": "{client_id}"}}]
    with serving(NO_ROWS) as server:
        with pytest.raises(ConfigurationError, match="Client Id has a character that no header"):
            ask_customers(monkeypatch, server, KEYS | {"client_id": "a\r\nX-Evil: 1"}, auth=auth)

        assert server.requests == []


@pytest.mark.parametrize("parent", ["..", ".", "a\nb"])
def test_an_id_of_the_pos_that_would_lead_elsewhere_is_the_poss_mistake(parent: str) -> None:
    profile = a_profile(endpoints=ROWS | {"rows": {"path": "/of/{parent}/rows"}})

    with pytest.raises(UnexpectedAnswer, match="parent would lead elsewhere"):
        listing_call(profile, "rows", profile.auth[0], {}, {"parent": parent}, {})


def test_an_id_of_the_pos_is_one_step_of_a_path_however_it_is_written() -> None:
    profile = a_profile(endpoints=ROWS | {"rows": {"path": "/of/{parent}/rows"}})

    call = listing_call(
        profile, "rows", profile.auth[0], {}, {"parent": "a/\u0431?", "page": "2"}, {}
    )

    assert (call.path, call.params) == ("/of/a%2F%D0%B1%3F/rows", {"page": "2"})


def test_a_parameter_with_a_name_without_a_value_is_left_out() -> None:
    texts = {"filter": "modified>={since}", "sort": "id", "after": "{cursor}"}

    assert template.fill_params(texts, {"since": "9"}) == {"filter": "modified>=9", "sort": "id"}
    assert template.fill_params(texts, {}) == {"sort": "id"}


def test_a_key_may_be_the_user_of_the_scheme_basic_without_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    auth = [{"name": "basic", "scheme": "basic", "user": "api_key"}]
    with serving(NO_ROWS) as server:
        ask_customers(monkeypatch, server, KEYS, auth=auth)

        assert asked(server)[1]["Authorization"] == "Basic azN5LWFiY2RlZjo="
    assert faults_of(a_profile(credential=CARD, auth=auth)) == []


def test_only_a_text_that_is_nothing_but_a_name_is_filled_in_a_body() -> None:
    body = {"query": "{ shop { name } }", "many": [{"id": "{id}"}, "{gone}", 3, None, True]}

    assert template.fill_body(body, {"id": "7"}) == {
        "query": "{ shop { name } }",
        "many": [{"id": "7"}, 3, None, True],
    }
    nested = {"filter": {"since": {"start": "{since}"}}, "sort": {}, "ids": ["{gone}"]}
    assert template.fill_body(nested, {}) == {"sort": {}}
    with pytest.raises(template.BadValue, match="n is no whole number"):
        template.fill_body({"n": "{n:int}"}, {"n": "many"})


BASE = "https://pos.example.com/api"


@pytest.mark.parametrize(
    ("next_url", "onward"),
    [
        ("https://pos.example.com/api/rows?page=2", "https://pos.example.com/api/rows?page=2"),
        ("http://pos.example.com/api/rows?c=a%2Bb", "https://pos.example.com/api/rows?c=a%2Bb"),
        ("https://POS.example.com:443/other", "https://pos.example.com/other"),
        ("/api/rows?page=3", "https://pos.example.com/api/rows?page=3"),
        ("?page=4", "https://pos.example.com/api/rows?page=4"),
        ("https://evil.example.com/api/rows", None),
        ("https://pos.example.com@evil.example.com/api", None),
        ("https://me:x@pos.example.com/api", None),
        ("https://pos.example.com:8443/api", None),
        ("//evil.example.com/api", None),
        ("https://pos.example.com.evil.com/", None),
        ("ftp://pos.example.com/api", None),
        ("https://[/api", None),
    ],
)
def test_a_listing_goes_on_at_its_own_host_alone(next_url: str, onward: str | None) -> None:
    assert path_on_host(next_url, BASE, "/rows") == onward


def test_a_next_url_is_asked_with_the_key_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = [{"name": "q", "scheme": "query", "param": "key", "secret": "api_key"}]
    with serving(NO_ROWS) as server:
        gateway = a_gateway(monkeypatch, a_profile(auth=auth), server.url)
        session: Any = gateway.open(an_access(api_key="k3y-abcdef"))
        session._auth.get("rows", {"page": "1"}, len, next_url="/api/rows?key=%E2%80%A2&after=x")
        assert asked(server)[0] == "GET /api/rows?after=x&key=k3y-abcdef HTTP/1.1"

        with pytest.raises(UnexpectedAnswer, match="another server for the next page"):
            session._auth.get("rows", {}, len, next_url="https://evil.example.com/")
        session.close()

        assert len(server.requests) == 1


def test_the_headers_of_an_answer_can_be_read_beside_its_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(say(b"[1]", X_Next="abc")) as server:
        session: Any = a_gateway(monkeypatch, a_profile(), server.url).open(
            an_access(api_key="kkkk")
        )
        transport = session._auth.transport
        cursor = session._auth.get("rows", {}, lambda _body: transport.headers.get("x-next"))
        session.close()

    assert cursor == "abc"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"auth": [{"name": "key"}]}, "auth.key: presents nothing"),
        (
            {"auth": [{"name": "key", "headers": {"A": "{nobody}"}}]},
            "auth.key: no field of the credential is called 'nobody'",
        ),
        (
            {"auth": [{"name": "key", "headers": {"A": "{token}"}}]},
            "auth.key.headers: there is no token call",
        ),
        (
            {"endpoints": ROWS | {"rows": {"path": "/{nobody}"}}},
            "endpoints.rows: {nobody} is no field of the credential",
        ),
        (
            {"endpoints": ROWS | {"rows": {"path": "/rows/{api_key}"}}},
            "credential.fields.api_key: a secret in an address",
        ),
        (
            {"endpoints": ROWS | {"rows": {"path": "/rows", "body": {}}}},
            "endpoints.rows.method: only a POST carries",
        ),
        (
            {
                "endpoints": ROWS
                | {"rows": {"path": "/r", "method": "POST", "body": {}, "form": {}}}
            },
            "endpoints.rows: has a form and a body",
        ),
        ({"base_url": "https://{tenant}.com"}, "base_url: the retailer would choose the host"),
        ({"base_url": "https://a.{tenant}.example.com"}, "base_url: the retailer would choose"),
        ({"base_url": "https://{tenant}.example.com"}, "base_url: no field of the credential"),
    ],
)
def test_a_request_that_cannot_be_meant_is_told_with_what_is_wrong(
    changes: dict[str, Any], fault: str
) -> None:
    assert any(line.startswith(fault) for line in faults_of(a_profile(**changes)))


def test_the_made_up_profile_has_no_faults() -> None:
    assert faults_of(a_profile()) == []


def test_a_wait_between_two_pages_is_kept_whatever_the_method(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoints = ROWS | {"rows": {"path": "/rows", "method": "POST", "body": {}}}
    broken = one_after_another(say(b"{}", "502 Oops"), NO_ROWS)
    with serving(broken) as server:
        ask_customers(monkeypatch, server, KEYS, endpoints=endpoints)

        assert [asked(server, n)[0] for n in range(2)] == ["POST /api/rows HTTP/1.1"] * 2
