"""product.md §15 through the deployed API: what is answered, and that nothing is stored.

Held elsewhere: hosts a retailer types (tests/unit/pos/test_egress.py), too fast (the local AWS does
not throttle; tests/functional), faults of the POS (test_pos_faults.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.stage import Stage, new_retailer
from tools.demo.retailer import Json, Retailer
from tools.stack import LocalStack

UNKNOWN = {
    "platform": "/integrations/nopos",
    "credential": "/integrations/posabit/credentials/crd_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "run": "/integrations/posabit/runs/run_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "set-aside": "/integrations/posabit/runs/run_01ARZ3NDEKTSV4RRFFQ69G5FAV/set-aside",
    "store": "/stores/4711",
    "mappings": "/stores/4711/mappings",
    "persona": f"/personas/{'0' * 32}",
    "sales of a persona": f"/personas/{'0' * 32}/sales",
    "route": "/no-such-thing",
}
VERSION_1 = {"If-Match": '"1"'}


@pytest.fixture(scope="module")
def owner(stack: LocalStack, configured_pos: None) -> Iterator[Retailer]:
    """These tests store nothing, so they share an account."""
    return new_retailer(stack)


def stored(owner: Retailer) -> Json:
    """Everything bad input could have changed."""
    return {
        path: owner.get(path)
        for path in ("", "/users", "/stores", "/integrations/posabit", "/integrations")
    }


def problem(answer: requests.Response, status: int) -> Json:
    """The answer's problem document, which must be one of ours."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    found: Json = answer.json()
    return found


@pytest.mark.parametrize("raw", ["{", "", "nonsense", '{"name": "a" "b"}', "[" * 100_000])
def test_malformed_json_is_400(owner: Retailer, raw: str) -> None:
    before = stored(owner)
    kind = {"Content-Type": "application/json"}

    for method, path in (("POST", "/stores"), ("PATCH", "")):
        answer = owner.ask(method, path, data=raw, headers=kind | VERSION_1)
        assert problem(answer, 400)["code"] == "malformed_body"

    assert stored(owner) == before


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/stores", {"name": "Ballard", "nmae": "x"}, "nmae"),
        ("POST", "/stores", {"name": 7}, "name"),
        ("POST", "/stores", {"name": "x" * 101}, "name"),
        ("POST", "/stores", {"name": "Ballard", "phone": "call us"}, "phone"),
        ("POST", "/stores", {"name": "Ballard", "time_zone": "Mars/Olympus"}, "time_zone"),
        ("POST", "/users", {"email": "nobody", "role": "Staff"}, "email"),
        ("POST", "/users", {"email": "a@example.com", "role": "King"}, "role"),
        ("PATCH", "", {"sync_hour": 24}, "sync_hour"),
        ("PATCH", "", {"sync_hour": "3"}, "sync_hour"),
        ("PATCH", "", {"uid": "1"}, "uid"),
        ("PUT", "/integrations/posabit/age-gate", {"passed": "yes"}, "passed"),
        ("PATCH", "/integrations/posabit/settings", {"enroll_after": "soon"}, "enroll_after"),
        ("PATCH", "/integrations/posabit/settings", {"enrol": None}, "enrol"),
        ("POST", "/integrations/posabit/credentials", {"fields": {}}, "fields.store_name"),
        (
            "POST",
            "/integrations/posabit/credentials",
            {"fields": {"store_name": "x", "key": "kkkk", "host": "10.0.0.1:80"}},
            "fields.host",
        ),
        (
            "POST",
            "/integrations/posabit/credentials",
            {"fields": {"store_name": "x", "key": "k" * 513}},
            "fields.key",
        ),
    ],
)
def test_a_field_that_cannot_be_taken_is_named_with_reason_and_example(
    owner: Retailer, method: str, path: str, body: Json, field: str
) -> None:
    before = stored(owner)

    answer = owner.ask(method, path, json=body, headers=VERSION_1)

    errors = {each["field"]: each for each in problem(answer, 422)["errors"]}
    assert field in errors, errors
    assert errors[field]["reason"]
    assert "example" in errors[field]
    assert stored(owner) == before


