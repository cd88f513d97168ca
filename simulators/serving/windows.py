"""Sales by the time on the store's clock, for platforms that are asked by date."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from simulators.retailer.world import Shop
from simulators.retailer.zones import DAY, offset


def wall(instant: int, rails_zone: str) -> int:
    """What the clock in the store shows, counted like an instant: in autumn an hour repeats."""
    return instant + offset(rails_zone, instant)


class SalesClock:
    """Finds the sales of a shop by wall clock. Keeps an index until the sales change."""

    def __init__(self) -> None:
        self._by_shop: dict[int, tuple[int, list[int], list[int]]] = {}

    def between(self, shop: Shop, low: int | None, high: int | None) -> list[int]:
        """Positions of sales with low <= wall clock <= high, in the order they happened."""
        times, positions = self._index(shop)
        # Wall clock and instant are less than a day apart.
        start = 0 if low is None else bisect_left(times, low - DAY)
        end = len(times) if high is None else bisect_right(times, high + DAY)
        zone = shop.venue.rails_zone
        chosen = []
        for time, at in zip(times[start:end], positions[start:end], strict=True):
            shown = wall(time, zone)
            if (low is None or low <= shown) and (high is None or shown <= high):
                chosen.append(at)
        return chosen

    def within(self, shop: Shop, low: int | None, high: int | None) -> list[int]:
        """Positions of sales with low <= instant <= high, in the order they happened."""
        times, positions = self._index(shop)
        start = 0 if low is None else bisect_left(times, low)
        end = len(times) if high is None else bisect_right(times, high)
        return positions[start:end]

    def _index(self, shop: Shop) -> tuple[list[int], list[int]]:
        version, times, positions = self._by_shop.get(id(shop), (-1, [], []))
        if version != shop.sales.version:
            edited = {at: row.ordered for at, row in shop.sales.edited()}
            generated = shop.receipts.ordered
            pairs = sorted(
                (edited[at] if at in edited else generated[at], at) for at in shop.sales.positions()
            )
            times, positions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            self._by_shop[id(shop)] = (shop.sales.version, times, positions)
        return times, positions
