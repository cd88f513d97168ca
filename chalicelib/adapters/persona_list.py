"""Personas in other orders than their keys': the indexes of the personas table."""

from __future__ import annotations

import heapq
from typing import Any

from chalicelib.adapters import keys, rows
from chalicelib.adapters.dynamo import Row
from chalicelib.domain.sales_summary import SaleRef

RECENT_INDEX = "recent"
NAME_INDEX = "by_name"


class DynamoPersonaList:
    """The `PersonaList` port. Indexes follow the rows within moments."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def newest(self, uid: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
        shards = [
            self._newest_of(keys.recent_shard(uid, number), limit, after)
            for number in range(keys.RECENT_SHARDS)
        ]
        places = list(heapq.merge(*shards, reverse=True))[:limit]
        more = places[-1] if len(places) == limit else None
        return [place.rpartition("#")[2] for place in places], more

    def by_name(
        self, uid: str, prefix: str, limit: int, after: str | None
    ) -> tuple[list[str], str | None]:
        if not prefix:
            return [], None
        shard = keys.name_shard(uid, prefix)
        condition = "name_shard = :shard AND begins_with(name_key, :prefix)"
        values = {":shard": {"S": shard}, ":prefix": {"S": prefix}}
        start = None
        if after is not None:
            record = after.rpartition("#")[2]
            start = {
                "name_shard": {"S": shard},
                "name_key": {"S": after},
                "pk": {"S": keys.record(uid, record)},
                "sk": {"S": keys.PERSONA_SK},
            }
        found = self._query(NAME_INDEX, condition, values, limit, start=start)
        places = [row["name_key"]["S"] for row in found]
        more = places[-1] if len(places) == limit else None
        return [place.rpartition("#")[2] for place in places], more

    def sale_refs(
        self, uid: str, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        values = {
            ":pk": {"S": keys.record(uid, record)},
            ":first": {"S": keys.POINTER_PREFIX},
            ":last": {"S": before or keys.POINTER_PREFIX + "~"},
        }
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self._query(None, condition, values, limit + 1, newest_first=True)
        refs = [(row["sk"]["S"], rows.read_pointer(row)) for row in found]
        return [ref for ref in refs if ref[0] != before][:limit]

    def _newest_of(self, shard: str, limit: int, after: str | None) -> list[str]:
        condition = "recent_shard = :shard"
        values = {":shard": {"S": shard}}
        if after is not None:
            condition += " AND inserted_at < :after"
            values[":after"] = {"S": after}
        found = self._query(RECENT_INDEX, condition, values, limit, newest_first=True)
        return [row["inserted_at"]["S"] for row in found]

    def _query(
        self,
        index: str | None,
        condition: str,
        values: dict[str, dict[str, str]],
        limit: int,
        *,
        newest_first: bool = False,
        start: Row | None = None,
    ) -> list[Row]:
        asked: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
            "ScanIndexForward": not newest_first,
        }
        if index:
            asked["IndexName"] = index
        if start:
            asked["ExclusiveStartKey"] = start
        found: list[Row] = self._client.query(**asked)["Items"]
        return found
