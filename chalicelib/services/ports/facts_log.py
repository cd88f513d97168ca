"""The log of pulled facts: what each commit stored of them, in the order of commits (freezing.md).

Backups are made of it, and it says what a source has to be put back from. A commit writes its part
with its other rows; what a crash left out is logged anew by the next commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from chalicelib.domain.pulled_facts import FactPlace, PulledFact
from chalicelib.domain.words import Fence, Platform, Uid


class LoggedFact(NamedTuple):
    """A version of a fact as one line of JSON, without its line break."""

    place: FactPlace
    line: bytes


class FactsLog(Protocol):
    def read(
        self, uid: Uid, platform: Platform, after: Fence, until: Fence
    ) -> Iterator[tuple[Fence, list[LoggedFact]]]:
        """Yield page by page what each commit after `after`, up to `until`, stored, in their
        order."""
        ...

    def rewrite(
        self,
        uid: Uid,
        platform: Platform,
        after: str,
        change: Callable[[bytes], bytes | None],
        time_left: Callable[[], bool],
    ) -> tuple[str | None, int]:
        """Put what `change` makes of each line in its place; None deletes it.

        Begins after the position `after`. Return the position to go on from when the time is up,
        None at the end, and how many lines changed.
        """
        ...

    def delete(self, uid: Uid, platform: Platform, until: Fence) -> None:
        """Delete what commits up to `until` stored, and keep in mind that it is deleted."""
        ...

    def deleted_until(self, uid: Uid, platform: Platform) -> Fence:
        """The last commit of which what it stored was, or is being, deleted."""
        ...


class FactLines(Protocol):
    """Writes pulled facts as lines of JSON and reads them; fields it does not know are dropped."""

    def line(self, fact: PulledFact) -> bytes: ...

    def fact(self, line: bytes) -> PulledFact: ...

    def place(self, line: bytes) -> FactPlace: ...

    def is_erased(self, line: bytes) -> bool:
        """Whether the line only says that a shopper was erased."""
        ...
