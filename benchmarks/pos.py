"""The simulated POSaBIT as a process of its own, every page rendered before the first request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools.demo.simulator import Simulator
from tools.paths import LOCAL

SALES_PER_SHOPPER = 4


@dataclass(frozen=True)
class Traffic:
    """The requests that the POS got and the rows that it sent."""

    requests: int
    rows: int


@dataclass(frozen=True)
class Pos:
    """The POS of one store, as the benchmarks use it."""

    simulator: Simulator

    @property
    def base_url(self) -> str:
        return self.simulator.base_url

    @property
    def token(self) -> str:
        return str(self.simulator.venues[0]["token"])

    def touch(self, resource: str, percent: float, seed: int) -> int:
        """Change that share of the rows. Returns how many they were."""
        edit = {"do": "touch", "resource": resource, "percent": percent, "seed": seed}
        return len(self.simulator.control("POST", "edits", edit)["changed"])

    def warm(self) -> None:
        """Render what edits made stale, so that nobody's measurement waits for it."""
        self.simulator.control("POST", "warm")

    def take_traffic(self) -> Traffic:
        """The traffic since the last call."""
        stats = self.simulator.control("GET", "stats")
        self.simulator.control("DELETE", "stats")
        rows = sum(resource["rows"] for resource in stats["resources"].values())
        return Traffic(stats["requests"], rows)


@contextmanager
def simulated_pos(shoppers: int) -> Iterator[Pos]:
    """A retailer of one store whose shoppers all have phone and e-mail, and four sales each."""
    world = {
        "mess": 0,
        "shoppers": shoppers,
        "sales": shoppers * SALES_PER_SHOPPER,
        "stores": 1,
        "cache-mb": 512 + shoppers // 20,
    }
    log = LOCAL / "logs" / "bench-posabit.log"
    with Simulator("posabit", port=0, world=world, log=log, flags=("--warm",)) as simulator:
        yield Pos(simulator)
