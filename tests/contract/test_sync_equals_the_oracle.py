"""Whatever the POS does on the way, AIQ ends up knowing what the oracle says."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.pos.profile import registry
from tests.contract.retailer import a_retailer

EVERY_PLATFORM = list(registry.names())
PLATFORMS = [name for name in EVERY_PLATFORM if not registry.info(name).own_server]
"""Days and reports of own servers break in ways of their own, shown beside their benches."""
OTHERS = [platform for platform in PLATFORMS if platform != "posabit"]


@pytest.mark.parametrize("platform", EVERY_PLATFORM)
def test_a_first_sync_knows_everyone_and_a_second_writes_nobody(platform: str) -> None:
    with a_retailer(platform=platform) as retailer:
        first = retailer.sync()
        second = retailer.sync()

        assert {run.state for run in first + second} == {"succeeded"}
        assert retailer.told() == retailer.truth()
        assert {run.persona_writes for run in second} == {0}
        assert sum(run.sales_linked for run in first) == retailer.truth()["linked"]


RETRIED = [
    {"fault": "500", "requests": [2]},
    {"fault": "503", "requests": [2]},
    {"fault": "reset", "requests": [3]},
    {"fault": "cut", "requests": [2]},
    {"fault": "html", "requests": [1]},
    {"fault": "wrong_shape", "requests": [2]},
    {"fault": "empty", "requests": [2]},
]
FATAL = [
    ({"fault": "401"}, "key_rejected", "you"),
    ({"fault": "404"}, None, None),
    ({"fault": "500"}, "upstream", "the POS"),
    ({"fault": "html"}, "unexpected_answer", "the POS"),
    ({"fault": "cut"}, None, "the POS"),
    ({"fault": "empty"}, "unexpected_answer", "the POS"),
    ({"fault": "not_json"}, "unexpected_answer", "the POS"),
    ({"fault": "error_object"}, "unexpected_answer", "the POS"),
    ({"fault": "oversized"}, "unexpected_answer", "the POS"),
    ({"fault": "403"}, "permission_missing", "you"),
]


@pytest.mark.parametrize(
    ("platform", "resource"),
    [("posabit", "customers"), ("posabit", "sales"), *((other, "sales") for other in OTHERS)],
)
@pytest.mark.parametrize("rule", RETRIED, ids=lambda rule: rule["fault"])
def test_a_passing_fault_is_retried_and_nobody_notices(
    platform: str, resource: str, rule: dict[str, Any]
) -> None:
    with a_retailer(platform=platform) as retailer:
        retailer.server.faults.add({**rule, "resource": resource})

        runs = retailer.sync()

        assert {run.state for run in runs} == {"succeeded"}
        assert sum(run.retries for run in runs) >= 1
        assert retailer.told() == retailer.truth()


@pytest.mark.parametrize(
    ("platform", "resource"),
    [
        ("posabit", "customers"),
        ("posabit", "sales"),
        ("posabit", "inventory"),
        *((other, "customers") for other in OTHERS),
    ],
)
@pytest.mark.parametrize(("rule", "code", "actor"), FATAL, ids=lambda case: str(case)[:30])
def test_a_lasting_fault_fails_the_run_moves_no_watermark_and_loses_nothing(
    platform: str, resource: str, rule: dict[str, Any], code: str | None, actor: str | None
) -> None:
    with a_retailer(platform=platform) as retailer:
        fault = {**rule, "resource": resource, "requests": list(range(2, 500))}
        if resource == "inventory":
            fault["requests"] = list(range(1, 500))
        retailer.server.faults.add(fault)

        failed = retailer.sync()
        watermarks = {
            stream: state.watermark
            for (_, _, stream), state in retailer.room.states.kept_streams.items()
        }
        retailer.server.faults.clear()
        mended = retailer.sync()

        errors = [run.error for run in failed if run.error]
        assert errors
        assert all(error.stream == resource for error in errors)
        assert code is None or {error.code for error in errors} == {code}
        assert actor is None or {error.actor for error in errors} == {actor}
        assert watermarks[resource] is None
        assert {run.state for run in mended} == {"succeeded"}
        assert retailer.told() == retailer.truth()


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("wait", [2, None])
def test_a_busy_pos_is_given_the_time_it_asks_for(platform: str, wait: int | None) -> None:
    with a_retailer(platform=platform) as retailer:
        rule: dict[str, Any] = {"resource": "customers", "fault": "429", "requests": [2]}
        if wait is not None:
            rule["retry_after"] = wait
        retailer.server.faults.add(rule)

        runs = retailer.sync()

        assert {run.state for run in runs} == {"succeeded"}
        assert max(run.hops for run in runs) == 1
        assert retailer.told() == retailer.truth()


def test_a_filter_the_pos_ignores_fails_the_run() -> None:
    with a_retailer() as retailer:
        retailer.sync()
        retailer.server.faults.add({"resource": "customers", "fault": "ignore_filter"})

        runs = retailer.sync()

        assert {run.error.code for run in runs if run.error} == {"filter_ignored"}
        assert [run.state for run in runs] == ["failed", "failed"]


@pytest.mark.parametrize("request_number", [1, 2, 3])
def test_rows_that_move_between_pages_are_not_lost(request_number: int) -> None:
    with a_retailer(shoppers=400, stores=1) as retailer:
        for place in (0, 1, 5, 39, 40, 41, 79, 80, 81, 150):
            number = retailer.row_of(0, place)
            retailer.server.edits.schedule(
                {
                    "do": "touch",
                    "resource": "customers",
                    "ids": [number],
                    "after": {"resource": "customers", "requests": [request_number]},
                }
            )

        runs = retailer.sync()

        assert [run.state for run in runs] == ["succeeded"]
        assert retailer.told() == retailer.truth()


@pytest.mark.parametrize("platform", EVERY_PLATFORM)
def test_edits_refunds_and_merges_between_runs_arrive(platform: str) -> None:
    with a_retailer(platform=platform) as retailer:
        retailer.sync()
        edits = retailer.server.edits
        for resource in ("customers", "sales"):
            edits.apply({"do": "touch", "resource": resource, "percent": 5, "seed": 3})
        edits.apply({"do": "add_sales", "count": 30, "seed": 3})

        runs = retailer.sync()

        assert {run.state for run in runs} == {"succeeded"}
        assert sum(run.streams["customers"].changed for run in runs) > 5
        assert sum(run.streams["sales"].new for run in runs) == 30
        assert retailer.told() == retailer.truth()


def test_a_pos_without_the_customer_permission_still_gives_its_sales() -> None:
    with a_retailer() as retailer:
        retailer.server.faults.add({"resource": "customers", "fault": "403"})

        runs = retailer.sync()

        assert {run.error.code for run in runs if run.error} == {"permission_missing"}
        assert all(
            "Enhanced Customer Data Access" in run.error.message for run in runs if run.error
        )
        assert retailer.told()["linked"] == retailer.truth()["linked"]
        kinds = {n.kind for n in retailer.room.notifications.open_for("1000")}
        assert "permission_missing" in kinds


def test_a_secret_is_in_no_run_and_no_notification() -> None:
    with a_retailer() as retailer:
        token = retailer.server.world.venues[0].token
        retailer.server.faults.add({"resource": "sales", "fault": "html"})

        runs = retailer.sync()

        shown = repr(runs) + repr(retailer.room.notifications.all_for("1000"))
        assert "unexpected_answer" in shown
        assert token not in shown
