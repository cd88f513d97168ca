"""*Use AIQ's last backup* on the deployed stack: no call leaves, no fact is lost."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.e2e.stage import Stage
from tools.demo.retailer import Refused

CARD = "/integrations/posabit"
SHOWN = ("first", "last", "phone", "email", "member", "points", "sales_count", "sourced_from")


def people(stage: Stage) -> dict[str, tuple[object, ...]]:
    """What the list shows of each person."""
    found = stage.retailer.personas()
    return {each["id"]: tuple(each.get(name) for name in SHOWN) for each in found}


def test_a_source_goes_back_to_its_backup_and_forth_to_what_the_pos_says(stage: Stage) -> None:
    stage.finish(stage.open())
    stage.retailer.run_audiences()
    backup = stage.retailer.get(f"{CARD}/backups")["items"][0]
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

    preview, frozen = stage.retailer.freeze()

    assert preview["sales"] == 30
    assert people(stage) == then
    held_for = datetime.fromisoformat(frozen["frozen_at"]) - datetime.fromisoformat(frozen["since"])
    assert held_for.total_seconds() >= 5
    for credential in stage.retailer.card()["credentials"]:
        with pytest.raises(Refused) as refused:
            stage.retailer.sync_now(credential["id"])
        assert refused.value.status == 409
    last = stage.posabit.control("GET", "stats")["last_request_at"]
    assert last <= datetime.fromisoformat(frozen["frozen_at"]).timestamp()

    stage.retailer.unfreeze()

    assert people(stage) == now
    assert stage.differences(every=10) == []
