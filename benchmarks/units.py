"""Counts DynamoDB's capacity units by AWS's own rules, where our clients make their calls.

The local AWS counts reads its own way, so requests and answers are measured here: a write costs one
unit per KB of the larger of the old and the new row, and as much again per index entry it makes or
takes away; a consistent read one per 4 KB, row by row, but a query its whole page at once.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import handlers

from chalicelib.adapters.dynamo.wire import WireClient
from tools.template import infra_template

Row = Mapping[str, Mapping[str, Any]]
RowKey = tuple[str, str, str]
"""(table, pk, sk)"""

WRITE_BYTES = 1024
READ_BYTES = 4096
OUR_CALLS = ("batch_get_item", "batch_write_item", "query", "get_item", "update_item")
"""The calls of `WireClient` that botocore knows nothing of."""
REMEMBERED = 50_000
"""How many sizes of rows are remembered: a row was nearly always read just before its write."""

_EMPTY_INDEX: Mapping[str, str] = {}


def row_bytes(row: Row) -> int:
    """The size that DynamoDB charges a row by: names and values, UTF-8."""
    return sum(len(name) + _value_bytes(value) for name, value in row.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        digits: str = content.strip("-").replace(".", "")
        return (len(digits) + 1) // 2 + 1 + ("-" in content)
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name) + _value_bytes(inner) for name, inner in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(inner) for inner in content)
    raise ValueError(f"a value of the unexpected kind {kind}")


def write_units(size: int) -> int:
    return max(1, -(-size // WRITE_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    whole = max(1, -(-size // READ_BYTES))
    return whole if consistent else whole / 2


def indexes_of_tables(names: Mapping[str, str]) -> dict[str, dict[str, tuple[str, str]]]:
    """Table name → index → its two key attributes; `names`: logical id → table name."""
    indexes: dict[str, dict[str, tuple[str, str]]] = {}
    for logical, resource in infra_template()["Resources"].items():
        if resource.get("Type") == "AWS::DynamoDB::Table" and logical in names:
            indexes[names[logical]] = {
                index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
                for index in resource["Properties"].get("GlobalSecondaryIndexes", ())
            }
    return indexes


class Meter:
    """Counts calls and units by `section`, the stage of the work that the caller sets.

    `counts[section]` has `calls`, `writes`, `index_writes`, `reads`; `rows[section]` the write
    units by kind of row. `own_seconds` is the CPU that counting itself cost.
    """

    def __init__(self, indexes: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        self.section = "start"
        self.counts: dict[str, Counter[str]] = {}
        self.rows: dict[str, Counter[str]] = {}
        self.calls: dict[str, Counter[str]] = {}
        self.own_seconds = 0.0
        self._indexes = indexes
        self._seen: OrderedDict[RowKey, tuple[int, Mapping[str, str]]] = OrderedDict()
        self._after = {
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "Query": self._query,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact,
        }

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Count every DynamoDB call of every client made while this is open."""
        hooks = [
            ("before-parameter-build.dynamodb", self._before_call),
            ("after-call.dynamodb", self._after_call),
        ]
        handlers.BUILTIN_HANDLERS.extend(hooks)
        ours = {name: getattr(WireClient, name) for name in OUR_CALLS}
        for name, method in ours.items():
            setattr(WireClient, name, self._counted(name, method))
        try:
            yield
        finally:
            for name, method in ours.items():
                setattr(WireClient, name, method)
            for hook in hooks:
                handlers.BUILTIN_HANDLERS.remove(hook)

    def _counted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method with its calls counted: our own batch calls raise no events."""
        operation = "".join(word.title() for word in name.split("_"))

        def call(client: WireClient, **request: Any) -> Any:
            answer: dict[str, Any] = {}
            try:
                answer = method(client, **request)
            finally:
                self.count(operation, request, answer)
            return answer

        return call

    def _before_call(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["benchmark_params"] = params

    def _after_call(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        failed = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) >= 300
        self.count(model.name, context["benchmark_params"], {} if failed else parsed)

    def count(self, call: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Count one call. A refused condition costs what the write would have cost."""
        started = time.thread_time()
        self._add("calls", 1)
        tables = request.get("RequestItems") or [request.get("TableName", "")]
        for table in tables:
            self.calls.setdefault(self.section, Counter())[f"{call} {table}"] += 1
        if call in self._after:
            self._after[call](request, answer)
        self.own_seconds += time.thread_time() - started

    def forget(self) -> None:
        """Start counting anew; the sizes of rows stay known."""
        for counted in (self.counts, self.rows, self.calls):
            counted.clear()
        self.own_seconds = 0.0

    def total(self, name: str) -> float:
        return sum(counts[name] for counts in self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "counts": {name: dict(counts) for name, counts in self.counts.items()},
            "rows": {name: dict(units) for name, units in self.rows.items()},
            "calls": {name: dict(calls) for name, calls in self.calls.items()},
        }

    def _add(self, name: str, units: float) -> None:
        self.counts.setdefault(self.section, Counter())[name] += units  # type: ignore[assignment]

    def _get(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        consistent = bool(request.get("ConsistentRead"))
        row = answer.get("Item")
        self._add("reads", read_units(self._read(request["TableName"], row), consistent=consistent))

    def _batch_get(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        for table, wanted in request["RequestItems"].items():
            consistent = bool(wanted.get("ConsistentRead"))
            rows = answer.get("Responses", {}).get(table, ())
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
            missing = len(wanted["Keys"]) - len(rows) - len(left)
            units = sum(read_units(self._read(table, r), consistent=consistent) for r in rows)
            self._add("reads", units + missing * read_units(0, consistent=consistent))

    def _query(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        whole = "IndexName" not in request and "ProjectionExpression" not in request
        size = 0
        for row in answer.get("Items", ()):
            size += self._read(request["TableName"], row) if whole else row_bytes(row)
        self._add("reads", read_units(size, consistent=bool(request.get("ConsistentRead"))))

    def _put(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._count_write(request["TableName"], request["Item"])

    def _update(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        table = request["TableName"]
        row = answer.get("Attributes")
        if row is None:
            size, _ = self._seen.get(_row_key(table, request["Key"]), (0, _EMPTY_INDEX))
            self._charge(_kind(request["Key"]), write_units(size), 1)
            return
        self._count_write(table, {**request["Key"], **row})

    def _delete(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        self._count_delete(request["TableName"], request["Key"])

    def _batch_write(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        for table, writes in request["RequestItems"].items():
            left = answer.get("UnprocessedItems", {}).get(table, [])
            for write in writes:
                if write in left:
                    continue
                if "PutRequest" in write:
                    self._count_write(table, write["PutRequest"]["Item"])
                else:
                    self._count_delete(table, write["DeleteRequest"]["Key"])

    def _transact(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        for item in request["TransactItems"]:
            ((kind, write),) = item.items()
            row = write.get("Item") or write["Key"]
            if kind == "Put":
                self._count_write(write["TableName"], row, times=2)
            elif kind == "Delete":
                self._count_delete(write["TableName"], row, times=2)
            else:  # how large an updated row is, a transaction does not say
                size = self._seen.get(_row_key(write["TableName"], row), (0, _EMPTY_INDEX))[0]
                self._charge(_kind(row), write_units(size), 2)

    def _read(self, table: str, row: Row | None) -> int:
        if row is None:
            return 0
        size = row_bytes(row)
        if "pk" in row and "sk" in row:
            self._remember(_row_key(table, row), size, self._index_keys(table, row))
        return size

    def _count_write(self, table: str, row: Row, times: int = 1) -> None:
        key = _row_key(table, row)
        size, entries = row_bytes(row), self._index_keys(table, row)
        old_size, old_entries = self._seen.get(key, (0, _EMPTY_INDEX))
        self._charge(_kind(row), write_units(max(size, old_size)), times)
        self._charge_indexes(old_entries, entries, times)
        self._remember(key, size, entries)

    def _count_delete(self, table: str, key: Row, times: int = 1) -> None:
        size, entries = self._seen.pop(_row_key(table, key), (0, _EMPTY_INDEX))
        self._charge(_kind(key), write_units(size), times)
        self._charge_indexes(entries, _EMPTY_INDEX, times)

    def _charge(self, kind: str, units: int, times: int) -> None:
        self._add("writes", units * times)
        self.rows.setdefault(self.section, Counter())[kind] += units * times

    def _charge_indexes(
        self, before: Mapping[str, str], after: Mapping[str, str], times: int
    ) -> None:
        """A new or deleted entry costs one unit, a changed one two; entries are below 1 KB."""
        if before == after:
            return
        for index in {*before, *after}:
            old, new = before.get(index), after.get(index)
            if old != new:
                self._add("index_writes", ((old is not None) + (new is not None)) * times)

    def _index_keys(self, table: str, row: Row) -> Mapping[str, str]:
        entries = {}
        for index, attributes in self._indexes.get(table, _EMPTY_INDEX).items():
            if all(name in row for name in attributes):
                entries[index] = "\x1f".join(str(row[name]) for name in attributes)
        return entries or _EMPTY_INDEX

    def _remember(self, key: RowKey, size: int, entries: Mapping[str, str]) -> None:
        self._seen[key] = (size, entries)
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _row_key(table: str, row: Row) -> RowKey:
    return table, _text(row["pk"]), _text(row["sk"])


def _text(value: Mapping[str, Any]) -> str:
    return str(value["S"])


def _kind(row: Row) -> str:
    """The kind of row, which is the constant beginning of its sort key or of its partition key."""
    kind = _text(row["sk"]).split("#", 1)[0]
    return kind if kind.isupper() else _text(row["pk"]).split("#", 1)[0]
