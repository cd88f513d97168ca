"""CloudWatch's judgement over the template's alarms, and figures as functions print them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One figure of a line in embedded metric format, with its whole set of dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float


def printed_figures(lines: Iterable[str]) -> Iterator[Figure]:
    """The figures that CloudWatch reads from a function's log."""
    for line in lines:
        if not line.lstrip().startswith("{") or '"_aws"' not in line:
            continue
        told = json.loads(line)
        for directive in told["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                under = frozenset((name, told[name]) for name in names)
                for metric in directive["Metrics"]:
                    for value in told[metric["Name"]]:
                        yield Figure(directive["Namespace"], metric["Name"], under, value)


Wanted = tuple[str, str, Mapping[str, Any]]
"""Namespace, name and dimensions as the template has them."""

Values = Callable[[Wanted], Sequence[float | None]]
"""The last values of a metric, one for each period that the alarm looks at; None where missing."""


def metrics_of(alarm: Mapping[str, Any]) -> list[Wanted]:
    if "Metrics" not in alarm:
        return [_wanted(alarm)]
    return [_wanted(one["MetricStat"]["Metric"]) for one in alarm["Metrics"] if "MetricStat" in one]


def state(alarm: Mapping[str, Any], values: Values) -> str | None:
    """The state that CloudWatch gives the alarm; None where it keeps the one it had."""
    judged = [_breaches(alarm, value) for value in _series(alarm, values)]
    if None in judged:
        return None
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    return "ALARM" if sum(map(bool, judged)) >= needed else "OK"


def _series(alarm: Mapping[str, Any], values: Values) -> Sequence[float | None]:
    if "Metrics" not in alarm:
        return values(_wanted(alarm))
    [total] = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
    summed = re.fullmatch(r"SUM\(\[(FILL\(m\d+, 0\)(?:, FILL\(m\d+, 0\))*)\]\)", total)
    assert summed, total
    ids = re.findall(r"m\d+", summed[1])
    stats = {one["Id"]: one for one in alarm["Metrics"] if "MetricStat" in one}
    assert list(stats) == ids
    each = [values(_wanted(stats[name]["MetricStat"]["Metric"])) for name in ids]
    return [sum(value or 0 for value in at_once) for at_once in zip(*each, strict=True)]


def _breaches(alarm: Mapping[str, Any], value: float | None) -> bool | None:
    if value is None:
        return {"breaching": True, "notBreaching": False, "ignore": None}[alarm["TreatMissingData"]]
    threshold = alarm["Threshold"]
    if alarm["ComparisonOperator"] == "LessThanThreshold":
        return bool(value < threshold)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    return bool(value >= threshold)


def _wanted(metric: Mapping[str, Any]) -> Wanted:
    named = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    return metric["Namespace"], metric["MetricName"], named
