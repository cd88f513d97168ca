"""Sort logged facts into shards on the disk, so that memory does not grow with their number."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

from chalicelib.domain.backups import shard_of
from chalicelib.services.freezing.shards import Lines
from chalicelib.services.ports.facts_log import FactLines, LoggedFact

MOST_BYTES = 200_000_000
"""Of lines at once: a function's own disk has 512 MB."""


class Spill:
    """Holds logged facts by shard; of several versions of a fact the last one counts."""

    def __init__(self, shards: int, lines: FactLines) -> None:
        self._count = shards
        self._lines = lines
        self._files: dict[int, IO[bytes]] = {}
        self._open = ExitStack()
        self.size = 0
        self.facts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def is_full(self) -> bool:
        return self.size >= MOST_BYTES

    def add(self, facts: list[LoggedFact]) -> None:
        self.facts += len(facts)
        for place, line in facts:
            number = shard_of(place, self._count)
            if number not in self._files:
                file = TemporaryFile()  # noqa: SIM115 -- the stack closes it
                self._files[number] = self._open.enter_context(file)
            self._files[number].write(line + b"\n")
            self.size += len(line) + 1

    @property
    def shards(self) -> list[int]:
        """The numbers of the shards of which there is anything."""
        return sorted(self._files)

    def lines(self, shard: int) -> Lines:
        """The last line of each fact of a shard."""
        if shard not in self._files:
            return {}
        file = self._files[shard]
        file.seek(0)
        return {self._lines.place(line): line for line in file.read().splitlines()}
