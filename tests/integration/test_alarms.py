"""The alarms' conditions, each kind provoked once on the deployed stack.

The local AWS reads no metrics from logs and evaluates no sums: figures are read from the functions'
log lines, and judged by the formula that the packaged template gives the alarm. What cannot be
provoked here (DynamoDB's throttles and errors, SMS spend, SES's rates, deliveries of topics,
schedules that are not invoked, latency, age of queues) tests/unit/test_alarms.py computes alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.entrypoints import wiring
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.sync_messages import SyncMessage
from simulators.phone.network import Network
from tests.e2e.stage import changed, new_retailer
from tests.integration.test_texting import a_number
from tests.waiting import eventually
from tests.worlds.alarms import Wanted, metrics_of, printed_figures, state
from tools.demo.retailer import Retailer
from tools.number import assign
from tools.package import package
from tools.stack import LocalStack
from tools.stage import as_if_deployed

NOBODY_LISTENS = "http://127.0.0.1:1"
SCHEDULES = ("PlanSyncs", "ReleaseTexts", "SendDigests", "WatchDeadLetters")
PATIENT = 180
"""Seconds: functions start slowly where the machine is busy."""

QUEUES = ("Sync", "SyncOwnServer", "Jobs", "Texts")


class Watch:
    """What CloudWatch would have seen of the stack since the watch began."""

    def __init__(self, stack: LocalStack, functions: Iterable[str]) -> None:
        self.stack = stack
        self.began = datetime.now(UTC)
        self._functions = tuple(functions)
        resources = package().template["Resources"]
        self._alarms = {
            name: resource["Properties"]
            for name, resource in resources.items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        }

    def lines(self, function: str) -> list[str]:
        return self.stack.log_lines(function, self.began)

    def rings(self, alarm: str) -> bool:
        """Whether the alarm is in ALARM by what was written since the watch began."""
        return bool(eventually(lambda: self.state(alarm) == "ALARM", seconds=PATIENT, every=0.5))

    def reaches(self, alarm: str, value: float) -> bool:
        """Whether the alarm's metric has this value, or more, since the watch began."""
        [metric] = metrics_of(self._alarms[alarm])
        return bool(
            eventually(lambda: (self._value(metric) or 0) >= value, seconds=PATIENT, every=0.5)
        )

    def state(self, alarm: str) -> str | None:
        """All that was written lies in the alarm's last period."""
        wanted = self._alarms[alarm]
        before = [None] * (wanted["EvaluationPeriods"] - 1)
        return state(wanted, lambda metric: [*before, self._value(metric)])

    def _value(self, metric: Wanted) -> float | None:
        namespace, name, under = metric
        known = {each: self._known(value) for each, value in under.items()}
        if namespace == "AWS/SQS":
            return self._in_queue(known["QueueName"])
        if namespace == "AWS/Lambda":
            return self._of_lambda(name, known)
        if (namespace, name) == ("AWS/ApiGateway", "5XXError"):
            answers = [json.loads(line) for line in self.lines("APIHandler") if '"status"' in line]
            return sum(answer["status"] >= 500 for answer in answers)
        values = [
            figure.value
            for function in self._functions
            for figure in printed_figures(self.lines(function))
            if figure[:3] == (namespace, name, frozenset(known.items()))
        ]
        return sum(values) if values else None

    def _known(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if "Ref" in value:
            given = {"Stage": "local", "AWS::StackName": self.stack.name}
            return given.get(value["Ref"]) or self.stack.resources[value["Ref"]]
        return self.stack.resources[value["Fn::GetAtt"][0]]

    def _in_queue(self, url: str) -> float:
        told = self.stack.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return float(told["Attributes"]["ApproximateNumberOfMessages"])

    def _of_lambda(self, name: str, under: Mapping[str, str]) -> float | None:
        found = self.stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": each, "Value": value} for each, value in under.items()],
            StartTime=self.began,
            EndTime=datetime.now(UTC) + timedelta(minutes=5),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in found) if found else None


@contextmanager
def spoiled(stack: LocalStack, table: str, *rows: tuple[str, str]) -> Iterator[None]:
    """Rows of garbage where these keys are, while this is open."""
    dynamodb, name = stack.client("dynamodb"), stack.outputs[f"Table{table}"]
    items = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in rows]
    for key in items:
        garbage = {each: {"S": "?"} for each in ("held", "state", "version", "fields")}
        dynamodb.put_item(TableName=name, Item={**key, **garbage})
    try:
        yield
    finally:
        for key in items:
            dynamodb.delete_item(TableName=name, Key=key)


@pytest.fixture(autouse=True)
def only_our_ticks(stack: LocalStack) -> Iterator[None]:
    """The schedules' rules start nothing meanwhile."""
    events = stack.client("events")
    rules = [stack.resources[f"{name}{name}Event"] for name in SCHEDULES]
    for rule in rules:
        events.disable_rule(Name=rule)
    yield
    for rule in rules:
        events.enable_rule(Name=rule)


@pytest.fixture
def retailer(stack: LocalStack) -> Retailer:
    return new_retailer(stack)


