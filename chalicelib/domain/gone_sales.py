"""Finds the sales that are gone from a POS which lists its sales by day (product.md §5).

A sale that two complete readings of its day, a day apart, no longer show counts as void. A reading
that lacks more than 10 % of the days' known sales, at least 20, tells nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from chalicelib.domain.manifest import id_digest
from chalicelib.domain.times import DAY, HOUR, utc_day
from chalicelib.domain.words import Day, Instant

DAYS_WATCHED = 42
"""Sales are watched for so many days: longer than any pass looks back without being asked."""

A_DAY_APART = 22 * HOUR
"""Daily passes are 23 hours apart when clocks go forward, less what the first one waited."""

MANY, SHARE = 20, 0.1
SALES_PER_ROW = 4_000
"""Of a few dozen bytes each: a row of a table takes 400 KB."""


class WatchedSale(NamedTuple):
    """A sale that the POS showed. `at`: when it was made, by the clock that the POS lists it by.
    `missing_since`: the first of the readings in a row that lack it. `gone`: it counts as void."""

    ext_id: str
    at: Instant
    missing_since: Instant | None = None
    gone: bool = False

    @property
    def day(self) -> Day:
        return utc_day(self.at)


class Absence(NamedTuple):
    """What a complete reading lacks: `missing` of the `known` sales of the days that it read, and
    those among them that are `gone` now, none where too many are missing."""

    missing: int = 0
    known: int = 0
    gone: tuple[WatchedSale, ...] = ()

    @property
    def is_suspicious(self) -> bool:
        """Whether so much is missing that the reading is not believed."""
        return self.missing >= MANY and self.missing > SHARE * self.known


class RecentSales:
    """The sales of the last weeks that a POS showed, by the `id_digest` of their id, packed by
    day."""

    def __init__(self, packed: Iterable[bytes], now: Instant) -> None:
        rows = [WatchedSale(*row) for each in packed for row in orjson.loads(zlib.decompress(each))]
        self._first_day = first_day_watched(now)
        self._sales = {id_digest(sale.ext_id): sale for sale in rows}
        self._changed: set[Day] = set()

    def __contains__(self, key: int) -> bool:
        return key in self._sales

    def is_missed(self, key: int) -> bool:
        """Whether the last reading lacked this sale: what comes back is taken in again."""
        sale = self._sales.get(key)
        return sale is not None and sale.missing_since is not None

    def is_watched(self, at: Instant) -> bool:
        return utc_day(at) >= self._first_day

    def show(self, ext_id: str, at: Instant) -> None:
        """Note that the POS shows a sale made at `at`."""
        key = id_digest(ext_id)
        if self.is_watched(at):
            self._put(key, WatchedSale(ext_id, at))
        elif (sale := self._sales.pop(key, None)) is not None:
            self._changed.add(sale.day)

    def miss(
        self,
        start: Instant,
        end: Instant,
        is_shown: Callable[[int, WatchedSale], bool],
        now: Instant,
    ) -> Absence:
        """Note what a complete reading, begun `now`, lacks of the times from `start` to before
        `end`, and return it. `is_shown`: whether it showed a sale, given with its id digest."""
        known = self._between(start, end)
        missing = {key: sale for key, sale in known.items() if not is_shown(key, sale)}
        absence = Absence(len(missing), len(known))
        if absence.is_suspicious:
            return absence
        gone = []
        for key, sale in missing.items():
            if sale.missing_since is None:
                self._put(key, sale._replace(missing_since=now))
            elif now - sale.missing_since >= A_DAY_APART:
                gone.append(sale)
        return absence._replace(gone=tuple(gone))

    def mark_gone(self, sale: WatchedSale) -> None:
        self._put(id_digest(sale.ext_id), sale._replace(gone=True))

    def take_changes(self) -> Mapping[Day, list[bytes]]:
        """Return the days that changed since the last call, packed in one row or more each."""
        days: dict[Day, list[WatchedSale]] = {day: [] for day in self._changed}
        for sale in self._sales.values() if days else ():
            if sale.day in days:
                days[sale.day].append(sale)
        self._changed = set()
        return {day: _pack(sales) for day, sales in sorted(days.items())}

    def _between(self, start: Instant, end: Instant) -> dict[int, WatchedSale]:
        return {
            key: sale
            for key, sale in self._sales.items()
            if start <= sale.at < end and not sale.gone
        }

    def _put(self, key: int, sale: WatchedSale) -> None:
        known = self._sales.get(key)
        if known == sale:
            return
        self._sales[key] = sale
        self._changed |= {sale.day} if known is None else {sale.day, known.day}


def first_day_watched(now: Instant) -> Day:
    return utc_day(now - DAYS_WATCHED * DAY)


def _pack(sales: Sequence[WatchedSale]) -> list[bytes]:
    rows = list(map(tuple, sales))
    starts = range(0, max(1, len(rows)), SALES_PER_ROW)
    return [zlib.compress(orjson.dumps(rows[at : at + SALES_PER_ROW])) for at in starts]
