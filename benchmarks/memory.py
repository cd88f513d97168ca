"""DynamoDB in memory: only the calls that commits and previews make, so that a million personas
fit.

Rows are kept packed. Conditions are not judged: nobody else is there.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Self

from benchmarks.units import Meter

Row = dict[str, Any]

LAST = "\U0010ffff"


class MemoryDynamo:
    """Stands in for the client of a `BatchTable`; counts on `meter`. One table is enough."""

    class exceptions:  # noqa: N801 -- named as boto3 names it
        class ConditionalCheckFailedException(Exception):
            """Never raised here."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._rows: dict[str, dict[str, bytes]] = {}
        self._indexes: dict[str, dict[str, list[tuple[str, str, str]]]] = {}

    def fill(self, rows: dict[tuple[str, str], Row]) -> None:
        """Put rows without counting."""
        for (pk, sk), row in rows.items():
            self._rows.setdefault(pk, {})[sk] = marshal.dumps(row)

    def index(self, name: str, shard: str, order: str) -> None:
        """Make an index, keys only, of what the table holds by now; later writes do not reach it.

        `shard` and `order`: its two key attributes.
        """
        made: dict[str, list[tuple[str, str, str]]] = {}
        for pk, under in self._rows.items():
            for sk, packed in under.items():
                row = marshal.loads(packed)  # noqa: S302 -- ours
                if shard in row:
                    made.setdefault(row[shard]["S"], []).append((row[order]["S"], pk, sk))
        self._indexes[name] = {place: sorted(entries) for place, entries in made.items()}

    def query(self, **asked: Any) -> dict[str, Any]:
        """A page of an index's shard, newest first, as the list of personas asks for it."""
        values = asked["ExpressionAttributeValues"]
        shard = values[":shard"]["S"]
        entries = self._indexes[asked["IndexName"]].get(shard, [])
        after = values.get(":after")
        end = len(entries) if after is None else bisect_left(entries, (after["S"],))
        found = [
            {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "recent_shard": {"S": shard},
                "inserted_at": {"S": place},
            }
            for place, pk, sk in entries[max(0, end - asked["Limit"]) : end][::-1]
        ]
        answer: dict[str, Any] = {"Items": found}
        self.meter.count("Query", asked, answer)
        return answer

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:
        ((table, wanted),) = asked["RequestItems"].items()
        places = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
        found = [row for pk, sk in places if (row := self._get(pk, sk)) is not None]
        answer = {"Responses": {table: found}, "UnprocessedKeys": {}}
        self.meter.count("BatchGetItem", asked, answer)
        return answer

    def batch_write_item(self, **asked: Any) -> dict[str, Any]:
        ((_, requests),) = asked["RequestItems"].items()
        for request in requests:
            if "PutRequest" in request:
                row = request["PutRequest"]["Item"]
                self._rows.setdefault(row["pk"]["S"], {})[row["sk"]["S"]] = marshal.dumps(row)
            else:
                key = request["DeleteRequest"]["Key"]
                self._rows.get(key["pk"]["S"], {}).pop(key["sk"]["S"], None)
        answer: dict[str, Any] = {"UnprocessedItems": {}}
        self.meter.count("BatchWriteItem", asked, answer)
        return answer

    def update_item(self, **asked: Any) -> dict[str, Any]:
        """`SET a = :x, b = :y`, `ADD n :x`, `REMOVE a, b`, as the commit lock uses them."""
        pk, sk = asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"]
        row = self._get(pk, sk) or dict(asked["Key"])
        values = asked.get("ExpressionAttributeValues", {})
        verb = ""
        for word in asked["UpdateExpression"].replace(",", " ").replace(" = ", "=").split():
            if word in ("SET", "ADD", "REMOVE"):
                verb, name = word, ""
            elif verb == "SET":
                name, value = word.split("=")
                row[name] = values[value]
            elif verb == "REMOVE":
                row.pop(word, None)
            elif word in values:
                total = int(row.get(name, {"N": "0"})["N"]) + int(values[word]["N"])
                row[name] = {"N": str(total)}
            else:
                name = word
        self._rows.setdefault(pk, {})[sk] = marshal.dumps(row)
        answer = {"Attributes": row}
        self.meter.count("UpdateItem", asked, answer)
        return answer

    def get_paginator(self, _: str) -> Self:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        values = asked["ExpressionAttributeValues"]
        prefix = values.get(":prefix", {"S": ""})["S"]
        first, last = (
            values.get(name, {"S": end})["S"] for name, end in ((":first", ""), (":last", LAST))
        )
        under = self._rows.get(values[":pk"]["S"], {})
        places = [sk for sk in sorted(under) if sk.startswith(prefix) and first <= sk <= last]
        found = [marshal.loads(under[sk]) for sk in places]  # noqa: S302 -- ours
        answer = {"Items": found}
        self.meter.count("Query", asked, answer)
        yield answer

    def _get(self, pk: str, sk: str) -> Row | None:
        packed = self._rows.get(pk, {}).get(sk)
        return None if packed is None else marshal.loads(packed)  # noqa: S302 -- ours
