"""No personal data and no secret reaches the logs, whatever a request carries (product.md §14)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from chalicelib.entrypoints.http import routing
from chalicelib.entrypoints.http.routing import Operation
from chalicelib.observability import LibraryFormatter, logger
from tests.functional.gateway import OURS, Gateway, World, a_world

PHONE, EMAIL, SECRET = "2065550199", "canary.jane@example.com", "sk_canary_4f1c9a"
CANARIES = ("5550199", "canary")

ROUTES = sorted(app.operations, key=lambda route: (route.path, route.method))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, a_world(patch) as made:
        yield made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Everything our logger and the libraries' loggers write."""
    buffer = io.StringIO()
    monkeypatch.setattr(logger().registered_handler, "stream", buffer)
    libraries = logging.StreamHandler(buffer)
    libraries.setFormatter(LibraryFormatter())
    monkeypatch.setattr(logging.getLogger(), "handlers", [libraries])
    return buffer


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def path_with_canaries(route: Operation) -> str:
    path = route.path.replace("{uid}", OURS)
    for name, kind in route.path_kinds.items():
        path = path.replace("{" + name + "}", "7" if kind is int else EMAIL)
    return path


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_route_logs_what_a_request_carries_even_when_it_crashes(
    world: World, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, route: Operation
) -> None:
    def crash(operation: Operation, arguments: dict[str, Any]) -> None:
        error = ValueError(f"cannot handle {arguments} {PHONE} {EMAIL} {SECRET}")
        error.add_note(EMAIL)
        raise error from KeyError(SECRET)

    monkeypatch.setattr(routing, "perform", crash)
    owner = world.gateway("Owner")

    for query in (None, {"phone": PHONE, "email": EMAIL}):
        for body in (None, f'{{"email": "{EMAIL}", "key": "{SECRET}"}}', f"{EMAIL} is no JSON"):
            owner.send(
                route.method,
                path_with_canaries(route),
                raw=body,
                query=query,
                headers={"if-match": '"1"', "authorization": SECRET, "x-extra": EMAIL},
            )

    text = written.getvalue()
    assert len(lines(written)) >= 6
    assert [canary for canary in CANARIES if canary in text] == []


def test_a_request_leaves_one_line_with_its_template_and_outcome(
    world: World, written: io.StringIO
) -> None:
    world.gateway("Owner").get(f"/api/accounts/{OURS}", surprise=EMAIL)

    [line] = lines(written)
    assert line["message"] == "request"
    assert line["route"] == "/api/accounts/{uid}"
    assert (line["method"], line["status"], line["code"]) == ("GET", 422, "invalid_input")
    assert (line["request_id"], line["uid"]) == ("req-1", OURS)
    assert line["ms"] >= 0


def test_fields_of_one_request_do_not_stick_to_the_next(world: World, written: io.StringIO) -> None:
    world.gateway("Owner").get(f"/api/accounts/{OURS}", surprise="1")
    Gateway(None).get("/api/health")

    line = lines(written)[-1]
    assert line["status"] == 200
    assert "uid" not in line
    assert "code" not in line


def test_a_crash_is_found_by_its_type_and_place(
    world: World, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(operation: Operation, arguments: dict[str, Any]) -> None:
        raise ZeroDivisionError(EMAIL)

    monkeypatch.setattr(routing, "perform", crash)

    world.gateway("Owner").get(f"/api/accounts/{OURS}")

    [crashed, line] = lines(written)
    assert crashed["exception_name"] == "ZeroDivisionError"
    assert "test_logs.py" in crashed["exception"]
    assert line["status"] == 500
