"""The alarms of alarms.py in the packaged template: each is on a metric that somebody writes,
rings when it should, reaches the operator, and has a row in the runbook."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from chalicelib.observability import NAMESPACE, SERVICE
from tests.worlds.alarms import Wanted, metrics_of, state
from tools import alarms
from tools.package import package
from tools.paths import ROOT

Properties = dict[str, Any]

OF_AWS = {
    # docs.aws.amazon.com: apigateway "Amazon API Gateway dimensions and metrics"
    ("AWS/ApiGateway", "5XXError"): {"ApiName", "Stage"},
    ("AWS/ApiGateway", "Latency"): {"ApiName", "Stage"},
    # lambda "Using CloudWatch metrics with Lambda"
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/Lambda", "DestinationDeliveryFailures"): {"FunctionName"},
    # eventbridge "Monitoring Amazon EventBridge": the rule alone is the default bus
    ("AWS/Events", "FailedInvocations"): {"RuleName"},
    # sqs "Available CloudWatch metrics for Amazon SQS"
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    # dynamodb "DynamoDB metrics and dimensions"
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName", "GlobalSecondaryIndexName?"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName", "GlobalSecondaryIndexName?"},
    ("AWS/DynamoDB", "SystemErrors"): {"TableName", "Operation"},
    # sns "Monitoring Amazon SNS topics using CloudWatch"
    ("AWS/SNS", "NumberOfNotificationsFailed"): {"TopicName"},
    ("AWS/SNS", "SMSMonthToDateSpentUSD"): set(),
    # ses "Creating reputation monitoring alarms using CloudWatch"
    ("AWS/SES", "Reputation.BounceRate"): set(),
    ("AWS/SES", "Reputation.ComplaintRate"): set(),
}
"""AWS's metrics and the dimensions each is written under; `?` marks one that may be absent."""

NOBODY_WRITES_INTO_IT = "IdempotencyTable"


@pytest.fixture(scope="module")
def resources() -> Properties:
    found: Properties = package().template["Resources"]
    return found


@pytest.fixture(scope="module")
def rung(resources: Properties) -> dict[str, Properties]:
    """The alarms' properties by logical name, with the parameters' defaults."""
    defaults = package().template["Parameters"]
    found = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            properties = dict(resource["Properties"])
            if isinstance(properties["Threshold"], dict):
                properties["Threshold"] = defaults[properties["Threshold"]["Ref"]]["Default"]
            found[name] = properties
    return found


def names_of(type_: str, resources: Properties) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == type_}


def watched(rung: dict[str, Properties], metric: str, dimension: str) -> set[Any]:
    """The values of a dimension under which alarms watch a metric, logical names as such."""
    values = [
        under[dimension]
        for alarm in rung.values()
        for _, name, under in metrics_of(alarm)
        if name == metric and dimension in under
    ]
    return {_logical(value) for value in values}


def _logical(value: Any) -> str:
    if isinstance(value, str):
        return value
    value = value["Fn::If"][2] if "Fn::If" in value else value  # the stack's own table
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])


# -- what is watched ---------------------------------------------------------------------------


def test_every_function_table_queue_schedule_and_topic_is_watched(
    resources: Properties, rung: dict[str, Properties]
) -> None:
    functions = names_of("AWS::Serverless::Function", resources)
    assert watched(rung, "Errors", "FunctionName") == functions
    assert watched(rung, "Throttles", "FunctionName") == functions

    tables = names_of("AWS::DynamoDB::Table", resources) - {NOBODY_WRITES_INTO_IT}
    assert watched(rung, "WriteThrottleEvents", "TableName") == tables
    assert watched(rung, "SystemErrors", "TableName") == tables

    queues = names_of("AWS::SQS::Queue", resources)
    dead = {name for name in queues if name.endswith("DeadQueue")}
    assert watched(rung, "ApproximateNumberOfMessagesVisible", "QueueName") == dead
    assert watched(rung, "ApproximateAgeOfOldestMessage", "QueueName") == queues - dead

    topics = names_of("AWS::SNS::Topic", resources)
    assert watched(rung, "NumberOfNotificationsFailed", "TopicName") == topics


