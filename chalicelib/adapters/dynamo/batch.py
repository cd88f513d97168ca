"""Batch reads and writes of many rows: what PynamoDB does too slowly for the hot path (ADR 2).

Rows are DynamoDB attribute maps, made and read by hand in `persona_rows.py` and `consent_rows.py`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from threading import current_thread
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from chalicelib.adapters.aws.outages import THROTTLED, Throttled
from chalicelib.services.ports.common import Clock, do_nothing

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Row = dict[str, Any]
Key = tuple[str, str]
_T = TypeVar("_T")
_R = TypeVar("_R")

MAX_GET = 100
MAX_WRITE = 25
MAX_TRANSACTION = 50
"""DynamoDB takes 100 rows and 4 MB; one with so many rows is no faster than batches."""
MAX_ROUNDS = 8
"""Waves in a row of which DynamoDB processes no row."""
SIDE_BY_SIDE = 16
"""Calls at once. Their CPU goes one after the other: 16 take as long as one waits (ADR 33)."""
_NAME = "dynamo"


def commit_client() -> Any:
    """Return a client with short timeouts: no call of a commit may outlive the commit lock."""
    import boto3
    from botocore.config import Config

    from chalicelib.adapters.dynamo.wire import CONNECT_SECONDS, READ_SECONDS, TRIES, WireClient

    session = boto3.Session()
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": TRIES},
        parameter_validation=False,
    )
    return WireClient(session.client("dynamodb", config=config), session.get_credentials())


LONGEST_CALL_SECONDS = 12.0
"""Two tries of connect and read, and the pause between them."""


@cache
def _threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix=_NAME)


@dataclass(frozen=True, slots=True)
class BatchTable:
    """Reads and writes many rows of a table; strongly consistent unless said otherwise.

    Calls go out in waves of up to 16 side by side. `before_wave` is called before each, when none
    is under way: whoever holds a lock renews it there, or raises.
    """

    client: Any
    name: str
    clock: Clock

    def get_many(
        self,
        keys: Iterable[Key],
        *,
        consistent: bool = True,
        before_wave: Callable[[], None] = do_nothing,
    ) -> dict[Key, Row]:
        """Return the rows that exist. Raises Throttled."""
        requests: list[Any] = [
            {
                "ConsistentRead": consistent,
                "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in chunk],
            }
            for chunk in _chunks(dict.fromkeys(keys), MAX_GET)
        ]
        found: dict[Key, Row] = {}
        for answer in self._in_waves("batch_get_item", requests, "UnprocessedKeys", before_wave):
            for row in answer.get("Responses", {}).get(self.name, ()):
                found[row["pk"]["S"], row["sk"]["S"]] = row
        return found

    def write_many(
        self,
        puts: Mapping[Key, Row],
        deletes: Iterable[Key],
        before_wave: Callable[[], None] = do_nothing,
    ) -> None:
        """Put and delete rows, in any order. A key that is both put and deleted is put.

        Raises Throttled; some of the rows may be written then.
        """
        requests = [{"PutRequest": {"Item": row}} for row in puts.values()]
        requests += [
            {"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}}
            for pk, sk in dict.fromkeys(deletes)
            if (pk, sk) not in puts
        ]
        chunks = _chunks(requests, MAX_WRITE)
        for _ in self._in_waves("batch_write_item", chunks, "UnprocessedItems", before_wave):
            pass

    def changes(
        self, puts: Mapping[Key, Row], deletes: Iterable[Key]
    ) -> list[dict[str, Any]] | None:
        """Return the writes of a transaction that puts and deletes these rows; None where they are
        more than one takes beside a row of its caller's."""
        changes: list[dict[str, Any]] = [
            {"Put": {"TableName": self.name, "Item": row}} for row in puts.values()
        ]
        changes += [
            {"Delete": {"TableName": self.name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}}
            for pk, sk in dict.fromkeys(deletes)
            if (pk, sk) not in puts
        ]
        return changes if len(changes) < MAX_TRANSACTION else None

    def side_by_side(
        self,
        read: Callable[[_T], _R],
        items: Sequence[_T],
        before_wave: Callable[[], None] = do_nothing,
    ) -> list[_R]:
        """Return what `read` makes of each item, up to 16 at once.

        When one raises, the others of its wave end before its error is raised.
        """
        answers: list[_R] = []
        for wave in _chunks(items, SIDE_BY_SIDE):
            before_wave()
            answers += together(read, wave)
        return answers

    def query(self, pk: str, prefix: str = "") -> Iterator[Row]:
        """Read all rows under `pk` whose sk has the prefix, in order, strongly consistent."""
        if prefix:
            return self._query(pk, " AND begins_with(sk, :prefix)", {":prefix": {"S": prefix}})
        return self._query(pk, "", {})

    def query_between(
        self, pk: str, first: str, last: str, *, consistent: bool = True
    ) -> Iterator[Row]:
        """Read all rows under `pk` with `first` <= sk <= `last`, in order."""
        bounds = {":first": {"S": first}, ":last": {"S": last}}
        between = " AND sk BETWEEN :first AND :last"
        return self._query(pk, between, bounds, consistent=consistent)

    def query_page(
        self,
        condition: str,
        values: Row,
        limit: int,
        *,
        index: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        start: Row | None = None,
        attributes: str | None = None,
    ) -> list[Row]:
        """Read the first `limit` rows that meet a key condition of the table or an index.

        `values`: the condition's, as an attribute map. `start`: the key attributes of the row after
        which to begin. `attributes`: the names of those wanted; all where None.
        """
        query: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
        }
        if index:
            query["IndexName"] = index
        if start:
            query["ExclusiveStartKey"] = start
        if attributes:
            query["ProjectionExpression"] = attributes
        rows: list[Row] = self.client.query(**query)["Items"]
        return rows

    def _query(
        self, pk: str, condition: str, values: Row, *, consistent: bool = True
    ) -> Iterator[Row]:
        query: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": f"pk = :pk{condition}",
            "ExpressionAttributeValues": {":pk": {"S": pk}, **values},
            "ConsistentRead": consistent,
        }
        while True:
            page = self.client.query(**query)
            yield from page["Items"]
            if not (after := page.get("LastEvaluatedKey")):
                return
            query["ExclusiveStartKey"] = after

    def _in_waves(
        self,
        call: str,
        requests: Iterable[Any],
        left_over: str,
        before_wave: Callable[[], None],
    ) -> Iterator[Any]:
        """The answers to all requests, and to what DynamoDB left unprocessed of them."""
        waiting = deque(requests)
        fruitless = 0
        while waiting:
            wave = [waiting.popleft() for _ in range(min(SIDE_BY_SIDE, len(waiting)))]
            before_wave()
            answers = together(lambda request: self._ask(call, request, left_over), wave)
            yield from (answer for answer, _ in answers)
            rest = [undone for _, undone in answers if undone]
            if not rest:
                fruitless = 0
                continue
            waiting.extendleft(rest)
            gained = sum(map(_rows_in, rest)) < sum(map(_rows_in, wave))
            fruitless = 0 if gained else fruitless + 1
            if fruitless == MAX_ROUNDS:
                raise Throttled(f"{call}: rows left after {MAX_ROUNDS} rounds")
            self.clock.sleep(random.uniform(0, 0.05 * 2**fruitless))  # noqa: S311 -- jitter

    def _ask(self, call: str, request: Any, left_over: str) -> tuple[Any, Any]:
        """Return the answer, and what DynamoDB left unprocessed of the request: all of it when it
        throttled."""
        try:
            answer = getattr(self.client, call)(RequestItems={self.name: request})
        except ClientError as error:
            if error.response["Error"]["Code"] not in THROTTLED:
                raise
            return {}, request
        return answer, answer.get(left_over, {}).get(self.name)


