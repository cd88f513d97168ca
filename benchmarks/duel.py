"""Compares us with others on one POS: the same records, in turns, by medians.

The machine's CPU is worth more or less from one second to the next (a neighbour on the same core
makes it up to 1.7 times dearer), so one run beside one run says little.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.local import local_aws
from benchmarks.peers import PEERS, PHASES, PeerCost, measure
from benchmarks.phases import Phase, Retailer
from benchmarks.pos import Pos, simulated_pos
from tools.steps import step

SHOPPERS = 5_000
"""Few enough that dlt takes a minute; what a run costs once is a tenth of what its records do."""
ROUNDS = 3
ONCE = frozenset({"dlt"})
"""Needs some ten times what the others do, so it has no close race and one turn is enough."""


@dataclass
class Duel:
    """Collects the costs of our runs and of the peers'.

    `ours` are runs with nothing changed; no peer keeps anything that makes its second run cheaper,
    so each of its runs is a sample of the same figure.
    """

    first: Phase
    ours: list[Phase] = field(default_factory=list)
    peers: dict[str, list[PeerCost]] = field(default_factory=dict)

    def our_micros(self) -> float:
        return statistics.median(phase.cpu_micros for phase in self.ours)

    def peer_micros(self) -> dict[str, float]:
        """CPU per record of each peer that ran."""
        return {
            peer: statistics.median(cost.cpu_micros for cost in costs)
            for peer, costs in self.peers.items()
            if not any(cost.error for cost in costs)
        }

    def as_dict(self) -> dict[str, object]:
        return {
            "first_load_us": self.first.cpu_micros,
            "no_change_us": [phase.cpu_micros for phase in self.ours],
            "peers": {peer: [c.as_dict() for c in costs] for peer, costs in self.peers.items()},
        }


def duel(shoppers: int = SHOPPERS) -> Duel:
    with local_aws() as environment, simulated_pos(shoppers) as pos:
        retailer = Retailer(environment, pos)
        with step(f"first load of {shoppers:,} shoppers, for the comparison"):
            result = Duel(retailer.sync("first load", "now"))
        for peer in ONCE:
            result.peers[peer] = _peer(peer, pos, "first load")
        for _ in range(ROUNDS):
            for peer in PEERS:
                if peer not in ONCE:
                    with step("no change"):
                        result.ours.append(retailer.sync("no change", "reread"))
                    result.peers.setdefault(peer, []).extend(_peer(peer, pos))
    return result


def _peer(peer: str, pos: Pos, *phases: str) -> list[PeerCost]:
    with step(PEERS[peer]):
        return measure(peer, pos, phases or PHASES)
