"""Stores, store keys and inventory in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import InventoryItem
from chalicelib.services.ports.stores import (
    Store,
    StoreKey,
    StoreKeySighting,
    StoreLookup,
    store_lookup_of,
)


class MemoryStores:
    def __init__(self) -> None:
        self.stores: dict[tuple[str, int], Store] = {}
        self.seen: dict[tuple[str, str], StoreKey] = {}

    def create(self, store: Store) -> Store:
        taken = [number for uid, number in self.stores if uid == store.uid]
        created = replace(store, id=max(taken, default=0) + 1, version=1)
        self.stores[created.uid, created.id] = created
        return created

    def get(self, uid: str, store: int) -> Store:
        if (uid, store) not in self.stores:
            raise NotFound("there is no such store")
        return self.stores[uid, store]

    def for_account(self, uid: str) -> list[Store]:
        return [row for (owner, _), row in sorted(self.stores.items()) if owner == uid]

    def save(self, store: Store) -> Store:
        if self.get(store.uid, store.id).version != store.version:
            raise StaleVersion("the store was changed meanwhile")
        saved = replace(store, version=store.version + 1)
        self.stores[saved.uid, saved.id] = saved
        return saved

    def keys(self, uid: str) -> list[StoreKey]:
        return [row for (owner, _), row in sorted(self.seen.items()) if owner == uid]

    def keys_of(self, uid: str, store: int | None) -> list[StoreKey]:
        return [row for row in self.keys(uid) if row.store == store]

    def key_page(
        self, uid: str, limit: int, after: str | None
    ) -> tuple[list[StoreKey], str | None]:
        rows = [row for row in self.keys(uid) if after is None or row.id > after]
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    def see_keys(self, uid: str, sightings: Iterable[StoreKeySighting]) -> None:
        for sighting in sightings:
            key_id = store_key_id(sighting.platform, sighting.scope, sighting.key)
            row = self.seen.get((uid, key_id)) or StoreKey(
                uid=uid,
                id=key_id,
                platform=sighting.platform,
                scope=sighting.scope,
                key=sighting.key,
                name=sighting.key,
                first_seen=sighting.at,
                last_seen=sighting.at,
            )
            self.seen[uid, key_id] = replace(
                row,
                name=sighting.name or row.name,
                time_zone=sighting.time_zone or row.time_zone,
                first_seen=min(row.first_seen, sighting.at),
                last_seen=max(row.last_seen, sighting.at),
                sales=max(row.sales, sighting.sales),
            )

    def mapping(self, uid: str) -> Mapping[str, int]:
        return {row.id: row.store for row in self.keys(uid) if row.store is not None}

    def lookup(self, uid: str) -> StoreLookup:
        zones = {row.id: row.time_zone for row in self.for_account(uid)}
        keys = {row.id: row.time_zone for row in self.keys(uid)}
        mapping = self.mapping(uid)
        states = {row.id: row.state for row in self.for_account(uid) if row.state}
        found = [(key, mapping.get(key), keys.get(key)) for key in {*mapping, *keys}]
        return store_lookup_of(zones, found, states)

    def map_keys(self, uid: str, store: int, keys: Iterable[str], *, version: int) -> Store:
        wanted = set(keys)
        held = self.get(uid, store)
        for key in sorted(wanted):
            row = self.seen.get((uid, key))
            if row is None:
                raise NotFound("there is no such store key", store_key=key)
            if row.store not in (None, store):
                raise Conflict("the key is mapped to another store", store_key=key, store=row.store)
        saved = self.save(replace(held, version=version))
        for (owner, key), row in self.seen.items():
            if owner == uid and (key in wanted or row.store == store):
                self.seen[uid, key] = replace(row, store=store if key in wanted else None)
        return saved

    def map_many(
        self,
        uid: str,
        wanted: Mapping[str, int | None],
        held: Mapping[str, int],
        versions: Mapping[int, int],
    ) -> None:
        for store, version in sorted(versions.items()):
            if self.get(uid, store).version != version:
                raise StaleVersion("a store was changed meanwhile", store=store)
        for key, store in sorted(wanted.items()):
            row = self.seen.get((uid, key))
            if row is None:
                raise NotFound("there is no such store key", store_key=key)
            if store is None and row.store != held.get(key):
                raise StaleVersion("a mapping was changed meanwhile")
            if store is not None and row.store not in (None, store):
                raise Conflict("the key is mapped", store_key=key, store=row.store)
        for store, version in versions.items():
            self.save(replace(self.get(uid, store), version=version))
        for key, store in wanted.items():
            self.seen[uid, key] = replace(self.seen[uid, key], store=store)


class MemoryInventories:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, InventoryItem]] = {}

    def put(self, uid: str, platform: str, scope: str, items: Iterable[InventoryItem]) -> None:
        for item in items:
            shelf = self.items.setdefault((uid, store_key_id(platform, scope, item.store_key)), {})
            shelf[item.ext_id] = item

    def deactivate(
        self, uid: str, platform: str, scope: str, ext_ids: Iterable[tuple[str, str]]
    ) -> None:
        for key, ext_id in ext_ids:
            shelf = self.items.get((uid, store_key_id(platform, scope, key)), {})
            if ext_id in shelf:
                shelf[ext_id] = replace(shelf[ext_id], active=False)

    def page(
        self, uid: str, store_key: str, limit: int, after: str | None
    ) -> tuple[list[InventoryItem], str | None]:
        shelf = self.items.get((uid, store_key), {})
        ids = [ext_id for ext_id in sorted(shelf) if after is None or ext_id > after]
        shown = ids[:limit]
        return [shelf[ext_id] for ext_id in shown], shown[-1] if len(ids) > limit else None