def test_a_body_over_256_kb_is_413(owner: Retailer) -> None:
    before = stored(owner)
    body = json.dumps({"name": "x" * 256 * 1024})

    answer = owner.ask("POST", "/stores", data=body, headers={"Content-Type": "application/json"})

    assert problem(answer, 413)["code"] == "too_large"
    assert stored(owner) == before


@pytest.mark.parametrize("path", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_id_is_404(owner: Retailer, path: str) -> None:
    problem(owner.ask("GET", path), 404)


def test_another_accounts_id_is_404_whatever_is_asked(stage: Stage, owner: Retailer) -> None:
    stage.open()
    uid = stage.retailer.uid
    [credential, *_] = stage.retailer.card()["credentials"]
    run = stage.retailer.runs()[0]["id"]
    theirs = "/integrations/posabit"

    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine now"}),
        ("GET", "/personas", None),
        ("GET", theirs, None),
        ("POST", f"{theirs}/connect", None),
        ("POST", f"{theirs}/disconnect", None),
        ("GET", f"{theirs}/runs", None),
        ("GET", f"{theirs}/runs/{run}", None),
        ("GET", f"{theirs}/credentials/{credential['id']}", None),
        ("DELETE", f"{theirs}/credentials/{credential['id']}", None),
        ("POST", f"{theirs}/credentials/{credential['id']}/sync", None),
        ("GET", "/users", None),
        ("GET", "/notifications", None),
    ]:
        there = owner.ask(method, f"/api/accounts/{uid}{path}", json=body, headers=VERSION_1)
        problem(there, 404)
    for path in (f"{theirs}/runs/{run}", f"{theirs}/credentials/{credential['id']}"):
        problem(owner.ask("GET", path), 404)

    assert stage.retailer.card()["state"] == "connected"
    assert len(stage.retailer.card()["credentials"]) == 2


def test_a_stale_version_is_412_and_changes_nothing(stage: Stage) -> None:
    retailer = stage.retailer
    store = retailer.call("POST", "/stores", {"name": "Ballard"})
    for path, field, first, second in [
        ("", "name", "First", "Second"),
        (f"/stores/{store['id']}", "name", "First", "Second"),
        ("/integrations/posabit/settings", "sync_personas", True, False),
    ]:
        etag = retailer.ask("GET", path).headers["ETag"]
        retailer.call("PATCH", path, {field: first}, headers={"If-Match": etag})
        now = retailer.get(path)

        answer = retailer.ask("PATCH", path, json={field: second}, headers={"If-Match": etag})

        assert problem(answer, 412)["code"] == "stale_version"
        assert retailer.get(path) == now


def test_a_change_without_a_version_is_asked_for_one(owner: Retailer) -> None:
    answer = owner.ask("PATCH", "", json={"name": "Blind"})

    assert problem(answer, 428)["code"] == "version_required"


def test_connecting_without_credentials_or_box_is_409_with_what_to_do(stage: Stage) -> None:
    retailer = stage.retailer
    path = "/integrations/posabit/connect"

    assert "Add Credential" in problem(retailer.ask("POST", path), 409)["detail"]

    venue = stage.posabit.venues[0]
    retailer.add_credential({"store_name": venue["name"], "key": venue["token"]})
    assert "Required All users" in problem(retailer.ask("POST", path), 409)["detail"]
    assert retailer.card()["state"] == "draft"


def test_a_second_credential_for_a_store_is_409(stage: Stage) -> None:
    venue = stage.posabit.venues[0]
    fields = {"store_name": venue["name"], "key": venue["token"]}
    stage.retailer.add_credential(fields)

    answer = stage.retailer.ask(
        "POST",
        "/integrations/posabit/credentials",
        json={"fields": fields | {"store_name": "The same under another name"}},
    )

    assert problem(answer, 409)["detail"]
    assert len(stage.retailer.card()["credentials"]) == 1


