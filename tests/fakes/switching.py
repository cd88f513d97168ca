"""Switches from one POS to another in memory, which may crash between two writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.switching import (
    DoubledPair,
    PosSwitch,
    SwitchChange,
    SwitchCheck,
)
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook


class MemoryPosSwitches:
    """`step` is called before each write."""

    def __init__(
        self,
        rules: MemoryRuleBook,
        audit: MemoryAudit,
        step: Callable[[], object] = do_nothing,
    ) -> None:
        self.switches: dict[tuple[str, str], PosSwitch] = {}
        self.checks: dict[tuple[str, str, int], SwitchCheck] = {}
        self.found: dict[tuple[str, str, int], dict[str, DoubledPair]] = {}
        self._rules, self._audit, self._step = rules, audit, step

    def apply(self, change: SwitchChange) -> PosSwitch:
        self._step()
        switch = change.switch
        if self._rules.get(switch.uid).version != change.rules.version:
            raise StaleVersion("the rules were changed meanwhile")
        self._must_be_at(switch)
        self._rules.save(switch.uid, change.rules)
        self._audit.record(switch.uid, change.audit)
        return self._put(switch)

    def save(self, switch: PosSwitch) -> PosSwitch:
        self._step()
        self._must_be_at(switch)
        return self._put(switch)

    def get(self, uid: str, switch: str) -> PosSwitch:
        if (uid, switch) not in self.switches:
            raise NotFound("there is no such switch")
        return self.switches[uid, switch]

    def all(self, uid: str) -> list[PosSwitch]:
        found = [switch for (of, _), switch in self.switches.items() if of == uid]
        return sorted(found, key=lambda switch: switch.id, reverse=True)

    def check(self, uid: str, switch: str, number: int) -> SwitchCheck:
        if (uid, switch, number) not in self.checks:
            raise NotFound("there is no such check")
        return self.checks[uid, switch, number]

    def save_check(self, check: SwitchCheck) -> SwitchCheck:
        self._step()
        place = check.uid, check.switch, check.number
        held = self.checks.get(place)
        if (held.seq if held else 0) != check.seq:
            raise StaleVersion("somebody else goes on with it")
        self.checks[place] = replace(check, seq=check.seq + 1)
        return self.checks[place]

    def put_pairs(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> None:
        for pair in pairs:
            self._step()
            self._of(check)[pair.n] = pair

    def pair(self, check: SwitchCheck, n: str) -> DoubledPair:
        if n not in self._of(check):
            raise NotFound("there is no such pair")
        return self._of(check)[n]

    def pairs(
        self, check: SwitchCheck, limit: int, after: str | None
    ) -> tuple[list[DoubledPair], str | None]:
        names = sorted(n for n in self._of(check) if after is None or n > after)
        page = [self._of(check)[n] for n in names[:limit]]
        return page, page[-1].n if len(names) > limit else None

    def decide(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> SwitchCheck:
        saved = self.save_check(check)
        for pair in pairs:
            self._of(check)[pair.n] = pair
        return saved

    def _of(self, check: SwitchCheck) -> dict[str, DoubledPair]:
        return self.found.setdefault((check.uid, check.switch, check.number), {})

    def _must_be_at(self, switch: PosSwitch) -> None:
        held = self.switches.get((switch.uid, switch.id))
        if (held.seq if held else 0) != switch.seq:
            raise StaleVersion("the switch was changed meanwhile")

    def _put(self, switch: PosSwitch) -> PosSwitch:
        saved = replace(switch, seq=switch.seq + 1)
        self.switches[saved.uid, saved.id] = saved
        return saved
