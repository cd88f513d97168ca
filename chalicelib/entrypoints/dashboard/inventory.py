"""What a shop has in stock, as its POS last listed it (product.md §5)."""

from __future__ import annotations

from pydantic import Field

from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.dashboard.stores import KeyId
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Listing, Moment

resource = Resource(__name__, tag="Inventory", front=FRONT)


class InventoryQuery(Listing):
    """Whose stock: `id` of a store key of the platform."""

    key: KeyId = Field(examples=["posabit:blue-lake:Ballard"])


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
    listing = ("inventory", platform, query.key)
    after = cursors().unseal(query.cursor, uid, *listing)
    items, position = wiring.outside.inventories().page(uid, query.key, query.limit, after)
    return InventoryPage(
        items=[
            InventoryItemAnswer.model_validate(
                {**{name: getattr(item, name) for name in ITEM_FIELDS}, "flags": sorted(item.flags)}
            )
            for item in items
        ],
        next_cursor=cursors().seal(position, uid, *listing),
    )


ITEM_FIELDS = tuple(InventoryItemAnswer.model_fields.keys() - {"flags"})