class EventualTable(BatchTable):
    """Reads eventually consistent, which costs half the read units."""

    __slots__ = ()

    def get_many(
        self,
        keys: Iterable[Key],
        *,
        consistent: bool = False,
        before_wave: Callable[[], None] = do_nothing,
    ) -> dict[Key, Row]:
        return super().get_many(keys, consistent=consistent, before_wave=before_wave)

    def query_between(
        self, pk: str, first: str, last: str, *, consistent: bool = False
    ) -> Iterator[Row]:
        return super().query_between(pk, first, last, consistent=consistent)

    def _query(
        self, pk: str, condition: str, values: Row, *, consistent: bool = False
    ) -> Iterator[Row]:
        return super()._query(pk, condition, values, consistent=consistent)


def _rows_in(request: Any) -> int:
    """Return how many rows one batch call reads or writes."""
    return len(request["Keys"] if isinstance(request, dict) else request)


def together(act: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Run `act` on all items at once and return the results in their order.

    The first error is raised once all have ended. Called from one of its own threads it runs the
    items one after another: threads that wait for threads of the same pool could wait for ever.
    """
    if len(items) == 1 or current_thread().name.startswith(_NAME):
        return [act(item) for item in items]
    from concurrent.futures import wait

    started = [_threads().submit(act, item) for item in items]
    wait(started)
    return [each.result() for each in started]


def read_together(reads: Sequence[Callable[[], Any]]) -> list[Any]:
    """The `SideBySide` of what waits for DynamoDB."""
    return together(lambda read: read(), reads)


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
