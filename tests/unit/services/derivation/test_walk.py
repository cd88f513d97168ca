"""How a reader walks from a page of sales to the ledger: through few modules, and only forward."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from benchmarks.growth import NOW, Bench, sale, shopper
from chalicelib.domain.times import DAY

SERVICES = "chalicelib.services."
HANDED_ON = {"derivation.commit_in_progress", "sync.progress"}
"""The objects that one stage hands to the next: the commit, and the counts of the run."""


class Walk:
    """The modules of the services in the order they are entered. `returns`: those that were entered
    again after they had been left for another one."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.returns: list[str] = []
        self._running: Counter[str] = Counter()
        self._latest = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _event(self, frame: FrameType, event: str, _arg: object) -> None:
        name = frame.f_globals.get("__name__", "")
        module = name.removeprefix(SERVICES)
        if module == name or module in HANDED_ON or module.startswith("ports."):
            return
        if event == "call":
            if module not in self.entered:
                self.entered.append(module)
            elif not self._running[module] and module != self._latest:
                self.returns.append(module)
            if not self._running[module]:
                self._latest = module
            self._running[module] += 1
        elif event == "return":
            self._running[module] -= 1


def walk_of(act: Callable[[], object]) -> Walk:
    walk = Walk()
    with walk.watched():
        act()
    return walk


def test_a_page_of_sales_reaches_the_ledger_through_eight_modules_and_never_turns_back() -> None:
    bench, people = Bench(), [shopper(n) for n in range(5)]
    bench.take("shoppers", "customers", people)
    bench.take("sales", "sales", [sale(n, who.ext_id, NOW - DAY) for n, who in enumerate(people)])
    page = [sale(10 + n, who.ext_id, NOW - n) for n, who in enumerate(people)]

    walk = walk_of(lambda: bench.take("sales", "sales", page))

    to_the_ledger = walk.entered[: walk.entered.index("derivation.stages.points") + 1]
    assert to_the_ledger == [
        "sync.take_page",
        "derivation.commit",
        "derivation.terms",
        "derivation.stages.sales",
        "derivation.returns",
        "derivation.stages.reach",
        "derivation.stages.keeps",
        "derivation.stages.points",
    ]
    assert walk.returns == []


def test_a_page_of_new_shoppers_enters_each_stage_once() -> None:
    """Their sales may have waited for them: whether any has to be moved is seen in between."""
    bench = Bench()

    walk = walk_of(lambda: bench.take("shoppers", "customers", [shopper(n) for n in range(5)]))

    assert [module for module in walk.entered if module.startswith("derivation.")] == [
        "derivation.commit",
        "derivation.terms",
        "derivation.stages.customers",
        "derivation.stages.carriers",
        "derivation.stages.reach",
        "derivation.stages.sales",
        "derivation.stages.keeps",
        "derivation.stages.points",
        "derivation.stages.derived_rows",
        "derivation.stages.facts_log",
        "derivation.stages.write_order",
        "derivation.stages.effects",
    ]
    assert walk.returns == []
