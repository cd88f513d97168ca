"""Every metric of ours that an alarm or the dashboard looks at is written, under the dimensions it
is looked for: each producer is made to write once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

import alarms
import app
from chalicelib.adapters.aws.operator_topic import SnsOperatorTopic
from chalicelib.adapters.aws.sms import SnsTexts
from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events import queues
from chalicelib.observability import NAMESPACE
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.sync_messages import SyncMessage
from chalicelib.services.job_messages.text_jobs import RequestJob
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from chalicelib.services.ports.digests import MailRefused
from chalicelib.services.ports.texting import NumberUnusable, TextRefused, TextUnknown
from tests.functional.gateway import OURS
from tests.functional.stored import Deployment, a_deployment, sample
from tests.functional.test_unreadable_rows import spoil
from tests.unit.adapters.test_sms import NUMBER, SHOP, Sns, error
from tests.unit.entrypoints.test_queues import Context, WithTime, event, scheduled
from tests.worlds.alarms import Figure, printed_figures
from tools.alarms import Metric

SYNC = SyncMessage(OURS, "posabit", "crd_none", "run_none")


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setenv("STAGE", "functional")
    with a_deployment(sample("accounts")["at"]) as deployment:
        boto3.client("s3").create_bucket(Bucket=config().bucket_backups)
        deployment.fill()
        monkeypatch.setattr(Deployment, "note", lambda *_: None)
        yield deployment


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[Figure]]:
    """What was written since this was called last."""

    def read() -> list[Figure]:
        return list(printed_figures(capsys.readouterr().out.splitlines()))

    return read


def broken(*_: Any) -> NoReturn:
    raise RuntimeError("the table is on fire")


def fail_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = SimpleNamespace(handle=broken)
    monkeypatch.setattr(queues, "WORKERS", dict.fromkeys(queues.WORKERS, lambda _: failing))
    monkeypatch.setattr(wiring.texting, "inbound", lambda: failing)
    app.sync_worker(event(SYNC.body()), Context())
    app.own_server_sync_worker(event(SYNC.body()), Context())
    app.account_jobs(event(RemapMessage(OURS, "operator").body()), Context())
    app.text_worker(event(RequestJob(OURS, NUMBER).body()), Context())
    app.webhook_worker(event(WebhookMessage(OURS, "posabit", "signup", "1", 0).body()), Context())
    app.inbound_sms(inbound("STOP"), Context())


def inbound(body: str) -> dict[str, Any]:
    told = {
        "originationNumber": NUMBER,
        "destinationNumber": SHOP,
        "messageBody": body,
        "inboundMessageId": "in-1",
        "messageKeyword": "KEYWORD",
    }
    notice = {"Message": json.dumps(told), "Subject": "s", "MessageAttributes": {}, "Timestamp": ""}
    return {"Records": [{"EventSource": "aws:sns", "Sns": notice}]}


def send_texts() -> None:
    answers = {
        None: {"MessageId": "m-1"},
        NumberUnusable: error("OptedOutException"),
        TextUnknown: ReadTimeoutError(endpoint_url="https://sns.example"),
        TextRefused: error("ThrottlingException"),
    }
    for raised, answer in answers.items():
        if raised is None:
            SnsTexts(Sns(answer)).send(SHOP, NUMBER, "hello")
            continue
        with pytest.raises(raised):
            SnsTexts(Sns(answer)).send(SHOP, NUMBER, "hello")
    with pytest.raises(TextRefused):
        SnsTexts(Sns(EndpointConnectionError(endpoint_url="x"))).send(SHOP, NUMBER, "hello")


def refuse_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    done = SimpleNamespace(sent=0, unknown=0, refused_as=("MessageRejected",))
    refusing = SimpleNamespace(send=lambda _: done)
    monkeypatch.setattr(wiring.notifications, "digest_sender", lambda: refusing)
    with pytest.raises(MailRefused):
        app.send_digests(scheduled(), Context())


def sync_once(deployment: Deployment) -> None:
    """Let the planner queue what is due, and run it."""
    deployment.clock.at += 86_400_000
    for tick in (app.plan_syncs, app.release_texts, app.send_digests, app.watch_dead_letters):
        tick(scheduled(), Context())
    for queue, handler in (("sync", app.sync_worker), ("jobs", app.account_jobs)):
        for body in deployment.take(queue):
            handler(event(body), WithTime())


def test_every_metric_of_ours_is_written_under_the_dimensions_it_is_looked_for(
    deployment: Deployment,
    written: Callable[[], list[Figure]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync_once(deployment)
    spoil("integrations", f"ACCOUNT#{OURS}", "CREDENTIAL#posabit#crd_garbage", fields="{")
    wiring.outside.credentials().for_integration(OURS, "posabit")
    SnsOperatorTopic("arn:aws:sns:us-east-1:123456789012:gone").publish("subject", "text")
    send_texts()
    refuse_digests(monkeypatch)
    wiring.audiences._count_drift(1)
    fail_every_worker(monkeypatch)

    found = written()
    exact = {(each.namespace, each.name, each.dimensions) for each in found}
    for metric in metrics_of_alarms():
        assert signature(metric) in exact, metric
    for graph in alarms.GRAPHS:
        for metric in graph.metrics:
            if metric.namespace != NAMESPACE:
                continue
            wanted = {name for name, _ in signature(metric)[2]} | {graph.by or "stage"}
            assert any(
                each.name == metric.name and {name for name, _ in each.dimensions} == wanted
                for each in found
            ), graph.title


def metrics_of_alarms() -> Iterator[Metric]:
    for alarm in alarms.ALARMS:
        several = [alarm.metric] if isinstance(alarm.metric, Metric) else alarm.metric
        yield from (metric for metric in several if metric.namespace == NAMESPACE)


def signature(metric: Metric) -> tuple[str, str, frozenset[tuple[str, str]]]:
    told = {
        name: value if isinstance(value, str) else "functional"
        for name, value in metric.dimensions.items()
    }
    return metric.namespace, metric.name, frozenset(told.items())


def test_a_run_says_how_fresh_its_source_is_and_what_it_could_not_use(
    deployment: Deployment, written: Callable[[], list[Figure]]
) -> None:
    sync_once(deployment)

    ended = [each for each in written() if ("platform", "posabit") in each.dimensions]
    fresh = [each.value for each in ended if each.name == "FreshnessSeconds"]
    assert fresh
    assert all(0 <= value < 3600 for value in fresh), "the run was good"
    assert {each.name for each in ended} == {"FreshnessSeconds", "SetAside", "SalesUnlinked"}


def test_a_text_is_counted_once_by_what_became_of_it(
    written: Callable[[], list[Figure]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "functional")

    send_texts()

    outcomes = [dict(each.dimensions)["outcome"] for each in written() if each.name == "Texts"]
    assert outcomes == ["sent", "unusable_number", "unknown", "refused", "refused"]
