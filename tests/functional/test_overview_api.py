"""The Overview through the API; what is behind has tests of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.domain.series import Bucket
from chalicelib.domain.times import day_from_text
from chalicelib.entrypoints import wiring
from chalicelib.services.audiences.overview import Overview, Series
from chalicelib.services.audiences.source_flow import Funnel, SourceFlow, Stock, UnlinkedSales
from tests.fakes.common import NOON
from tests.functional.gateway import OURS, THEIRS, Gateway, World

DAY = day_from_text("2026-03-01")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def series(*what: Any) -> Series:
        asked.append(what)
        return Series(NOON, ("points",), [Bucket(DAY, {"points": 12_050}, ("posabit",))])

    def overview(uid: str) -> Overview:
        return Overview(NOON, 12, 1, 9, 12_050, {"posabit": 10, "webjoint": 4})

    service = SimpleNamespace(series=series, overview=overview)
    monkeypatch.setattr(wiring.overview, "service", lambda: service)
    return asked


@pytest.mark.usefixtures("asked")
def test_the_figures_are_in_points_and_by_source(api: Gateway) -> None:
    told = api.get(f"/api/accounts/{OURS}/overview").json

    assert (told["personas"], told["members"], told["points_open"]) == (12, 9, 120.5)
    assert told["sources"] == [
        {"platform": "posabit", "personas": 10},
        {"platform": "webjoint", "personas": 4},
    ]


def test_a_chart_of_points_is_in_points_by_local_days(api: Gateway, asked: list[Any]) -> None:
    path = f"/api/accounts/{OURS}/series/points"

    told = api.get(path, **{"from": "2026-03-01", "to": "2026-03-09"}).json

    assert told["buckets"] == [
        {"day": "2026-03-01", "values": {"points": 120.5}, "unread": ["posabit"]}
    ]
    assert asked == [(OURS, "points", DAY, DAY + 8, "day")]


def test_weeks_are_asked_for_by_name(api: Gateway, asked: list[Any]) -> None:
    path = f"/api/accounts/{OURS}/series/sales"

    got = api.get(path, **{"from": "2026-03-01", "to": "2026-03-09", "by": "week"})

    assert got.status == 200
    assert asked == [(OURS, "sales", DAY, DAY + 8, "week")]


def test_where_a_source_s_shoppers_went_is_read_by_who_sees_integrations(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    funnel = Funnel(NOON, 10, 7, 1, 1, 1, 0)
    flow = SourceFlow(funnel, UnlinkedSales(3, 30, NOON), Stock(4, None), None)
    service = SimpleNamespace(of=lambda _uid, _platform: flow)
    monkeypatch.setattr(wiring.overview, "source_flows", lambda: service)
    path = f"/api/accounts/{OURS}/integrations/posabit/flow"

    told = world.gateway("Analyst").get(path)

    assert (told.status, told.json["funnel"]["without_contact"]) == (200, 1)
    assert told.json["unlinked"] == {"sales": 3, "of": 30, "as_of": "2026-01-01T12:00:00Z"}
    assert told.json["stock"] == {"items": 4, "as_of": None}
    assert world.gateway("Manager").get(path).status == 403
    assert world.gateway("Owner", THEIRS).get(path).status == 404
