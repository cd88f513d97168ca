"""What the next release stores is read by today's code, as after a roll-back or beside it during a
rollout: each stored row has a further attribute, each JSON object in it a further field at every
depth, and all tests of stored rows hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

import app
from chalicelib.adapters.aws.dead_letters import SqsDeadLetters
from chalicelib.adapters.aws.queues import SqsQueue
from chalicelib.config import config
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.job_messages.sync_messages import sync_message
from chalicelib.services.job_messages.text_jobs import text_job
from tests.functional import test_stored_samples
from tests.functional.gateway import OURS
from tests.functional.stored import TABLES, Deployment, a_deployment, sample, touch
from tests.functional.test_stored_samples import messages
from tests.unit.entrypoints.test_queues import Context, WithTime, event, scheduled
from tests.worlds.alarms import printed_figures

PARSERS: dict[str, Callable[[Any], Any]] = {
    "sync": sync_message,
    "sync_own_server": sync_message,
    "jobs": account_job,
    "texts": text_job,
}
HANDLERS: dict[str, Callable[..., Any]] = {
    "sync": app.sync_worker,
    "sync_own_server": app.own_server_sync_worker,
    "jobs": app.account_jobs,
    "texts": app.text_worker,
}

ADDED = "of_the_next_release"
MAPS = {
    "audiences": "counts by source and by store",
    "after": "what an act changed",
    "before": "what an act changed",
    "changes": "settings by their keys",
    "settings": "settings by their keys",
    "data": "the words of a notification",
    "fields": "of a credential, by the profile's names",
    "sealed": "of a credential, by the profile's names",
    "fingerprints": "of a credential, by the profile's names",
    "last_four": "of a credential, by the profile's names",
    "carriers": "scopes by record",
    "counts": "records by scope",
    "returns": "amounts by sale",
    "row": "a POS's own",
    "sources": "by platform",
    "import_locks": "runs by scope",
    "states": "by stream",
    "streams": "by stream",
    "days": "sales by day",
    "store_key_sales": "sales by store key",
    "store_names": "names by store key",
    "reasons": "counts by reason",
    "unknown_words": "counts by word",
    "wordings": "by kind of text",
}
"""Objects whose keys are no fields, and what they hold. Arrays are read by place and do not grow:
what is new gets a field."""


def as_the_next_release_would(row: dict[str, Any]) -> dict[str, Any]:
    return {**{name: _attribute(name, value) for name, value in row.items()}, ADDED: {"S": "?"}}


def _attribute(name: str, value: dict[str, Any]) -> dict[str, Any]:
    if not value.get("S", "").startswith(("{", "[")):
        return value
    return {"S": json.dumps(grown(name, json.loads(value["S"])))}


def grown(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [grown(name, each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {key: grown(key, each) for key, each in value.items()}
    return inner if name in MAPS else {**inner, ADDED: [1]}


@pytest.fixture
def kept() -> Iterator[Deployment]:
    with a_deployment(sample("accounts")["at"]) as deployment:
        boto3.client("s3").create_bucket(Bucket=config().bucket_backups)
        deployment.fill(as_the_next_release_would)
        deployment.seen.clear()
        yield deployment


for _name, _test in vars(test_stored_samples).copy().items():
    if (
        _name.startswith("test_")
        and "kept" in getattr(_test, "__wrapped__", _test).__code__.co_varnames
    ):
        globals()[_name] = _test


def grow_every_row() -> None:
    """Let what today's code has stored be as if the next release had."""
    client = boto3.client("dynamodb")
    for table in TABLES:
        name = f"{table}-under-test"
        for page in client.get_paginator("scan").paginate(TableName=name):
            for row in page["Items"]:
                client.put_item(TableName=name, Item=as_the_next_release_would(row))


def tick_and_sync(deployment: Deployment) -> None:
    for tick in (app.plan_syncs, app.release_texts, app.send_digests, app.watch_dead_letters):
        tick(scheduled(), Context())
    for queue, handler in (("sync", app.sync_worker), ("jobs", app.account_jobs)):
        for body in deployment.take(queue):
            handler(event(body), WithTime())


def test_all_that_a_day_of_work_stores_is_read_when_the_next_release_stored_it(
    kept: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds of rows that are newer than the samples, too."""
    monkeypatch.setattr(Deployment, "note", lambda *_: None)
    for _ in range(3):
        kept.clock.at += 86_400_000
        tick_and_sync(kept)
        grow_every_row()
        touch(kept)

    written = list(printed_figures(capsys.readouterr().out.splitlines()))
    runs = [each for each in written if each.name == "FreshnessSeconds"]
    assert len(runs) >= 3
    assert runs[-1].value < 3600, "the last run was good"
    assert [each for each in written if each.name in ("WorkerFailures", "UnreadableRows")] == []


@pytest.mark.parametrize("queue", sorted(sample("messages")["messages"]))
def test_a_message_with_a_further_field_is_the_same_message(queue: str) -> None:
    parse = PARSERS[queue]
    for body in messages(queue):
        told = json.loads(body)

        assert parse({**told, ADDED: [1]}) == parse(told)


@pytest.mark.parametrize("queue", sorted(sample("messages")["messages"]))
def test_a_message_of_a_newer_version_waits_and_is_not_buried(
    kept: Deployment, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, int, int]] = []

    def send_again(_: SqsQueue, raw: str, *, waits: int, delay_seconds: int) -> None:
        sent.append((raw, waits, delay_seconds))

    monkeypatch.setattr(SqsQueue, "send_again", send_again)
    buried: list[str] = []
    monkeypatch.setattr(SqsDeadLetters, "bury", lambda _, raw, __: buried.append(raw))
    newer = [json.dumps({**json.loads(body), "v": 2, ADDED: 1}) for body in messages(queue)]

    for body in newer:
        assert HANDLERS[queue](event(body), WithTime()) == {"batchItemFailures": []}

    assert sent == [(body, 1, 15) for body in newer]
    assert buried == []


def test_a_setting_that_only_the_next_release_knows_stops_neither_card_nor_sync(
    kept: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "note", lambda *_: None)
    client = boto3.client("dynamodb")
    place = {"pk": {"S": f"ACCOUNT#{OURS}"}, "sk": {"S": "INTEGRATION#posabit"}}
    client.update_item(
        TableName="integrations-under-test",
        Key=place,
        UpdateExpression="SET settings = :settings",
        ExpressionAttributeValues={":settings": {"S": json.dumps({ADDED: True})}},
    )
    kept.clock.at += 86_400_000

    tick_and_sync(kept)
    card = kept.world.gateway("Owner", OURS).get(f"/api/accounts/{OURS}/integrations/posabit")

    assert card.status == 200
    written = list(printed_figures(capsys.readouterr().out.splitlines()))
    assert [each for each in written if each.name in ("WorkerFailures", "UnreadableRows")] == []
