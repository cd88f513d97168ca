"""CloudWatch alarms and the operator's dashboard, made of the rows of alarms.py.

A row names its metric with the dimensions it is counted under. Functions make rows for what
several handlers have in common.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chalicelib.observability import NAMESPACE, SERVICE
from tools.stage_parameters import in_use

TABLE = "alarms.py"

Value = str | Mapping[str, Any]
"""A text, or what CloudFormation puts there when it deploys."""

READS = ("BatchGetItem", "GetItem", "Query")
WRITES = ("BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem")

FIVE_MINUTES = 300
QUARTER_OF_AN_HOUR = 900


def ref(name: str) -> Value:
    return {"Ref": name}


def att(name: str, attribute: str) -> Value:
    return {"Fn::GetAtt": [name, attribute]}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric under its whole set of dimensions: CloudWatch adds nothing up by itself."""

    namespace: str
    name: str
    dimensions: Mapping[str, Value] = field(default_factory=dict)


def ours(name: str, **dimensions: str) -> Metric:
    """A metric that `observability.py` writes."""
    return Metric(NAMESPACE, name, {"service": SERVICE, "stage": ref("Stage"), **dimensions})


@dataclass(frozen=True, slots=True)
class Alarm:
    """Rings when a metric, or the sum of several, is `at_least` or `below` a number.

    `says`: what the operator reads, and looks up in the runbook. `period`: seconds that one value
    is made of, by `statistic`; a percentile is written p95. `periods`: how many values in a row.
    `missing`: what a period without any value means.
    """

    name: str
    says: str
    metric: Metric | Sequence[Metric]
    at_least: float | Value | None = None
    below: float | None = None
    statistic: str = "Sum"
    period: int = FIVE_MINUTES
    periods: int = 1
    missing: Literal["notBreaching", "breaching", "ignore"] = "notBreaching"


def function(
    name: str, says: str, *, logical: str | None = None, errors_within: int = QUARTER_OF_AN_HOUR
) -> list[Alarm]:
    """What may befall any function: it raises or runs out of time, or Lambda does not start it."""
    named = {"FunctionName": ref(logical or name)}
    return [
        Alarm(
            f"{name}Errors",
            f"{says} fails",
            Metric("AWS/Lambda", "Errors", named),
            at_least=3,
            period=errors_within,
        ),
        Alarm(
            f"{name}Throttles",
            f"{says} is throttled",
            Metric("AWS/Lambda", "Throttles", named),
            at_least=10,
            period=QUARTER_OF_AN_HOUR,
        ),
    ]


def schedule(
    name: str, says: str, *, tick: str, errors_within: int = QUARTER_OF_AN_HOUR
) -> list[Alarm]:
    """A function that runs every five minutes, and counts `tick` when it came to its end."""
    return [
        *function(name, says, errors_within=errors_within),
        Alarm(
            f"{name}Silent",
            f"{says} has not come to its end for 15 minutes",
            ours("Ticks", schedule=tick),
            below=1,
            periods=3,
            missing="breaching",
        ),
        Alarm(
            f"{name}NotInvoked",
            f"{says} is not invoked by its schedule",
            Metric("AWS/Events", "FailedInvocations", {"RuleName": ref(f"{name}{name}Event")}),
            at_least=1,
        ),
    ]


def worker(name: str, says: str, *, counted_as: str) -> list[Alarm]:
    """A function that answers what failed, which Lambda counts as a success."""
    return [
        *function(name, says),
        Alarm(
            f"{name}Failures",
            f"{says} fails messages",
            ours("WorkerFailures", worker=counted_as),
            at_least=3,
            period=QUARTER_OF_AN_HOUR,
        ),
    ]


def queue(name: str, says: str, *, dead: str | None = None) -> list[Alarm]:
    """A queue and its dead letters. A healthy message lives for its delay, its run and a retry."""
    return [
        Alarm(
            f"{name}DeadLetters",
            dead or f"A message of the {says} failed ten times",
            Metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": att(f"{name}DeadQueue", "QueueName")},
            ),
            at_least=1,
            statistic="Maximum",
        ),
        Alarm(
            f"{name}OldestMessage",
            f"The {says} falls behind",
            Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", queue_dimensions(name)),
            at_least=7200,
            statistic="Maximum",
        ),
    ]


def queue_dimensions(name: str) -> Mapping[str, Value]:
    return {"QueueName": att(f"{name}Queue", "QueueName")}


def topic(logical: str, says: str) -> Alarm:
    failed = Metric(
        "AWS/SNS", "NumberOfNotificationsFailed", {"TopicName": att(logical, "TopicName")}
    )
    return Alarm(f"{logical}Failed", says, failed, at_least=1)


