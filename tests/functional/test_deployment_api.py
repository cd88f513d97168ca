"""What anybody may read: where to log in and find help, and the grid (product.md §2)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.pos.profile import registry
from tests.fakes.pos import FakePosGateway
from tests.functional.gateway import Gateway, World


@pytest.fixture
def nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    gateway = FakePosGateway(infos=[registry.info(name) for name in registry.names()])
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    return Gateway(None)


def config_of(nobody: Gateway) -> Any:
    config.cache_clear()
    got = nobody.get("/api/config")
    assert got.status == 200, got.text
    return got.json


def test_who_has_not_logged_in_is_told_where_to(
    nobody: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COGNITO_ENDPOINT", "https://cognito-idp.us-west-2.amazonaws.com")

    told = config_of(nobody)

    assert told["cognito"] == {
        "user_pool_id": "user_pool_id-under-test",
        "client_id": "user_pool_client_id-under-test",
        "endpoint": "https://cognito-idp.us-west-2.amazonaws.com",
    }
    assert told["help"] == {"url": None, "chat_script": None}
    assert told["calls_from"] == []


def test_need_help_and_our_addresses_are_what_the_deployment_says(
    nobody: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELP_URL", "https://help.example.com")
    monkeypatch.setenv("HELP_CHAT_SCRIPT", "https://chat.example.com/widget.js")
    monkeypatch.setenv("CALLS_FROM", '["198.51.100.7"]')

    told = config_of(nobody)

    assert told["help"] == {
        "url": "https://help.example.com",
        "chat_script": "https://chat.example.com/widget.js",
    }
    assert told["calls_from"] == ["198.51.100.7"]


def test_nothing_else_of_the_deployment_is_public(nobody: Gateway) -> None:
    assert set(config_of(nobody)) == {"cognito", "product", "help", "calls_from", "api_version"}


def test_the_integration_grid_is_public_and_in_words(nobody: Gateway) -> None:
    grid = nobody.get("/api/grid").json

    titles = [column["title"] for column in grid["platforms"]]
    rows = {row["key"]: row["values"] for row in grid["rows"]}
    assert titles == ["Auphan", "POSaBIT", "Profitek", "THSuite API", "Webjoint"]
    assert rows["writes"]["thsuite"] == "never: read-only"
    assert rows["writes"]["posabit"] == "creates shoppers"
    assert rows["points"] == {
        "auphan": "no",
        "posabit": "yes",
        "profitek": "no",
        "thsuite": "no",
        "webjoint": "no",
    }
    assert rows["age_gate"]["profitek"] == "before any SMS"
    assert rows["contract"]["thsuite"] == "unconfirmed"
    assert all(set(values) == set(rows["points"]) for values in rows.values())


def test_the_grid_says_all_by_which_the_dashboard_tells_one_platform_from_another(
    nobody: Gateway,
) -> None:
    columns = {column["platform"]: column for column in nobody.get("/api/grid").json["platforms"]}

    symbols = [tuple(column["symbol"].values()) for column in columns.values()]
    assert len({letters for letters, _ in symbols}) == len(columns)
    assert len({colour for _, colour in symbols}) == len(columns)
    assert columns["posabit"]["symbol"] == {"letters": "PB", "colour": "violet"}
    pushing = {name for name, column in columns.items() if column["pushes_signups"]}
    assert pushing == {"posabit"}
    assert {name for name, column in columns.items() if column["store_number"]} == pushing
