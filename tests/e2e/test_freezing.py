"""*Use AIQ's last backup* on the deployed stack: no call leaves, no fact is lost."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.e2e.stage import Stage
from tests.waiting import eventually
from tools.demo.retailer import LIVE, Json, Refused

CARD = "/integrations/posabit"
SHOWN = ("first", "last", "phone", "email", "member", "points", "sales_count", "sourced_from")


def back_up(stage: Stage) -> Json:
    """An audience run on demand; the backup that it took of POSaBIT."""
    run = stage.retailer.call("POST", "/audience-runs")

    def done() -> bool:
        found = stage.retailer.get("/audience-runs")["items"]
        return any(each["id"] == run["id"] and each["state"] == "done" for each in found)

    assert eventually(done, seconds=60), stage.retailer.get("/audience-runs")
    backup: Json = stage.retailer.get(f"{CARD}/backups")["items"][0]
    return backup


def switched(stage: Stage, state: str) -> Json:
    """How the card stands once it has this state and nothing rolls."""

    def settled() -> Json | None:
        found = stage.retailer.get(f"{CARD}/freeze")
        rolls = found["rolling_back"] or found["rolling_forward"]
        return found if found["state"] == state and not rolls else None

    card = eventually(settled, seconds=60)
    assert card is not None, stage.retailer.get(f"{CARD}/freeze")
    return card


def people(stage: Stage) -> dict[str, tuple[object, ...]]:
    """What the list shows of each person."""
    found = stage.retailer.personas()
    return {each["id"]: tuple(each.get(name) for name in SHOWN) for each in found}


def test_a_source_goes_back_to_its_backup_and_forth_to_what_the_pos_says(stage: Stage) -> None:
    stage.finish(stage.open())
    backup = back_up(stage)
    then = people(stage)
    assert (backup["state"], backup["customers"] > 100, backup["sales"] > 500) == (
        "verified",
        True,
        True,
    )
    newcomer = {"first_name": "Zoë", "last_name": "Late", "telephone": "206-555-0177"}
    stage.posabit.control(
        "POST",
        "edits",
        [
            {"do": "add_sales", "count": 30},
            {"do": "create", "set": newcomer},
            {"do": "touch", "resource": "customers", "percent": 5},
        ],
    )
    stage.sync()
    now = people(stage)
    assert then.items() != now.items()

    preview = stage.retailer.call("POST", f"{CARD}/freeze/preview", {"choice": "last"})
    assert preview["sales"] == 30
    wanted = {"choice": "last", "token": preview["token"]}
    assert stage.retailer.call("POST", f"{CARD}/freeze", wanted)["state"] == "freezing"
    frozen = switched(stage, "frozen")

    assert people(stage) == then
    held_for = datetime.fromisoformat(frozen["frozen_at"]) - datetime.fromisoformat(frozen["since"])
    assert held_for.total_seconds() >= 5
    for credential in stage.retailer.card()["credentials"]:
        with pytest.raises(Refused) as refused:
            stage.retailer.sync_now(credential["id"])
        assert refused.value.status == 409
    last = stage.posabit.control("GET", "stats")["last_request_at"]
    assert last <= datetime.fromisoformat(frozen["frozen_at"]).timestamp()

    stage.retailer.call("POST", f"{CARD}/unfreeze")
    switched(stage, "connected")
    stage.finish([run for run in stage.retailer.runs() if run["state"] in LIVE])

    assert people(stage) == now
    assert stage.differences(every=10) == []
