"""Products that left the POS's catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.ids import product_id, store_key_id
from chalicelib.domain.manifest import id_digest
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.words import Uid
from chalicelib.services.ports.stores import Inventories, Stores
from chalicelib.services.sync.run_result import RunResult

PAGE = 500


@dataclass(frozen=True, slots=True)
class InventoryLeavers:
    """Deactivates products that a complete listing lacks."""

    stores: Stores
    inventories: Inventories

    def deactivate(self, result: RunResult) -> None:
        """Deactivate the run's `products_gone`. Done twice, it changes nothing."""
        if not result.products_gone:
            return
        gone = [
            (item.store_key, item.ext_id)
            for key in self._store_keys(result)
            for item in self._items(result.uid, key)
            if id_digest(product_id(item.store_key, item.ext_id)) in result.products_gone
        ]
        self.inventories.deactivate(result.uid, result.platform, result.scope, gone)

    def _store_keys(self, result: RunResult) -> list[str]:
        source = (result.platform, result.scope)
        return [
            store_key_id(known.platform, known.scope, known.key)
            for known in self.stores.keys(result.uid)
            if (known.platform, known.scope) == source
        ]

    def _items(self, uid: Uid, key: str) -> Iterator[InventoryItem]:
        after: str | None = None
        while True:
            items, after = self.inventories.page(uid, key, PAGE, after)
            yield from items
            if after is None:
                return
