"""Lists of personas by the indexes of the personas table."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass

from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.adapters.dynamo.positions import AT_AND_ID, checked_position
from chalicelib.domain.errors import BadPosition
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Uid

RECENT_INDEX = "recent"
NAME_INDEX = "by_name"
FIRST = " "
LAST = "\U0010ffff"
"""They sort before and after every character that a folded name can begin with."""

POINTER = re.compile(re.escape(fact_keys.POINTER_PREFIX) + AT_AND_ID.pattern, re.DOTALL)


@dataclass(frozen=True, slots=True)
class DynamoPersonaList:
    """The `PersonaList` port. Its indexes are eventually consistent with the rows."""

    table: BatchTable

    def by_arrival(
        self, uid: Uid, limit: int, after: str | None, *, newest_first: bool = True
    ) -> tuple[list[str], str | None]:
        if after is not None:
            checked_position(after, AT_AND_ID)
        shards = [
            self._by_arrival(
                fact_keys.recent_shard(uid, number), limit, after, newest_first=newest_first
            )
            for number in range(fact_keys.RECENT_SHARDS)
        ]
        positions = list(heapq.merge(*shards, reverse=newest_first))[:limit]
        return _ids(positions), positions[-1] if len(positions) == limit else None

    def in_turn(self, uid: Uid, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Read shard by shard, those of records that are out of market last; a position is
        `{shard}|{position in it}`."""
        number, _, inner = (after or "0|").partition("|")
        further, place = divmod(int(number), fact_keys.RECENT_SHARDS)
        shard = (fact_keys.out_of_market_shard if further else fact_keys.recent_shard)(uid, place)
        positions = self._by_arrival(shard, limit, inner or None, newest_first=True)
        if len(positions) == limit:
            return _ids(positions), f"{number}|{positions[-1]}"
        following = int(number) + 1
        return _ids(positions), f"{following}|" if following < 2 * fact_keys.RECENT_SHARDS else None

    def by_name(
        self, uid: Uid, prefix: str, limit: int, after: str | None, *, descending: bool = False
    ) -> tuple[list[str], str | None]:
        shards = (fact_keys.name_shard_of(prefix),) if prefix else fact_keys.NAME_SHARDS
        if descending:
            shards = shards[::-1]
        if after is not None:
            low, high = _bounds(prefix)
            if not low <= after <= high:
                raise BadPosition
            shards = shards[shards.index(fact_keys.name_shard_of(after)) :]
        positions: list[str] = []
        for shard in shards:
            rest = limit - len(positions)
            if rest == 0:
                break
            positions += self._by_name(
                fact_keys.name_shard(uid, shard), prefix, rest, after, descending=descending
            )
            after = None
        return _ids(positions), positions[-1] if len(positions) == limit else None

    def sale_refs(
        self, uid: Uid, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        if before is not None:
            checked_position(before, POINTER)
        values = {
            ":pk": {"S": fact_keys.record(uid, record)},
            ":first": {"S": fact_keys.POINTER_PREFIX},
            ":last": {"S": before or fact_keys.POINTER_PREFIX + "~"},
        }
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self.table.query_page(condition, values, limit + 1, newest_first=True)
        refs = [(row["sk"]["S"], rows.read_pointer(row)) for row in found]
        return [ref for ref in refs if ref[0] != before][:limit]

    def _by_arrival(
        self, shard: str, limit: int, after: str | None, *, newest_first: bool
    ) -> list[str]:
        condition, values = "recent_shard = :shard", {":shard": {"S": shard}}
        if after is not None:
            condition += (
                " AND inserted_at < :after" if newest_first else " AND inserted_at > :after"
            )
            values[":after"] = {"S": after}
        found = self.table.query_page(
            condition, values, limit, index=RECENT_INDEX, newest_first=newest_first
        )
        return [row["inserted_at"]["S"] for row in found]

    def _by_name(
        self, shard: str, prefix: str, limit: int, after: str | None, *, descending: bool
    ) -> list[str]:
        low, high = _bounds(prefix)
        if after is not None and descending:
            high = after
        elif after is not None:
            low = after
        found = self.table.query_page(
            "name_shard = :shard AND name_key BETWEEN :low AND :high",
            {":shard": {"S": shard}, ":low": {"S": low}, ":high": {"S": high}},
            limit + 1,
            index=NAME_INDEX,
            newest_first=descending,
        )
        names = [row["name_key"]["S"] for row in found]
        return [name for name in names if name != after][:limit]


def _bounds(prefix: str) -> tuple[str, str]:
    """Return the range of name keys that begin with the prefix."""
    return prefix or FIRST, prefix + LAST


def _ids(positions: list[str]) -> list[str]:
    return [position.rpartition("#")[2] for position in positions]
