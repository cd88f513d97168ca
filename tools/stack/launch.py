"""Run ministack so that it stops quickly: `python launch.py`, with ministack's own Python.

As it comes, it waits 3 s for idle connections, writes its state through json's Python encoder while
functions go on, and then waits for threads that wait for these; on a busy machine that took a
minute. Here functions are ended first, and it ends as soon as its state is on disk. What they were
at is tried again at the next start, as after any stop. A query of an index would read its whole
partition for each page, DynamoDB reads the page: large partitions are kept in order. It uses the
standard library and ministack only, and runs in a session of its own (guard.py).
"""

import json
import os
import re
import signal
from bisect import bisect_left, bisect_right
from threading import local
from types import SimpleNamespace
from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.core import persistence
from ministack.services import dynamodb

IDLE_SECONDS = 0.2
LARGE = 1000
"""Rows of an index's partition from which on it is kept in order."""
CONDITION = re.compile(r"(\w+) = (:\w+)(?: AND (\w+) (?:(<|>) (:\w+)|BETWEEN (:\w+) AND (:\w+)))?")
LAST = "\U0010ffff"


def dump(value: Any, out: Any, **options: Any) -> None:
    """json.dump through the encoder written in C, which only json.dumps uses."""
    out.write(json.dumps(value, **options))


def end_functions() -> None:
    """End all of our session but this process."""
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpid(), signal.SIGTERM)


class OrderedIndexes:
    """Shows a query of an index only the rows of its partition that it can return."""

    def __init__(self) -> None:
        self.query = dynamodb._query  # noqa: SLF001
        self.index_members = dynamodb._index_members  # noqa: SLF001
        self.index_item = dynamodb._index_item  # noqa: SLF001
        self.items_replaced = dynamodb._items_replaced  # noqa: SLF001
        self.asked = local()
        self.ordered: dict[tuple[str, str], dict[Any, list[Any]]] = {}

    def install(self) -> None:
        dynamodb._query = self.answer  # noqa: SLF001
        dynamodb._index_members = self.members  # noqa: SLF001
        dynamodb._index_item = self.keep  # noqa: SLF001
        dynamodb._items_replaced = self.forget  # noqa: SLF001

    def answer(self, data: Any) -> Any:
        self.asked.data = data
        try:
            return self.query(data)
        finally:
            self.asked.data = None

    def keep(self, table: Any, base_pk: Any, base_sk: Any, item: Any, *, add: bool) -> None:
        for name, hashes, ranges in dynamodb._index_key_schemas(table):  # noqa: SLF001
            partition = dynamodb._index_partition(item, hashes, ranges)  # noqa: SLF001
            self.ordered.get((table["TableName"], name), {}).pop(partition, None)
        self.index_item(table, base_pk, base_sk, item, add=add)

    def forget(self, table: Any) -> None:
        self.ordered.clear()
        self.items_replaced(table)

    def members(self, table: Any) -> Any:
        """Return ministack's members of all indexes; of a large partition that is asked for, those
        within the condition, no more of them than the limit and one."""
        everything = self.index_members(table)
        data = getattr(self.asked, "data", None) or {}
        index: str = data.get("IndexName", "")
        asked = CONDITION.fullmatch(data.get("KeyConditionExpression") or "")
        if not asked or index not in everything or data.get("ExclusiveStartKey"):
            return everything
        values = data["ExpressionAttributeValues"]
        partition = values[asked[2]].get("S")
        found = everything[index].get(partition, ())
        name = self.text_order(table, index)
        if len(found) < LARGE or name is None:
            return everything
        rows = self.in_order(table, index, partition, name, found)
        low, high = 0, len(rows)
        if asked[4] == "<":
            high = bisect_left(rows, (values[asked[5]]["S"],))
        elif asked[4] == ">":
            low = bisect_right(rows, (values[asked[5]]["S"], LAST))
        elif asked[6]:
            low = bisect_left(rows, (values[asked[6]]["S"],))
            high = bisect_right(rows, (values[asked[7]]["S"], LAST))
        most = int(data.get("Limit") or len(rows)) + 1
        if data.get("ScanIndexForward", True):
            high = min(high, low + most)
        else:
            low = max(low, high - most)
        return {index: {partition: [(pk, sk) for _, pk, sk in rows[low:high]]}}

    @staticmethod
    def text_order(table: Any, index: str) -> str | None:
        """Return the attribute by which an index is in order, if it is a text."""
        _, ranges = dynamodb._index_key_lists(dynamodb._index_def(table, index))  # noqa: SLF001
        texts = [n for n in ranges if dynamodb._get_attr_type(table, n) == "S"]  # noqa: SLF001
        return texts[0] if len(ranges) == len(texts) == 1 else None

    def in_order(self, table: Any, index: str, partition: str, name: str, found: Any) -> list[Any]:
        kept = self.ordered.setdefault((table["TableName"], index), {})
        if partition not in kept:
            items = table["items"]
            kept[partition] = sorted((items[pk][sk][name]["S"], pk, sk) for pk, sk in found)
        return kept[partition]


def main() -> None:
    OrderedIndexes().install()
    handle_lifespan = app._handle_lifespan  # noqa: SLF001 -- it offers no way to stop

    async def handle_lifespan_and_end(scope: Any, receive: Any, send: Any) -> None:
        async def receive_and_end_functions() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                end_functions()
            return message

        await handle_lifespan(scope, receive_and_end_functions, send)
        os._exit(0)  # the state is written

    app._handle_lifespan = handle_lifespan_and_end  # noqa: SLF001
    Config.graceful_timeout = IDLE_SECONDS
    fast = {name: getattr(json, name) for name in json.__all__} | {"dump": dump}
    persistence.json = SimpleNamespace(**fast)
    app.main()


if __name__ == "__main__":
    main()
