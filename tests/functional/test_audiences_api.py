"""Audience runs, sorted lists and exports through the API, on tables, queue and bucket (moto)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import boto3
import pytest
import requests

from chalicelib.adapters.aws.objects import s3_client
from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.times import DAY
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events.queues import WORKERS
from chalicelib.services.job_messages.account_jobs import account_job
from tests.fakes.aws import create_personas_table
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway
from tests.functional.gateway import OURS, THEIRS, Gateway, World

ACCOUNT = f"/api/accounts/{OURS}"
AMOUNT = 5


@pytest.fixture(autouse=True)
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryQueue]:
    queue, gateway = MemoryQueue(), FakePosGateway()
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: queue)
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_personas_table(boto3.client("dynamodb"))
    s3_client.cache_clear()
    boto3.client("s3").create_bucket(Bucket="bucket_backups-under-test")
    yield queue
    s3_client.cache_clear()


def shoppers() -> None:
    """Number n bought n days ago."""
    now = wiring.outside.clock().now()
    folk = [Customer(str(n), first=f"Shopper {n}", phone=f"+1206555000{n}") for n in range(AMOUNT)]
    sold = [
        Sale(f"s{n}", "1", now - n * DAY, "", "USD", 1_000, customer_ext_id=str(n))
        for n in range(AMOUNT)
    ]
    wiring.derivation.commits().commit(OURS, "posabit", "north", customers=folk, sales=sold)


def work_off(jobs: MemoryQueue) -> None:
    while bodies := jobs.take():
        for body in bodies:
            message = account_job(body)
            WORKERS[message.job]("jobs").handle(message, lambda: True)


def run_now(api: Gateway, jobs: MemoryQueue) -> str:
    asked = api.post(f"{ACCOUNT}/audience-runs")
    assert asked.status == 202, asked.text
    work_off(jobs)
    return str(asked.json["id"])


def test_run_now_is_answered_at_once_and_counted_when_done(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()

    run = run_now(api, jobs)

    [found] = api.get(f"{ACCOUNT}/audience-runs").json["items"]
    assert (found["id"], found["state"], found["personas"]) == (run, "done", AMOUNT)
    assert (found["drifted"], found["trigger"]) == (0, "now")
    counts = {count["name"]: count for count in found["audiences"]}
    assert counts["personas"]["by_source"] == {"posabit": AMOUNT}
    assert set(counts) == {"personas", "members", "opted_in", "lapsed_90"}


def test_a_second_run_is_the_first_one(api: Gateway) -> None:
    first, second = (api.post(f"{ACCOUNT}/audience-runs").json["id"] for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("role", "status"), [("Operator", 202), ("Marketing", 202), ("Analyst", 403), ("Manager", 403)]
)
def test_operator_and_marketing_start_runs(world: World, role: str, status: int) -> None:
    gateway = world.gateway(role)  # type: ignore[arg-type]

    assert gateway.post(f"{ACCOUNT}/audience-runs").status == status


def test_runs_are_limited_by_the_hour(world: World) -> None:
    gateway = world.gateway("Marketing")

    statuses = [gateway.post(f"{ACCOUNT}/audience-runs").status for _ in range(6)]

    assert statuses == [202] * 5 + [429]


def test_a_sorted_list_comes_page_by_page(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run_now(api, jobs)
    query = {"sort": "last_purchase", "limit": 2}

    names: list[str] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = api.get(f"{ACCOUNT}/personas/snapshot", **query, **more)  # type: ignore[arg-type]
        assert page.status == 200, page.text
        assert page.json["total"] == AMOUNT
        assert page.json["as_of"]
        names += [item["first"] for item in page.json["items"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            break

    assert names == [f"Shopper {n}" for n in range(AMOUNT)]


def test_filters_narrow_the_list_and_belong_to_its_cursor(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run_now(api, jobs)
    url = f"{ACCOUNT}/personas/snapshot"

    assert api.get(url, source="auphan").json["total"] == 0
    assert api.get(url, consent="unknown", source="posabit").json["total"] == AMOUNT
    cursor = api.get(url, limit=1).json["next_cursor"]
    assert api.get(url, limit=1, cursor=cursor, sort="name").status == 422
    assert "Shopper" not in cursor


def test_the_list_of_an_audience_has_its_total_and_pages_of_its_own(
    api: Gateway, jobs: MemoryQueue
) -> None:
    shoppers()
    run_now(api, jobs)
    snapshot = f"{ACCOUNT}/personas/snapshot"

    everybody = api.get(snapshot, limit=2).json
    members = api.get(snapshot, list="members", source="posabit").json

    assert (everybody["total"], members["total"], members["items"]) == (AMOUNT, 0, [])
    assert everybody["items"][0]["consent"] == "unknown"
    foreign = api.get(snapshot, list="lapsed_90", limit=2, cursor=everybody["next_cursor"])
    assert foreign.status == 422
    assert api.get(snapshot, list="everybody").status == 422


def test_before_the_first_run_the_list_is_empty(api: Gateway) -> None:
    page = api.get(f"{ACCOUNT}/personas/snapshot")

    assert page.json == {"as_of": None, "total": 0, "items": [], "next_cursor": None}


def test_a_damaged_list_is_503(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run = run_now(api, jobs)
    name = f"{OURS}/snapshots/{run}/manifest.json"
    boto3.client("s3").put_object(Bucket="bucket_backups-under-test", Key=name, Body=b"{")

    got = api.get(f"{ACCOUNT}/personas/snapshot")

    assert (got.status, got.json["code"]) == (503, "unavailable")
    assert got.headers["Retry-After"]


def test_an_export_ends_with_a_link_to_a_csv(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run_now(api, jobs)

    asked = api.post(f"{ACCOUNT}/exports", {"list": "personas", "filters": {"source": "posabit"}})
    assert (asked.status, asked.json["url"]) == (202, None)
    work_off(jobs)

    got = api.get(f"{ACCOUNT}/exports/{asked.json['id']}").json
    assert (got["state"], got["rows"]) == ("done", AMOUNT)
    text = requests.get(got["url"], timeout=5).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1][3].startswith("+1206555000")
    assert rows[-1] == [f"# rows {AMOUNT}"]


def test_an_export_belongs_to_one_account(world: World, api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run_now(api, jobs)
    export = api.post(f"{ACCOUNT}/exports", {"list": "members"}).json["id"]

    theirs = world.gateway("Owner", THEIRS)
    assert theirs.get(f"/api/accounts/{THEIRS}/exports/{export}").status == 404
    assert theirs.get(f"{ACCOUNT}/exports/{export}").status == 404


def test_before_the_first_run_an_export_is_refused(api: Gateway) -> None:
    got = api.post(f"{ACCOUNT}/exports", {"list": "members"})

    assert (got.status, got.json["code"]) == (409, "conflict")


def test_an_analyst_exports_and_marketing_does_not(world: World) -> None:
    body = {"list": "members"}

    assert world.gateway("Analyst").post(f"{ACCOUNT}/exports", body).status == 409  # no list yet
    assert world.gateway("Marketing").post(f"{ACCOUNT}/exports", body).status == 403


def test_drift_on_the_table_is_mended(api: Gateway, jobs: MemoryQueue) -> None:
    shoppers()
    run_now(api, jobs)
    rid = record_id(OURS, "posabit", "north", "1")
    table = boto3.resource("dynamodb").Table("personas-under-test")
    key = {"pk": f"{OURS}#REC#{rid}", "sk": "PERSONA"}
    row = table.get_item(Key=key)["Item"]
    body = {**json.loads(str(row["body"])), "first": "Nobody"}
    table.put_item(Item={**row, "body": json.dumps(body)})

    run_now(api, jobs)

    newest = api.get(f"{ACCOUNT}/audience-runs").json["items"][0]
    assert newest["drifted"] == 1
    assert json.loads(str(table.get_item(Key=key)["Item"]["body"]))["first"] == "Shopper 1"
    assert [n["kind"] for n in api.get(f"{ACCOUNT}/notifications").json["items"]] == ["drift"]
