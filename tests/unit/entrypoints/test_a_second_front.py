"""Another API needs a front of its own and no copy of the machinery: here is a small one, in the
manner of what a POS calls (product.md §11, partner-api.md), beside a route of the dashboard."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from chalice.app import Request, Response
from chalice.test import Client
from pydantic import BaseModel, Field

from chalicelib.domain.errors import AiqError, Conflict, Forbidden, RequestError
from chalicelib.domain.words import Uid
from chalicelib.entrypoints.dashboard.api_document import api_document
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.http.routing import ANSWERED, Front, Operation, Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from tests.functional.gateway import Gateway, Got

OURS, THEIRS = Uid("3912"), Uid("4000")
KEYS = {"key-of-ours": OURS}
KEY = {"X-APIKEY": "key-of-ours"}
REFUSED = "Please provide a valid API key"


@dataclass(frozen=True)
class Sender:
    """Whose key a call carries."""

    uid: Uid


class Address(Input):
    city: str = ""


class SignUp(Input):
    phone: str = Field(alias="mobilePhone")
    favourite_store: int | None = Field(default=None, alias="favoriteStoreID")
    address: Address | None = None


class Contact(Answer):
    contact_id: str = Field(alias="contactID")
    store: int | None = None


class Search(Input):
    search: str = ""


class Page(Answer):
    results: list[Contact] | None


class Order(Input):
    store: int | None = Field(default=None, alias="storeID")


class Redemption(Answer):
    store: int | None


class Pong(Answer):
    pong: bool = True


passed_over: Counter[str] = Counter()


def identify(request: Request, _: Operation) -> Sender:
    uid = KEYS.get(request.headers.get("X-APIKEY", "").strip())
    if uid is None:
        raise Forbidden(REFUSED)
    return Sender(uid)


def admit(sender: Sender, _: Operation, uid: Uid) -> Sender:
    if sender.uid != uid:
        raise Forbidden(REFUSED)
    return sender


def count(sender: Sender, operation: Operation, names: list[str]) -> None:
    passed_over.update(f"{sender.uid} {operation.name} {name}" for name in names)


def answer(operation: Operation, result: BaseModel | None) -> Response:
    data = None if result is None else result.model_dump(mode="json", by_alias=True)
    return envelope(operation.status, data=data)


def refuse(error: AiqError, _: str) -> Response:
    status, message = 500, HTTPStatus(500).phrase
    if isinstance(error, RequestError):
        status, message = error.status, error.message
    return envelope(status, errors=[{"message": message, "code": status}])


def envelope(status: int, **said: object) -> Response:
    body = json.dumps({**said, "code": status, "success": status < 400})
    return Response(body, {"Content-Type": "application/json"}, status)


PARTNER = Front(
    rights=frozenset({"till", "read"}),
    identify=identify,
    admit=admit,
    answer=answer,
    refuse=refuse,
    unknown_fields=count,
    body_limit=1024 * 1024,
    prefixes=("/api/v1.1/", "/api/v2/"),
)

signups = Resource(__name__, tag="Signups", front=PARTNER)
personas = Resource(__name__, tag="Personas", front=PARTNER)
pings = Resource(__name__, tag="Pings", front=FRONT)


@signups.post("/api/v2/loyalty", right="till")
def sign_up(body: SignUp, caller: Sender) -> Contact:
    """Sign somebody up in the account of the key."""
    return Contact(contactID=f"{caller.uid}-{body.phone}", store=body.favourite_store)


@signups.put("/api/v1.1/discount/redeem/{uid}/{token}", right="till")
def redeem(uid: Uid, token: str, body: Order) -> Redemption:
    """Redeem; a body is welcome and not needed."""
    if token == "used":
        raise Conflict(f"{uid} has used this reward.")
    return Redemption(store=body.store)


@personas.get("/api/v1.1/piis/{uid}", right="read")
def list_personas(uid: Uid, query: Search) -> Page:
    """Find nobody."""
    if query.search == "crash":
        raise ValueError(f"a secret of {uid}")
    return Page(results=None)


@personas.get("/api/v1.1/stores/{uid}", right="read")
def list_stores(uid: Uid) -> Page:
    """Find nothing, and take no query."""
    return Page(results=[Contact(contactID=uid)])


@pings.get("/api/ping", public=True)
def ping() -> Pong:
    """Answer."""
    return Pong()


@pytest.fixture(scope="module")
def served() -> App:
    app = App("two-fronts", lambda: FRONT)
    for resource in (signups, personas, pings):
        app.register_blueprint(resource)
    return app


@pytest.fixture
def api(served: App) -> Gateway:
    passed_over.clear()
    return Gateway(None, served)


def piis(api: Gateway, uid: str = OURS, search: str = "") -> Got:
    return api.send("GET", f"/api/v1.1/piis/{uid}", query={"search": search}, headers=KEY)


@pytest.mark.parametrize("headers", [{}, {"X-APIKEY": "other"}, {"Authorization": "key-of-ours"}])
def test_without_a_key_of_its_own_a_call_is_refused_in_the_fronts_words(
    api: Gateway, headers: dict[str, str]
) -> None:
    got = api.send("GET", f"/api/v1.1/piis/{OURS}", headers=headers)

    assert got.status == 403
    assert got.json == {
        "errors": [{"message": REFUSED, "code": 403}],
        "code": 403,
        "success": False,
    }


@pytest.mark.parametrize("uid", [THEIRS, "999999"])
def test_another_accounts_uid_is_refused_like_a_wrong_key(api: Gateway, uid: str) -> None:
    wrong_key = api.send("GET", f"/api/v1.1/piis/{OURS}", headers={"X-APIKEY": "other"})

    got = piis(api, uid)

    assert (got.status, got.json) == (403, wrong_key.json)


def test_an_answer_stands_in_the_fronts_envelope(api: Gateway) -> None:
    got = piis(api)

    assert got.status == 200
    assert got.json == {"data": {"results": None}, "code": 200, "success": True}
    assert got.headers["X-Request-Id"] == "req-1"
    assert ANSWERED not in got.headers


def test_where_the_path_names_no_account_the_key_does(api: Gateway) -> None:
    got = api.send("POST", "/api/v2/loyalty", body={"mobilePhone": "206"}, headers=KEY)

    assert got.json["data"]["contactID"] == f"{OURS}-206"


def test_unknown_fields_are_passed_over_and_counted_at_any_depth(api: Gateway) -> None:
    body = {"mobilePhone": "206", "loyalty": True, "address": {"city": "Reno", "zip": "89501"}}

    got = api.send("POST", "/api/v2/loyalty", body=body, query={"badges": "true"}, headers=KEY)

    assert (got.status, got.json["success"]) == (200, True)
    assert passed_over == {
        f"{OURS} sign_up loyalty": 1,
        f"{OURS} sign_up address.zip": 1,
        f"{OURS} sign_up badges": 1,
    }


@pytest.mark.parametrize("odd", ['"Ana \\ud83d"', '"a\x00b"', "NaN"])
def test_an_odd_character_of_a_field_does_not_refuse_a_tills_call(api: Gateway, odd: str) -> None:
    body = f'{{"mobilePhone": "206", "firstName": {odd}}}'

    got = api.send("POST", "/api/v2/loyalty", raw=body, headers=KEY)

    assert got.json["data"]["contactID"] == f"{OURS}-206"


def test_an_unknown_field_of_a_query_is_passed_over_too(api: Gateway) -> None:
    query = {"search": ["jo", "ann"], "sort": "points"}

    got = api.send("GET", f"/api/v1.1/piis/{OURS}", query=query, headers=KEY)

    assert got.status == 200
    assert passed_over == {f"{OURS} list_personas sort": 1}


def test_text_may_stand_for_a_number_and_no_body_for_an_empty_one(api: Gateway) -> None:
    path = f"/api/v1.1/discount/redeem/{OURS}/fresh"

    told = api.send("PUT", path, body={"storeID": "7"}, headers=KEY)
    silent = api.send("PUT", path, headers=KEY)

    assert (told.json["data"], silent.json["data"]) == ({"store": 7}, {"store": None})


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("{", 400),
        ("[]", 422),
        ("", 422),
        ('{"mobilePhone": 7, "loyalty": true}', 422),
        ('"' + "a" * 1_048_576 + '"', 413),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_in_the_envelope(
    api: Gateway, raw: str, status: int
) -> None:
    got = api.send("POST", "/api/v2/loyalty", raw=raw, headers=KEY)

    assert (got.status, got.json["code"], got.json["success"]) == (status, status, False)
    assert got.json["errors"][0]["message"]


def test_a_refusal_of_the_service_keeps_its_words(api: Gateway) -> None:
    got = api.send("PUT", f"/api/v1.1/discount/redeem/{OURS}/used", headers=KEY)

    assert (got.status, got.json["errors"][0]["message"]) == (409, f"{OURS} has used this reward.")


def test_a_bug_says_nothing_of_itself(api: Gateway) -> None:
    got = piis(api, search="crash")

    assert (got.status, got.json["errors"][0]["message"]) == (500, "Internal Server Error")
    assert "secret" not in got.text


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("TRACE", "/api/v2/loyalty", "application/json", 405),
        ("POST", "/api/v2/loyalty", "text/plain", 415),
        ("GET", "/api/v2/nothing/here", "application/json", 404),
    ],
)
def test_what_chalice_refuses_looks_like_the_fronts_own(
    api: Gateway, method: str, path: str, kind: str, status: int
) -> None:
    got = api.send(method, path, raw="{}", headers={**KEY, "content-type": kind})

    assert (got.status, got.json["code"], got.json["success"]) == (status, status, False)
    assert ("POST" in got.headers.get("Allow", "")) == (status == 405)


def test_the_fronts_of_one_app_keep_apart(api: Gateway) -> None:
    good = api.get("/api/ping")
    strict = api.get("/api/ping", surprise="1")
    nowhere = api.get("/api/nothing/here")

    assert good.json == {"pong": True}
    assert (strict.status, strict.json["code"]) == (422, "invalid_input")
    assert (nowhere.status, nowhere.json["code"]) == (404, "not_found")
    assert passed_over == {}


def test_a_trailing_slash_leads_to_the_same_route(served: App) -> None:
    with Client(served) as client:
        got = client.http.get(f"/api/v1.1/stores/{OURS}/", headers=KEY)

    assert got.json_body["data"]["results"] == [{"contactID": OURS, "store": None}]


def test_the_dashboards_document_shows_the_dashboards_routes_alone(served: App) -> None:
    assert list(api_document(served.operations)["paths"]) == ["/api/ping"]


def test_a_right_that_the_front_does_not_know_is_refused_when_the_route_is_declared() -> None:
    with pytest.raises(TypeError, match="no right team:write"):
        personas.get("/api/v1.1/team/{uid}", right="team:write")(list_stores)
