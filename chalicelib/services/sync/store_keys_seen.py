"""Which store keys a run saw: recorded, counted, and with their zones before the first sale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Stream, Uid
from chalicelib.services.ports.runs import StreamState
from chalicelib.services.ports.stores import StoreKeySighting, Stores
from chalicelib.services.sync.run_slice import RunInProgress

Tell = Callable[[Uid], None]
"""Takes the account."""


class StoreKeyWatch:
    """`refresh_unmapped`: say which keys wait for a store; `zones_moved`: local days changed, so
    everything derived from them does."""

    def __init__(self, stores: Stores, refresh_unmapped: Tell, zones_moved: Tell) -> None:
        self._stores = stores
        self._refresh_unmapped = refresh_unmapped
        self._zones_moved = zones_moved

    def listed(self, part: RunInProgress) -> None:
        """The stores were listed: a sale's local day is the shop's, so its zone must be known."""
        names = part.progress.store_names
        if part.taker.scope and not _known(part).issuperset(names):
            self._see(part, names, {})

    def ended(self, part: RunInProgress, after: Mapping[Stream, StreamState]) -> None:
        """The run ended: record its keys with the sales ever seen, when there is any news."""
        progress = part.progress
        if not part.taker.scope:
            return
        names = progress.store_names
        totals = after["sales"].store_key_sales if "sales" in after else {}
        selling = any(any(place.store_key_sales.values()) for place in progress.streams.values())
        news = selling or not _known(part).issuperset(names)
        if not (news or _first_of_its_day(part)):
            return
        self._see(part, {*names, *totals}, totals)
        if news:
            self._refresh_unmapped(part.lease.uid)

    def _see(self, part: RunInProgress, keys: Iterable[str], totals: Mapping[str, int]) -> None:
        lease, names = part.lease, part.progress.store_names
        sightings = []
        for key in sorted(keys):
            name, zone = names.get(key, (None, None))
            sightings.append(
                StoreKeySighting(
                    platform=lease.platform,
                    scope=part.taker.scope,
                    key=key,
                    name=name,
                    at=part.progress.began,
                    sales=totals.get(key, 0),
                    time_zone=zone,
                )
            )
        known = _known(part)
        zoned = {s.key: s.time_zone for s in sightings if s.time_zone and s.key in known}
        before = self._stores.places(lease.uid).zones if zoned else {}
        self._stores.see_keys(lease.uid, sightings)
        scope = part.taker.scope
        if any(
            before.get(store_key_id(lease.platform, scope, key)) != zone
            for key, zone in zoned.items()
        ):
            self._zones_moved(lease.uid)


def _known(part: RunInProgress) -> set[str]:
    """The keys of earlier runs."""
    return {key for state in part.stored.values() for key in state.store_key_sales}


def _first_of_its_day(part: RunInProgress) -> bool:
    """Whether the last good run was on another day: last seen is told to the day."""
    seen = part.stored.get("stores")
    if seen is None or seen.watermark is None:
        return True
    return utc_day(seen.watermark) != utc_day(part.progress.began)
