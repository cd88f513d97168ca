"""A summary of a source record's sales, for personas.

A summary is immutable and holds the number of counting sales, the first and the last of them, and
the sales per store key and UTC day in the 12 months before the last one. A sale counts when it is
final and a sale; a later refund does not remove it, a void does, and one dated ahead counts when
its time has come (product.md §8).
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import Sale
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Double, Instant, Minor, Platform, ScopeId

WINDOW_DAYS = 365
"""The 12 months: the day of the last purchase and the 365 days before it."""

FEW_STORES, LONGEST_PACKED = 100, 380_000
"""Store keys, and bytes; a row of a table takes 400 KB."""

NO_TILL_YET: Instant = 2_524_608_000_000
"""2050-01-01: a till that says so is wrong. Derivation holds back every sale dated ahead; this
keeps a summary that was made without knowing today from being decided by such a till."""

_FORMAT = 1
_HEADER = struct.Struct("<BBIqqH")  # format, wide, total, first at, last at, store keys
_STORE = struct.Struct("<HqH")  # length of the key, last at, days
_NARROW = ("H", 7)  # type and bits for the count of a cell: (days before the last << bits) | count
_WIDE = ("I", 22)


@dataclass(frozen=True, slots=True)
class SaleRef:
    """The part of a sale that derivation needs. `store_key` is a `domain.ids.store_key_id`.

    `net`: total without tip and fees, in minor units; of a return, what was given back. `returned`:
    what final returns that name this sale gave back. `unlinked`: a final return that names none.
    `wall_clock`: as on the sale. `ahead`: dated ahead, so that it counts for nothing yet. `gone`:
    the POS no longer shows it, so that it counts as void. `double`: what a person said of it.
    """

    platform: Platform
    scope: ScopeId
    ext_id: str
    store_key: str
    ordered_at: Instant
    counts: bool
    net: Minor = 0
    tax: Minor = 0
    returned: Minor = 0
    unlinked: bool = False
    wall_clock: Instant | None = None
    ahead: bool = False
    gone: bool = False
    double: Double = ""

    @classmethod
    def of(
        cls,
        platform: Platform,
        scope: ScopeId,
        sale: Sale,
        returned: Minor = 0,
        *,
        ahead: bool = False,
        double: Double = "",
    ) -> SaleRef:
        happened = sale.happened and not ahead
        counts = happened and sale.kind == "sale"
        unlinked = happened and sale.kind == "return" and not sale.original_ext_id
        return cls(
            platform=platform,
            scope=scope,
            ext_id=sale.ext_id,
            store_key=store_key_id(platform, scope, sale.store_key),
            ordered_at=sale.ordered_at,
            counts=counts,
            net=returned_amount(sale) if unlinked else net_amount(sale) if counts else 0,
            tax=sale.tax if counts else 0,
            returned=returned if counts else 0,
            unlinked=unlinked,
            wall_clock=sale.wall_clock,
            ahead=ahead,
            gone=sale.gone,
            double=double,
        )

    @property
    def is_summed(self) -> bool:
        """Whether it is among the sales of a summary."""
        return self.counts and self.ordered_at < NO_TILL_YET

    def sums_like(self, other: SaleRef) -> bool:
        """Whether both make the same difference to a summary."""
        return (self.ordered_at, self.store_key, self.counts) == (
            other.ordered_at,
            other.store_key,
            other.counts,
        )


def net_amount(sale: Sale) -> Minor:
    """Return the amount that earns points, before tax is taken off (product.md §8)."""
    return sale.total - sale.tip - sale.fees


def returned_amount(sale: Sale) -> Minor:
    """Return the amount that a return gave back; a POS reports it as negative."""
    return abs(net_amount(sale))


class StoreDays(NamedTuple):
    """Sales of one store key within the window: `counts[i]` of them on the UTC day `days[i]`,
    days ascending; `last_at` is the latest."""

    store_key: str
    last_at: Instant
    days: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SalesSummary:
    """Equal for equal sales, in whatever order they came. `stores` is ordered by store key."""

    EMPTY: ClassVar[SalesSummary]

    total: int = 0
    first_at: Instant | None = None
    last_at: Instant | None = None
    stores: tuple[StoreDays, ...] = ()

    def with_sale(self, ref: SaleRef) -> SalesSummary:
        """Return the summary with one more sale, which must not be in it yet."""
        if not ref.is_summed:
            return self
        at = ref.ordered_at
        if self.first_at is None or self.last_at is None:
            one = StoreDays(ref.store_key, at, (utc_day(at),), (1,))
            return SalesSummary(1, at, at, (one,))
        last_at = max(self.last_at, at)
        oldest = utc_day(last_at) - WINDOW_DAYS
        stores = self.stores
        if utc_day(last_at) > utc_day(self.last_at):
            stores = _since(stores, oldest)
        if utc_day(at) >= oldest:
            stores = _with(stores, ref)
        return SalesSummary(self.total + 1, min(self.first_at, at), last_at, stores)

    def without_sale(self, ref: SaleRef) -> SalesSummary | None:
        """Return the summary without a sale that is in it; None when it must be rebuilt.

        It must be rebuilt for the first and the last sale, of all or of a store key, because the
        summary does not hold the sale next to it, and for a sale that is not in the summary.
        """
        if not ref.is_summed:
            return self
        if self.first_at is None or self.last_at is None:
            return None
        at = ref.ordered_at
        if self.total == 1:
            only = SalesSummary.EMPTY.with_sale(ref)
            return SalesSummary.EMPTY if only == self else None
        if not self.first_at < at < self.last_at:
            return None
        stores: tuple[StoreDays, ...] | None = self.stores
        if utc_day(at) >= utc_day(self.last_at) - WINDOW_DAYS:
            stores = _without(self.stores, ref)
        if stores is None:
            return None
        return SalesSummary(self.total - 1, self.first_at, self.last_at, stores)

    @classmethod
    def rebuild(cls, refs: Iterable[SaleRef]) -> SalesSummary:
        """Return the summary of all sales of one source record, each once, in any order.

        Sales are not held in memory: a record for all cash customers has every sale of a shop.
        """
        total, first_at, last_at = 0, None, None
        days: dict[str, dict[int, int]] = {}
        latest: dict[str, Instant] = {}
        for ref in refs:
            if not ref.is_summed:
                continue
            at, store_key = ref.ordered_at, ref.store_key
            total += 1
            first_at = at if first_at is None else min(first_at, at)
            last_at = at if last_at is None else max(last_at, at)
            per_day = days.setdefault(store_key, {})
            per_day[utc_day(at)] = per_day.get(utc_day(at), 0) + 1
            latest[store_key] = max(latest.get(store_key, at), at)
        if last_at is None:
            return cls.EMPTY
        stores = tuple(
            StoreDays(key, latest[key], *zip(*sorted(per_day.items()), strict=True))
            for key, per_day in sorted(days.items())
        )
        return cls(total, first_at, last_at, _since(stores, utc_day(last_at) - WINDOW_DAYS))

    def may_hold(self, since: Instant, until: Instant) -> bool:
        """Whether a counting sale may be on the UTC days that the time from `since` to before
        `until` touches; of days before the window only the first sale of all is known."""
        if self.first_at is None or self.last_at is None or until <= self.first_at:
            return False
        first, last = utc_day(since), utc_day(until - 1)
        if first < utc_day(self.last_at) - WINDOW_DAYS:
            return True
        return any(
            bisect_left(store.days, first) < bisect_right(store.days, last) for store in self.stores
        )

    def sales_per_day(self, at_least: int) -> dict[int, int]:
        """Return the sales of each UTC day of the window; nothing where no day can have `at_least`:
        a cheap upper bound clears nearly all."""
        per_day: dict[int, int] = {}
        if sum([max(store.counts) for store in self.stores]) < at_least:
            return per_day
        for _, _, days, counts in self.stores:
            for day, count in zip(days, counts, strict=True):
                per_day[day] = per_day.get(day, 0) + count
        return per_day

    @property
    def fits(self) -> bool:
        """Whether it fits in a row of a table; few enough stores always do."""
        return len(self.stores) <= FEW_STORES or len(self.pack()) <= LONGEST_PACKED

    def pack(self) -> bytes:
        """Pack it: 24 bytes, per store key 12 and its text, 2 per store and day.

        (4 per store and day once a count passes 127.)
        """
        wide = any(max(store.counts) >> _NARROW[1] for store in self.stores)
        kind, bits = _WIDE if wide else _NARROW
        last_at = self.last_at or 0
        last_day = utc_day(last_at)
        first_at = self.first_at or 0
        parts = [_HEADER.pack(_FORMAT, wide, self.total, first_at, last_at, len(self.stores))]
        for store in self.stores:
            key = store.store_key.encode()
            cells = [
                (last_day - day) << bits | count
                for day, count in zip(store.days, store.counts, strict=True)
            ]
            parts.append(_STORE.pack(len(key), store.last_at, len(cells)))
            parts.append(key)
            parts.append(struct.pack(f"<{len(cells)}{kind}", *cells))
        return b"".join(parts)

    @classmethod
    def unpack(cls, packed: bytes) -> SalesSummary:
        """Return the summary that `pack` packed. Raises ValueError for anything else."""
        try:
            return cls._unpack(packed)
        except struct.error:
            raise ValueError("a sales summary is cut short") from None

    @classmethod
    def _unpack(cls, packed: bytes) -> SalesSummary:
        version, wide, total, first_at, last_at, length = _HEADER.unpack_from(packed)
        if version != _FORMAT:
            raise ValueError(f"a sales summary in the unknown format {version}")
        if not total:
            return cls.EMPTY
        kind, bits = _WIDE if wide else _NARROW
        size = struct.calcsize(kind)
        mask = (1 << bits) - 1
        last_day = utc_day(last_at)
        stores = []
        offset = _HEADER.size
        for _ in range(length):
            key_length, latest, days = _STORE.unpack_from(packed, offset)
            offset += _STORE.size
            key = packed[offset : offset + key_length].decode()
            offset += key_length
            cells = struct.unpack_from(f"<{days}{kind}", packed, offset)
            offset += days * size
            stores.append(
                StoreDays(
                    key,
                    latest,
                    tuple([last_day - (cell >> bits) for cell in cells]),
                    tuple([cell & mask for cell in cells]),
                )
            )
        return cls(total, first_at, last_at, tuple(stores))


SalesSummary.EMPTY = SalesSummary()


def _since(stores: tuple[StoreDays, ...], oldest: int) -> tuple[StoreDays, ...]:
    """Cut the days before `oldest`."""
    kept = []
    for store in stores:
        cut = bisect_left(store.days, oldest)
        if cut == 0:
            kept.append(store)
        elif cut < len(store.days):
            kept.append(store._replace(days=store.days[cut:], counts=store.counts[cut:]))
    return tuple(kept)


def _find(stores: tuple[StoreDays, ...], store_key: str) -> int:
    return bisect_left(stores, store_key, key=lambda store: store.store_key)


def _with(stores: tuple[StoreDays, ...], ref: SaleRef) -> tuple[StoreDays, ...]:
    i = _find(stores, ref.store_key)
    day = utc_day(ref.ordered_at)
    if i == len(stores) or stores[i].store_key != ref.store_key:
        new = StoreDays(ref.store_key, ref.ordered_at, (day,), (1,))
        return (*stores[:i], new, *stores[i:])
    _, last_at, days, counts = stores[i]
    j = bisect_left(days, day)
    if j < len(days) and days[j] == day:
        counts = (*counts[:j], counts[j] + 1, *counts[j + 1 :])
    else:
        days = (*days[:j], day, *days[j:])
        counts = (*counts[:j], 1, *counts[j:])
    more = StoreDays(ref.store_key, max(last_at, ref.ordered_at), days, counts)
    return (*stores[:i], more, *stores[i + 1 :])


def _without(stores: tuple[StoreDays, ...], ref: SaleRef) -> tuple[StoreDays, ...] | None:
    i = _find(stores, ref.store_key)
    if i == len(stores) or stores[i].store_key != ref.store_key:
        return None
    _, last_at, days, counts = stores[i]
    day = utc_day(ref.ordered_at)
    j = bisect_left(days, day)
    if j == len(days) or days[j] != day:
        return None
    if days == (day,) and counts == (1,):
        return (*stores[:i], *stores[i + 1 :]) if ref.ordered_at == last_at else None
    if ref.ordered_at >= last_at:
        return None
    if counts[j] == 1:
        days = (*days[:j], *days[j + 1 :])
        counts = (*counts[:j], *counts[j + 1 :])
    else:
        counts = (*counts[:j], counts[j] - 1, *counts[j + 1 :])
    less = StoreDays(ref.store_key, last_at, days, counts)
    return (*stores[:i], less, *stores[i + 1 :])