def test_every_index_is_watched_with_its_table(
    resources: Properties, rung: dict[str, Properties]
) -> None:
    for name in names_of("AWS::DynamoDB::Table", resources) - {NOBODY_WRITES_INTO_IT}:
        indexes = resources[name]["Properties"].get("GlobalSecondaryIndexes", ())
        under = [under for _, _, under in metrics_of(rung[f"{name}ThrottlesAlarm"])]

        places = {each.get("GlobalSecondaryIndexName") for each in under}
        assert places == {None} | {index["IndexName"] for index in indexes}


def test_every_schedule_has_a_dead_mans_switch(
    resources: Properties, rung: dict[str, Properties]
) -> None:
    functions = {
        name: resource["Properties"].get("Events", {})
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    scheduled = {
        f"{name}{event}"
        for name, events in functions.items()
        for event, what in events.items()
        if what["Type"] == "Schedule"
    }

    assert watched(rung, "FailedInvocations", "RuleName") == scheduled
    silent = {name: alarm for name, alarm in rung.items() if name.endswith("SilentAlarm")}
    assert len(silent) == len(scheduled) == 4
    assert {alarm["TreatMissingData"] for alarm in silent.values()} == {"breaching"}


def test_every_alarm_reaches_the_operator_and_says_when_it_is_over(
    rung: dict[str, Properties],
) -> None:
    for alarm in rung.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "OperatorTopic"}]


# -- what is counted ---------------------------------------------------------------------------


def test_every_alarm_on_aws_is_on_a_metric_that_aws_writes(rung: dict[str, Properties]) -> None:
    for name, alarm in rung.items():
        for namespace, metric, under in metrics_of(alarm):
            if namespace == NAMESPACE:
                continue
            known = OF_AWS[namespace, metric]
            must = {dimension for dimension in known if not dimension.endswith("?")}
            assert must <= under.keys() <= {each.rstrip("?") for each in known}, name


def test_every_metric_of_ours_is_under_the_dimensions_that_the_code_writes(
    rung: dict[str, Properties],
) -> None:
    """tests/functional/test_alarms.py shows that each of them is written."""
    ours = [m for alarm in rung.values() for m in metrics_of(alarm) if m[0] == NAMESPACE]

    assert ours
    for _, name, under in ours:
        assert under["service"] == SERVICE, name
        assert under["stage"] == {"Ref": "Stage"}, name


def test_no_metric_names_an_account_a_person_or_a_credential() -> None:
    """Dimensions cost by their values, and no personal data may be in them (product.md §14).
    `route`: a template, of the few that a POS calls."""
    allowed = {"worker", "schedule", "outcome", "platform", "route"}

    given = {
        keyword.arg
        for path in (ROOT / "chalicelib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (
            getattr(node.func, "id", "") in ("count", "measure")
            or getattr(node.func, "attr", "") == "measure"
        )
        and path.name != "observability.py"
        for keyword in node.keywords
    }
    assert given & allowed == allowed
    assert given <= allowed


# -- when they ring ----------------------------------------------------------------------------


def series(alarm: Properties, value: float | None) -> Any:
    """The alarm's first metric has this value in every period; all others have none."""
    first, periods = metrics_of(alarm)[0], alarm["EvaluationPeriods"]

    def values(wanted: Wanted) -> list[float | None]:
        return [value if wanted == first else None] * periods

    return values


def test_every_alarm_rings_at_its_threshold_and_not_below(rung: dict[str, Properties]) -> None:
    for name, alarm in rung.items():
        at, below = alarm["Threshold"], alarm["Threshold"] * 0.99
        if alarm["ComparisonOperator"] == "LessThanThreshold":
            at, below = below, at

        assert state(alarm, series(alarm, at)) == "ALARM", name
        assert state(alarm, series(alarm, below)) == "OK", name


def test_silence_rings_where_something_must_come_and_nowhere_else(
    rung: dict[str, Properties],
) -> None:
    for name, alarm in rung.items():
        expected = "ALARM" if name.endswith("SilentAlarm") else "OK"
        kept = alarm["TreatMissingData"] == "ignore"

        assert state(alarm, series(alarm, None)) == (None if kept else expected), name


