"""An audience run, a sorted list and a CSV on the deployed stack."""

from __future__ import annotations

import csv
import io
from typing import Any

import requests

from tests.e2e.stage import Stage
from tests.waiting import eventually
from tools.demo.retailer import Json


def ended_run(stage: Stage, run: str) -> Json | None:
    """The audience run once it is done."""
    runs = stage.retailer.get("/audience-runs")["items"]
    return next((each for each in runs if each["id"] == run and each["state"] == "done"), None)


def sorted_list(stage: Stage, **query: Any) -> list[Json]:
    """Every line of a list, page by page."""
    lines: list[Json] = []
    while True:
        page = stage.retailer.get("/personas/snapshot", limit=200, **query)
        lines += page["items"]
        if not page["next_cursor"]:
            assert page["total"] == len(lines)
            return lines
        query["cursor"] = page["next_cursor"]


def test_run_now_leaves_a_sorted_list_and_a_csv_of_everybody(stage: Stage) -> None:
    stage.finish(stage.open())
    first = eventually(lambda: stage.retailer.get("/audience-runs")["items"], seconds=60)
    assert first, "the first sync is followed by a run"
    assert eventually(lambda: ended_run(stage, first[-1]["id"]), seconds=60)

    asked = stage.retailer.call("POST", "/audience-runs")
    run = eventually(lambda: ended_run(stage, asked["id"]), seconds=60)

    assert run is not None
    everybody = stage.retailer.personas()
    assert (run["personas"], run["drifted"]) == (len(everybody), 0)
    by_points = sorted_list(stage, sort="points")
    points = [line["points"] for line in by_points]
    assert points == sorted(points, reverse=True)
    assert {line["id"] for line in by_points} == {persona["id"] for persona in everybody}

    export = stage.retailer.call("POST", "/exports", {"list": "personas"})
    done = eventually(
        lambda: next(
            (
                found
                for found in [stage.retailer.get(f"/exports/{export['id']}")]
                if found["state"] == "done"
            ),
            None,
        ),
        seconds=60,
    )
    assert done is not None
    answer = requests.get(done["url"], timeout=30)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[-1] == [f"# rows {len(everybody)}"]
    assert {row[0] for row in rows[1:-1]} == {persona["id"] for persona in everybody}
