"""50 credentials of five retailers, 5 of them with a server that takes calls and never answers.

A worker for each credential, own servers on a queue of their own: the other 45 are not delayed, and
what a dead server costs is bounded, less often each time (product.md §5).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.domain.words import Uid
from tests.e2e.stage import EVERY_FUNCTION, changed
from tools.demo.platforms import LOOPBACK, RETAILER
from tools.demo.retailer import Json, Retailer
from tools.demo.simulator import Simulator
from tools.demo.steps import INTEGRATOR_PARAMETER
from tools.limit import raise_limit
from tools.stack import LocalStack

pytestmark = pytest.mark.alone

RETAILERS = 5
HEALTHY = {"posabit": 6, "profitek": 3}
"""Stores of each retailer, a credential for each."""
HANGING = ("auphan", "auphan", "auphan", "auphan", "thsuite")
"""One for each retailer: four on the queue of own servers, one on that of hosted POS."""
TOO_SLOW = {
    "auphan": "The server of Auphan does not answer",
    "thsuite": "THSuite API took too long",
}
WORKERS = {"SyncWorker": 3, "OwnServerSyncWorker": 8}
"""More than hang, as in production (50 and 20)."""

CLICKS = 400
"""Each Owner presses *Sync now* on ten credentials, four times."""

WORLD = {"seed": 7, "shoppers": 60, "sales": 90, "products": 20, "old-lots": 5}
RECENTLY = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
DAY = 86_400
QUIET_SECONDS = 120
AT_ONCE = 4
A_QUARTER = timedelta(minutes=15, seconds=5)
"""The first wait of a back-off that doubles (tests/unit/domain/test_schedule.py)."""
BOUND_SECONDS = 60
"""3 s to connect, 20 s for an answer, twice at the very most; a worker could last 900 s."""

POS = {pos.platform: pos for pos in RETAILER}


@dataclass(frozen=True, slots=True)
class Source:
    """One credential of one retailer."""

    retailer: Retailer
    platform: str
    credential: str

    def sync(self) -> Json:
        return self.retailer.sync_now(self.credential, self.platform)

    def look(self) -> Json:
        return self.retailer.get(f"/integrations/{self.platform}/credentials/{self.credential}")


@contextmanager
def a_pos(platform: str, stores: int, folder: Path) -> Iterator[Simulator]:
    world = WORLD | {"stores": stores, "now": int(time.time()) // DAY * DAY * 1000}
    log = folder / f"{platform}.log"
    with Simulator(platform, port=0, world=world, log=log) as simulator:
        yield simulator


@pytest.fixture
def street(
    stack: LocalStack, posabit: Simulator, configured_pos: None, tmp_path: Path
) -> Iterator[dict[str, Simulator]]:
    """Four POS that the product knows, and workers enough."""
    posabit.reset(shoppers=120, sales=180, stores=HEALTHY["posabit"], mess=1.0)
    with ExitStack() as closing:
        others = {
            name: closing.enter_context(a_pos(name, HEALTHY.get(name, 1), tmp_path))
            for name in ("profitek", "auphan", "thsuite")
        }
        street = {"posabit": posabit, **others}
        variables = {
            "POS_BASE_URLS": json.dumps({n: street[n].base_url for n in ("posabit", "thsuite")}),
            "INTEGRATOR_PARAMETERS": json.dumps({"posabit": INTEGRATOR_PARAMETER}),
            "EGRESS_ALLOWED_RANGES": json.dumps(LOOPBACK),
        }
        closing.enter_context(changed(stack, EVERY_FUNCTION, **variables))
        for function, number in WORKERS.items():
            closing.enter_context(workers_at_once(stack, function, number))
        yield street
        street["auphan"].control("POST", "front", {"as": "itself"})
        street["thsuite"].control("DELETE", "faults")


@contextmanager
def workers_at_once(stack: LocalStack, function: str, number: int) -> Iterator[None]:
    client = stack.client("lambda")
    known = client.list_event_source_mappings(FunctionName=stack.resources[function])
    [mapping] = known["EventSourceMappings"]
    name = mapping["UUID"]
    client.update_event_source_mapping(UUID=name, ScalingConfig={"MaximumConcurrency": number})
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=name, ScalingConfig=mapping["ScalingConfig"])


def add(retailer: Retailer, street: dict[str, Simulator], platform: str) -> list[Source]:
    """Every credential that the POS has, each checked."""
    pos, facts = POS[platform], street[platform].facts
    added = [
        retailer.add_credential(fields, RECENTLY, platform, pos.trust)
        for fields in pos.credentials(facts)
    ]
    assert {each["check"]["outcome"] for each in added} == {"ok"}
    return [Source(retailer, platform, each["id"]) for each in added]


def ended(runs: Sequence[tuple[Source, Json]]) -> list[Json]:
    """The runs as they ended."""
    return [
        run
        for source, queued in runs
        for run in source.retailer.finish([queued], seconds=QUIET_SECONDS, every=1)
    ]


def sync(sources: Sequence[Source]) -> list[tuple[Source, Json]]:
    """*Sync now* on each; the runs, still queued. A run that lives is taken for the new one."""
    return [(source, source.sync()) for source in sources]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(runs: Sequence[Json]) -> float:
    """From the first that was asked for to the last that ended."""
    first = min(at(run["queued_at"]) for run in runs)
    return (max(at(run["ended_at"]) for run in runs) - first).total_seconds()


def longest_wait(runs: Sequence[Json]) -> float:
    """Seconds between two ends, the longest: while it lasted, nobody on this queue got through."""
    moments = sorted(
        [min(at(run["queued_at"]) for run in runs), *(at(run["ended_at"]) for run in runs)]
    )
    return max((later - earlier).total_seconds() for earlier, later in pairwise(moments))


def test_45_credentials_do_not_notice_that_5_servers_hang(
    stack: LocalStack,
    street: dict[str, Simulator],
    retailers: Callable[[], Retailer],
    record_property: Callable[[str, object], None],
) -> None:
    people = [retailers() for _ in range(RETAILERS)]
    for retailer in people:
        raise_limit(stack.client, stack.outputs, Uid(retailer.uid), "syncs", str(CLICKS))
    owned = [(each, name) for each in people for name in HEALTHY]
    dead = list(zip(people, HANGING, strict=True))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        added = list(pool.map(lambda one: add(one[0], street, one[1]), [*owned, *dead]))
    healthy = [source for sources in added[: len(owned)] for source in sources]
    hanging = [source for sources in added[len(owned) :] for source in sources]
    assert (len(healthy), len(hanging)) == (45, 5)
    for retailer, platform in [*owned, *dead]:
        retailer.tick_age_gate(platform)
        retailer.connect(platform)
    first = ended(sync([*healthy, *hanging]))
    assert {run["state"] for run in first} == {"succeeded"}
    usual = seconds(ended(sync(healthy)))

    street["auphan"].control("POST", "front", {"as": "hangs"})
    street["thsuite"].control("POST", "faults", {"resource": "*", "fault": "slow", "seconds": 300})
    asked = sync(hanging)
    well = ended(sync(healthy))
    ill = ended(asked)

    assert {run["state"] for run in well} == {"succeeded"}
    assert {run["state"] for run in ill} == {"failed"}
    holding = [(at(run["ended_at"]) - at(run["started_at"])).total_seconds() for run in ill]
    waits = {
        name: longest_wait([run for run in well if run["platform"] == name]) for name in HEALTHY
    }
    figures = {
        "usual": usual,
        "with 5 hanging": seconds(well),
        "longest wait": waits,
        "held a worker": holding,
    }
    record_property("seconds", figures)
    sys.stderr.write(f"\n{figures}\n")
    # On neither queue did the others wait until a hanging server was given up.
    assert max(waits.values()) < min(holding), figures
    assert max(holding) < BOUND_SECONDS, figures
    for source, run in zip(hanging, ill, strict=True):
        assert run["error"]["message"].startswith(TOO_SLOW[source.platform])
        credential = source.look()
        left_alone = at(credential["next_sync_at"]) - at(run["ended_at"])
        assert timedelta(0) < left_alone <= A_QUARTER  # less where its next pass comes before
        assert credential["failures_in_a_row"] == 1
