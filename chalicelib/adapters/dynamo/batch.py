"""Batch reads and writes of many rows: what PynamoDB does too slowly for the hot path (ADR 2).

Rows travel as DynamoDB attribute maps, made and read by hand in `adapters/rows.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from chalicelib.services.ports.common import Clock

Row = dict[str, Any]
Key = tuple[str, str]
_T = TypeVar("_T")

MAX_GET = 100
MAX_WRITE = 25
MAX_ROUNDS = 8
THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
)


class Throttled(Exception):
    """DynamoDB left rows unprocessed however often it was asked."""


def commit_client() -> Any:
    """A client that gives up soon: no call of a commit may outlive the commit lock."""
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


class BatchTable:
    """One table's rows by (pk, sk), many at a time, strongly consistent unless said otherwise."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self.client = client
        self.table = table
        self._clock = clock

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Row]:
        """The rows that exist. Raises Throttled."""
        found: dict[Key, Row] = {}
        for chunk in _chunks(dict.fromkeys(keys), MAX_GET):
            wanted: Any = {
                "ConsistentRead": consistent,
                "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in chunk],
            }
            for _ in self._attempts("batch_get_item"):
                answer, wanted = self._ask("batch_get_item", wanted, "UnprocessedKeys")
                for row in answer.get("Responses", {}).get(self.table, ()):
                    found[row["pk"]["S"], row["sk"]["S"]] = row
                if not wanted:
                    break
        return found

    def write_many(self, puts: Mapping[Key, Row], deletes: Iterable[Key]) -> Iterator[int]:
        """Put and delete, 25 rows a call; yields before each call, a repeated one included, how
        many rows it carries.

        A key that is both put and deleted is put. Raises Throttled.
        """
        requests = [{"PutRequest": {"Item": row}} for row in puts.values()]
        requests += [
            {"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}}
            for pk, sk in dict.fromkeys(deletes)
            if (pk, sk) not in puts
        ]
        for chunk in _chunks(requests, MAX_WRITE):
            rest: Any = chunk
            for _ in self._attempts("batch_write_item"):
                yield len(rest)
                _, rest = self._ask("batch_write_item", rest, "UnprocessedItems")
                if not rest:
                    break

    def query(self, pk: str, prefix: str = "") -> Iterator[Row]:
        """All rows under `pk` whose sk starts with `prefix`, in order, strongly consistent."""
        if prefix:
            return self._query(pk, " AND begins_with(sk, :prefix)", {":prefix": {"S": prefix}})
        return self._query(pk, "", {})

    def query_between(
        self, pk: str, first: str, last: str, *, consistent: bool = True
    ) -> Iterator[Row]:
        """All rows under `pk` with `first` <= sk <= `last`, in order."""
        bounds = {":first": {"S": first}, ":last": {"S": last}}
        between = " AND sk BETWEEN :first AND :last"
        return self._query(pk, between, bounds, consistent=consistent)

    def _query(
        self, pk: str, condition: str, values: Row, *, consistent: bool = True
    ) -> Iterator[Row]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression=f"pk = :pk{condition}",
            ExpressionAttributeValues={":pk": {"S": pk}, **values},
            ConsistentRead=consistent,
        )
        for page in pages:
            yield from page["Items"]

    def _ask(self, call: str, request: Any, left_over: str) -> tuple[Any, Any]:
        """The answer, and what DynamoDB left of the request: all of it when it was throttled."""
        try:
            answer = getattr(self.client, call)(RequestItems={self.table: request})
        except ClientError as error:
            if error.response["Error"]["Code"] not in THROTTLED:
                raise
            return {}, request
        return answer, answer.get(left_over, {}).get(self.table)

    def _attempts(self, call: str) -> Iterator[None]:
        for attempt in range(MAX_ROUNDS):
            yield
            self._clock.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 -- jitter
        raise Throttled(f"{call}: rows left after {MAX_ROUNDS} rounds")


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
