"""Switches from one POS to another, their checks, and sales that look doubled (product.md §10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from chalicelib.domain.rules import Rules
from chalicelib.domain.words import Day, Double, Instant, Minor, Platform, ScopeId, Uid
from chalicelib.services.ports.audit import AuditEntry

SwitchState = Literal["open", "finished", "abandoned"]


@dataclass(frozen=True, slots=True)
class PosSwitch:
    """An account switches from the POS `old` to `new` on its local day `day`.

    `checking`: the number of the check under way, 0 for none; `checked`: of the last one that
    ended. `seq` is the row's version.
    """

    id: str
    uid: Uid
    old: Platform
    new: Platform
    day: Day
    by: str
    begun_at: Instant
    state: SwitchState = "open"
    ended_at: Instant | None = None
    ended_by: str = ""
    checking: int = 0
    checked: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class SwitchCheck:
    """One look at everybody during a switch: how many personas both POS know, the old one alone,
    and the new one alone; how many pairs of sales look doubled, and of how many nobody said yet
    what they are.

    `after`: up to which persona it is; `rules_version`: of the rules by which it judges.
    """

    uid: Uid
    switch: str
    number: int
    requested_at: Instant
    rules_version: int
    after: str | None = None
    personas: int = 0
    joined: int = 0
    only_old: int = 0
    only_new: int = 0
    doubled: int = 0
    undecided: int = 0
    heartbeat_at: Instant | None = None
    ended_at: Instant | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class SaleOfPair:
    """A sale of a pair. `amount`: without tip and fees, in minor units."""

    platform: Platform
    scope: ScopeId
    ext_id: str
    ordered_at: Instant
    amount: Minor
    double: Double = ""


@dataclass(frozen=True, slots=True)
class DoubledPair:
    """Two sales of one person (`persona`: the contactID) on one local day that look like one.

    `n` names it within a switch, the latest day last.
    """

    n: str
    persona: str
    day: Day
    old: SaleOfPair
    new: SaleOfPair

    @property
    def is_decided(self) -> bool:
        return bool(self.old.double or self.new.double)


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """All that beginning or ending a switch writes at once. `rules` and `switch` at the versions
    they were read at."""

    rules: Rules
    switch: PosSwitch
    audit: AuditEntry


class PosSwitches(Protocol):
    """Stores switches with their checks."""

    def apply(self, change: SwitchChange) -> PosSwitch:
        """Write all of it or nothing. Raises StaleVersion."""
        ...

    def save(self, switch: PosSwitch) -> PosSwitch:
        """Save at `seq` + 1. Raises StaleVersion."""
        ...

    def get(self, uid: Uid, switch: str) -> PosSwitch:
        """Raises NotFound."""
        ...

    def all(self, uid: Uid) -> list[PosSwitch]:
        """Every switch of the account, newest first."""
        ...

    def check(self, uid: Uid, switch: str, number: int) -> SwitchCheck:
        """Raises NotFound."""
        ...

    def save_check(self, check: SwitchCheck) -> SwitchCheck:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def put_pairs(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> None:
        """Store pairs that a check found; the same again changes nothing."""
        ...

    def pair(self, check: SwitchCheck, n: str) -> DoubledPair:
        """Raises NotFound."""
        ...

    def pairs(
        self, check: SwitchCheck, limit: int, after: str | None
    ) -> tuple[list[DoubledPair], str | None]:
        """A page of a check's pairs, the earliest day first, and the position to go on after."""
        ...

    def decide(self, check: SwitchCheck, pairs: Iterable[DoubledPair]) -> SwitchCheck:
        """Store the pairs and the check with its counts at once. Raises StaleVersion."""
        ...
