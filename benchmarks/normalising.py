"""Measures what reading a record costs on every platform: from an answer's bytes to facts.

    python -m benchmarks.normalising [platform ...]

A record is what a stream counts: a shopper; a sale with all of its lines (three each here) and
tenders, however many rows of a report it is; an item in stock. The answers of a first sync are
recorded from a simulator and read again by the same session, without network: parsed, checked
against page and filter, put together, normalised. No record comes twice in a round, and there are
more of them than any cache has room for, so that a round finds no value of the one before.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from benchmarks.report import Budget, Report
from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.manifest import digest, id_digest
from chalicelib.domain.words import Instant, Platform, Stream
from chalicelib.pos.asking.auth_variants import AuthVariants, Keyring
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.session import Session
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.transport import Call, Transport
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, Cursor, Page, StreamPlan
from simulators.registry import platform_of, server_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World

BUDGET_MICROS = 60
RECORDS = 2_400
ROUNDS = 7
LINES_A_SALE = 3
STREAMS: tuple[Stream, ...] = ("customers", "sales", "inventory")
DAY = 86_400_000
YEAR = 365 * DAY


@dataclass(frozen=True)
class ReadingCost:
    """CPU microseconds per record: `json` for orjson alone over the same bytes, `read` for all from
    bytes to facts (JSON included), `digest` for finding out whether a fact changed."""

    platform: str
    stream: Stream
    records: int
    bytes: float
    json: float
    read: float
    digest: float

    @property
    def times_json(self) -> float:
        return self.read / self.json


class Replay:
    """Replaces the transport: recorded bodies instead of a network."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = iter(bodies)
        self.parse: Callable[[bytes, str], Any] = answers.parse_json
        self.requests = self.retries = 0
        self.headers: Mapping[str, str] = {}

    def get(self, _call: Call, read: Callable[[Any], Any]) -> Any:
        self.requests += 1
        return read(self.parse(next(self._bodies), "application/json"))

    def now(self) -> Instant:
        return int(time.time() * 1000)


def reading_costs(platforms: Sequence[str] = ()) -> list[ReadingCost]:
    """The costs of every stream of the platforms, by default of all platforms."""
    return [
        cost for platform in platforms or registry.names() for cost in _platform(Platform(platform))
    ]


def _platform(platform: Platform) -> Iterator[ReadingCost]:
    now = int(time.time() * 1000) // DAY * DAY
    spec = WorldSpec(
        now=now, shoppers=RECORDS, sales=RECORDS, stores=1, products=RECORDS, old_lots=0, mess=0
    )
    profile = registry.profile(platform)
    with server_of(platform)(World(spec, platform_of(platform))) as server:
        typed = server.api.credentials()[0]
        access = CredentialAccess(platform, typed, None, "America/Los_Angeles", permit=do_nothing)
        plans = [StreamPlan(stream, now, history_from=now - YEAR) for stream in STREAMS]
        recorded = [_record(profile, access, server.base_url, plan) for plan in plans]
    for plan, bodies in zip(plans, recorded, strict=True):
        yield _measure(profile, access, plan, bodies)


def _record(
    profile: Profile, access: CredentialAccess, base_url: str, plan: StreamPlan
) -> list[bytes]:
    """Read a stream once. Returns the bodies of its answers, in order."""
    transport = Transport(SystemClock(), base_url, title=profile.title, permit=do_nothing)
    auth = AuthVariants(profile, Keyring(access.fields), transport)
    bodies: list[bytes] = []
    parse = transport.parse

    def record(body: bytes, content_type: str) -> Any:
        bodies.append(body)
        return parse(body, content_type)

    transport.parse = record
    for _ in _pages(Session(profile, access, auth), plan):
        pass
    transport.close()
    return bodies


def _pages(session: Session, plan: StreamPlan) -> Iterator[Page]:
    cursor: Cursor | None = None
    while True:
        page = session.fetch(plan, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


def _measure(
    profile: Profile, access: CredentialAccess, plan: StreamPlan, bodies: list[bytes]
) -> ReadingCost:
    """The cost in the least disturbed of several rounds.

    A page is released before the next, as by a worker, and the collector runs as it does there.
    """

    def pages() -> Iterator[Page]:
        replay = cast(Transport, Replay(bodies))
        auth = AuthVariants(profile, Keyring(access.fields), replay)
        return _pages(Session(profile, access, auth), plan)

    facts: list[Any] = [fact for page in pages() for fact in page.facts]
    gc.collect()
    gc.freeze()
    try:
        json = _least(lambda: deque(map(orjson.loads, bodies), maxlen=0))
        read = _least(lambda: deque(pages(), maxlen=0))
        digests = _least(lambda: [(digest(fact), id_digest(fact.ext_id)) for fact in facts])
    finally:
        gc.unfreeze()
    per = 1e6 / len(facts)
    size = sum(map(len, bodies)) / len(facts)
    platform, stream = profile.platform, plan.stream
    return ReadingCost(platform, stream, len(facts), size, json * per, read * per, digests * per)


def _least(work: Callable[[], object]) -> float:
    """The least CPU seconds that the work took in several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def show(report: Report, costs: Sequence[ReadingCost]) -> None:
    rows = [
        (
            f"{cost.platform} {cost.stream}",
            f"{cost.records:,}",
            f"{cost.bytes:,.0f}",
            f"{cost.json:.1f}",
            f"{cost.read:.1f}",
            f"{cost.read / LINES_A_SALE:.1f}" if cost.stream == "sales" else "",
            f"{cost.times_json:.1f}",
            f"{cost.digest:.1f}",
        )
        for cost in costs
    ]
    head = (
        "CPU µs per record",
        "records",
        "bytes",
        "JSON",
        "read",
        "a line",
        "times JSON",
        "digest",
    )
    report.table("Reading a record, from bytes to facts", head, rows)
    report.data["reading"] = [{**vars(cost), "times_json": cost.times_json} for cost in costs]
    for platform in dict.fromkeys(cost.platform for cost in costs):
        dearest = max((c for c in costs if c.platform == platform), key=lambda cost: cost.read)
        what = f"CPU to read a record of {platform}"
        note = f"{dearest.stream} are the dearest"
        report.budgets.append(Budget(what, dearest.read, BUDGET_MICROS, "µs", note))


if __name__ == "__main__":
    report = Report()
    show(report, reading_costs(sys.argv[1:]))
    report.close()
