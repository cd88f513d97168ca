"""Rows of one kind at one venue, made when they are asked for, with edits on top."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """What every row has: times and a number, even where the row is sent without its id."""

    @property
    def id(self) -> int: ...
    @property
    def created(self) -> int: ...
    @property
    def updated(self) -> int: ...


R = TypeVar("R", bound=Row)
V = TypeVar("V")


class LatestValues(Generic[V]):
    """Caches one value for each key, until the state that it was made from changes."""

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[object, V]] = {}

    def get(self, key: Hashable, state: object, make: Callable[[], V]) -> V:
        """The value of `key`, made anew where `state` is not the one of the last call."""
        known = self._values.get(key)
        if known is None or known[0] != state:
            known = state, make()
            self._values[key] = known
        return known[1]


class Table(Generic[R]):
    """Holds the rows of one kind at one venue: generated when they are asked for, then edited.

    Positions are 0..n-1 in creation order; `ids`, `created`, `updated` go by position. `version`
    rises with every change, so that whoever caches something of the table knows when it is stale.
    """

    def __init__(self, ids: array[int], created: array[int], updated: array[int]) -> None:
        self.ids = ids
        self.created = created
        self.updated = updated
        self.version = 0
        self._edited: dict[int, R] = {}
        self._gone: set[int] = set()
        self._by_id: dict[int, int] | None = None
        self._orders = LatestValues[list[int]]()
        self._rendered: dict[str, dict[int, bytes]] = {}
        self._make: Callable[[int], R] = self._edited.__getitem__

    def made_by(self, make: Callable[[int], R]) -> Table[R]:
        """The table, with `make(position)` for the row as it was generated."""
        self._make = make
        return self

    def __len__(self) -> int:
        return len(self.ids) - len(self._gone)

    def get(self, position: int) -> R:
        edited = self._edited.get(position)
        return self._make(position) if edited is None else edited

    def positions(self) -> list[int]:
        if not self._gone:
            return list(range(len(self.ids)))
        return [at for at in range(len(self.ids)) if at not in self._gone]

    def rows(self) -> Iterator[R]:
        return map(self.get, self.positions())

    def edited(self) -> Iterator[tuple[int, R]]:
        """Rows that are not as they were generated, by position."""
        return iter(self._edited.items())

    def find(self, row_id: int) -> int | None:
        """The position of a live row by its number."""
        if self._by_id is None:
            self._by_id = {number: at for at, number in enumerate(self.ids)}
        at = self._by_id.get(row_id)
        return None if at is None or at in self._gone else at

    def in_order(self, column: str, *, descending: bool = False) -> list[int]:
        """Live positions by `id`, `created` or `updated`, ties by position. Not to be changed."""
        values: array[int] = getattr(self, f"{column}s" if column == "id" else column)
        return self._orders.get(
            (column, descending),
            self.version,
            lambda: sorted(self.positions(), key=values.__getitem__, reverse=descending),
        )

    def rendered(self, style: str) -> dict[int, bytes]:
        """The cache of rows written in some style, by position; a row that changes leaves it."""
        return self._rendered.setdefault(style, {})

    def forget_rendered(self) -> None:
        self._rendered.clear()

    def _changed(self, position: int) -> None:
        for cache in self._rendered.values():
            cache.pop(position, None)
        self.version += 1

    def put(self, position: int, row: R) -> None:
        self._edited[position] = row
        self.updated[position] = row.updated
        self._changed(position)

    def append(self, row: R) -> None:
        position = len(self.ids)
        self.ids.append(row.id)
        self.created.append(row.created)
        self.updated.append(row.updated)
        if self._by_id is not None:
            self._by_id[row.id] = position
        self.put(position, row)

    def drop(self, position: int) -> None:
        self._gone.add(position)
        self._edited.pop(position, None)
        self._changed(position)


def table_of(rows: list[R]) -> Table[R]:
    """A table over rows that exist already."""
    ids = array("q", [row.id for row in rows])
    created = array("q", [row.created for row in rows])
    updated = array("q", [row.updated for row in rows])
    return Table[R](ids, created, updated).made_by(rows.__getitem__)
