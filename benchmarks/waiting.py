"""How long people wait beside first loads, and what the loads lose: scenarios and table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

from benchmarks.client_cpu import client_costs
from benchmarks.imports import environment_with_bytecode
from benchmarks.normalising import reading_costs
from benchmarks.report import Budget, Report
from benchmarks.scenario import BESIDE_SECONDS, Scenario, quantile
from benchmarks.slow_dynamo import STEADY, UNSTEADY, Latency
from tools.paths import ROOT
from tools.steps import StepFailed

LOADING = (1, 5, 20)
MOST_LOST = {STEADY.name: dict.fromkeys(LOADING, 10.0), UNSTEADY.name: {1: 10.0, 5: 20.0, 20: 20.0}}
"""Percent of a load, by how many load at once."""
LONGEST_WAIT = {STEADY.name: 0.5, UNSTEADY.name: 0.8}
FASTEST_POS, USUAL_POS = 0.020, 0.100
LEAST_RECORDS = {FASTEST_POS: 1_400.0, USUAL_POS: 1_000.0}
LONGEST_HOLD = 0.4
FEW_PEOPLE = 180.0
"""Seconds in which about 360 people come, so that three runs show more than 1,000."""
MANY_PEOPLE = 540.0
FAST_POS_SECONDS = 30.0
AT_ONCE = 2

Result = dict[str, Any]


def scenarios(*, long: bool) -> list[Scenario]:
    """The runs of the bench; the long ones have 1,000 people each, and both speeds of the POS."""
    plan = [
        Scenario(STEADY, 1, pos, FAST_POS_SECONDS, beside="nobody", every_setting=False)
        for pos in LEAST_RECORDS
    ]
    seconds = MANY_PEOPLE if long else FEW_PEOPLE
    for latency in (STEADY, UNSTEADY):
        for pos in LEAST_RECORDS if long else (USUAL_POS,):
            for loading in LOADING:
                beside = Scenario(latency, loading, pos, seconds)
                plan += [beside, replace(beside, beside="nobody", seconds=BESIDE_SECONDS)]
    return plan


def run_all(plan: Sequence[Scenario]) -> list[Result]:
    """What each came to, in order; each runs in a process of its own."""
    costs = {name: asdict(cost) for name, cost in client_costs().items()}
    reading = {str(cost.stream): cost.read / 1e6 for cost in reading_costs(["posabit"])}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda scenario: _run(scenario, costs, reading), plan))


def _run(scenario: Scenario, costs: Mapping[str, Any], reading: Mapping[str, float]) -> Result:
    job = {"scenario": asdict(scenario), "costs": costs, "reading": reading}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contention", json.dumps(job)],
        cwd=ROOT,
        env=environment_with_bytecode(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-5:]
        raise StepFailed(f"run: {scenario.title}", "\n  ".join(last))
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def show(report: Report, results: Sequence[Result]) -> None:
    """Add the table and the budgets, and `waiting` to the JSON."""
    count_losses(results)
    head = (
        "one account, virtual time",
        "people",
        "503",
        "p50 ms",
        "p99 ms",
        "hold p99",
        "hold max",
        "rec/s",
        "lost %",
        "WCU each",
    )
    report.table("People beside first loads", head, [_row(result) for result in results])
    report.data["waiting"] = list(results)
    report.budgets += _budgets(results)


def count_losses(results: Sequence[Result]) -> None:
    """Say in each result beside people or tills how many percent less it loaded than alone."""
    for result in results:
        if result["people"] and not result["killed_at"]:
            alone = _alone(result, results)["records_per_second_at_first"]
            result["lost_percent"] = 100 * (1 - result["records_per_second_at_first"] / alone)


def _alone(beside: Result, results: Sequence[Result]) -> Result:
    same = ("credentials", "pos_seconds", "latency", "every_setting")
    return next(
        result
        for result in results
        if not result["people"] and all(result[name] == beside[name] for name in same)
    )


def _row(result: Result) -> tuple[str, ...]:
    people = result["people"]
    return (
        result["title"],
        str(result["people_committed"]) if people else "",
        str(result["busy"]) if people else "",
        *(f"{result[name] * 1000:.0f}" if people else "" for name in ("wait_p50", "wait_p99")),
        *(f"{result[name] * 1000:.0f}" for name in ("hold_p99", "hold_max")),
        f"{result['records_per_second']:,.0f}",
        f"{result['lost_percent']:.1f}" if people else "",
        f"{result['write_units_per_person']:.1f}" if people else "",
    )


def _budgets(results: Sequence[Result]) -> list[Budget]:
    budgets = []
    beside = [result for result in results if result["people"]]
    for latency in (STEADY, UNSTEADY):
        runs = [result for result in beside if result["latency"]["name"] == latency.name]
        budgets.append(_waiting_budget(latency, runs))
        budgets += [
            Budget(
                f"a first load of {loading} loses to people, {latency.name}",
                max(run["lost_percent"] for run in runs if run["credentials"] == loading),
                MOST_LOST[latency.name][loading],
                "%",
            )
            for loading in LOADING
        ]
    holds = [result["hold_max"] for result in results if result["latency"]["name"] == STEADY.name]
    budgets.append(Budget("longest hold of the commit lock, 5 ms", max(holds), LONGEST_HOLD, "s"))
    for result in results:
        if not result["every_setting"]:
            limit = LEAST_RECORDS[result["pos_seconds"]]
            what = f"first load, POS {result['pos_seconds'] * 1000:.0f} ms"
            rate = result["records_per_second"]
            budgets.append(Budget(what, rate, limit, "rec/s", at_least=True))
    return budgets


def _waiting_budget(latency: Latency, runs: Sequence[Result]) -> Budget:
    waits = [wait for run in runs for wait in run["waits"]]
    worst = max(quantile(run["waits"], 0.99) for run in runs)
    note = f"{len(waits):,} commits; of the worst run. All together: {quantile(waits, 0.99):.2f} s"
    what = f"p99 of a person's commit beside a first load, {latency.name}"
    return Budget(what, worst, LONGEST_WAIT[latency.name], "s", note)
