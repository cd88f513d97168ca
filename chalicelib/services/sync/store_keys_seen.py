"""Which store keys a run met: recorded, counted, and with their zones before the first sale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.runs import Lease
from chalicelib.services.ports.stores import StoreKeySighting, Stores
from chalicelib.services.sync.run_result import RunResult
from chalicelib.services.sync.stream_states import states_after

AccountTask = Callable[[Uid], None]
StoreNames = Mapping[str, tuple[str, str | None]]
"""Name and IANA zone by store key."""


@dataclass(frozen=True, slots=True)
class StoreKeyWatch:
    """Records the store keys that runs meet.

    `refresh_unmapped`: says which keys wait for a store. `queue_remap`: derives the account's
    personas again; called when zones, and so local days, changed.
    """

    stores: Stores
    refresh_unmapped: AccountTask
    queue_remap: AccountTask

    def record_listed(
        self,
        lease: Lease,
        scope: ScopeId,
        began: Instant,
        names: StoreNames,
        known: AbstractSet[str],
    ) -> None:
        """Record the stores that were just listed, when one of them is not `known`: a sale's local
        day is the shop's, so its zone must be there before its sales."""
        if scope and not names.keys() <= known:
            sightings = _sightings(lease.platform, scope, began, names, names, {})
            self._record(lease.uid, sightings, known)

    def record_run(self, result: RunResult) -> None:
        """Record the keys of an ended run with the sales ever seen.

        Does nothing when the run met no new key and no new sale, and is not the first of its day.
        """
        if not result.scope:
            return
        names, known = result.store_names, result.known_store_keys
        states = states_after(result)
        totals = states["sales"].store_key_sales if "sales" in states else {}
        selling = any(any(read.store_key_sales.values()) for read in result.streams.values())
        news = selling or not names.keys() <= known
        first_of_day = _is_first_of_its_day(result)
        if not (news or first_of_day):
            return
        sold = {key for read in result.streams.values() for key in read.store_key_sales}
        keys = {*names, *(totals if first_of_day else totals.keys() & sold)}
        sightings = _sightings(result.platform, result.scope, result.began, keys, names, totals)
        self._record(result.uid, sightings, known)
        if news:
            self.refresh_unmapped(result.uid)

    def _record(
        self, uid: Uid, sightings: Sequence[StoreKeySighting], known: AbstractSet[str]
    ) -> None:
        zones = {
            store_key_id(seen.platform, seen.scope, seen.key): seen.time_zone
            for seen in sightings
            if seen.time_zone and seen.key in known
        }
        before = self.stores.lookup(uid).zones if zones else {}
        self.stores.see_keys(uid, sightings)
        if any(before.get(key) != zone for key, zone in zones.items()):
            self.queue_remap(uid)


def _sightings(
    platform: Platform,
    scope: ScopeId,
    at: Instant,
    keys: Iterable[str],
    names: StoreNames,
    sales: Mapping[str, int],
) -> list[StoreKeySighting]:
    sightings = []
    for key in sorted(keys):
        name, zone = names.get(key, (None, None))
        sightings.append(
            StoreKeySighting(
                platform=platform,
                scope=scope,
                key=key,
                name=name,
                at=at,
                sales=sales.get(key, 0),
                time_zone=zone,
            )
        )
    return sightings


def _is_first_of_its_day(result: RunResult) -> bool:
    """Whether the last good run was on another day: when a key was last seen is kept to the day."""
    stores = result.earlier.get("stores")
    if stores is None or stores.watermark is None:
        return True
    return utc_day(stores.watermark) != utc_day(result.began)
