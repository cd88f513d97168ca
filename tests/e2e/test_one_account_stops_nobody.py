"""One account's slow servers and many previews do not keep another account waiting."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from chalicelib.domain.words import Uid
from tests.e2e.stage import EVERY_FUNCTION, Stage, changed, prepare
from tests.waiting import eventually
from tools.demo.platforms import LOOPBACK, RETAILER
from tools.demo.retailer import Json, Retailer
from tools.demo.simulator import Simulator
from tools.limit import raise_limit
from tools.stack import LocalStack

pytestmark = pytest.mark.alone

DAY = 86_400
SERVERS = 3
SLOW_SECONDS = 17
"""Slow enough to hold a worker for minutes, and fast enough to be no dead server."""

SLOW = {"resource": "*", "fault": "slow", "seconds": SLOW_SECONDS}
AT_ONCE_SECONDS = 10
AUPHAN = next(pos for pos in RETAILER if pos.platform == "auphan")
WORLD = {"seed": 7, "shoppers": 20, "sales": 30, "products": 5, "stores": 1}


@pytest.fixture
def servers(stack: LocalStack, tmp_path: Path) -> Iterator[list[Simulator]]:
    """Auphan servers in back offices: of one account all but the last, which is another's."""
    with ExitStack() as closing:
        wished = {"EGRESS_ALLOWED_RANGES": json.dumps(LOOPBACK)}
        closing.enter_context(changed(stack, EVERY_FUNCTION, **wished))
        yield [closing.enter_context(a_server(n, tmp_path)) for n in range(SERVERS + 1)]


def a_server(number: int, folder: Path) -> Simulator:
    world = WORLD | {"now": int(time.time()) // DAY * DAY * 1000}
    log = folder / f"auphan-{number}.log"
    return Simulator("auphan", port=0, world=world, log=log)


def add(retailer: Retailer, server: Simulator) -> str:
    [fields] = AUPHAN.credentials(server.facts)
    added = retailer.add_credential(fields, None, "auphan", AUPHAN.trust)
    assert added["check"]["outcome"] == "ok"
    return str(added["id"])


def wait_until_asked(servers: list[Simulator], least: int) -> None:
    """Until so many of the servers hold a worker."""
    assert eventually(
        lambda: sum(bool(server.control("GET", "log")) for server in servers) >= least
    )


def sync(retailer: Retailer, credential: str) -> Json:
    """*Sync now*; the run as soon as it has started."""
    queued = retailer.sync_now(credential, "auphan")

    def started() -> Json | None:
        run = retailer.run(queued["id"], "auphan")
        return run if run["started_at"] else None

    run = eventually(started)
    assert run is not None, "it never started"
    return run


def seconds_to_start(run: Json) -> float:
    start, asked = (datetime.fromisoformat(run[name]) for name in ("started_at", "queued_at"))
    return (start - asked).total_seconds()


def test_servers_that_answer_in_17_s_keep_no_worker_from_another_account(
    servers: list[Simulator],
    retailers: Callable[[], Retailer],
    record_property: Callable[[str, object], None],
) -> None:
    *slow, quick = servers
    theirs, ours = retailers(), retailers()
    for server in slow:
        add(theirs, server)
        server.control("POST", "faults", SLOW)
        server.control("DELETE", "stats")
    credential = add(ours, quick)
    ours.connect("auphan")
    ours.finish(ours.runs("auphan"), seconds=180)
    quiet = sync(ours, credential)
    ours.finish([quiet], seconds=180)
    theirs.connect("auphan")
    wait_until_asked(slow, 2)

    run = sync(ours, credential)
    held = [each["ended_at"] for each in theirs.runs("auphan")]

    figures = {"quiet": seconds_to_start(quiet), "beside slow servers": seconds_to_start(run)}
    record_property("seconds to start", figures)
    sys.stderr.write(f"\n{figures}\n")
    assert held == [None] * SERVERS, "it went on only when theirs gave way"
    assert seconds_to_start(run) < max(AT_ONCE_SECONDS, 3 * seconds_to_start(quiet)), figures
    theirs.disconnect("auphan")


PREVIEWS = 60
AT_ONCE = 3
"""The local AWS answers nothing any more when many more requests wait for functions."""

NOISE_SECONDS = 2.0
"""Functions and local AWS share the cores: shorter times say nothing of fairness."""

TRIES = 5
ROUNDS = 3
"""What else the machine does may slow a round; what an account does to another slows each."""


def preview(retailer: Retailer, days: int) -> float:
    """Seconds that a preview of the card takes to answer."""
    day = (datetime.now(UTC) - timedelta(days=days)).date().isoformat()
    began = time.monotonic()
    retailer.call("POST", "/integrations/posabit/settings/preview", {"enroll_after": day})
    return time.monotonic() - began


def median_of_previews(retailer: Retailer, first_day: int) -> float:
    return median(preview(retailer, first_day + number) for number in range(TRIES))


def test_sixty_previews_of_one_account_hold_up_nobody_elses(
    stack: LocalStack,
    stage: Stage,
    retailers: Callable[[], Retailer],
    record_property: Callable[[str, object], None],
) -> None:
    ours, theirs = stage.retailer, retailers()
    stage.posabit.reset(shoppers=600, sales=600, stores=1, mess=0.0)
    for each in (ours, theirs):
        raise_limit(stack.client, stack.outputs, Uid(each.uid), "previews", "1000")
        prepare(each, stage.posabit)
        each.connect()
    for each in (ours, theirs):
        each.finish(each.runs(), seconds=60)
    preview(theirs, 1)  # so that nothing is new to the functions
    preview(ours, 1)

    figures: list[Json] = []
    while not figures or (len(figures) < ROUNDS and not is_fair(figures[-1])):
        figures.append(a_round(ours, theirs))

    record_property("seconds", figures)
    sys.stderr.write(f"\n{figures}\n")
    assert is_fair(figures[-1]), figures


def a_round(ours: Retailer, theirs: Retailer) -> Json:
    quiet = median_of_previews(ours, 10)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(preview, theirs, 100 + number) for number in range(PREVIEWS)]
        time.sleep(1)
        busy = median_of_previews(ours, 40)
        left = sum(not each.done() for each in asked)
        theirs_took = [each.result() for each in asked]
    return {"quiet": quiet, "busy": busy, "left": left, "theirs": max(theirs_took)}


def is_fair(figures: Json) -> bool:
    return bool(figures["busy"] < max(2 * figures["quiet"], NOISE_SECONDS))
