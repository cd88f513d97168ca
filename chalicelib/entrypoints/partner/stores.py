"""Stores as AIQ's API shows them (reference/aiq.md §1.5)."""

from __future__ import annotations

from pydantic import Field

from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer
from chalicelib.entrypoints.partner.front import PARTNER

resource = Resource(__name__, tag="Stores", front=PARTNER)


class StoreAddress(Answer):
    street: str
    state: str
    country: str


class PartnerStore(Answer):
    """`id` is the number that POSaBIT's *Data* field takes; `sourceMapping`: platform → the POS's
    own name for the store."""

    id: int
    name: str
    nickname: str
    phone: str
    addr: StoreAddress
    user_id: Uid = Field(serialization_alias="userID")
    source_mapping: dict[str, str] = Field(serialization_alias="sourceMapping")


class PartnerStores(Answer):
    stores: list[PartnerStore]


@resource.get("/api/v1.1/stores/{uid}", right="read")
def read_stores(uid: Uid) -> PartnerStores:
    """Read the account's stores."""
    stores = wiring.outside.stores()
    mapped: dict[int, dict[str, str]] = {}
    for key in stores.keys(uid):
        if key.store is not None:
            mapped.setdefault(key.store, {}).setdefault(key.platform, key.name or key.key)
    return PartnerStores(
        stores=[
            PartnerStore(
                id=store.id,
                name=store.name,
                nickname=store.nickname,
                phone=store.phone,
                addr=StoreAddress(street=store.address, state=store.state, country=store.country),
                user_id=uid,
                source_mapping=mapped.get(store.id, {}),
            )
            for store in stores.for_account(uid)
        ]
    )
