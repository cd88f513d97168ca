"""The search of a shop's stock (product.md §5)."""

from __future__ import annotations

from chalicelib.domain.names import fold_name
from chalicelib.domain.records import InventoryItem


def is_found(item: InventoryItem, text: str) -> bool:
    """Whether each word of a search text stands in what names the product: its name, brand,
    category, strain, SKU and the POS's id. Case and accents do not matter; no word finds all."""
    named = (item.name, item.brand, item.category, item.strain, item.sku, item.ext_id)
    said = fold_name(" ".join(part for part in named if part))
    return all(word in said for word in fold_name(text).split())
