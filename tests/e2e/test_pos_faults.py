"""A POS that fails in every way there is: no watermark moves, no row is lost, someone is named."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.stage import Stage
from tests.waiting import eventually
from tools.demo.retailer import Json

SMALL = {"stores": 1, "shoppers": 90, "sales": 120}
RECENTLY = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()
RESOURCES = {"customers": "customers", "sales": "sales_histories", "inventory": "inventories"}


@pytest.fixture
def shop(stage: Stage) -> Stage:
    """One store whose lists have several short pages, its credential checked and added."""
    stage.posabit.reset(**SMALL)
    stage.posabit.control("POST", "settings", {"max_per_page": 40})
    stage.prepare(RECENTLY)
    stage.posabit.control("DELETE", "stats")
    return stage


def break_(shop: Stage, stream: str, fault: str, **options: Any) -> None:
    rule = {"resource": RESOURCES[stream], "fault": fault, **options}
    shop.posabit.control("POST", "faults", rule)


def mend(shop: Stage) -> None:
    shop.posabit.control("DELETE", "faults")


def oldest_asked(shop: Stage, stream: str) -> str:
    """How far back the stream's questions went since the log was cleared."""
    lines = shop.posabit.control("GET", "log")
    questions = [line["params"] for line in lines if line["resource"] == RESOURCES[stream]]
    return min(asked.get("q[updated_at_gt]", "") for asked in questions)


def forget_log(shop: Stage) -> None:
    shop.posabit.control("DELETE", "stats")


