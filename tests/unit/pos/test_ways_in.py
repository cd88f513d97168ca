"""How a key is presented, which way in is tried first, and how long a POS asks us to wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from chalicelib.domain.errors import KeyRejected, RecordNotFound, UnexpectedAnswer
from chalicelib.domain.times import from_text
from chalicelib.pos.asking import queries
from chalicelib.pos.asking.auth_variants import AuthVariants, Keyring
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.wire import AuthVariant, Endpoint, JsonQuery
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.redaction import HIDDEN, Redactor
from chalicelib.pos.transport.transport import Call

POSABIT = registry.profile("posabit")
KEYRING = Keyring({"key": "s3cret", "integrator_token": "t0ken", "blank": ""})


def way(scheme: Any, **more: Any) -> AuthVariant:
    return AuthVariant(name="one", scheme=scheme, secret="key", **more)


@pytest.mark.parametrize(
    ("variant", "header", "params"),
    [
        (way("header"), "s3cret", {}),
        (way("bearer"), "Bearer s3cret", {}),
        (way("basic", user="integrator_token"), "Basic dDBrZW46czNjcmV0", {}),
        (way("basic"), "Basic OnMzY3JldA==", {}),
        (way("query", param="apikey"), "Basic OnMzY3JldA==", {"apikey": "s3cret"}),
        (way("json", param="apikey"), "Basic OnMzY3JldA==", {"apikey": "s3cret"}),
    ],
)
def test_a_key_is_presented_as_the_scheme_says(
    variant: AuthVariant, header: str, params: dict[str, str]
) -> None:
    assert KEYRING.header(variant) == header
    assert KEYRING.query_params(variant) == params
    nothing = Keyring({})
    assert nothing.query_params(variant) == dict.fromkeys(params, "")
    assert "s3cret" not in repr(KEYRING)


def test_a_way_in_is_tried_only_with_all_it_needs() -> None:
    assert KEYRING.has_all_of(way("header"))
    assert KEYRING.has_all_of(way("header", needs=("key", "integrator_token")))
    assert not KEYRING.has_all_of(way("header", needs=("key", "blank")))
    assert not KEYRING.has_all_of(way("header", needs=("nobody",)))


class OneWayOnly:
    """A transport of a POS that answers as it is told, by the path that is asked."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer
        self.calls: list[Call] = []

    def get(self, call: Call, read: Callable[[Any], Any]) -> Any:
        self.calls.append(call)
        return read(self.answer(call.path))

    @property
    def paths(self) -> list[str]:
        return [call.path for call in self.calls]


def asked(answer: Callable[[str], Any], **keys: str) -> tuple[AuthVariants, OneWayOnly]:
    transport = OneWayOnly(answer)
    keyring = Keyring(keys or {"key": "s3cret", "integrator_token": "t0ken"})
    return AuthVariants(POSABIT, keyring, transport), transport  # type: ignore[arg-type]


def path_of(endpoint: str, variant: str) -> str:
    return POSABIT.endpoints[endpoint].paths[variant]


def only(variant: str) -> Callable[[str], Any]:
    known = {endpoint.paths[variant] for endpoint in POSABIT.endpoints.values()}

    def answer(path: str) -> Any:
        if path not in known:
            raise KeyRejected("no")
        return {"path": path}

    return answer


def test_all_ways_in_are_tried_once_and_the_one_that_opened_is_kept() -> None:
    auth, transport = asked(only("bearer"))

    first = auth.get("info", {"a": "1"}, lambda body: body["path"])
    auth.get("info", {}, lambda _body: None)
    auth.get("sales_histories", {}, lambda _body: None)

    assert first == path_of("info", "bearer")
    assert transport.paths == [
        path_of("info", "basic"),
        *[path_of("info", "bearer")] * 2,
        path_of("sales_histories", "bearer"),
    ]
    call = transport.calls[1]
    assert (call.resource, call.headers) == ("info", {"Authorization": "Bearer s3cret"})
    assert call.params == {**POSABIT.endpoints["info"].params, "a": "1"}
    assert call.permission == POSABIT.endpoints["info"].permission


def test_a_key_without_the_deployments_token_has_one_way_in() -> None:
    auth, transport = asked(only("basic"), key="s3cret")

    with pytest.raises(KeyRejected):
        auth.get("info", {}, lambda _body: None)

    assert transport.paths == [path_of("info", "bearer")]


def unknown(_path: str) -> Any:
    raise RecordNotFound("nothing here")


def test_a_path_that_no_way_in_knows_is_an_unexpected_answer_and_the_key_stays_good() -> None:
    auth, transport = asked(unknown)

    with pytest.raises(UnexpectedAnswer, match="nothing here"):
        auth.get("info", {}, lambda _body: None)

    assert transport.paths == [path_of("info", "basic"), path_of("info", "bearer")]


def test_all_that_is_asked_stands_beside_or_within_one_parameter() -> None:
    plain = Endpoint(paths={}, params={"v": "3", "page": "0"})
    query = JsonQuery(
        param="q", body={"report": "Sales", "variables": {"a": "1"}}, into="variables"
    )
    within = Endpoint(paths={}, params={"v": "3"}, json_query=query)
    bare = Endpoint(paths={}, json_query=query.model_copy(update={"into": "new"}))

    assert queries.request_params(plain, {"page": "2"}, {"key": "s"}) == {
        "v": "3",
        "page": "2",
        "key": "s",
    }
    asked_for = queries.request_params(within, {"b": "2"}, {"key": "s"})
    assert {**asked_for, "q": orjson.loads(asked_for["q"])} == {
        "v": "3",
        "q": {"report": "Sales", "variables": {"a": "1", "b": "2"}, "key": "s"},
    }
    assert orjson.loads(queries.request_params(bare, {"b": "2"}, {})["q"])["new"] == {"b": "2"}


NOW = from_text("2026-05-02T12:00:00Z")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("999999", 86_400),
        ("Sat, 02 May 2026 12:01:30 GMT", 90),
        ("Sat, 02 May 2026 12:01:30", 90),
        ("Sat, 02 May 2026 11:00:00 GMT", 0),
        ("Sat, 02 May 2036 11:00:00 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("Sat, 02 May 99999999999999999999 11:00:00 GMT", None),
    ],
)
def test_a_wait_is_told_in_seconds_or_as_a_time(value: str | None, seconds: float | None) -> None:
    assert answers.retry_after(value, NOW) == seconds


def test_a_secret_of_four_characters_is_hidden_in_sentences_and_of_eight_in_data() -> None:
    assert Redactor(["abcd"])("an abcd and abc") == f"an {HIDDEN} and abc"
    assert Redactor(["abc"])("an abc") == "an abc"
    assert Redactor(["12345678"]).in_data(b'"12345678"') == f'"{HIDDEN}"'.encode()
    assert Redactor(["1234567"]).in_data(b'"1234567"') == b'"1234567"'
