"""A second account of the demo, which switches from one POS to another (product.md §10).

It connects simulated POS that the first account has too: AIQ keeps accounts apart, and a POS does
not mind. One purchase is rung up in both, as after an import of history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.ids import record_id
from chalicelib.domain.words import Platform
from simulators.oracle import answer_all
from simulators.oracle.loyalty import POINT, Card, Programme
from tools.account import create_account
from tools.demo.comparison import tree_differences
from tools.demo.memory import Memory
from tools.demo.platforms import RETAILER, Pos, fill_in
from tools.demo.retailer import LIVE, Json, Retailer
from tools.demo.simulator import Simulator
from tools.demo.steps import SILENT_SECONDS, add_credentials
from tools.stack import LocalStack
from tools.steps import StepFailed, step

ACCOUNT, OWNER = "Cedar Corner", "owner@cedarcorner.example"
OLD, NEW = Platform("profitek"), Platform("thsuite")
DOLLARS = 50
ENROLLED, ACCRUAL_START = 180, 200
"""In days before the end of the generated year of sales."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase that both POS tell. `person`: the ids of the persona's record in each."""

    person: Mapping[str, str]
    day: date


def switch_pos(
    stack: LocalStack, simulators: Mapping[str, Simulator], memory: Memory
) -> tuple[Json, list[str]]:
    """Switch from the old POS to the new, from the first step to the last.

    Returns what came of it, and where that differs from the oracle's answer.
    """
    wanted = _programme(memory.now)
    with step(f"a second account, {ACCOUNT}, connects {OLD}"):
        retailer = _open_account(stack, memory)
        right = _expected(simulators, wanted)
        bought = _ring_up_twice(retailer, simulators, right, memory.now)
        _connect(retailer, simulators[OLD], _pos(OLD))
        _decide(retailer, wanted)
    before = _points(retailer, bought)
    with step(f"begin to switch; freeze {OLD}"):
        switch = retailer.call(
            "POST", "/switches", {"from": OLD, "to": NEW, "day": bought.day.isoformat()}
        )
        retailer.freeze(OLD, "now")
    with step(f"connect {NEW}; apply the proposed dates"):
        _connect(retailer, simulators[NEW], _pos(NEW))
        proposed = _switch(retailer, switch)["proposed"]
        retailer.decide(f"/integrations/{NEW}/settings", proposed)
    with step("check the switch; say what looks doubled; finish"):
        result, points = _check(retailer, switch, bought)
    wrong = list(_differences(result, points, right, before))
    return result, wrong


def _open_account(stack: LocalStack, memory: Memory) -> Retailer:
    account = create_account(
        stack.client, stack.outputs, name=ACCOUNT, owner=OWNER, password=memory.password
    )
    return Retailer(stack, OWNER, memory.password, account.uid)


def _pos(platform: Platform) -> Pos:
    return next(pos for pos in RETAILER if pos.platform == platform)


def _programme(now: int) -> Programme:
    end = datetime.fromtimestamp(now / 1000, tz=UTC).date()
    return Programme(
        today=end,
        cards={OLD: Card(end - timedelta(ENROLLED), None)},
        accrual_start=end - timedelta(ACCRUAL_START),
        per_100=100 * POINT,
    )


def _expected(simulators: Mapping[str, Simulator], wanted: Programme) -> Json:
    readings = []
    for platform in (OLD, NEW):
        pos, simulator = _pos(platform), simulators[platform]
        since = (wanted.today - timedelta(365)).isoformat() + "T00:00:00Z"
        reading = simulator.reading(since, **fill_in(pos.reading, simulator.facts))
        readings.append(pos.with_scope(reading, simulator.facts))
    return answer_all(readings, {}, wanted)


def _ring_up_twice(
    retailer: Retailer, simulators: Mapping[str, Simulator], right: Json, now: int
) -> Bought:
    """Have both POS tell one purchase of somebody whom both know, on the last day of their year."""
    somebody = next(
        group
        for group in right["groups"]
        if sorted(record[0] for record in group["records"]) == [OLD, NEW]
        and not group["loyalty"]["flags"]
    )
    at = datetime.fromtimestamp(now / 1000, tz=UTC) - timedelta(hours=4)
    cents = DOLLARS * 100
    said = {
        OLD: {"TransactionDate": at.isoformat(), "Total": cents, "Tax": 0},
        NEW: {"completedAt": at.isoformat(), "total": cents, "taxTotal": 0},
    }
    person = {}
    for platform, scope, ext_id in somebody["records"]:
        ask = simulators[platform].control
        [sale] = ask("POST", "edits", {"do": "add_sales", "customer_id": ext_id})["changed"]
        change = {"do": "update", "resource": "sales_histories", "id": sale, "set": said[platform]}
        ask("POST", "edits", change)
        person[platform] = record_id(retailer.uid, platform, scope, ext_id)
    return Bought(person, at.date())


def _connect(retailer: Retailer, simulator: Simulator, pos: Pos) -> None:
    """Connect a POS, and wait for its first sync."""
    add_credentials(retailer, pos, simulator)
    retailer.tick_age_gate(pos.platform)
    retailer.connect(pos.platform)
    runs = [run for run in retailer.runs(pos.platform) if run["state"] in LIVE]
    for run in retailer.finish(runs, seconds=SILENT_SECONDS):
        if run["state"] != "succeeded":
            reason = run["error"]["message"] if run["error"] else run["state"]
            raise StepFailed(f"sync {pos.platform}", reason)


def _decide(retailer: Retailer, wanted: Programme) -> None:
    rules = {
        "enabled": True,
        "accrual_start": _iso(wanted.accrual_start),
        "points_per_100": wanted.per_100 / POINT,
    }
    retailer.decide("/loyalty", rules)
    enrolled = {"enroll_after": _iso(wanted.cards[OLD].enroll_after)}
    retailer.decide(f"/integrations/{OLD}/settings", enrolled)


def _switch(retailer: Retailer, switch: Json) -> Json:
    return retailer.get(f"/switches/{switch['id']}")


def _check(retailer: Retailer, switch: Json, bought: Bought) -> tuple[Json, Sequence[float]]:
    """Returns what the check found, and the person's points before a word, after *two sales* and
    after *one sale*."""
    path = f"/switches/{switch['id']}"
    retailer.call("POST", f"{path}/check")
    found = retailer.wait_for(
        lambda: answer if (answer := retailer.get(path))["checking"] is None else None,
        "the check of the switch",
    )
    points = [_points(retailer, bought)]
    for pair in found["doubled"]:
        for same in (False, True):
            retailer.call("POST", f"{path}/doubled/{pair['n']}", {"same": same})
            points.append(_points(retailer, bought))
    ended = retailer.call("POST", f"{path}/finish")
    counts = {name: found[name] for name in ("joined", "only_old", "only_new", "doubled_sales")}
    return {**counts, "state": ended["state"]}, points


def _points(retailer: Retailer, bought: Bought) -> float:
    points: float = retailer.get(f"/personas/{bought.person[OLD]}")["points"]
    return points


def _differences(
    result: Json, points: Sequence[float], right: Json, before: float
) -> Iterator[str]:
    sources = [set(group["sources"]) for group in right["groups"]]
    expected = {
        "joined": sources.count({OLD, NEW}),
        "only_old": sources.count({OLD}),
        "only_new": sources.count({NEW}),
        "doubled_sales": 1,
        "state": "finished",
    }
    yield from tree_differences("switch", result, expected)
    if [*points] != [before, before + DOLLARS, before]:
        yield f"switch points: {[*points]}, right is {[before, before + DOLLARS, before]}"


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
