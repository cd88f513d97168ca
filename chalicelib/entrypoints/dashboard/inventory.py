"""What a shop has in stock, as its POS last listed it (product.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.dashboard.stores import KeyId
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Listing, Moment

if TYPE_CHECKING:
    from chalicelib.domain.records import InventoryItem

MOST_PAGES_READ = 10
"""Of one request that finds nothing: it goes on at its cursor."""

resource = Resource(__name__, tag="Inventory", front=FRONT)


class InventoryQuery(Listing):
    """Whose stock: `id` of a store key of the platform."""

    key: KeyId = Field(examples=["posabit:blue-lake:Ballard"])
    q: str = Field(
        default="",
        max_length=100,
        examples=["gummies"],
        description="Words of the product's name, brand, category, strain, SKU or id. A page may "
        "then have fewer items, or none, with more to come.",
    )
    active: bool | None = Field(
        default=None,
        examples=[True],
        description="true: what the last complete listing has; false: what it lacks.",
    )


class InventoryItemAnswer(Answer):
    """A product. `quantity` is decimal text, empty where the POS did not say; money in minor units
    of `currency`. `active`: it was in the last complete listing."""

    ext_id: str
    name: str
    quantity: str
    currency: str
    product_ext_id: str | None
    sku: str | None
    brand: str | None
    category: str | None
    strain: str | None
    price: int | None
    cost: int | None
    unit: str | None
    active: bool
    updated_at: Moment | None
    flags: list[str]


class InventoryPage(Answer):
    items: list[InventoryItemAnswer]
    next_cursor: str | None


@resource.get("/api/accounts/{uid}/integrations/{platform}/inventory", right="inventory:read")
def list_inventory(uid: Uid, platform: Platform, query: InventoryQuery) -> InventoryPage:
    """List the current stock of a shop, by the POS's own ids of its products."""
    wiring.gateways.pos_gateway().platform(platform)
    if not query.key.startswith(f"{platform}:"):
        raise NotFound("There is no such store key.", store_key=query.key)
    listing = ("inventory", platform, query.key, query.q, str(query.active))
    after = cursors().unseal(query.cursor, uid, *listing)
    items, position = _found(uid, query, after)
    return InventoryPage(
        items=[
            InventoryItemAnswer.model_validate(
                {**{name: getattr(item, name) for name in ITEM_FIELDS}, "flags": sorted(item.flags)}
            )
            for item in items
        ],
        next_cursor=cursors().seal(position, uid, *listing),
    )


def _found(
    uid: Uid, query: InventoryQuery, after: str | None
) -> tuple[list[InventoryItem], str | None]:
    """Return the next items that are asked for, at most a page, and the position after them."""
    from chalicelib.domain.stock_search import is_found

    for _ in range(MOST_PAGES_READ):
        page, after = wiring.outside.inventories().page(uid, query.key, query.limit, after)
        found = [
            item for item in page if query.active in (None, item.active) and is_found(item, query.q)
        ]
        if found or after is None:
            break
    return found, after


ITEM_FIELDS = tuple(InventoryItemAnswer.model_fields.keys() - {"flags"})
