"""Settings and loyalty rules on the deployed stack: what is previewed is what comes about."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.adapters.dynamo.commit_locks import PERSON_SECONDS
from tests.e2e.stage import Stage
from tests.waiting import eventually
from tools.demo.retailer import LIVE, Json

CARD = "/integrations/posabit"


def ago(days: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86_400))


def counted(stage: Stage, path: str, changes: Json) -> Json:
    """A preview, counted to its end."""
    made = stage.retailer.call("POST", f"{path}/preview", changes)

    def ready() -> Json | None:
        found = stage.retailer.get(f"/previews/{made['id']}")
        return found if found["state"] == "ready" else None

    preview = eventually(ready)
    assert preview is not None
    return preview


def applied(stage: Stage, path: str, preview: Json, changes: Json) -> Json:
    """The job, when it is done."""
    etag = stage.retailer.ask("GET", path).headers["ETag"]
    body = {"token": preview["token"], "changes": changes}
    job = stage.retailer.call("POST", f"{path}/apply", body, headers={"If-Match": etag})

    def done() -> Json | None:
        found = stage.retailer.get(f"/jobs/{job['id']}")
        return found if found["state"] == "done" else None

    ended = eventually(done)
    assert ended is not None, stage.retailer.get(f"/jobs/{job['id']}")
    return ended


def members(stage: Stage) -> list[Json]:
    return [persona for persona in stage.retailer.personas() if persona["member"]]


def test_enrolling_and_points_come_about_as_previewed(stage: Stage) -> None:
    stage.finish(stage.open())
    enrol = {"enroll_after": ago(120)}

    preview = counted(stage, f"{CARD}/settings", enrol)
    job = applied(stage, f"{CARD}/settings", preview, enrol)

    assert preview["counts"]["enrolled"] > 10
    assert job["done"] == preview["counts"]["personas"]
    assert len(members(stage)) == preview["counts"]["enrolled"]

    earning = {"enabled": True, "accrual_start": ago(365), "points_per_100": 100}
    preview = counted(stage, "/loyalty", earning)
    applied(stage, "/loyalty", preview, earning)

    balances = [persona["points"] for persona in members(stage)]
    assert sum(balances) == preview["counts"]["points"] > 0
    assert sum(points != 0 for points in balances) == preview["counts"]["balances"]

    one = members(stage)[0]
    path = f"/personas/{one['id']}/points"
    body = {"amount": 12.5, "reason": "Goodwill"}
    given = stage.retailer.call("POST", path, body, headers={"Idempotency-Key": "e2e-00000001"})
    again = stage.retailer.call("POST", path, body, headers={"Idempotency-Key": "e2e-00000001"})
    assert given == again
    assert given["points"] == one["points"] + 12.5


def test_points_are_adjusted_while_a_first_load_runs(stage: Stage) -> None:
    """`pytest -s` shows how long people waited, and one read of the local AWS beside them: each of
    theirs makes some eight such calls, one after another."""
    stage.posabit.reset(shoppers=1_000, sales=4_000, stores=2)
    stage.prepare()
    earning = {"enabled": True, "accrual_start": ago(365), "points_per_100": 100}
    stage.retailer.decide(f"{CARD}/settings", {"enroll_after": ago(400)})
    stage.retailer.decide("/loyalty", earning)
    runs = stage.connect()
    some = eventually(lambda: members(stage)[:20])
    assert some, "nobody became a member"

    waits, reads = [], []
    database, table = stage.stack.client("dynamodb"), stage.stack.resources["PersonasTable"]
    lock = {"pk": {"S": f"{stage.retailer.uid}#COMMIT"}, "sk": {"S": "COMMIT"}}
    while is_loading(stage, runs):
        began = time.monotonic()
        database.get_item(TableName=table, Key=lock)
        reads.append(time.monotonic() - began)
        path = f"/personas/{some[len(waits) % len(some)]['id']}/points"
        body = {"amount": 1, "reason": "Goodwill"}
        key = {"Idempotency-Key": f"beside-{len(waits):08d}"}
        began = time.monotonic()
        stage.retailer.call("POST", path, body, headers=key)
        waits.append(time.monotonic() - began)
    ended = stage.finish(runs)

    waits.sort()
    for what, times in {"adjustments": waits, "reads of one row": sorted(reads)}.items():
        p50, p99 = (times[int(share * len(times))] for share in (0.5, 0.99))
        figures = f"p50 {p50:.3f} s, p99 {p99:.3f} s, longest {times[-1]:.3f} s"
        sys.stderr.write(f"\n{len(times)} {what} beside a first load: {figures}\n")
    assert [run["state"] for run in ended] == ["succeeded"] * len(runs)
    assert len(waits) > 10
    assert waits[-1] < PERSON_SECONDS


def is_loading(stage: Stage, runs: list[Json]) -> bool:
    return any(stage.retailer.run(run["id"])["state"] in LIVE for run in runs)


def test_points_taken_from_the_pos_are_fixed_by_a_listing_after_their_date(stage: Stage) -> None:
    stage.finish(stage.open())
    today = datetime.now(ZoneInfo(stage.retailer.get("")["time_zone"])).date()
    wanted = {"points_imported_on": today.isoformat()}

    preview = counted(stage, f"{CARD}/settings", wanted)
    applied(stage, f"{CARD}/settings", preview, wanted)

    assert preview["counts"]["balances"] > 0
    assert len(members(stage)) == preview["counts"]["enrolled"]
    kinds = {one["kind"] for one in stage.retailer.notifications()}
    assert "points_import_mismatch" in kinds
