"""Loops over ids that a POS lists: the rows of one parent after the other, such as the orders of
each register.

The parents are listed in pages of their own. A cursor tells the page of parents and the one being
read, not all that are to come; another process lists that page again. A parent that left it
meanwhile, or moved to another page, costs the page from its start: rows come again, none is missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.cursor import dump, load
from chalicelib.services.ports.pos import Cursor


class ParentsPage(NamedTuple):
    """The ids of a page of parents; `full`: it is the last one, and the POS lists all there are."""

    ids: tuple[str, ...]
    next: Cursor | None
    full: bool


@dataclass(frozen=True, slots=True)
class LoopPosition:
    """The position of a loop: `on` the page of parents, at `parent` (None: its first), `at` the
    place in the rows of that one. `full`: all listings before were full."""

    on: dict[str, Any] | None = None
    parent: str | None = None
    at: dict[str, Any] | None = None
    full: bool = True


class NextRows(NamedTuple):
    """What a loop reads next: the rows of `parent` (None: of nobody, the page is empty) at
    `position`."""

    parent: str | None
    position: LoopPosition


@dataclass
class ParentLoop:
    """Goes through the parents of one listing. `read`: lists the page of parents at a cursor."""

    read: Callable[[Cursor | None], ParentsPage]
    _page: tuple[Cursor | None, ParentsPage] | None = field(default=None, init=False)

    def next_rows(self, cursor: Cursor | None) -> NextRows:
        """Return whose rows come next."""
        position = load(LoopPosition, cursor) if cursor else LoopPosition()
        ids = self._parents(position.on).ids
        if position.parent in ids:
            return NextRows(position.parent, position)
        first = ids[0] if ids else None
        return NextRows(first, replace(position, parent=first, at=None))

    def after(
        self, position: LoopPosition, rows: Cursor | None, *, full: bool
    ) -> tuple[Cursor | None, bool]:
        """Return where the loop goes on, and whether it was a full listing, where it does not.

        `rows`: where the rows of the parent go on; `full`: whether they were all there are.
        """
        if rows is not None:
            return dump(replace(position, at=rows)), False
        page = self._parents(position.on)
        all_full = position.full and full
        place = page.ids.index(position.parent) + 1 if position.parent else len(page.ids)
        if place < len(page.ids):
            return dump(LoopPosition(position.on, page.ids[place], full=all_full)), False
        if page.next is None:
            return None, all_full and page.full
        if page.next == position.on:
            raise UnexpectedAnswer("The list of what to read goes on where it is.")
        return dump(LoopPosition(page.next, full=all_full)), False

    def _parents(self, on: Cursor | None) -> ParentsPage:
        if self._page is None or self._page[0] != on:
            self._page = on, self.read(on)
        return self._page[1]
