"""Sales that a POS no longer shows, though it listed their day completely (product.md §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.domain.gone_sales import Absence, RecentSales, WatchedSale, first_day_watched
from chalicelib.domain.manifest import Manifest, id_digest
from chalicelib.domain.records import Reject, Sale
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Day, Instant
from chalicelib.services.ports.pos import KnownRow, TimeSpan
from chalicelib.services.ports.runs import Lease, SyncStates

UNNAMED = id_digest("")
"""Stands for rows of a listing that say neither which sale they are nor when it was made."""


@dataclass(slots=True)
class SaleWatch:
    """Notes which sales one run's listing shows, and finds those that it lacks.

    `began`: when the run did. `read_from`: how far back it reads sales. `shop_clock`: the POS lists
    sales by what the clock of the shop showed. `shown`: the id digests of what the listing showed
    so far, in this process and before.
    """

    lease: Lease
    states: SyncStates
    began: Instant
    read_from: Instant
    shop_clock: bool
    shown: Manifest
    recent: RecentSales = field(init=False)
    _shown_lately: set[int] = field(default_factory=set)
    """Until it is noted in `shown`: a set takes a tenth of the time, for each known row."""

    def __post_init__(self) -> None:
        lease, since = self.lease, first_day_watched(self.began, self.read_from)
        days = self.states.sale_days(lease.uid, lease.credential, since)
        self.recent = RecentSales(days, since)

    def known_rows(self, manifest: Manifest) -> KnownRow:
        """A test of which rows need no reading; it notes that the listing has those. What the
        reading before lacked is read again."""
        was_read_from, watched = manifest.was_read_from, self.recent.by_key
        note = self._shown_lately.add

        def known(known_id: str, row: int) -> bool:
            key = id_digest(known_id)
            if not was_read_from(key, row):
                return False
            sale = watched.get(key)
            if sale is not None:
                if sale.missing_since is not None:
                    return False
                note(key)
            return True

        return known

    def ids_missing_before(self, sales: Sequence[Sale]) -> set[int]:
        """The id digests of those that the reading before lacked: they are taken in again."""
        return {key for s in sales if self.recent.is_missed(key := id_digest(s.ext_id))}

    def show(self, sales: Sequence[Sale], rejects: Sequence[Reject]) -> None:
        """Note what a page shows, once it is taken in. A record that was set aside is there, too;
        one without an id may be any sale of its day."""
        for sale in sales:
            at = sale.wall_clock if self.shop_clock else sale.ordered_at
            if at is not None and self.recent.show(sale.ext_id, at):
                self._shown_lately.add(id_digest(sale.ext_id))
            if sale.former_ext_id:
                self.recent.forget(sale.former_ext_id)
        for reject in rejects:
            self._shown_lately.add(_reject_key(reject))

    def miss(self, times: TimeSpan | None) -> Absence:
        """Note what the listing lacks, now that it is complete, and return it.

        `times`: those that it showed completely.
        """
        self._note_shown()
        if times is None or self.shown.get(UNNAMED) is not None:
            return Absence()
        return self.recent.miss(*times, self._may_be_shown, self.began)

    def _may_be_shown(self, key: int, sale: WatchedSale) -> bool:
        if self.shown.get(key) is not None:
            return True
        # A clock without a zone may be a day off.
        days = range(sale.day - 1, sale.day + 2)
        return any(self.shown.get(_day_key(day)) is not None for day in days)

    def _note_shown(self) -> None:
        for key in self._shown_lately:
            self.shown.upsert(key, 1)
        self._shown_lately.clear()

    def mark_gone(self, sales: Sequence[WatchedSale]) -> None:
        for sale in sales:
            self.recent.mark_gone(sale)

    def save(self) -> None:
        """Store the days that changed since the last call, and have `shown` hold what was shown
        until now. Raises LeaseLost."""
        self._note_shown()
        for day, packed in self.recent.take_changes().items():
            self.states.put_sale_day(self.lease, day, packed)


def _reject_key(reject: Reject) -> int:
    if reject.ext_id:
        return id_digest(reject.ext_id)
    return UNNAMED if reject.at is None else _day_key(utc_day(reject.at))


def _day_key(day: Day) -> int:
    """Stands for rows of a day that do not say which sale they are."""
    return id_digest(f"\x1f{day}")