def test_a_key_the_pos_rejects_is_not_stored(stage: Stage) -> None:
    answer = stage.retailer.ask(
        "POST",
        "/integrations/posabit/credentials",
        json={"fields": {"store_name": "Harbor", "key": "vt_not_a_key_of_theirs"}},
    )

    found = problem(answer, 422)
    assert "vt_not_a_key_of_theirs" not in answer.text
    assert found["actor"] == "you"
    assert stage.retailer.card()["credentials"] == []


def test_syncing_a_source_that_is_not_connected_is_409(stage: Stage) -> None:
    venue = stage.posabit.venues[0]
    added = stage.retailer.add_credential({"store_name": venue["name"], "key": venue["token"]})

    answer = stage.retailer.ask("POST", f"/integrations/posabit/credentials/{added['id']}/sync")

    assert "Connect" in problem(answer, 409)["detail"]


def test_a_store_key_of_another_store_is_409_and_nothing_is_mapped(stage: Stage) -> None:
    retailer = stage.retailer
    stage.posabit.reset(shoppers=20, sales=20)
    stage.finish(stage.open())
    first, second = retailer.store_keys()
    stores = [retailer.call("POST", "/stores", {"name": name}) for name in ("One", "Two")]
    paths = [f"/stores/{store['id']}/mappings" for store in stores]
    etags = [{"If-Match": f'"{store["version"]}"'} for store in stores]
    retailer.call("PUT", paths[0], {"keys": [first["id"]]}, headers=etags[0])

    both = {"keys": [second["id"], first["id"]]}
    answer = retailer.ask("PUT", paths[1], json=both, headers=etags[1])

    assert "One" in problem(answer, 409)["detail"]
    assert retailer.get(paths[1])["keys"] == []
    unknown = retailer.ask("PUT", paths[1], json={"keys": ["posabit:x:y"]}, headers=etags[1])
    assert unknown.status_code in (404, 422), unknown.text


@pytest.mark.parametrize(
    "token", [None, "", "nonsense", "Bearer nonsense", "eyJhbGciOiJub25lIn0.e30."]
)
def test_no_or_a_bad_log_in_is_401(owner: Retailer, stack: LocalStack, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}

    answer = stack.http.get(f"{stack.api_url}/api/accounts/{owner.uid}", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_access_token_is_no_log_in(owner: Retailer, stack: LocalStack) -> None:
    tokens = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.outputs["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": owner.email, "PASSWORD": owner.password},
    )["AuthenticationResult"]

    headers = {"Authorization": tokens["AccessToken"]}
    answer = stack.http.get(f"{stack.api_url}/api/accounts/{owner.uid}", headers=headers)

    assert answer.status_code == 401


def test_a_role_without_the_right_is_403_and_changes_nothing(
    owner: Retailer, stack: LocalStack
) -> None:
    email, password = f"analyst-{owner.uid}@example.com", "Correct-horse-8"
    owner.call("POST", "/users", {"email": email, "role": "Analyst"})
    stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=stack.outputs["UserPoolId"], Username=email, Password=password, Permanent=True
    )
    analyst = Retailer(stack, email, password, owner.uid)
    assert analyst.get("/personas")["items"] == []  # the team's list shows from now on who was here
    before = stored(owner)

    for method, path, body in [
        ("POST", "/stores", {"name": "Mine"}),
        ("PATCH", "", {"name": "Mine"}),
        ("PUT", "/integrations/posabit/age-gate", {"passed": True}),
        ("POST", "/integrations/posabit/connect", None),
        ("POST", "/integrations/posabit/credentials", {"fields": {}}),
        ("POST", "/users", {"email": "friend@example.com", "role": "Owner"}),
    ]:
        answer = analyst.ask(method, path, json=body, headers=VERSION_1)
        assert problem(answer, 403)["code"] == "forbidden"

    assert stored(owner) == before


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"cursor": "not-ours"}, {"page": 2}, {"is": "king"}]
)
def test_a_query_that_cannot_be_taken_is_422(owner: Retailer, query: Json) -> None:
    found = problem(owner.ask("GET", "/personas", params=query), 422)

    assert found["errors"][0]["field"] in query
