"""Finds sales by the time on the store's clock, for platforms that are asked by date."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from simulators.retailer.tables import LatestValues
from simulators.retailer.world import Shop
from simulators.retailer.zones import DAY, offset


def wall_clock(instant: int, rails_zone: str) -> int:
    """The time on the clock in the store, in ms as if it were UTC: in autumn an hour repeats."""
    return instant + offset(rails_zone, instant)


class SalesClock:
    """Finds the sales of a shop in a window of time. Keeps an index until the sales change."""

    def __init__(self) -> None:
        self._indexes = LatestValues[tuple[list[int], list[int]]]()

    def by_wall_clock(self, shop: Shop, low: int | None, high: int | None) -> list[int]:
        """Positions of sales with low <= wall clock <= high, in the order they happened."""
        times, positions = self._index(shop)
        # Wall clock and instant are less than a day apart.
        start = 0 if low is None else bisect_left(times, low - DAY)
        end = len(times) if high is None else bisect_right(times, high + DAY)
        zone = shop.venue.rails_zone
        chosen = []
        for time, at in zip(times[start:end], positions[start:end], strict=True):
            on_wall = wall_clock(time, zone)
            if (low is None or low <= on_wall) and (high is None or on_wall <= high):
                chosen.append(at)
        return chosen

    def by_instant(self, shop: Shop, low: int | None, high: int | None) -> list[int]:
        """Positions of sales with low <= instant <= high, in the order they happened."""
        times, positions = self._index(shop)
        start = 0 if low is None else bisect_left(times, low)
        end = len(times) if high is None else bisect_right(times, high)
        return positions[start:end]

    def _index(self, shop: Shop) -> tuple[list[int], list[int]]:
        return self._indexes.get(id(shop), shop.sales.version, lambda: _sorted_sales(shop))


def _sorted_sales(shop: Shop) -> tuple[list[int], list[int]]:
    """The instants of the sales in order, and their positions."""
    edited = {at: row.ordered for at, row in shop.sales.edited()}
    generated = shop.receipts.ordered
    pairs = sorted(
        (edited[at] if at in edited else generated[at], at) for at in shop.sales.positions()
    )
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
