"""*Use AIQ's last backup* through the API (product.md §10; freezing.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.config import config
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY
from chalicelib.domain.words import POINT
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.queues import WORKERS
from chalicelib.services.freezing import standing_job
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.ports.integrations import Credential, Integration
from tests.fakes.aws import create_personas_table, create_table
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.functional.gateway import OURS, THEIRS, Gateway, World

POSABIT = f"/api/accounts/{OURS}/integrations/posabit"


@pytest.fixture(autouse=True)
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> MemoryQueue:
    queue, gateway, sync = MemoryQueue(), FakePosGateway(), RecordingSync()
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: queue)
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    monkeypatch.setattr(wiring.sync, "sync_control", lambda: sync)
    monkeypatch.setattr(standing_job, "CALLS_END_AFTER_SECONDS", 0.0)
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_personas_table(boto3.client("dynamodb"))
    create_table(boto3.client("dynamodb"), "sync-under-test")
    boto3.client("s3").create_bucket(Bucket=config().bucket_backups)
    return queue


def now() -> int:
    return wiring.outside.clock().now()


def connected() -> None:
    """Points for purchases, enrolled from long ago; Ana and one sale."""
    uid = OURS
    wiring.outside.integrations().save(Integration(uid, "posabit", state="connected"))
    wiring.outside.credentials().add(Credential(uid, "posabit", "crd_1", "north", {}, {}))
    loyalty = Loyalty(enabled=True, points_per_100=10 * POINT, accrual_start=0)
    wiring.outside.rule_book().save(uid, Rules(loyalty, {"posabit": Source(enroll_after=0)}))
    ana = Customer("1", first="Ana", phone="+12065550101")
    wiring.derivation.commits().commit(
        uid, "posabit", "north", customers=[ana], sales=[a_sale("s1", 5_000)]
    )


def a_sale(ext_id: str, total: int, who: str = "1") -> Sale:
    return Sale(ext_id, "Main", now() - DAY, "", "USD", total, customer_ext_id=who)


def night(run: str = "run_1") -> None:
    wiring.freezing.take_backup().take(OURS, "posabit", run, "nightly", lambda: True)


def later() -> None:
    """Ben comes, and Ana buys again, after the backup."""
    ben = Customer("2", first="Ben", phone="+12065550102")
    sales = [a_sale("s2", 3_000), a_sale("s3", 2_000, "2")]
    wiring.derivation.commits().commit(OURS, "posabit", "north", customers=[ben], sales=sales)


def work(queue: MemoryQueue) -> None:
    while bodies := queue.take():
        for body in bodies:
            message = account_job(body)
            WORKERS[message.job]("jobs").handle(message, lambda: True)


def frozen(api: Gateway, jobs: MemoryQueue, choice: str = "last") -> Mapping[str, Any]:
    token = api.post(f"{POSABIT}/freeze/preview", {"choice": choice}).json["token"]
    answered = api.post(f"{POSABIT}/freeze", {"choice": choice, "token": token})
    assert (answered.status, answered.json["state"]) == (202, "freezing")
    work(jobs)
    read: Mapping[str, Any] = api.get(f"{POSABIT}/freeze").json
    return read


def test_a_preview_says_what_would_be_rolled_back_in_the_articles_words(api: Gateway) -> None:
    connected()
    night()
    later()

    preview = api.post(f"{POSABIT}/freeze/preview", {"choice": "last"})

    assert preview.status == 200
    counts = {k: preview.json[k] for k in ("shoppers", "sales", "personas", "members", "points")}
    assert counts == {"shoppers": 1, "sales": 2, "personas": 1, "members": 1, "points": -5.0}
    assert preview.json["warning"] == (
        "Do not turn this on unless you are switching POS systems and want to retain existing data."
    )
    assert preview.json["sentence"].startswith("1 shoppers and 2 sales would be rolled back")
    assert wiring.outside.integrations().get(OURS, "posabit").state == "connected"  # type: ignore[union-attr]


def test_on_rolls_back_and_off_puts_forth(api: Gateway, jobs: MemoryQueue) -> None:
    connected()
    night()
    later()

    read = frozen(api, jobs)

    assert (read["state"], read["rolling_back"], read["done"]) == ("frozen", False, 3)
    assert read["frozen_at"] is not None
    [setting] = [s for s in api.get(POSABIT).json["settings"] if s["key"] == "use_last_backup"]
    assert (setting["value"], setting["applied"]) == (True, True)
    assert balances(api) == {"Ana": 5.0}
    assert api.post(f"{POSABIT}/unfreeze").status == 202
    work(jobs)
    assert api.get(f"{POSABIT}/freeze").json["state"] == "connected"
    assert balances(api) == {"Ana": 8.0, "Ben": 2.0}


def balances(api: Gateway) -> dict[str, float]:
    listed = api.post(f"/api/accounts/{OURS}/personas/search", {}).json["items"]
    return {each["first"]: each["points"] for each in listed}


def test_backups_are_listed_with_who_needs_them(api: Gateway, jobs: MemoryQueue) -> None:
    connected()
    night()
    frozen(api, jobs)

    [listed] = api.get(f"{POSABIT}/backups").json["items"]

    assert (listed["kind"], listed["state"], listed["pinned"]) == ("nightly", "verified", True)
    assert (listed["customers"], listed["sales"]) == (1, 1)


def test_before_the_first_audience_run_only_a_backup_of_now_is_offered(
    api: Gateway, jobs: MemoryQueue
) -> None:
    connected()

    refused = api.post(f"{POSABIT}/freeze/preview", {"choice": "last"})

    assert (refused.status, "take a backup now" in refused.json["detail"]) == (409, True)
    assert frozen(api, jobs, "now")["state"] == "frozen"


def test_a_token_of_what_was_seen_before_is_refused(api: Gateway) -> None:
    connected()
    night()
    token = api.post(f"{POSABIT}/freeze/preview", {"choice": "last"}).json["token"]
    night("run_2")

    refused = api.post(f"{POSABIT}/freeze", {"choice": "last", "token": token})

    assert (refused.status, "preview it again" in refused.json["detail"]) == (409, True)


def test_a_draft_is_refused_and_an_account_sees_only_its_own(api: Gateway, world: World) -> None:
    assert api.post(f"{POSABIT}/freeze/preview", {"choice": "now"}).status == 409
    theirs = POSABIT.replace(OURS, THEIRS)
    assert api.post(f"{theirs}/freeze/preview", {"choice": "now"}).status == 404
    assert world.gateway("Analyst").post(f"{POSABIT}/unfreeze").status == 403


def test_who_is_kept_for_what_was_done_in_aiq_says_so(api: Gateway, jobs: MemoryQueue) -> None:
    connected()
    night()
    later()
    ben = record_id(OURS, "posabit", "north", "2")
    wiring.derivation.commits().adjust(OURS, ben, "a1", 1_500, note="sorry", actor="me")

    frozen(api, jobs)

    shown = api.get(f"/api/accounts/{OURS}/personas/{ben}").json
    assert (shown["points"], shown["member"]) == (15.0, False)
    assert [m["note"] for m in shown["members"]] == ["kept for what was done in AIQ"]
    ana = api.get(f"/api/accounts/{OURS}/personas/{record_id(OURS, 'posabit', 'north', '1')}")
    assert [m["note"] for m in ana.json["members"]] == [None]


def test_an_account_that_is_older_than_backups_is_told_what_freezing_does(
    api: Gateway, jobs: MemoryQueue
) -> None:
    connected()
    assert api.get(f"{POSABIT}/backups").json == {"items": [], "note": None}
    boto3.client("dynamodb").update_item(  # a commit of code that keeps no log
        TableName=config().table_personas,
        Key={"pk": {"S": f"{OURS}#COMMIT"}, "sk": {"S": "COMMIT"}},
        UpdateExpression="ADD fence :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    night()

    listed = api.get(f"{POSABIT}/backups").json
    preview = api.post(f"{POSABIT}/freeze/preview", {"choice": "now"}).json
    read = frozen(api, jobs, "now")

    assert listed["items"] == []
    assert listed["note"] == preview["note"] == read["problem_text"]
    assert "stops all calls to it and keeps everything as it is" in listed["note"]
    assert (read["state"], read["problem"]) == ("frozen", "backup_impossible")
    assert balances(api) == {"Ana": 5.0}
    assert api.post(f"{POSABIT}/unfreeze").status == 202
    work(jobs)
    assert api.get(f"{POSABIT}/freeze").json["state"] == "connected"