def test_one_tick_in_fifteen_minutes_keeps_a_schedules_alarm_quiet(
    rung: dict[str, Properties],
) -> None:
    alarm = rung["PlanSyncsSilentAlarm"]

    assert alarm["Period"] * alarm["EvaluationPeriods"] == 15 * 60
    assert state(alarm, lambda _: [None, 1, None]) == "OK"


def test_throttles_of_a_table_and_its_indexes_add_up(rung: dict[str, Properties]) -> None:
    alarm = rung["PersonasTableThrottlesAlarm"]
    places = len(metrics_of(alarm))

    assert state(alarm, lambda _: [alarm["Threshold"] / places]) == "ALARM"
    assert places <= 10, "CloudWatch takes ten metrics in an alarm"


# -- CloudWatch takes them ---------------------------------------------------------------------


def told(value: Any) -> Any:
    """A property as the API gets it: what CloudFormation fills in is some text."""
    if isinstance(value, dict) and "Fn::If" in value:
        return told(value["Fn::If"][2])
    if isinstance(value, dict) and value.keys() & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        return value.get("Fn::Sub", "some-name")
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items()}
    return [told(each) for each in value] if isinstance(value, list) else value


def test_cloudwatch_knows_every_property_of_alarms_and_dashboard(
    resources: Properties, rung: dict[str, Properties]
) -> None:
    service = botocore.session.get_session().get_service_model("cloudwatch")
    validator = ParamValidator()
    put_alarm = service.operation_model("PutMetricAlarm").input_shape
    put_dashboard = service.operation_model("PutDashboard").input_shape

    for name, alarm in rung.items():
        report = validator.validate({"AlarmName": name, **told(alarm)}, put_alarm)
        assert not report.has_errors(), report.generate_report()
    dashboard = told(resources["OperatorDashboard"]["Properties"])
    report = validator.validate(dashboard, put_dashboard)
    assert not report.has_errors(), report.generate_report()


def test_the_dashboard_shows_sources_queues_and_texts(resources: Properties) -> None:
    body = resources["OperatorDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = json.dumps(json.loads(body))

    for metric in (
        "FreshnessSeconds",
        "PlanLagSeconds",
        "SetAside",
        "SalesUnlinked",
        "ApproximateAgeOfOldestMessage",
        "Texts",
    ):
        assert metric in shown
    filled = set(re.findall(r"\$\{([^!}]+)\}", body))
    queues = {name for name in filled if "." in name}
    assert {name.split(".")[0] for name in queues} <= resources.keys()
    assert filled - queues == {"AWS::Region", "Stage"}


def test_two_alarms_of_one_name_are_refused() -> None:
    one = alarms.Alarm("One", "one", alarms.ours("Ticks"), at_least=1)

    with pytest.raises(ValueError, match="one name"):
        alarms.resources([one, one], [])


# -- the runbook -------------------------------------------------------------------------------

RUNBOOK = (ROOT / "docs" / "runbook" / "README.md").read_text()


def runbook_rows() -> list[list[str]]:
    """The rows of the alarms' table: alarm, symptom, query, action."""
    table = RUNBOOK.split("## Alarms")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_every_alarm_has_one_row_with_symptom_query_and_action(
    rung: dict[str, Properties],
) -> None:
    rows = runbook_rows()
    said = [[re.escape(each) for each in re.findall(r"\*([^*]+)\*", row[0])] for row in rows]
    patterns = [[each.replace("…", ".+") for each in row] for row in said]

    for alarm in rung.values():
        matching = [
            number
            for number, row in enumerate(patterns)
            if any(re.fullmatch(each, alarm["AlarmDescription"]) for each in row)
        ]
        assert len(matching) == 1, alarm["AlarmDescription"]
    says = [alarm["AlarmDescription"] for alarm in rung.values()]
    for row in patterns:
        for each in row:
            assert any(re.fullmatch(each, said) for said in says), f"no alarm says {each}"
    for row in rows:
        assert len(row) == 4, row
        assert all(row), row


def test_every_event_that_a_query_looks_for_is_logged_somewhere() -> None:
    code = "".join(path.read_text() for path in Path(ROOT / "chalicelib").rglob("*.py"))

    events = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', RUNBOOK)) | {"request"}
    assert len(events) > 10
    for event in events:
        composed = f'"{event.split(".")[0]}.{{'
        assert f'"{event}"' in code or composed in code, event
