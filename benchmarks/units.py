"""DynamoDB's capacity units by AWS's own rules, counted where our clients make their calls.

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
Place = tuple[str, str, str]

WRITE_BYTES = 1024
READ_BYTES = 4096
REMEMBERED = 50_000
"""Sizes of rows seen lately: what a write replaces was nearly always read just before."""

_EMPTY_INDEX: dict[str, str] = {}


def row_bytes(row: Row) -> int:
    """The size that DynamoDB charges a row by: names and values, UTF-8."""
    return sum(len(name) + _value_bytes(value) for name, value in row.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held) if held.isascii() else len(held.encode())
    if kind == "N":
        digits = held.strip("-").replace(".", "")
        return (len(digits) + 1) // 2 + 1 + held.startswith("-")
    if kind == "B":
        return len(held)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name) + _value_bytes(part) for name, part in held.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(part) for part in held)
    raise ValueError(f"a value of the unexpected kind {kind}")


def write_units(size: int) -> int:
    return max(1, -(-size // WRITE_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    whole = max(1, -(-size // READ_BYTES))
    return whole if consistent else whole / 2


def indexes_of_tables(names: Mapping[str, str]) -> dict[str, dict[str, tuple[str, str]]]:
    """Table name → index → its two key attributes; `names`: logical id → table name."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for logical, resource in infra_template()["Resources"].items():
        if resource.get("Type") == "AWS::DynamoDB::Table" and logical in names:
            found[names[logical]] = {
                index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
                for index in resource["Properties"].get("GlobalSecondaryIndexes", ())
            }
    return found


