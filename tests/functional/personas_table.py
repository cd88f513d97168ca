"""A personas table in moto, and clients that stumble or count as DynamoDB would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters.dynamo.batch import commit_client
from tests.fakes.aws import PERSONAS_INDEXES, create_personas_table, set_aws_environment
from tests.fakes.aws import PERSONAS_TABLE as TABLE


@contextmanager
def an_aws() -> Iterator[Any]:
    """The commit's own client of an AWS in memory: making one takes long, so make few."""
    with pytest.MonkeyPatch.context() as env, mock_aws():
        set_aws_environment(env)
        yield commit_client()


@contextmanager
def personas_table(client: Any) -> Iterator[None]:
    """The table, empty."""
    create_personas_table(client)
    yield
    client.delete_table(TableName=TABLE)


class Client:
    """Passes everything on, and keeps every batch and update it passed."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.batches: list[Any] = []
        self.updates: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, **asked: Any) -> Any:
        self.batches.append(asked["RequestItems"][TABLE])
        return self._client.batch_write_item(**asked)

    def update_item(self, **asked: Any) -> Any:
        answer = self._client.update_item(**asked)
        self.updates.append(answer.get("Attributes", {}))
        return answer

    @property
    def puts(self) -> list[Any]:
        return [
            request["PutRequest"]["Item"]
            for batch in self.batches
            for request in batch
            if "PutRequest" in request
        ]

    def write_units(self) -> int:
        """By DynamoDB's rules: each row's size in KB, rounded up; a deleted row at least 1."""
        deletes = sum("DeleteRequest" in request for batch in self.batches for request in batch)
        return deletes + sum(map(units, [*self.puts, *self.updates]))

    def log_units(self) -> int:
        """Those of the facts log."""
        return sum(units(row) for row in self.puts if "#LOG#" in row["pk"]["S"])

    def index_units(self) -> int:
        """Of rows never in an index before: one for each index they enter."""
        return sum(parts[0] in row for row in self.puts for parts in PERSONAS_INDEXES.values())


class Stumbling(Client):
    """Leaves half of a batch undone, `times` times; with `code` it refuses it whole."""

    def __init__(self, client: Any, times: int, code: str | None = None) -> None:
        super().__init__(client)
        self.times = times
        self.code = code

    def batch_write_item(self, **asked: Any) -> Any:
        requests = asked["RequestItems"][TABLE]
        undone = self._undone(requests, "BatchWriteItem")
        if done := requests[len(undone) :]:
            super().batch_write_item(RequestItems={TABLE: done})
        return {"UnprocessedItems": {TABLE: undone} if undone else {}}

    def batch_get_item(self, **asked: Any) -> Any:
        wanted = asked["RequestItems"][TABLE]
        undone = self._undone(wanted["Keys"], "BatchGetItem")
        answer: Any = {"Responses": {}}
        if done := wanted["Keys"][len(undone) :]:
            wanted_now = {TABLE: {**wanted, "Keys": done}}
            answer = self._client.batch_get_item(RequestItems=wanted_now)
        answer["UnprocessedKeys"] = {TABLE: {**wanted, "Keys": undone}} if undone else {}
        return answer

    def _undone(self, asked: list[Any], call: str) -> list[Any]:
        if not self.times:
            return []
        self.times -= 1
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "slow down"}}, call)
        return asked[: (len(asked) + 1) // 2]


def units(row: dict[str, dict[str, Any]]) -> int:
    return -(-size(row) // 1024)


def size(row: dict[str, dict[str, Any]]) -> int:
    """Bytes of a row: names and values, a number two digits a byte."""
    return sum(len(name.encode()) + _value_size(value) for name, value in row.items())


def _value_size(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content.lstrip("-0")) // 2 + 2
    if kind == "B":
        return len(content)
    return 1
