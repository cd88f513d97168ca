"""Puts rows that are lines of a receipt together to the receipt (reference/pos.md §4.2).

Lines of one receipt stand on one page, in any order; a page's edge may cut through its last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from chalicelib.pos.paging.response_page import json_bytes
from chalicelib.pos.profile.mapping import LineGroup
from chalicelib.pos.profile.path import Key
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.coerce import Json, Unusable

MOST_PUSHED = 1_000
"""Rows that new ones may have pushed onto the next page: a page is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """Groups the rows of one stream as its profile says. `total`: what the whole calls its total,
    of which nothing may be missing."""

    group: LineGroup
    total: str = "total"

    def receipt_of(self, row: Json) -> str | None:
        """Return the receipt that a row is a line of; None for a receipt and for a line without
        one."""
        if not isinstance(row, dict) or self.group.into in row:
            return None
        return coerce.id_if_usable(self.group.by.value(row))

    def with_lines_merged(self, rows: list[Json]) -> list[Json]:
        """Merge the lines of each receipt, wherever they stand: two tills may sell at once. A row
        that is no line stays as it is."""
        groups: list[list[Json]] = []
        by_owner: dict[str, list[Json]] = {}
        for row in rows:
            owner = self.receipt_of(row)
            if owner in by_owner:
                by_owner[owner].append(row)
                continue
            group = [row]
            groups.append(group)
            if owner is not None:
                by_owner[owner] = group
        return [
            self._orphan(group[0])
            if self.receipt_of(group[0]) is None
            else self._receipt(self._distinct(group))
            for group in groups
        ]

    def open_receipt(self, rows: list[Json]) -> str | None:
        """Return the receipt of the page's last line, if any: the next page may have more of it."""
        return self.receipt_of(rows[-1]) if rows else None

    def without_receipt(self, rows: list[Json], owner: str | None) -> list[Json]:
        """Return the rows without the lines of one receipt."""
        return rows if owner is None else [row for row in rows if self.receipt_of(row) != owner]

    def lines_of(self, rows: list[Json], owner: str) -> list[Json]:
        """Return the lines of one receipt."""
        return [row for row in rows if self.receipt_of(row) == owner]

    def from_receipt_on(self, rows: list[Json], owner: str, before: list[Json]) -> list[Json]:
        """Return the page from the receipt on with which the page before ended: the rows above it
        were read there, before new ones pushed them here. So were lines of it, where any was pushed
        or more than one comes again: those without an id are left out. `before`: its lines so far.
        """
        for index, row in enumerate(rows):
            if self.receipt_of(row) == owner:
                rest = rows[index:]
                again = _overlap(before, rest)
                pushed = again if index or again > 1 else 0
                return [line for line in rest[:pushed] if self._has_id(line)] + rest[pushed:]
        return rows

    def _distinct(self, lines: list[Json]) -> list[Json]:
        """A line that was shown twice stands once; lines without an id are as many as there are."""
        return list(
            {
                json_bytes(line, orjson.OPT_SORT_KEYS) if self._has_id(line) else number: line
                for number, line in enumerate(lines)
            }.values()
        )

    def _has_id(self, line: Json) -> bool:
        return coerce.id_if_usable(self.group.line_id.value(line)) is not None

    def _receipt(self, lines: list[Json]) -> Json:
        group = self.group
        whole: dict[str, Any] = {**lines[0], group.into: lines}
        whole |= {name: line.value(lines[0]) for name, line in group.names.items()}
        return whole | {name: self._sum(lines, name) for name in group.sums}

    def _sum(self, lines: list[Json], name: Key) -> Json:
        """The lines' amounts together; a broken one breaks the whole, and must be seen in it. Of
        what no line says, the sum is not said either, nor is a total of lines with other amounts.
        """
        said = []
        for line in lines:
            value = self.group.sums[name].value(line)
            try:
                amount = coerce.amount_as_written(value)
            except Unusable:
                return value
            if amount is not None:
                said.append(amount)
            elif name == self.total and any(map(coerce.is_amount, self._others(line, name))):
                return value
        return str(sum(said, Decimal(0))) if said else None

    def _others(self, line: Json, name: Key) -> list[Json]:
        return [path.value(line) for other, path in self.group.sums.items() if other != name]

    def _orphan(self, row: Json) -> Json:
        """A line that names no receipt is nobody's: its own id must not pass for a receipt's."""
        if not isinstance(row, dict) or self.group.into in row or not self.group.by.is_in(row):
            return row
        return {**row, **{name: line.value(row) for name, line in self.group.names.items()}}


def _overlap(before: list[Json], after: list[Json]) -> int:
    """How many rows the one list ends with and the other begins with, at most."""
    longest = min(len(before), len(after), MOST_PUSHED)
    return next((n for n in range(longest, 0, -1) if before[-n:] == after[:n]), 0)
