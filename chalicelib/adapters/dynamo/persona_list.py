"""Personas in other orders than their keys': the indexes of the personas table."""

from __future__ import annotations

import heapq
import re
from typing import Any

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import Row
from chalicelib.adapters.dynamo.positions import AT_AND_ID, known
from chalicelib.domain.errors import BadPosition
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Uid

RECENT_INDEX = "recent"
NAME_INDEX = "by_name"
FIRST = " "
LAST = "\U0010ffff"
"""They sort before and after every character a folded name can begin with."""

POINTER = re.compile(re.escape(keys.POINTER_PREFIX) + AT_AND_ID.pattern, re.DOTALL)


class DynamoPersonaList:
    """The `PersonaList` port. Indexes follow the rows within moments."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def by_arrival(
        self, uid: Uid, limit: int, after: str | None, *, newest_first: bool = True
    ) -> tuple[list[str], str | None]:
        if after is not None:
            known(after, AT_AND_ID)
        shards = [
            self._arrived(keys.recent_shard(uid, number), limit, after, newest_first=newest_first)
            for number in range(keys.RECENT_SHARDS)
        ]
        places = list(heapq.merge(*shards, reverse=newest_first))[:limit]
        return _ids(places), places[-1] if len(places) == limit else None

    def in_turn(self, uid: Uid, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Shard by shard; a position is `{shard}|{place in it}`."""
        number, _, place = (after or "0|").partition("|")
        shard = keys.recent_shard(uid, int(number))
        places = self._arrived(shard, limit, place or None, newest_first=True)
        if len(places) == limit:
            return _ids(places), f"{number}|{places[-1]}"
        following = int(number) + 1
        return _ids(places), f"{following}|" if following < keys.RECENT_SHARDS else None

    def by_name(
        self, uid: Uid, prefix: str, limit: int, after: str | None, *, descending: bool = False
    ) -> tuple[list[str], str | None]:
        shards = (keys.name_shard_of(prefix),) if prefix else keys.NAME_SHARDS
        if descending:
            shards = shards[::-1]
        if after is not None:
            low, high = _bounds(prefix)
            if not low <= after <= high:
                raise BadPosition
            shards = shards[shards.index(keys.name_shard_of(after)) :]
        places: list[str] = []
        for shard in shards:
            room = limit - len(places)
            if room == 0:
                break
            places += self._named(
                keys.name_shard(uid, shard), prefix, room, after, descending=descending
            )
            after = None
        return _ids(places), places[-1] if len(places) == limit else None

    def sale_refs(
        self, uid: Uid, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        if before is not None:
            known(before, POINTER)
        values = {
            ":pk": {"S": keys.record(uid, record)},
            ":first": {"S": keys.POINTER_PREFIX},
            ":last": {"S": before or keys.POINTER_PREFIX + "~"},
        }
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self._query(None, condition, values, limit + 1, newest_first=True)
        refs = [(row["sk"]["S"], rows.read_pointer(row)) for row in found]
        return [ref for ref in refs if ref[0] != before][:limit]

    def _arrived(
        self, shard: str, limit: int, after: str | None, *, newest_first: bool
    ) -> list[str]:
        condition, values = "recent_shard = :shard", {":shard": {"S": shard}}
        if after is not None:
            condition += (
                " AND inserted_at < :after" if newest_first else " AND inserted_at > :after"
            )
            values[":after"] = {"S": after}
        found = self._query(RECENT_INDEX, condition, values, limit, newest_first=newest_first)
        return [row["inserted_at"]["S"] for row in found]

    def _named(
        self, shard: str, prefix: str, limit: int, after: str | None, *, descending: bool
    ) -> list[str]:
        low, high = _bounds(prefix)
        if after is not None and descending:
            high = after
        elif after is not None:
            low = after
        found = self._query(
            NAME_INDEX,
            "name_shard = :shard AND name_key BETWEEN :low AND :high",
            {":shard": {"S": shard}, ":low": {"S": low}, ":high": {"S": high}},
            limit + 1,
            newest_first=descending,
        )
        return [place for row in found if (place := row["name_key"]["S"]) != after][:limit]

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


def _bounds(prefix: str) -> tuple[str, str]:
    """Where names that begin so lie."""
    return prefix or FIRST, prefix + LAST


def _ids(places: list[str]) -> list[str]:
    return [place.rpartition("#")[2] for place in places]
