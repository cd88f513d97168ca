"""Inventory rows that left the POS's catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.manifest import id_digest
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.words import ScopeId, Uid
from chalicelib.services.ports.runs import Lease
from chalicelib.services.ports.stores import Inventories, Stores
from chalicelib.services.sync.take_page import GONE, PageIntake, inventory_id

PAGE = 500


class InventoryLeavers:
    def __init__(self, stores: Stores, inventories: Inventories) -> None:
        self._stores = stores
        self._inventories = inventories

    def retire(self, lease: Lease, taker: PageIntake) -> int:
        """Deactivate what is known but was not in the listing just completed; how many."""
        known, seen = taker.manifests["inventory"], taker.seen
        if seen is None:
            return 0
        missing = {key for key in known.ids() if seen.get(key) is None and known.get(key) != GONE}
        if not missing:
            return 0
        gone = [
            (item.store_key, item.ext_id)
            for key in self._store_keys(lease, taker.scope)
            for item in self._items(lease.uid, key)
            if id_digest(inventory_id(item)) in missing
        ]
        self._inventories.deactivate(lease.uid, lease.platform, taker.scope, gone)
        for key in missing:
            known.remember(key, GONE)
        return len(gone)

    def _store_keys(self, lease: Lease, scope: ScopeId) -> list[str]:
        found = [k for k in self._stores.keys(lease.uid) if k.platform == lease.platform]
        return [store_key_id(k.platform, k.scope, k.key) for k in found if k.scope == scope]

    def _items(self, uid: Uid, key: str) -> Iterator[InventoryItem]:
        after: str | None = None
        while True:
            items, after = self._inventories.page(uid, key, PAGE, after)
            yield from items
            if after is None:
                return