def on_demand_table(name: str, *, indexes: Iterable[str] = ()) -> list[Alarm]:
    """A table and its indexes. DynamoDB counts throttles per index, errors per operation."""
    table: dict[str, Value] = {"TableName": in_use(f"{name}Table")}
    places = [table, *({**table, "GlobalSecondaryIndexName": index} for index in indexes)]
    says = f"the table of {name.lower()}"
    return [
        Alarm(
            f"{name}TableThrottles",
            f"DynamoDB throttles {says}",
            [
                Metric("AWS/DynamoDB", f"{kind}ThrottleEvents", place)
                for place in places
                for kind in ("Read", "Write")
            ],
            at_least=50,
        ),
        Alarm(
            f"{name}TableErrors",
            f"DynamoDB fails requests to {says}",
            [
                Metric("AWS/DynamoDB", "SystemErrors", {**table, "Operation": operation})
                for operation in (*READS, *WRITES)
            ],
            at_least=5,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Graph:
    """One widget of the dashboard: some metrics, or one metric of ours by a dimension's values."""

    title: str
    metrics: Sequence[Metric] = ()
    by: str | None = None
    statistic: str = "Sum"
    period: int = FIVE_MINUTES


def rows(root: Path) -> tuple[Sequence[Alarm], Sequence[Graph]]:
    """The rows of the project's alarms.py."""
    read = runpy.run_path(str(root / TABLE))
    return read["ALARMS"], read["GRAPHS"]


def resources(alarms: Sequence[Alarm], graphs: Sequence[Graph]) -> dict[str, Any]:
    """The alarms and the dashboard as CloudFormation's resources, by logical name."""
    made = {f"{alarm.name}Alarm": _alarm(alarm) for alarm in alarms}
    if len(made) < len(alarms):
        raise ValueError("two alarms have one name")
    return {**made, "OperatorDashboard": _dashboard(graphs)}


def _alarm(alarm: Alarm) -> dict[str, Any]:
    rings_above = alarm.at_least is not None
    properties: dict[str, Any] = {
        "AlarmDescription": alarm.says,
        "AlarmActions": [ref("OperatorTopic")],
        "OKActions": [ref("OperatorTopic")],
        "ComparisonOperator": (
            "GreaterThanOrEqualToThreshold" if rings_above else "LessThanThreshold"
        ),
        "Threshold": alarm.at_least if rings_above else alarm.below,
        "EvaluationPeriods": alarm.periods,
        "TreatMissingData": alarm.missing,
    }
    made: dict[str, Any] = {"Type": "AWS::CloudWatch::Alarm"}
    if isinstance(alarm.metric, Metric):
        percentile = alarm.statistic.startswith("p")
        properties |= {
            **_metric(alarm.metric),
            "Period": alarm.period,
            "ExtendedStatistic" if percentile else "Statistic": alarm.statistic,
        }
        if percentile:
            properties["EvaluateLowSampleCountPercentile"] = "ignore"
    else:
        properties["Metrics"] = list(_sum(alarm, alarm.metric))
        made["Condition"] = "OnAws"  # the local AWS takes no sums
    return {**made, "Properties": properties}


def _metric(metric: Metric) -> dict[str, Any]:
    named = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    found = {"Namespace": metric.namespace, "MetricName": metric.name}
    return {**found, "Dimensions": named} if named else found


def _sum(alarm: Alarm, metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    """A metric that was never written counts as 0."""
    filled = ", ".join(f"FILL(m{number}, 0)" for number in range(len(metrics)))
    yield {"Id": "total", "Expression": f"SUM([{filled}])", "Label": alarm.says}
    for number, metric in enumerate(metrics):
        yield {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": _metric(metric),
                "Period": alarm.period,
                "Stat": alarm.statistic,
            },
            "ReturnData": False,
        }


WIDTH, HEIGHT, ACROSS = 8, 6, 3


def _dashboard(graphs: Sequence[Graph]) -> dict[str, Any]:
    widgets = [
        {
            "type": "metric",
            "x": number % ACROSS * WIDTH,
            "y": number // ACROSS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": graph.title,
                "region": "${AWS::Region}",
                "stat": graph.statistic,
                "period": graph.period,
                "metrics": [_line(graph, metric) for metric in graph.metrics],
            },
        }
        for number, graph in enumerate(graphs)
    ]
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": ref("AWS::StackName"),
            "DashboardBody": {"Fn::Sub": json.dumps({"widgets": widgets})},
        },
    }


def _line(graph: Graph, metric: Metric) -> list[Any]:
    """A metric as a widget names it; one of ours `by` a dimension is searched for, so that the
    values of that dimension need not be known."""
    if graph.by is None:
        parts = [part for each in metric.dimensions.items() for part in each]
        return [metric.namespace, metric.name, *(_text(part) for part in parts)]
    names = ",".join([metric.namespace, *metric.dimensions, graph.by])
    values = " ".join(f'{name}="{_text(value)}"' for name, value in metric.dimensions.items())
    wanted = f'{{{names}}} MetricName="{metric.name}" {values}'
    found = f"SEARCH('{wanted}', '{graph.statistic}', {graph.period})"
    label = f"${{!PROP('Dim.{graph.by}')}}"
    return [{"expression": found, "label": label}]


def _text(value: Value) -> str:
    """A value in the words of Fn::Sub."""
    if isinstance(value, str):
        return value
    [(kind, what)] = value.items()
    return f"${{{what if kind == 'Ref' else '.'.join(what)}}}"
