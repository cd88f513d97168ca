"""What a POS pushes while its source uses AIQ's last backup: it waits in line (freezing.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from chalicelib.domain.rules import Rules
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Instant, Platform, Uid

PushKind = Literal["members", "sales"]

MOST_WAITING = 200_000
"""Calls of a source. The quickest key makes as many in four days."""
MOST_BYTES = 512 * 1024 * 1024
"""Of a source, compressed."""


@dataclass(frozen=True, slots=True)
class WaitingPush:
    """A call that waits. `things`: what it told, each as JSON has it; `at`: when it came;
    `number`: its place in the line of its source, 0 before it has one."""

    kind: PushKind
    at: Instant
    things: Sequence[dict[str, Any]]
    number: int = 0


@dataclass(frozen=True, slots=True)
class PushLine:
    """The line of a source. `last`: the number of the call that came last; `waiting`: how many
    calls wait, `size`: their bytes."""

    last: int = 0
    waiting: int = 0
    size: int = 0


class WaitingPushes(Protocol):
    def add(self, uid: Uid, platform: Platform, push: WaitingPush, rules: Rules) -> None:
        """Put a call at the end of the line, in one transaction with the look whether the rules are
        as they were read. The same as the one that came last and still waits is one with it.

        Raises StaleVersion where the rules or the line changed meanwhile: look again. Raises
        SourceStandsStill where too many wait.
        """
        ...

    def first(self, uid: Uid, platform: Platform, limit: int) -> list[WaitingPush]:
        """Return the calls that wait the longest, in their order."""
        ...

    def waits(self, uid: Uid, platform: Platform, push: WaitingPush) -> bool:
        """Whether a call is still in the line."""
        ...

    def remove(self, uid: Uid, platform: Platform, push: WaitingPush) -> None:
        """Take a call out of the line; one that is gone is passed over. Raises StaleVersion where
        the line moved meanwhile."""
        ...

    def line(self, uid: Uid, platform: Platform) -> PushLine: ...

    def find(self, uid: Uid, platform: Platform, traces: Traces) -> list[dict[str, Any]]:
        """Return what waits and is about a person."""
        ...

    def erase(self, uid: Uid, platform: Platform, traces: Traces) -> int:
        """Take a person out of what waits; return in how many calls they were."""
        ...


class WorkOffPushes(Protocol):
    def work_off(
        self, uid: Uid, platform: Platform, time_left: Callable[[], bool]
    ) -> PushLine | None:
        """Store what waits, in its order, while the source is put forth; None where time ran out.

        Else the line as it was when nothing waited in it any more. Raises StaleVersion where
        another worker is ahead.
        """
        ...
