"""Measures what a preview costs per persona in a small and a large account (product.md §7, §8).

The account is made by real commits; the count goes through the real services and row decoders.
Only the tables are in memory.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.account import PLATFORM, UID
from benchmarks.growth import NOW, PAGE, RULES, TABLE, Bench, sale, shopper
from benchmarks.units import Meter
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.persona_list import DynamoPersonaList
from chalicelib.adapters.dynamo.preview_reads import DynamoPreviewReads
from chalicelib.domain.rules import Source, Terms
from chalicelib.domain.times import DAY, day_text, utc_day
from chalicelib.domain.words import Instant
from chalicelib.services.changes.count import CountChange
from chalicelib.services.changes.preview import PAGE as COUNTED_AT_ONCE
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.ports.changes import LOYALTY, PreviewCounts

BUYERS = 3
"""One of so many shoppers never bought anything; the others did on the days of a year."""


@dataclass(frozen=True)
class PreviewCost:
    """CPU and read units per persona; `peak_kb` is the most memory that counting took."""

    what: str
    personas: int
    cpu_micros: float
    reads: float
    peak_kb: float


class NobodyToAsk:
    """The `Askable` port: neither preview asks anybody."""

    def askable(self, uid: str, numbers: Sequence[str]) -> int:
        raise AssertionError(f"{len(numbers)} numbers of {uid}")


class IdleMeter(Meter):
    """Counts nothing and remembers no rows, which would be taken for memory of the preview."""

    def count(self, call: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Nothing."""


def previewing_costs(sizes: Sequence[int]) -> list[PreviewCost]:
    """The costs of two previews: an enrolment date half a year earlier, and twice the points."""
    costs = []
    for size in sizes:
        bench = _account(size)
        costs += [_count(bench, what, proposal) for what, proposal in _proposals().items()]
    return costs


def _account(personas: int) -> Bench:
    bench = Bench()
    for first in range(0, personas, PAGE):
        people = [shopper(first + n) for n in range(PAGE)]
        bench.take("shopper", "customers", people)
        sold = [
            sale(first + n, who.ext_id, _bought_at(first + n))
            for n, who in enumerate(people)
            if (first + n) % BUYERS
        ]
        bench.take("sale", "sales", sold)
    bench.dynamo.index("recent", "recent_shard", "inserted_at")
    return bench


def _bought_at(number: int) -> Instant:
    return NOW - (number * 7 % 365) * DAY


def _proposals() -> dict[str, Proposal]:
    rules = RULES.get(UID)
    half_a_year_ago = utc_day(NOW) - 182
    enrolled = replace(rules, sources={PLATFORM: Source(enroll_after=half_a_year_ago)})
    doubled = replace(rules, loyalty=replace(rules.loyalty, points_per_100=2_000))
    return {
        "enrolment": Proposal(
            UID, PLATFORM, {"enroll_after": day_text(half_a_year_ago)}, rules, enrolled
        ),
        "loyalty": Proposal(UID, LOYALTY, {"points_per_100": 2_000}, rules, doubled),
    }


def _count(bench: Bench, what: str, proposal: Proposal) -> PreviewCost:
    bench.meter.forget()
    counts, cpu = _walk(bench, proposal)
    reads = bench.meter.total("reads")
    meter, bench.dynamo.meter = bench.dynamo.meter, IdleMeter({})
    tracemalloc.start()
    _walk(bench, proposal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    bench.dynamo.meter = meter
    people = counts.personas
    return PreviewCost(what, people, cpu * 1e6 / people, reads / people, peak / 1024)


def _walk(bench: Bench, proposal: Proposal) -> tuple[PreviewCounts, float]:
    """Do the whole preview, page by page.

    Returns the counts and the CPU seconds, without those of counting units.
    """
    clock = SystemClock()
    table = BatchTable(bench.dynamo, TABLE, clock)
    listed = DynamoPersonaList(table)
    terms = Terms(NOW, proposal.wanted)
    preview_reads = DynamoPreviewReads(table)
    count_change = CountChange(preview_reads, NobodyToAsk(), proposal, terms)
    counts, after = PreviewCounts(), None
    began, own = time.process_time(), bench.meter.own_seconds
    while True:
        ids, after = listed.in_turn(UID, COUNTED_AT_ONCE, after)
        counts = count_change.page(ids, counts) if ids else counts
        if after is None:
            used = time.process_time() - began - (bench.meter.own_seconds - own)
            return counts, used
