"""Batch reads and writes of many rows: what PynamoDB does too slowly for the hot path (ADR 2).

Rows are DynamoDB attribute maps, made and read by hand in `persona_rows.py` and `consent_rows.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    """DynamoDB left rows unprocessed in every round of a batch."""


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


@dataclass(frozen=True, slots=True)
class BatchTable:
    """Reads and writes many rows of a table; strongly consistent unless said otherwise."""

    client: Any
    name: str
    clock: Clock

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Row]:
        """Return the rows that exist. Raises Throttled."""
        found: dict[Key, Row] = {}
        for chunk in _chunks(dict.fromkeys(keys), MAX_GET):
            wanted: Any = {
                "ConsistentRead": consistent,
                "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in chunk],
            }
            for _ in self._attempts("batch_get_item"):
                answer, wanted = self._ask("batch_get_item", wanted, "UnprocessedKeys")
                for row in answer.get("Responses", {}).get(self.name, ()):
                    found[row["pk"]["S"], row["sk"]["S"]] = row
                if not wanted:
                    break
        return found

    def write_many(self, puts: Mapping[Key, Row], deletes: Iterable[Key]) -> Iterator[int]:
        """Put and delete rows, 25 a call; before each call, retries included, yield its number of
        rows.

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
    ) -> list[Row]:
        """Read the first `limit` rows that meet a key condition of the table or an index.

        `values`: the condition's, as an attribute map. `start`: the key attributes of the row after
        which to begin.
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
        rows: list[Row] = self.client.query(**query)["Items"]
        return rows

    def _query(
        self, pk: str, condition: str, values: Row, *, consistent: bool = True
    ) -> Iterator[Row]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=f"pk = :pk{condition}",
            ExpressionAttributeValues={":pk": {"S": pk}, **values},
            ConsistentRead=consistent,
        )
        for page in pages:
            yield from page["Items"]

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

    def _attempts(self, call: str) -> Iterator[None]:
        for attempt in range(MAX_ROUNDS):
            yield
            self.clock.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 -- jitter
        raise Throttled(f"{call}: rows left after {MAX_ROUNDS} rounds")


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
