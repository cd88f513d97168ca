"""What holds for every route, whoever wrote it: log-in, tenancy, rights, headers, documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from chalicelib.domain.roles import RIGHTS, RIGHTS_OF, ROLES
from chalicelib.entrypoints.dashboard.front import FRONT
from chalicelib.entrypoints.http import routing
from chalicelib.entrypoints.http.routing import Operation
from chalicelib.services.ports.accounts import User
from tests.functional.gateway import OURS, THEIRS, Gateway, Got, Person, World, a_world

ROUTES = sorted(
    (route for route in app.operations if route.front is FRONT),
    key=lambda route: (route.path, route.method),
)
GUARDED = [route for route in ROUTES if not route.public]
OF_AN_ACCOUNT = [route for route in ROUTES if "uid" in route.path_kinds]


def names(routes: list[Operation]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes]


def every(routes: list[Operation]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=names(routes))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One for all: nothing here writes but the rows of people."""
    with pytest.MonkeyPatch.context() as patch, a_world(patch) as made:
        yield made


@pytest.fixture(autouse=True)
def performed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions behind the routes are not called, only noted."""
    called: list[str] = []

    def note(operation: Operation, arguments: dict[str, Any]) -> None:
        called.append(operation.name)

    monkeypatch.setattr(routing, "perform", note)
    return called


def query_of(route: Operation) -> dict[str, str]:
    """The fields that the route needs: days, so far."""
    fields = route.query.model_fields if route.query is not None else {}
    return {
        field.alias or name: "2026-01-01" for name, field in fields.items() if field.is_required()
    }


def path_of(route: Operation, uid: str = OURS) -> str:
    path = route.path.replace("{uid}", uid)
    for name, kind in route.path_kinds.items():
        path = path.replace("{" + name + "}", "7" if kind is int else "x")
    return path


def call(gateway: Gateway, route: Operation, uid: str = OURS) -> Got:
    return gateway.send(route.method, path_of(route, uid), headers={"if-match": '"1"'})


@every(GUARDED)
def test_nobody_gets_in_without_a_log_in(
    world: World, performed: list[str], route: Operation
) -> None:
    got = call(Gateway(None), route)

    assert got.status == 401
    assert got.json["code"] == "not_logged_in"
    assert got.headers["WWW-Authenticate"] == "Bearer"
    assert performed == []


@every(GUARDED)
def test_an_access_token_is_no_log_in(world: World, performed: list[str], route: Operation) -> None:
    owner = Person(f"sub-{OURS}-Owner", token_use="access")

    assert call(Gateway(owner), route).status == 401
    assert performed == []


@every(OF_AN_ACCOUNT)
def test_another_accounts_id_is_not_found(
    world: World, performed: list[str], route: Operation
) -> None:
    got = call(world.gateway("Owner", OURS), route, uid=THEIRS)
    nobodys = call(world.gateway("Owner", OURS), route, uid="999999")

    assert got.status == nobodys.status == 404
    assert got.json["detail"] == nobodys.json["detail"]
    assert performed == []


@every(OF_AN_ACCOUNT)
def test_each_role_gets_what_its_rights_allow(
    world: World, performed: list[str], route: Operation
) -> None:
    assert route.right in RIGHTS
    for role in ROLES:
        got = call(world.gateway(role), route)

        if route.right in RIGHTS_OF[role]:
            assert got.status not in (401, 403, 404), role
        else:
            assert (got.status, got.json["code"]) == (403, "forbidden"), role
    assert set(performed) <= {route.name}


@every(OF_AN_ACCOUNT)
def test_who_was_deactivated_stays_out(
    world: World, performed: list[str], route: Operation
) -> None:
    left = User(OURS, "sub-who-left", "left@example.com", "Owner", active=False)
    if left not in world.accounts.users(OURS):
        world.accounts.add_user(left)

    assert call(Gateway(Person(left.sub)), route).status == 404
    assert performed == []


@every(ROUTES)
def test_every_answer_carries_the_security_headers(world: World, route: Operation) -> None:
    for gateway in (Gateway(None), world.gateway("Owner")):
        headers = call(gateway, route).headers

        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Request-Id"] == "req-1"


@every(OF_AN_ACCOUNT)
def test_a_body_over_the_routes_limit_is_refused(
    world: World, performed: list[str], route: Operation
) -> None:
    """256 KB, or 1 MB where a signature may be drawn."""
    assert route.body_limit in (262_144, 1_048_576)
    got = world.gateway("Owner").send(
        route.method,
        path_of(route),
        raw='"' + "a" * route.body_limit + '"',
        headers={"if-match": '"1"'},
        query=query_of(route),
    )

    assert (got.status, got.json["code"]) == (413, "too_large")
    assert performed == []


@every([route for route in ROUTES if route.versioned])
def test_a_versioned_write_needs_if_match(
    world: World, performed: list[str], route: Operation
) -> None:
    got = world.gateway("Owner").send(route.method, path_of(route), raw="{}")

    assert (got.status, got.json["code"]) == (428, "version_required")
    assert 'If-Match: "3"' in got.text.replace('\\"', '"')
    assert performed == []


@every(ROUTES)
def test_an_unknown_query_field_is_refused(
    world: World, performed: list[str], route: Operation
) -> None:
    got = world.gateway("Owner").send(
        route.method, path_of(route), query={**query_of(route), "surprise": "1"}
    )

    assert got.status == 422
    assert got.json["errors"][0]["field"] == "surprise"
    assert performed == []


@every(ROUTES)
def test_a_method_nobody_listed_is_answered_with_those_listed(
    world: World, route: Operation
) -> None:
    got = world.gateway("Owner").send("TRACE", path_of(route))

    assert (got.status, got.json["code"]) == (405, "method_not_allowed")
    assert route.method in got.headers["Allow"]


def test_operations_have_names_of_their_own() -> None:
    found = [route.name for route in app.operations]

    assert len(found) == len(set(found))


def test_path_variables_keep_one_name_for_one_place() -> None:
    taken: dict[str, set[str]] = {}
    for route in app.operations:
        parts = route.path.split("/")
        for at, part in enumerate(parts):
            if part.startswith("{"):
                taken.setdefault("/".join(parts[:at]), set()).add(part)

    assert {place: found for place, found in taken.items() if len(found) > 1} == {}
