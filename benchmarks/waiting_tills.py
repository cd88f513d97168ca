"""How long tills wait beside first loads, and what the loads lose: scenarios and table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.report import Budget, Report
from benchmarks.scenario import BESIDE_SECONDS, Scenario, quantile
from benchmarks.slow_dynamo import STEADY
from benchmarks.tills import KINDS, WALLET
from benchmarks.waiting import FEW_PEOPLE, LOADING, MANY_PEOPLE, USUAL_POS, Result, count_losses

LONGEST_WAIT, MOST_LOST, LONGEST_AFTER_A_DEATH = 0.5, 10.0, 20.0
DEATH = Scenario(STEADY, 2, USUAL_POS, 60.0, beside="tills", killed_at=10.0)
"""One of two workers dies inside a commit."""


def scenarios(*, long: bool) -> list[Scenario]:
    """Tills beside 1, 5 and 20 loads, these loads alone, and a death."""
    plan = []
    for loading in LOADING:
        seconds = MANY_PEOPLE if long else FEW_PEOPLE
        beside = Scenario(STEADY, loading, USUAL_POS, seconds, beside="tills")
        plan += [beside, replace(beside, beside="nobody", seconds=BESIDE_SECONDS)]
    return [*plan, DEATH]


def show(report: Report, results: Sequence[Result]) -> None:
    """Add the table and the budgets, and `tills` to the JSON."""
    count_losses(results)
    results = [result for result in results if result["people"]]
    head = (
        "one account, 5 ms, virtual time",
        "calls",
        "503",
        "p50 ms",
        "p99 ms",
        "max ms",
        "lost %",
    )
    report.table("Tills beside first loads, every setting", head, _till_rows(results))
    report.data["tills"] = list(results)
    *beside, death = results
    for result in beside:
        loading = result["credentials"]
        commits = [w for kind, waits in _by_kind(result) if kind != WALLET for w in waits]
        what = f"p99 of a till's signup, redemption, refund beside a first load of {loading}, 5 ms"
        note = f"{len(commits)} calls; a wallet does not wait for the lock"
        report.budgets.append(Budget(what, quantile(commits, 0.99), LONGEST_WAIT, "s", note))
        what = f"a first load of {loading} loses to tills, 5 ms"
        report.budgets.append(Budget(what, result["lost_percent"], MOST_LOST, "%"))
    what = "a worker killed inside a commit delays a till"
    note = f"answered 503 {death['busy']} times until then"
    report.budgets.append(Budget(what, death["wait_max"], LONGEST_AFTER_A_DEATH, "s", note))


def _till_rows(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        loading = f"{result['credentials']} loading"
        loading += ", one killed" if result["killed_at"] else ""
        for kind, waits in _by_kind(result):
            times = (quantile(waits, 0.5), quantile(waits, 0.99), max(waits))
            yield f"{loading}: {kind}", str(len(waits)), "", *(f"{t * 1000:.0f}" for t in times), ""
        times = (result["wait_p50"], result["wait_p99"], result["wait_max"])
        lost = "" if result["killed_at"] else f"{result['lost_percent']:.1f}"
        counts = str(result["people_committed"]), str(result["busy"])
        yield f"{loading}: all", *counts, *(f"{time * 1000:.0f}" for time in times), lost


def _by_kind(result: Result) -> list[tuple[str, list[float]]]:
    return [(kind, result["waits_of"][kind]) for kind in KINDS if kind in result["waits_of"]]