LINKED = re.compile(r"sales \w+ (?:un)?linked: (\d+), right is (\d+)")
POS = "the POS"
LASTING = [
    # stream, fault, its options, code, who must act
    ("customers", "401", {}, "key_rejected", "you"),
    ("customers", "403", {}, "permission_missing", "you"),
    ("customers", "404", {}, "unexpected_answer", POS),
    ("customers", "500", {"requests": range(2, 99)}, "upstream", POS),
    ("customers", "slow", {"seconds": 60, "times": 1}, "upstream", POS),
    ("customers", "cut", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("customers", "html", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("customers", "oversized", {"bytes": 11_000_000}, "unexpected_answer", POS),
    ("customers", "empty", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("customers", "ignore_filter", {"requests": range(2, 99)}, "filter_ignored", POS),
    ("customers", "reset", {"requests": range(2, 99)}, "upstream", POS),
    ("customers", "error_object", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("sales", "html", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("sales", "empty", {"requests": range(2, 99)}, "unexpected_answer", POS),
    ("sales", "ignore_filter", {"requests": range(2, 99)}, "filter_ignored", POS),
    ("inventory", "cut", {"requests": range(2, 99)}, "unexpected_answer", POS),
]


@pytest.mark.parametrize(
    ("stream", "fault", "options", "code", "actor"),
    LASTING,
    ids=[f"{stream}-{fault}" for stream, fault, *_ in LASTING],
)
def test_a_page_that_stays_bad_fails_the_run_and_the_next_run_gets_everything(
    shop: Stage, stream: str, fault: str, options: Json, code: str, actor: str
) -> None:
    options = {k: list(v) if isinstance(v, range) else v for k, v in options.items()}
    break_(shop, stream, fault, **options)

    [failed] = shop.finish(shop.connect())

    assert failed["state"] == "failed"
    error = {name: failed["error"][name] for name in ("code", "actor", "stream")}
    assert error == {"code": code, "actor": actor, "stream": stream}
    assert failed["error"]["message"]
    before = oldest_asked(shop, stream)

    mend(shop)
    forget_log(shop)
    [good] = shop.sync()

    assert good["state"] == "succeeded"
    assert oldest_asked(shop, stream) <= before
    assert lost(shop) == []


def lost(shop: Stage) -> list[str]:
    """What set-aside counts say differs by nature: the failed run counted some of them too. So does
    which sales are linked, when a run that could not read shoppers has counted them; none of them
    may be missing."""
    found = [each for each in shop.differences(every=3) if not each.startswith("set_aside")]
    counts = [
        re.fullmatch(r"sales \w+ (?:un)?linked: (\d+), right is (\d+)", each) for each in found
    ]
    linked = [match for match in counts if match is not None]
    if sum(int(match[1]) - int(match[2]) for match in linked):
        return found
    return [each for each, match in zip(found, counts, strict=True) if match is None]


@pytest.mark.parametrize("fault", ["500", "cut", "html", "reset", "empty", "not_json"])
def test_a_page_that_is_bad_once_is_asked_for_again(shop: Stage, fault: str) -> None:
    break_(shop, "customers", fault, requests=[2])
    break_(shop, "sales", fault, requests=[1])

    [run] = shop.finish(shop.connect())

    assert (run["state"], run["retries"]) == ("succeeded", 2)
    assert shop.differences(every=3) == []


@pytest.mark.parametrize(("wish", "seconds"), [({"retry_after": 12}, 12), ({}, 30)])
def test_a_pos_that_asks_for_patience_gets_it(shop: Stage, wish: Json, seconds: int) -> None:
    break_(shop, "customers", "429", requests=[2], **wish)

    [queued] = shop.connect()
    waiting = eventually(
        lambda: (run := shop.retailer.run(queued["id"]))["state"] == "waiting" and run
    )
    [run] = shop.finish([queued])

    assert waiting, "the run never waited"
    assert run["state"] == "succeeded"
    asked = [line for line in shop.posabit.control("GET", "log") if line["resource"] == "customers"]
    [refused] = [number for number, line in enumerate(asked) if line["status"] == 429]
    assert asked[refused + 1]["at"] - asked[refused]["at"] >= seconds
    assert shop.differences(every=3) == []


def test_a_fault_between_two_good_runs_loses_no_change(shop: Stage) -> None:
    [good] = shop.finish(shop.connect())
    assert good["state"] == "succeeded"
    changes = [
        {"do": "touch", "resource": "customers", "percent": 60},
        {"do": "add_sales", "count": 90},
    ]
    shop.posabit.control("POST", "edits", changes)
    break_(shop, "customers", "html", requests=[2, 3, 4])
    forget_log(shop)

    [failed] = shop.sync()

    assert (failed["state"], failed["error"]["stream"]) == ("failed", "customers")
    before = oldest_asked(shop, "customers")

    mend(shop)
    forget_log(shop)
    [mended] = shop.sync()

    assert mended["state"] == "succeeded"
    assert oldest_asked(shop, "customers") <= before
    assert sum(run["streams"]["sales"]["new"] for run in (failed, mended)) == 90
    assert lost(shop) == []


def test_a_key_rejected_three_times_stops_the_schedule_until_it_is_replaced(shop: Stage) -> None:
    break_(shop, "customers", "401")
    shop.finish(shop.connect())
    shop.sync()
    shop.sync()

    [stopped] = shop.retailer.card()["credentials"]
    assert (stopped["stopped"], stopped["next_sync_at"]) == ("key_rejected", None)
    assert "key_rejected" in {n["kind"] for n in shop.retailer.notifications()}

    mend(shop)
    shop.retailer.call(
        "PATCH",
        f"/integrations/posabit/credentials/{stopped['id']}",
        {"fields": {"key": shop.posabit.venues[0]["token"]}},
        headers={"If-Match": f'"{stopped["version"]}"'},
    )
    [run] = shop.sync()

    assert run["state"] == "succeeded"
    assert "key_rejected" not in {n["kind"] for n in shop.retailer.notifications()}
    [going] = shop.retailer.card()["credentials"]
    assert going["stopped"] is None
    assert going["next_sync_at"]
    assert lost(shop) == []


def test_without_the_enhanced_permission_nothing_is_taken_for_nothing(shop: Stage) -> None:
    [first] = shop.finish(shop.connect())
    assert first["state"] == "succeeded"
    before = shop.retailer.personas()
    shop.posabit.control(
        "POST", "permissions", {"enhanced_customer_data": False, "degraded": ["forbidden"]}
    )

    [run] = shop.sync()

    assert run["error"]["code"] == "permission_missing"
    [notification] = [n for n in shop.retailer.notifications() if n["kind"] == "permission_missing"]
    assert "Enhanced Customer Data Access" in notification["title"]
    assert shop.retailer.personas() == before

    shop.posabit.control("POST", "permissions", {"enhanced_customer_data": True})
    [again] = shop.sync()

    assert again["state"] == "succeeded"
    kinds = {n["kind"] for n in shop.retailer.notifications()}
    assert "permission_missing" not in kinds


def test_a_garbage_message_is_buried_and_told_of(shop: Stage) -> None:
    sqs, outputs = shop.stack.client("sqs"), shop.stack.outputs
    uid = shop.retailer.uid
    garbage = ["garbage", "[]", f'{{"v":1,"uid":"{uid}","platform":7}}', f'{{"uid":"{uid}","x":']

    def buried() -> set[str]:
        answer = sqs.receive_message(
            QueueUrl=outputs["QueueSyncDeadUrl"], MaxNumberOfMessages=10, VisibilityTimeout=1
        )
        seen.update(message["Body"] for message in answer.get("Messages", []))
        return seen

    seen: set[str] = set()
    for body in garbage:
        sqs.send_message(QueueUrl=outputs["QueueSyncUrl"], MessageBody=body)

    assert eventually(lambda: buried() >= set(garbage)), seen

    def told() -> list[Json]:
        shop.stack.tick("WatchDeadLetters")
        return [n for n in shop.retailer.notifications() if n["kind"] == "dead_letter"]

    assert eventually(told, every=2)
    sqs.purge_queue(QueueUrl=outputs["QueueSyncDeadUrl"])
