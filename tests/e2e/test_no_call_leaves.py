"""No call leaves for a POS whose source was frozen while it was synced (freezing.md, rule 1)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.stage import Stage, kill, workers
from tests.waiting import eventually
from tools.demo.retailer import LIVE, Json, Refused

CARD = "/integrations/posabit"
STORES = 20
PAGES = 4
LATER_SECONDS = 3
RECENTLY = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()


@pytest.fixture
def street(stage: Stage) -> Stage:
    """A credential for each of 20 stores; lists of many pages that come slowly, and one that hangs
    for 20 s."""
    stage.posabit.reset(stores=STORES, shoppers=4_000, sales=2_000, mess=0.0)
    stage.posabit.control("POST", "settings", {"max_per_page": 5})
    stage.prepare(RECENTLY)
    hangs = {"resource": "customers", "fault": "slow", "seconds": 19, "requests": [3]}
    slow = {"resource": "*", "fault": "slow", "seconds": 0.2}
    for rule in (hangs, slow):
        stage.posabit.control("POST", "faults", rule)
    stage.posabit.control("DELETE", "stats")
    return stage


def requests(stage: Stage) -> Json:
    found: Json = stage.posabit.control("GET", "stats")
    return found


def listed(stage: Stage) -> int:
    """How many pages of shoppers were asked for."""
    found: int = requests(stage)["resources"].get("customers", {}).get("requests", 0)
    return found


def frozen(stage: Stage) -> Json | None:
    found: Json = stage.retailer.get(f"{CARD}/freeze")
    return found if found["state"] == "frozen" else None


def test_no_request_reaches_a_pos_after_its_source_is_frozen_whatever_is_under_way(
    street: Stage,
) -> None:
    queued = street.connect()
    assert eventually(lambda: listed(street) >= PAGES, seconds=120), street.retailer.runs()
    token = street.retailer.call("POST", f"{CARD}/freeze/preview", {"choice": "now"})["token"]
    asked = street.retailer.call("POST", f"{CARD}/freeze", {"choice": "now", "token": token})
    assert asked["state"] == "freezing"

    card = eventually(lambda: frozen(street), seconds=30)
    assert card is not None
    for credential in street.retailer.card()["credentials"][:3]:
        for act in ("sync", "check"):
            with pytest.raises(Refused, match="409"):
                street.retailer.call("POST", f"{CARD}/credentials/{credential['id']}/{act}")
    ended = street.finish(queued)
    time.sleep(LATER_SECONDS)

    frozen_at = datetime.fromisoformat(card["frozen_at"])
    assert frozen_at - datetime.fromisoformat(card["since"]) >= timedelta(seconds=5)
    states = {run["state"] for run in ended}
    assert "stopped" in states
    assert states <= {"stopped", "succeeded"}
    assert [run for run in street.retailer.runs() if run["state"] in LIVE] == []
    assert requests(street)["last_request_at"] <= frozen_at.timestamp()


def test_workers_that_are_killed_while_their_source_freezes_change_nothing(street: Stage) -> None:
    street.connect()
    assert eventually(lambda: listed(street) >= PAGES, seconds=120), street.retailer.runs()
    token = street.retailer.call("POST", f"{CARD}/freeze/preview", {"choice": "now"})["token"]
    running = workers(street.stack, "SyncWorker")
    asked = street.retailer.call("POST", f"{CARD}/freeze", {"choice": "now", "token": token})

    for pid in running[::2]:
        kill(pid)

    card = eventually(lambda: frozen(street), seconds=30)
    assert running
    assert card is not None
    time.sleep(LATER_SECONDS)
    frozen_at = datetime.fromisoformat(card["frozen_at"])
    since = datetime.fromisoformat(asked["since"])
    assert timedelta(seconds=5) <= frozen_at - since < timedelta(seconds=20)
    assert requests(street)["last_request_at"] <= frozen_at.timestamp()
    assert eventually(lambda: not street.retailer.get(f"{CARD}/freeze")["rolling_back"], seconds=60)
    found = street.retailer.get(f"{CARD}/freeze")
    assert (found["state"], found["problem"]) == ("frozen", None)