def test_messages_that_fail_ring_and_so_do_those_that_nobody_can_read(
    stack: LocalStack, retailer: Retailer
) -> None:
    workers = ("SyncWorker", "OwnServerSyncWorker", "AccountJobs", "TextWorker", "InboundSms")
    watch, uid, sqs = Watch(stack, workers), retailer.uid, stack.client("sqs")
    shop, shopper = a_number(), a_number()
    assign(stack.client, stack.outputs, shop, uid)
    change = {"number": shop, "brand": "Green Leaf"}
    retailer.ask("PATCH", "/texting", json=change, headers={"If-Match": '"0"'})
    sync = json.dumps(SyncMessage(uid, "posabit", "crd_1", "run_1").body())
    bodies = {
        "Sync": sync,
        "SyncOwnServer": sync,
        "Jobs": json.dumps(RemapMessage(uid, "operator").body()),
    }
    slots = [(f"SLOTS#{uid}", name) for name in ("sync", "sync-own-server", "jobs")]
    head = (text_keys.contact(uid, "sms", shopper), text_keys.HEAD_SK)

    with spoiled(stack, "Accounts", *slots), spoiled(stack, "Personas", head):
        phone = Network(stack.endpoint_url, stack.outputs["TopicInboundSmsArn"])
        for number in (1, 2, 3):  # one after the other: each worker starts once
            for queue, body in bodies.items():
                sqs.send_message(QueueUrl=stack.resources[f"{queue}Queue"], MessageBody=body)
            phone.say(shopper, "YES", shop)
            for worker in workers:
                assert watch.reaches(f"{worker}FailuresAlarm", number), worker
        for worker in workers:
            assert watch.rings(f"{worker}FailuresAlarm"), worker

    for queue in QUEUES:
        sqs.send_message(QueueUrl=stack.resources[f"{queue}Queue"], MessageBody="no JSON")
    for queue in QUEUES:
        assert watch.rings(f"{queue}DeadLettersAlarm"), queue
        sqs.purge_queue(QueueUrl=stack.resources[f"{queue}DeadQueue"])


def test_schedules_that_fail_or_are_throttled_ring_and_so_does_their_silence(
    stack: LocalStack,
) -> None:
    watch = Watch(stack, SCHEDULES)
    for schedule in SCHEDULES:
        assert watch.state(f"{schedule}SilentAlarm") == "ALARM", schedule
    with changed(stack, ["PlanSyncs"], TABLE_INTEGRATIONS="gone"):
        for _ in range(3):
            with pytest.raises(RuntimeError):
                stack.tick("PlanSyncs")
    assert watch.rings("PlanSyncsErrorsAlarm")
    assert watch.state("PlanSyncsSilentAlarm") == "ALARM", "who fails does not tick"
    for schedule in SCHEDULES:
        stack.tick(schedule)
        alarm = f"{schedule}SilentAlarm"
        assert eventually(lambda of=alarm: watch.state(of) == "OK"), schedule

    name, client = stack.resources["SendDigests"], stack.client("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        for _ in range(10):
            with suppress(ClientError):
                stack.tick("SendDigests")
    finally:
        client.delete_function_concurrency(FunctionName=name)
    assert watch.rings("SendDigestsThrottlesAlarm")


def test_what_others_refuse_and_rows_that_nobody_can_read_ring(
    stack: LocalStack, retailer: Retailer
) -> None:
    watch = Watch(stack, ("APIHandler", "TextWorker", "SendDigests", "WatchDeadLetters"))
    uid, shop = retailer.uid, a_number()
    assign(stack.client, stack.outputs, shop, uid)
    change = {"number": shop, "brand": "Green Leaf"}
    retailer.ask("PATCH", "/texting", json=change, headers={"If-Match": '"0"'})
    people = [retailer, new_retailer(stack), new_retailer(stack)]
    for each in people:
        each.call("PUT", "/me/emails", {"severities": ["error"]})
        with as_if_deployed(stack.client, stack.outputs["APIHandlerName"]):
            wiring.notifications.notifier().raise_(
                each.uid, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard"
            )

    with changed(stack, ["TextWorker"], AWS_ENDPOINT_URL_SNS=NOBODY_LISTENS):
        for _ in range(3):
            answer = retailer.ask("POST", "/texting/test", json={"number": a_number()})
            assert answer.status_code == 202, answer.text
        assert watch.rings("TextsRefusedAlarm")
    with changed(stack, ["SendDigests"], AWS_ENDPOINT_URL_SESV2=NOBODY_LISTENS):
        with pytest.raises(RuntimeError):
            stack.tick("SendDigests")
        assert watch.rings("DigestsRefusedAlarm")
    dead = stack.resources["JobsDeadQueue"]
    with changed(stack, ["WatchDeadLetters"], AWS_ENDPOINT_URL_SNS=NOBODY_LISTENS):
        stack.client("sqs").send_message(QueueUrl=dead, MessageBody="no JSON")
        stack.tick("WatchDeadLetters")
        assert watch.rings("OperatorUntoldAlarm")
    stack.client("sqs").purge_queue(QueueUrl=dead)
    with spoiled(stack, "Integrations", (f"ACCOUNT#{uid}", "INTEGRATION#garbage")):
        retailer.get("/integrations")
        assert watch.rings("UnreadableRowsAlarm")
    with changed(stack, ["APIHandler"], TABLE_ACCOUNTS="gone"):
        answers = Counter(retailer.ask("GET", "").status_code for _ in range(5))
        assert sum(answers.values()) == sum(n for code, n in answers.items() if code >= 500) == 5
        assert watch.rings("ApiServerErrorsAlarm")
