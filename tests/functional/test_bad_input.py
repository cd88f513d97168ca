"""Bad input (product.md §15): what the API answers, and that nothing was stored."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import (
    Conflict,
    KeyRejected,
    NotFound,
    RateLimited,
    TooManyRequests,
    UnexpectedAnswer,
)
from chalicelib.entrypoints.http import reading, routing
from tests.functional.gateway import OURS, Gateway, World

ACCOUNT = f"/api/accounts/{OURS}"
USERS = f"{ACCOUNT}/users"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("{", 400),
        ("", 400),
        ("nonsense", 400),
        ('{"name": "a" "b"}', 400),
        ("\udcff", 400),
        ("[" * 100_000, 400),
        ("[]", 422),
        ('"text"', 422),
        ("null", 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    world: World, api: Gateway, raw: str, status: int
) -> None:
    before = world.account()

    got = api.send("PATCH", ACCOUNT, raw=raw, headers={"if-match": '"1"'})

    assert got.status == status
    assert got.headers["Content-Type"] == "application/problem+json"
    assert world.account() == before


@pytest.mark.parametrize(
    ("body", "field", "example"),
    [
        ({"nmae": "Green"}, "nmae", None),
        ({"name": 7}, "name", "Green Leaf"),
        ({"name": None}, "name", "Green Leaf"),
        ({"name": " "}, "name", "Green Leaf"),
        ({"name": "x" * 101}, "name", "Green Leaf"),
        ({"name": "a\x00b"}, "name", "Green Leaf"),
        ({"name": "\ufffd\ufffd"}, "name", "Green Leaf"),
        ({"name": "Green \u202efaeL"}, "name", "Green Leaf"),
        ({"name": "Green\u200bLeaf"}, "name", "Green Leaf"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "America/Los_Angeles"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "America/Los_Angeles"),
        ({"currency": "usd"}, "currency", "USD"),
        ({"sync_hour": 24}, "sync_hour", 3),
        ({"sync_hour": "3"}, "sync_hour", 3),
        ({"sync_hour": 3.5}, "sync_hour", 3),
        ({"sync_hour": True}, "sync_hour", 3),
        ({"sync_every_hours": 0}, "sync_every_hours", 6),
        ({"sync_every_hours": 13}, "sync_every_hours", 6),
        ({"minimum_age": -1}, "minimum_age", 21),
        ({"merge_on_name_and_birth_date": "yes"}, "merge_on_name_and_birth_date", False),
        ({"uid": "4000"}, "uid", None),
        ({"version": 9}, "version", None),
    ],
)
def test_a_field_that_cannot_be_taken_is_named_with_reason_and_example(
    world: World, api: Gateway, body: dict[str, Any], field: str, example: object
) -> None:
    before = world.account()

    got = api.patch(ACCOUNT, body, if_match='"1"')

    assert (got.status, got.json["code"]) == (422, "invalid_input")
    [error] = got.json["errors"]
    assert (error["field"], error["example"]) == (field, example)
    assert error["reason"]
    assert world.account() == before


def test_several_bad_fields_are_all_named(api: Gateway) -> None:
    got = api.post(USERS, {"email": "nobody", "rights": "all"})

    assert {error["field"] for error in got.json["errors"]} == {"email", "role", "rights"}


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
def test_another_media_type_is_refused(api: Gateway, kind: str) -> None:
    got = api.send("POST", USERS, raw="{}", headers={"content-type": kind})

    assert (got.status, got.json["code"]) == (415, "unsupported_media_type")
    assert got.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_json_with_a_charset_is_json(api: Gateway, kind: str) -> None:
    got = api.send("POST", USERS, raw="{}", headers={"content-type": kind})

    assert got.status == 422


@pytest.mark.parametrize("tag", ["3", '"three"', "*", '"-1"', '"1', '"99999999999999999999"'])
def test_an_if_match_we_never_gave_is_refused(api: Gateway, tag: str) -> None:
    got = api.patch(ACCOUNT, {"name": "Green"}, if_match=tag)

    assert got.status == 400


def test_a_stale_version_is_412_and_changes_nothing(world: World, api: Gateway) -> None:
    assert api.patch(ACCOUNT, {"name": "First"}, if_match='"1"').status == 200

    got = api.patch(ACCOUNT, {"name": "Second"}, if_match='"1"')

    assert (got.status, got.json["code"]) == (412, "stale_version")
    assert world.account().name == "First"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"limit": ["1", "2"]},
        {"cursor": "x" * 2049},
        {"cursor": "not-a-cursor"},
        {"cursor": "W10"},
        {"cursor": "\x00"},
        {"page": 2},
    ],
)
def test_a_query_that_cannot_be_taken_is_refused(api: Gateway, query: dict[str, Any]) -> None:
    got = api.get(f"{ACCOUNT}/audit", **query)

    assert (got.status, got.json["code"]) == (422, "invalid_input")
    assert got.json["errors"][0]["field"] in query


@pytest.mark.parametrize(
    "uid", ["", "0", "39", "abcd", "3912%00", "3912#USER", "9" * 300, "..", "☃", "😀" * 65]
)
def test_an_id_that_cannot_be_is_not_found(world: World, uid: str) -> None:
    got = world.gateway("Owner").get(f"/api/accounts/{uid}")

    assert (got.status, got.json["code"]) == (404, "not_found")


def test_an_address_nobody_answers_is_a_problem_too(api: Gateway) -> None:
    got = api.get("/api/nothing/here")

    assert (got.status, got.json["code"]) == (404, "not_found")
    assert got.headers["Content-Type"] == "application/problem+json"


def answers_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(operation: object, arguments: object) -> None:
        raise error

    monkeypatch.setattr(routing, "perform", fail)


def test_a_bug_is_a_500_that_says_nothing_but_its_request_id(
    api: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_with(RuntimeError("secret key sk_12345 of jane@example.com"), monkeypatch)

    got = api.get(ACCOUNT)

    assert (got.status, got.json["code"], got.json["actor"]) == (500, "internal", "us")
    assert got.json["request_id"] == "req-1"
    assert "sk_12345" not in got.text
    assert "jane" not in got.text
    assert "RuntimeError" not in got.text


def test_too_fast_says_when_to_come_back(api: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(TooManyRequests("Too many.", retry_after=2.6), monkeypatch)

    got = api.get(ACCOUNT)

    assert (got.status, got.headers["Retry-After"]) == (429, "3")


@pytest.mark.parametrize(
    ("error", "status", "actor"),
    [
        (Conflict("One key, one store.", store=3), 409, "you"),
        (KeyRejected("The key was rejected."), 422, "you"),
        (UnexpectedAnswer("HTML"), 502, "the POS"),
        (RateLimited("Slow down.", retry_after=None), 503, "the POS"),
    ],
)
def test_an_error_says_who_must_act(
    api: Gateway, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, actor: str
) -> None:
    answers_with(error, monkeypatch)

    got = api.get(ACCOUNT)

    assert (got.status, got.json["status"], got.json["actor"]) == (status, status, actor)


def test_the_details_of_a_refusal_are_members_of_the_problem(
    api: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_with(Conflict("Store 3 has this key.", store=3, status=200), monkeypatch)

    got = api.get(ACCOUNT)

    assert got.json["store"] == 3
    assert got.json["status"] == 409


@pytest.mark.parametrize("text", ["", "x" * 257, "😀" * 65, "a\nb", "a\x7f", "\udcff"])
def test_what_no_key_can_hold_is_the_id_of_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        reading.path_value(text, str)
