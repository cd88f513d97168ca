"""Current inventory rows in DynamoDB (docs/reference/design.md, table `stores`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import orjson
from pynamodb.attributes import BooleanAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.adapters.dynamo.base import Row, bind, first_page, update_if
from chalicelib.adapters.dynamo.keys import store_row_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Platform, ScopeId, Uid


class InventoryRow(Row):
    """`body` is the item as JSON: nothing looks inside it, and one attribute costs least. Old code
    takes every name in it for a field it knows, so that `flags` stand beside."""

    body = UnicodeAttribute()
    active = BooleanAttribute()
    flags = UnicodeSetAttribute(null=True)


class DynamoInventories:
    """The `Inventories` port."""

    def __init__(self, table: str) -> None:
        bind(table, InventoryRow)

    def put(
        self, uid: Uid, platform: Platform, scope: ScopeId, items: Iterable[InventoryItem]
    ) -> None:
        latest = {(item.store_key, item.ext_id): item for item in items}
        with InventoryRow.batch_write() as batch:
            for item in latest.values():
                batch.save(_row(uid, platform, scope, item))

    def deactivate(
        self, uid: Uid, platform: Platform, scope: ScopeId, ext_ids: Iterable[tuple[str, str]]
    ) -> None:
        for key, ext_id in ext_ids:
            row = InventoryRow(
                store_row_keys.inventory(uid, store_key_id(platform, scope, key)), ext_id
            )
            update_if(row, [InventoryRow.active.set(False)], InventoryRow.pk.exists())

    def page(
        self, uid: Uid, store_key: str, limit: int, after: str | None
    ) -> tuple[list[InventoryItem], str | None]:
        rows = InventoryRow.query(
            store_row_keys.inventory(uid, store_key),
            InventoryRow.sk > after if after else None,
            page_size=limit + 1,
        )
        page, last = first_page(rows, limit)
        return list(readable(page, _item)), last


def _row(uid: Uid, platform: Platform, scope: ScopeId, item: InventoryItem) -> InventoryRow:
    body = asdict(item)
    del body["flags"]
    return InventoryRow(
        store_row_keys.inventory(uid, store_key_id(platform, scope, item.store_key)),
        item.ext_id,
        body=orjson.dumps(body).decode(),
        active=item.active,
        flags=set(item.flags) or None,
    )


def _item(row: InventoryRow) -> InventoryItem:
    body = orjson.loads(row.body) | {"active": row.active}
    return from_fields(InventoryItem, body, flags=frozenset(row.flags or ()))
