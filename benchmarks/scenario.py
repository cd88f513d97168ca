"""A run beside people in virtual time: what is run, and what it came to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, Literal

from benchmarks.slow_dynamo import Latency

Company = Literal["nobody", "people", "tills"]

BESIDE_SECONDS = 90.0
"""A load beside people is compared with one alone over so long from their beginning: pages of
shoppers, which come first, are cheaper than the pages of sales that follow."""


@dataclass(frozen=True)
class Scenario:
    """One run. `pos_seconds`: how long the POS takes for a page. `seconds`: of virtual time;
    `beside`: who waits beside the load, `people` who sign up or adjust points, or `tills`.
    `every_setting`: points expire, a day counts so many sales, whoever bought is asked for SMS
    consent and some are opted out; else whoever buys is a member and earns. `killed_at`: the second
    after which the first credential's worker dies inside a commit, 0 for never."""

    latency: Latency
    credentials: int
    pos_seconds: float
    seconds: float
    beside: Company = "people"
    every_setting: bool = True
    killed_at: float = 0.0

    @property
    def people(self) -> bool:
        return self.beside != "nobody"

    @property
    def title(self) -> str:
        beside = f"beside {self.beside}" if self.people else "alone"
        settings = "every setting" if self.every_setting else "loyalty only"
        pos = f"POS {self.pos_seconds * 1000:.0f} ms"
        return f"{self.latency.name}, {pos}, {self.credentials} loading {beside}, {settings}"


@dataclass
class Outcome:
    """What a run came to. `waits_of`: by kind of request, seconds from it to its answer, in which
    it was made again as often as it was told to; `busy`: how often that was. `holds`: seconds that
    each part of a load held the lock; `person_units`: write units of all people."""

    scenario: Scenario
    records: int = 0
    records_at_first: int = 0
    busy: int = 0
    waits_of: dict[str, list[float]] = field(default_factory=dict)
    holds: list[float] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    person_units: float = 0.0

    @property
    def waits(self) -> list[float]:
        return sorted(chain.from_iterable(self.waits_of.values()))

    @property
    def records_per_second(self) -> float:
        return self.records / self.scenario.seconds

    @property
    def records_per_second_at_first(self) -> float:
        return self.records_at_first / min(BESIDE_SECONDS, self.scenario.seconds)

    def add_part(self, facts: int, held_seconds: float, at: float) -> None:
        """Count what a load committed at this second."""
        self.records += facts
        self.records_at_first += facts if at < BESIDE_SECONDS else 0
        self.parts.append(facts)
        self.holds.append(held_seconds)

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self.scenario),
            "title": self.scenario.title,
            "people": self.scenario.people,
            "people_committed": len(self.waits),
            "waits": [round(wait, 4) for wait in self.waits],
            "waits_of": {
                kind: [round(wait, 4) for wait in sorted(waits)]
                for kind, waits in sorted(self.waits_of.items())
            },
            "busy": self.busy,
            "wait_p50": quantile(self.waits, 0.5),
            "wait_p99": quantile(self.waits, 0.99),
            "wait_max": max(self.waits, default=0.0),
            "hold_p50": quantile(self.holds, 0.5),
            "hold_p99": quantile(self.holds, 0.99),
            "hold_max": max(self.holds, default=0.0),
            "part_mean": statistics.fmean(self.parts) if self.parts else 0.0,
            "records_per_second": self.records_per_second,
            "records_per_second_at_first": self.records_per_second_at_first,
            "write_units_per_person": self.person_units / max(1, len(self.waits)),
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share does not exceed; 0 where there is none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
