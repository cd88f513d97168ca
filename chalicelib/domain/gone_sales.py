"""Finds the sales that are gone from a POS which lists its sales by day (product.md §5).

A sale that two complete readings of its day, a day apart, no longer show counts as void. A reading
that lacks more than 10 % of the days' known sales, at least 20, tells nothing.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from chalicelib.domain.manifest import id_digest
from chalicelib.domain.times import DAY, HOUR, utc_day
from chalicelib.domain.words import Day, Instant

DAYS_WATCHED = 400
"""Sales are watched for so many days: longer than a first pass reads back unless it is asked."""

DAYS_READ = 42
"""Sales of so many days are looked at in every run: no pass looks further back unasked."""

MOST_WATCHED = 200_000
"""Sales of one source, the newest, that a run keeps in mind: about 70 MB."""

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

    def __init__(self, packed: Iterable[bytes], since: Day) -> None:
        """`packed`: the days from `since` on, as they were stored, newest first."""
        self._since = since
        self._sales: dict[int, WatchedSale] = {}
        self._keys: defaultdict[Day, set[int]] = defaultdict(set)
        self._changed: set[Day] = set()
        for each in packed:
            rows = [WatchedSale(*row) for row in orjson.loads(zlib.decompress(each))]
            if len(self._sales) + len(rows) > MOST_WATCHED:
                self._since = max(sale.day for sale in rows) + 1
                break
            for sale in rows:
                key = id_digest(sale.ext_id)
                self._sales[key] = sale
                self._keys[sale.day].add(key)

    @property
    def by_key(self) -> Mapping[int, WatchedSale]:
        """The sales as they are at any time."""
        return self._sales

    def is_missed(self, key: int) -> bool:
        """Whether the last reading lacked this sale: what comes back is taken in again."""
        sale = self._sales.get(key)
        return sale is not None and sale.missing_since is not None

    def show(self, ext_id: str, at: Instant) -> bool:
        """Note that the POS shows a sale made at `at`; whether it is watched."""
        key = id_digest(ext_id)
        if utc_day(at) < self._since or (
            key not in self._sales and len(self._sales) >= MOST_WATCHED
        ):
            self.forget(ext_id)
            return False
        self._put(key, WatchedSale(ext_id, at))
        return True

    def forget(self, ext_id: str) -> None:
        """Watch no more for an id that a sale had once, or that is too old."""
        key = id_digest(ext_id)
        if (sale := self._sales.pop(key, None)) is not None:
            self._keys[sale.day].discard(key)
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
        days, self._changed = sorted(self._changed), set()
        return {day: _pack([self._sales[key] for key in sorted(self._keys[day])]) for day in days}

    def _between(self, start: Instant, end: Instant) -> dict[int, WatchedSale]:
        first, last = utc_day(start), utc_day(end)
        return {
            key: sale
            for day, keys in self._keys.items()
            if first <= day <= last
            for key in keys
            if start <= (sale := self._sales[key]).at < end and not sale.gone
        }

    def _put(self, key: int, sale: WatchedSale) -> None:
        known = self._sales.get(key)
        if known == sale:
            return
        if known is not None:
            self._keys[known.day].discard(key)
            self._changed.add(known.day)
        self._sales[key] = sale
        self._keys[sale.day].add(key)
        self._changed.add(sale.day)


def first_day_watched(now: Instant, read_from: Instant) -> Day:
    """Return the first day of which a run that reads back to `read_from` looks at sales."""
    since = min(read_from - DAY, now - DAYS_READ * DAY)
    return utc_day(max(since, now - DAYS_WATCHED * DAY))


def _pack(sales: Sequence[WatchedSale]) -> list[bytes]:
    rows = list(map(tuple, sales))
    starts = range(0, max(1, len(rows)), SALES_PER_ROW)
    return [zlib.compress(orjson.dumps(rows[at : at + SALES_PER_ROW])) for at in starts]
