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
    """`sales` is the whole count so far, not an increment: telling it twice changes nothing."""

    platform: Platform
    scope: ScopeId
    key: str
    name: str | None
    at: Instant
    sales: int = 0
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """What derivation needs of an account's shops, by store key id: the mapped store, and the IANA
    zone where the POS or the mapped store tells one."""

    mapping: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    def zone_of_scope(self, platform: Platform, scope: ScopeId) -> str | None:
        """The zone of a credential's shops; None when none is known, or not one alone."""
        prefix = store_key_id(platform, scope, "")
        found = {zone for key, zone in self.zones.items() if key.startswith(prefix)}
        return found.pop() if len(found) == 1 else None


def places_of(
    stores: Mapping[int, str | None], keys: Iterable[tuple[str, int | None, str | None]]
) -> Places:
    """`stores`: store → its zone; `keys`: (store key id, mapped store, the zone the POS tells)."""
    mapping: dict[str, int] = {}
    zones: dict[str, str] = {}
    for key, store, told in keys:
        if store is not None:
            mapping[key] = store
        zone = told or (stores.get(store) if store is not None else None)
        if zone:
            zones[key] = zone
    return Places(mapping, zones)


class Stores(Protocol):
    def create(self, store: Store) -> Store:
        """`store.id` is ignored; the next number of the account is given."""
        ...

    def get(self, uid: Uid, store: int) -> Store:
        """Raises NotFound."""
        ...

    def for_account(self, uid: Uid) -> list[Store]: ...

    def save(self, store: Store) -> Store:
        """Save at `version` + 1. Raises StaleVersion."""
        ...

    def keys(self, uid: Uid) -> list[StoreKey]: ...

    def see_keys(self, uid: Uid, sightings: Iterable[StoreKeySighting]) -> None:
        """Raise counts and move first and last seen; creates keys never seen before."""
        ...

    def mapping(self, uid: Uid) -> Mapping[str, int]:
        """Store key id → store id, mapped ones only."""
        ...

    def places(self, uid: Uid) -> Places:
        """`mapping`, with the zones, in one read."""
        ...

    def map_keys(self, uid: Uid, store: int, keys: Iterable[str], *, version: int) -> Store:
        """Make `keys` (store key ids) exactly the store's mapping, atomically, at `version` + 1.

        Raises Conflict (`details`: `store_key`, and `store` that has it), NotFound for an unseen
        key or store (`store_key`), StaleVersion.
        """
        ...


class Inventories(Protocol):
    def put(
        self, uid: Uid, platform: Platform, scope: ScopeId, items: Iterable[InventoryItem]
    ) -> None: ...

    def deactivate(
        self, uid: Uid, platform: Platform, scope: ScopeId, ext_ids: Iterable[tuple[str, str]]
    ) -> None:
        """`ext_ids`: (store key, ext id) of items absent from a complete listing."""
        ...

    def page(
        self, uid: Uid, store_key: str, limit: int, after: str | None
    ) -> tuple[list[InventoryItem], str | None]: ...