class Meter:
    """Counts by `section`, which the caller sets: which part of the work calls belong to.

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
        self._seen: OrderedDict[Place, tuple[int, Mapping[str, str]]] = OrderedDict()
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
    def listening(self) -> Iterator[None]:
        """Hear of every DynamoDB call of every client made from now on, until the end."""
        heard = [
            ("before-parameter-build.dynamodb", self._asked),
            ("after-call.dynamodb", self._answered),
        ]
        handlers.BUILTIN_HANDLERS.extend(heard)
        ours = {name: getattr(WireClient, name) for name in ("batch_get_item", "batch_write_item")}
        for name, really in ours.items():
            setattr(WireClient, name, self._heard(name, really))
        try:
            yield
        finally:
            for name, really in ours.items():
                setattr(WireClient, name, really)
            for entry in heard:
                handlers.BUILTIN_HANDLERS.remove(entry)

    def _heard(self, name: str, really: Callable[..., Any]) -> Callable[..., Any]:
        """Our own batch calls raise no events."""
        operation = "".join(word.title() for word in name.split("_"))

        def call(client: WireClient, **asked: Any) -> Any:
            answer = really(client, **asked)
            self.count(operation, asked, answer)
            return answer

        return call

    def _asked(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["benchmark_params"] = params

    def _answered(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        failed = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) >= 300
        self.count(model.name, context["benchmark_params"], {} if failed else parsed)

    def count(self, call: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Count one call. A refused condition costs what the write would have cost."""
        started = time.thread_time()
        self._add("calls", 1)
        tables = asked.get("RequestItems") or [asked.get("TableName", "")]
        for table in tables:
            self.calls.setdefault(self.section, Counter())[f"{call} {table}"] += 1
        if call in self._after:
            self._after[call](asked, answer)
        self.own_seconds += time.thread_time() - started

    def forget(self) -> None:
        """Start counting anew; what is known of rows stays."""
        for counted in (self.counts, self.rows, self.calls):
            counted.clear()
        self.own_seconds = 0.0

    def total(self, name: str) -> float:
        return sum(counts[name] for counts in self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "counts": {name: dict(found) for name, found in self.counts.items()},
            "rows": {name: dict(found) for name, found in self.rows.items()},
            "calls": {name: dict(found) for name, found in self.calls.items()},
        }

    def _add(self, name: str, units: float) -> None:
        self.counts.setdefault(self.section, Counter())[name] += units  # type: ignore[assignment]

    def _get(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        consistent = bool(asked.get("ConsistentRead"))
        row = answer.get("Item")
        self._add("reads", read_units(self._read(asked["TableName"], row), consistent=consistent))

    def _batch_get(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        for table, wanted in asked["RequestItems"].items():
            consistent = bool(wanted.get("ConsistentRead"))
            found = answer.get("Responses", {}).get(table, ())
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
            missing = len(wanted["Keys"]) - len(found) - len(left)
            units = sum(read_units(self._read(table, r), consistent=consistent) for r in found)
            self._add("reads", units + missing * read_units(0, consistent=consistent))

    def _query(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        whole = "IndexName" not in asked and "ProjectionExpression" not in asked
        size = 0
        for row in answer.get("Items", ()):
            size += self._read(asked["TableName"], row) if whole else row_bytes(row)
        self._add("reads", read_units(size, consistent=bool(asked.get("ConsistentRead"))))

    def _put(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        self._written(asked["TableName"], asked["Item"])

    def _update(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        table = asked["TableName"]
        row = answer.get("Attributes")
        if row is None:
            size, _ = self._seen.get(_place(table, asked["Key"]), (0, _EMPTY_INDEX))
            self._charge(_kind(asked["Key"]), write_units(size), 1)
            return
        self._written(table, {**asked["Key"], **row})

    def _delete(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        self._gone(asked["TableName"], asked["Key"])

    def _batch_write(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        for table, requests in asked["RequestItems"].items():
            left = answer.get("UnprocessedItems", {}).get(table, [])
            for request in requests:
                if request in left:
                    continue
                if "PutRequest" in request:
                    self._written(table, request["PutRequest"]["Item"])
                else:
                    self._gone(table, request["DeleteRequest"]["Key"])

    def _transact(self, asked: dict[str, Any], _: dict[str, Any]) -> None:
        for item in asked["TransactItems"]:
            ((kind, write),) = item.items()
            row = write.get("Item") or write["Key"]
            if kind == "Put":
                self._written(write["TableName"], row, times=2)
            elif kind == "Delete":
                self._gone(write["TableName"], row, times=2)
            else:  # how large an updated row is, a transaction does not say
                size, _ = self._seen.get(_place(write["TableName"], row), (0, _EMPTY_INDEX))
                self._charge(_kind(row), write_units(size), 2)

    def _read(self, table: str, row: Row | None) -> int:
        if row is None:
            return 0
        size = row_bytes(row)
        if "pk" in row and "sk" in row:
            self._remember(_place(table, row), size, self._index_keys(table, row))
        return size

    def _written(self, table: str, row: Row, times: int = 1) -> None:
        place = _place(table, row)
        size, entries = row_bytes(row), self._index_keys(table, row)
        old_size, old_entries = self._seen.get(place, (0, _EMPTY_INDEX))
        self._charge(_kind(row), write_units(max(size, old_size)), times)
        self._charge_indexes(old_entries, entries, times)
        self._remember(place, size, entries)

    def _gone(self, table: str, key: Row, times: int = 1) -> None:
        size, entries = self._seen.pop(_place(table, key), (0, _EMPTY_INDEX))
        self._charge(_kind(key), write_units(size), times)
        self._charge_indexes(entries, _EMPTY_INDEX, times)

    def _charge(self, kind: str, units: int, times: int) -> None:
        self._add("writes", units * times)
        self.rows.setdefault(self.section, Counter())[kind] += units * times

    def _charge_indexes(
        self, before: Mapping[str, str], after: Mapping[str, str], times: int
    ) -> None:
        """An entry that is new or gone costs a unit, one that moved two; they are below 1 KB."""
        if before == after:
            return
        for index in {*before, *after}:
            old, new = before.get(index), after.get(index)
            if old != new:
                self._add("index_writes", ((old is not None) + (new is not None)) * times)

    def _index_keys(self, table: str, row: Row) -> Mapping[str, str]:
        found = {}
        for index, attributes in self._indexes.get(table, _EMPTY_INDEX).items():
            if all(name in row for name in attributes):
                found[index] = "\x1f".join(str(row[name]) for name in attributes)
        return found or _EMPTY_INDEX

    def _remember(self, place: Place, size: int, entries: Mapping[str, str]) -> None:
        self._seen[place] = (size, entries)
        self._seen.move_to_end(place)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _place(table: str, row: Row) -> Place:
    return table, _text(row["pk"]), _text(row["sk"])


def _text(value: Mapping[str, Any]) -> str:
    return str(value["S"])


def _kind(row: Row) -> str:
    """What kind of row: the fixed part of its sort key."""
    found = _text(row["sk"]).split("#", 1)[0]
    return found if found.isupper() else _text(row["pk"]).split("#", 1)[0]
