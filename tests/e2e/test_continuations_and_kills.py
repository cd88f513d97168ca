"""A worker whose time is up, or that dies, is followed by one that ends the run the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.e2e.stage import Stage, changed, kill, peak_mb, workers
from tests.waiting import eventually
from tools.demo.retailer import LIVE, Json
from tools.stack import LocalStack

pytestmark = pytest.mark.alone

WORKER = "SyncWorker"
WORKER_MB = 256
SLICE = {"timeout": 20, "SYNC_RESERVE_SECONDS": "5"}
"""As tools/deploy.py derives it for SyncTimeout=20."""


@pytest.fixture
def short_lived(stack: LocalStack, configured_pos: None) -> Iterator[None]:
    """Sync workers get 20 s; what one leaves undone comes back after as long."""
    with changed(stack, [WORKER], **SLICE):
        stack.set_visibility("SyncQueue", 20)
        yield
    stack.set_visibility("SyncQueue", 5400)


def watched(stage: Stage, runs: list[Json], seconds: float = 90) -> tuple[list[Json], float]:
    """The runs as they ended, and the most memory a worker was seen to hold."""
    peaks = [0.0]

    def look(_: Json) -> None:
        for pid in workers(stage.stack, WORKER):
            with suppress(OSError):
                peaks.append(peak_mb(pid))

    return stage.retailer.finish(runs, seconds=seconds, show=look, every=1), max(peaks)


def continued(stage: Stage, record: Callable[..., None], **world: float) -> None:
    stage.posabit.reset(**world)
    started = time.monotonic()

    runs, peak = watched(stage, stage.open())

    outcomes = [(run["state"], run["hops"], run["requests"], run["error"]) for run in runs]
    record(seconds=round(time.monotonic() - started), peak_mb=round(peak), runs=outcomes)
    assert {run["state"] for run in runs} == {"succeeded"}, outcomes
    assert min(run["hops"] for run in runs) >= 1, outcomes  # more on a slower machine
    assert stage.differences(every=500, every_of_several=20) == []
    assert peak < WORKER_MB
    second = stage.sync()
    assert sum(run["persona_writes"] for run in second) == 0


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Figures for the report, and for whoever reads along with -s."""

    def keep(**figures: object) -> None:
        sys.stderr.write(f"\n{figures}\n")
        for name, value in figures.items():
            record_property(name, value)

    return keep


def test_20_000_shoppers_sync_through_continuations_of_20_s(
    stage: Stage, short_lived: None, record: Callable[..., None]
) -> None:
    continued(stage, record, shoppers=20_000, sales=4_000)


@pytest.mark.full
def test_100_000_shoppers_sync_through_continuations_of_20_s(
    stage: Stage, short_lived: None, record: Callable[..., None]
) -> None:
    continued(stage, record, shoppers=100_000, sales=40_000)


@pytest.mark.parametrize("stream", ["customers", "sales"])
def test_a_killed_worker_loses_and_doubles_nothing(
    stage: Stage, short_lived: None, stream: str
) -> None:
    stage.posabit.reset(stores=1, shoppers=400, sales=600)
    stage.posabit.control("POST", "settings", {"max_per_page": 50})
    linger(stage, stream)
    [queued] = stage.open()
    path = queued["id"]
    assert eventually(lambda: _is_in(stage.retailer.run(path), stream))

    for pid in workers(stage.stack, WORKER):
        kill(pid)

    assert stage.retailer.run(path)["state"] in LIVE
    stage.posabit.control("DELETE", "faults")
    let_time_pass(stage.stack, stage.retailer.uid, queued["credential"])
    [run] = stage.finish([queued])
    assert run["state"] == "succeeded"
    assert stage.differences(every=20, every_of_several=5) == []
    assert sum(each["persona_writes"] for each in stage.sync()) == 0


def linger(stage: Stage, stream: str) -> None:
    """Answer slowly in the stream, so that whoever looks finds the run there, on any machine."""
    resource = {"customers": "customers", "sales": "sales_histories"}[stream]
    stage.posabit.control("POST", "faults", {"resource": resource, "fault": "slow", "seconds": 2})


def _is_in(run: Json, stream: str) -> bool:
    return bool(run["streams"].get(stream, {"new": 0})["new"])


def let_time_pass(stack: LocalStack, uid: str, credential: str) -> None:
    """What a dead worker held, its lease of 3 minutes and the account's commit lock of one, is
    free again."""
    locks = {
        "TableSync": (f"CREDENTIAL#{uid}#{credential}", "STATE"),
        "TablePersonas": (f"{uid}#COMMIT", "COMMIT"),
    }
    for table, (pk, sk) in locks.items():
        stack.client("dynamodb").update_item(
            TableName=stack.outputs[table],
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET held_until = :past",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )


def test_disconnecting_while_a_sync_runs_stops_the_calls(stage: Stage) -> None:
    stage.posabit.reset(stores=1, shoppers=800, sales=400)
    stage.posabit.control("POST", "settings", {"max_per_page": 50})
    linger(stage, "customers")
    [queued] = stage.open()
    path = queued["id"]
    assert eventually(lambda: _is_in(stage.retailer.run(path), "customers"))

    stage.retailer.disconnect()
    [run] = stage.finish([queued])

    assert run["state"] == "stopped"
    asked = stage.posabit.control("GET", "stats")["requests"]
    time.sleep(3)
    assert stage.posabit.control("GET", "stats")["requests"] == asked
    assert stage.retailer.personas()
    [credential] = stage.retailer.card()["credentials"]
    assert credential["next_sync_at"] is None

    stage.posabit.control("DELETE", "faults")
    stage.retailer.connect()
    [again] = stage.finish(stage.retailer.runs()[:1])

    assert again["state"] == "succeeded"
    assert [d for d in stage.differences(20, 5) if not d.startswith("set_aside")] == []
