"""Stores, store keys and inventory, as the services see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid


@dataclass(frozen=True, slots=True)
class Store:
    """A retail store of AIQ; `version` serves If-Match."""

    uid: Uid
    id: int
    name: str
    nickname: str = ""
    address: str = ""
    state: str = ""
    country: str = ""
    time_zone: str | None = None
    phone: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class StoreKey:
    """A shop's name or id seen in the data. `id` = `domain.ids.store_key_id(…)`.

    `sales` counts the sales ever seen with it; `store` is the mapped store.
    """

    uid: Uid
    id: str
    platform: Platform
    scope: ScopeId
    key: str
    name: str
    first_seen: Instant
    last_seen: Instant
    sales: int = 0
    store: int | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class StoreKeySighting:
    """A store key seen in the data at `at`.

    `sales` is the whole count so far, not an increment: the same sighting again changes nothing.
    """

    platform: Platform
    scope: ScopeId
    key: str
    name: str | None
    at: Instant
    sales: int = 0
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class StoreLookup:
    """The shops of an account by store key id: the mapped store, and the shop's IANA zone.

    A zone is known where the POS or the mapped store tells one. `stores`: each store of the account
    with the zone that is set for it; `states`: those with a state or province, with it.
    """

    mapping: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[int, str | None] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)

    def zone_of_scope(self, platform: Platform, scope: ScopeId) -> str | None:
        """Return the zone of a credential's shops; None unless exactly one is known."""
        prefix = store_key_id(platform, scope, "")
        zones = {zone for key, zone in self.zones.items() if key.startswith(prefix)}
        return zones.pop() if len(zones) == 1 else None


def store_lookup_of(
    stores: Mapping[int, str | None],
    keys: Iterable[tuple[str, int | None, str | None]],
    states: Mapping[int, str],
) -> StoreLookup:
    """Return the look-up of these stores and keys; a POS's zone wins over the store's.

    `stores`: store → its zone; `keys`: (store key id, mapped store, the POS's zone); `states`:
    store → its state.
    """
    mapping: dict[str, int] = {}
    zones: dict[str, str] = {}
    for key, store, pos_zone in keys:
        if store is not None:
            mapping[key] = store
        zone = pos_zone or (stores.get(store) if store is not None else None)
        if zone:
            zones[key] = zone
    return StoreLookup(mapping, zones, stores, states)


class Stores(Protocol):
    """Keeps stores, store keys, and which key is mapped to which store."""

    def create(self, store: Store) -> Store:
        """Save a store with the account's next number; `store.id` is ignored."""
        ...

    def get(self, uid: Uid, store: int) -> Store:
        """Return the store. Raises NotFound."""
        ...

    def for_account(self, uid: Uid) -> list[Store]: ...

    def save(self, store: Store) -> Store:
        """Save at `version` + 1. Raises StaleVersion."""
        ...

    def keys(self, uid: Uid) -> list[StoreKey]:
        """Return every store key: for background work, since a POS may name any number."""
        ...

    def keys_of(self, uid: Uid, store: int | None) -> list[StoreKey]:
        """Return the keys that are mapped to the store; for None, those that are mapped to none."""
        ...

    def key_page(
        self, uid: Uid, limit: int, after: str | None
    ) -> tuple[list[StoreKey], str | None]:
        """Return one page of the keys by id; the second value continues the list.

        Raises BadPosition.
        """
        ...

    def see_keys(self, uid: Uid, sightings: Iterable[StoreKeySighting]) -> None:
        """Raise counts, widen first and last seen, and create keys never seen before."""
        ...

    def mapping(self, uid: Uid) -> Mapping[str, int]:
        """Return store key id → store id of the mapped keys."""
        ...

    def lookup(self, uid: Uid) -> StoreLookup:
        """Return the mapping with the zones, in one read."""
        ...

    def map_keys(self, uid: Uid, store: int, keys: Iterable[str], *, version: int) -> Store:
        """Make `keys` (store key ids) exactly the store's mapping, atomically, at `version` + 1.

        Raises Conflict (`details`: `store_key`, and `store` that has it), NotFound for an unseen
        key or store (`store_key`), StaleVersion.
        """
        ...

    def map_many(
        self,
        uid: Uid,
        wanted: Mapping[str, int | None],
        held: Mapping[str, int],
        versions: Mapping[int, int],
    ) -> None:
        """Map each key (its id) to a store, or take it from the one that has it, all or nothing;
        every store of `versions` goes on to the next one. `held`: the store of those taken away.

        Raises Conflict (`store_key`, and `store` that has it), NotFound for an unseen key or a
        store, StaleVersion (`store`).
        """
        ...


class Inventories(Protocol):
    """Keeps the current inventory rows of each shop."""

    def put(
        self, uid: Uid, platform: Platform, scope: ScopeId, items: Iterable[InventoryItem]
    ) -> None:
        """Upsert these items."""
        ...

    def deactivate(
        self, uid: Uid, platform: Platform, scope: ScopeId, ext_ids: Iterable[tuple[str, str]]
    ) -> None:
        """Mark the items that a complete listing lacks; `ext_ids`: (store key, external id)."""
        ...

    def page(
        self, uid: Uid, store_key: str, limit: int, after: str | None
    ) -> tuple[list[InventoryItem], str | None]:
        """Return one page of a shop's items; the second value continues the list."""
        ...
