"""DynamoDB in memory: only the calls that commits and previews make, so that a million personas
fit.

Rows are packed. Only updates check their conditions: batches have none.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.units import Meter

Row = dict[str, Any]

LAST = "\U0010ffff"


class MemoryDynamo:
    """Replaces the client of a `BatchTable`: one table in memory, whose calls `meter` counts."""

    class exceptions:  # noqa: N801 -- named as boto3 names it
        class ConditionalCheckFailedException(Exception):
            """An update's condition does not hold."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._rows: dict[str, dict[str, bytes]] = {}
        self._indexes: dict[str, dict[str, list[tuple[str, str, str]]]] = {}

    def fill(self, rows: dict[tuple[str, str], Row]) -> None:
        """Put rows without counting."""
        for (pk, sk), row in rows.items():
            self._rows.setdefault(pk, {})[sk] = marshal.dumps(row)

    def index(self, name: str, shard: str, order: str) -> None:
        """Make an index, keys only, of the rows as they are now; later writes do not reach it.

        `shard` and `order`: its two key attributes.
        """
        index: dict[str, list[tuple[str, str, str]]] = {}
        for pk, partition in self._rows.items():
            for sk, packed in partition.items():
                row = marshal.loads(packed)  # noqa: S302 -- ours
                if shard in row:
                    index.setdefault(row[shard]["S"], []).append((row[order]["S"], pk, sk))
        self._indexes[name] = {value: sorted(entries) for value, entries in index.items()}

    def query(self, **request: Any) -> dict[str, Any]:
        """A page of an index's shard, newest first, as the list of personas asks for it; without an
        index all that there is."""
        if "IndexName" not in request:
            return self._partition(request)
        values = request["ExpressionAttributeValues"]
        shard = values[":shard"]["S"]
        entries = self._indexes[request["IndexName"]].get(shard, [])
        after = values.get(":after")
        end = len(entries) if after is None else bisect_left(entries, (after["S"],))
        items = [
            {
                "pk": {"S": pk},
                "sk": {"S": sk},
                "recent_shard": {"S": shard},
                "inserted_at": {"S": inserted_at},
            }
            for inserted_at, pk, sk in entries[max(0, end - request["Limit"]) : end][::-1]
        ]
        answer: dict[str, Any] = {"Items": items}
        self.meter.count("Query", request, answer)
        return answer

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        row_keys = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
        rows = [row for pk, sk in row_keys if (row := self._get(pk, sk)) is not None]
        answer = {"Responses": {table: rows}, "UnprocessedKeys": {}}
        self.meter.count("BatchGetItem", request, answer)
        return answer

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        ((_, writes),) = request["RequestItems"].items()
        for write in writes:
            if "PutRequest" in write:
                row = write["PutRequest"]["Item"]
                self._rows.setdefault(row["pk"]["S"], {})[row["sk"]["S"]] = marshal.dumps(row)
            else:
                key = write["DeleteRequest"]["Key"]
                self._rows.get(key["pk"]["S"], {}).pop(key["sk"]["S"], None)
        answer: dict[str, Any] = {"UnprocessedItems": {}}
        self.meter.count("BatchWriteItem", request, answer)
        return answer

    def update_item(self, **request: Any) -> dict[str, Any]:
        """`SET a = :x, b = :y`, `ADD n :x`, `REMOVE a, b`, as the commit lock uses them."""
        pk, sk = request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]
        row = self._get(pk, sk) or dict(request["Key"])
        values = request.get("ExpressionAttributeValues", {})
        if not _holds(request.get("ConditionExpression"), row, values):
            self.meter.count("UpdateItem", request, {"Attributes": row})
            raise self.exceptions.ConditionalCheckFailedException
        answer = {"Attributes": self._update(request)}
        self.meter.count("UpdateItem", request, answer)
        return answer

    def _update(self, request: dict[str, Any]) -> Row:
        """The row as it is then."""
        pk, sk = request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]
        row = self._get(pk, sk) or dict(request["Key"])
        values = request.get("ExpressionAttributeValues", {})
        verb = ""
        for word in request["UpdateExpression"].replace(",", " ").replace(" = ", "=").split():
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
        return row

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """All of the writes or, where the condition of one does not hold, none."""
        writes = [pair for item in request["TransactItems"] for pair in item.items()]
        held = [
            _holds(write.get("ConditionExpression"), *self._judged(write)) for _, write in writes
        ]
        self.meter.count("TransactWriteItems", request, {})
        if not all(held):
            codes = ["None" if holds else "ConditionalCheckFailed" for holds in held]
            raise ClientError(
                {"CancellationReasons": [{"Code": code} for code in codes]},
                "TransactWriteItems",
            )
        for kind, write in writes:
            if kind == "Put":
                self.fill({(write["Item"]["pk"]["S"], write["Item"]["sk"]["S"]): write["Item"]})
            elif kind == "Delete":
                self._rows.get(write["Key"]["pk"]["S"], {}).pop(write["Key"]["sk"]["S"], None)
            else:
                self._update(write)
        return {}

    def _judged(self, write: dict[str, Any]) -> tuple[Row, Row]:
        """The row that a write of a transaction is about, and the values of its condition."""
        key = write.get("Item") or write["Key"]
        row = self._get(key["pk"]["S"], key["sk"]["S"]) or {}
        return row, write.get("ExpressionAttributeValues", {})

    def get_item(self, **request: Any) -> dict[str, Any]:
        row = self._get(request["Key"]["pk"]["S"], request["Key"]["sk"]["S"])
        answer = {} if row is None else {"Item": row}
        self.meter.count("GetItem", request, answer)
        return answer

    def _partition(self, request: dict[str, Any]) -> dict[str, Any]:
        """All of a partition that the condition asks for, in order."""
        values = request["ExpressionAttributeValues"]
        prefix = values.get(":prefix", {"S": ""})["S"]
        first, last = (
            values.get(name, {"S": end})["S"] for name, end in ((":first", ""), (":last", LAST))
        )
        partition = self._rows.get(values[":pk"]["S"], {})
        sort_keys = [
            sk for sk in sorted(partition) if sk.startswith(prefix) and first <= sk <= last
        ]
        rows = [marshal.loads(partition[sk]) for sk in sort_keys]  # noqa: S302 -- ours
        answer = {"Items": rows}
        self.meter.count("Query", request, answer)
        return answer

    def _get(self, pk: str, sk: str) -> Row | None:
        packed = self._rows.get(pk, {}).get(sk)
        return None if packed is None else marshal.loads(packed)  # noqa: S302 -- ours


def _holds(condition: str | None, row: Row, values: Row) -> bool:
    """Whether the row meets a condition as the commit lock words it: alternatives in parentheses,
    joined by AND."""
    return condition is None or all(
        any(_is_true(term.strip(" ()"), row, values) for term in clause.split(" OR "))
        for clause in condition.split(" AND ")
    )


def _is_true(term: str, row: Row, values: Row) -> bool:
    """Whether one term holds: `attribute_exists(n`, `attribute_not_exists(n`, `n = :x`, `n < :x`;
    numbers are compared."""
    if "(" in term:
        function, name = term.split("(")
        return (name in row) == (function == "attribute_exists")
    name, sign, value = term.split()
    if name not in row:
        return False
    here, there = int(row[name]["N"]), int(values[value]["N"])
    return here == there if sign == "=" else here < there
