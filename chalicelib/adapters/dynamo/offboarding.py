"""Off-boardings, and all rows of an account, in DynamoDB (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if
from chalicelib.adapters.dynamo.batch import MAX_WRITE
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.account_rows import belongs_to
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Uid
from chalicelib.services.ports.privacy import Offboarding, StoredRow

ROWS_AT_ONCE = 1_000


class OffboardingRow(Row):
    """`body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()


class DynamoOffboardings:
    """The `Offboardings` port."""

    def __init__(self, table: str) -> None:
        bind(table, OffboardingRow)

    def save(self, offboarding: Offboarding) -> Offboarding:
        values = asdict(offboarding)
        del values["seq"]
        pk, sk = account_keys.offboarding(offboarding.id), account_keys.OFFBOARDING_SK
        body = orjson.dumps(values).decode()
        row = OffboardingRow(pk, sk, body=body, seq=offboarding.seq + 1)
        if not put_if(row, at_version(OffboardingRow.seq, offboarding.seq)):
            raise StaleVersion("Another worker goes on with it.")
        return replace(offboarding, seq=offboarding.seq + 1)

    def get(self, offboarding: str) -> Offboarding:
        row = OffboardingRow.find(
            account_keys.offboarding(offboarding), account_keys.OFFBOARDING_SK
        )
        if row is None:
            raise NotFound("There is no such off-boarding.")
        return from_fields(Offboarding, orjson.loads(row.body), seq=int(row.seq))


class DynamoAccountRows:
    """The `AccountRows` port. `tables`: in the order in which they are gone through."""

    def __init__(self, client: Any, tables: Sequence[str]) -> None:
        self._client = client
        self._tables = tables

    def page(self, uid: Uid, position: str) -> tuple[list[StoredRow], str]:
        number, start = orjson.loads(position) if position else (0, None)
        scan: dict[str, Any] = {
            "TableName": self._tables[number],
            "FilterExpression": "contains(pk, :uid) OR contains(sk, :uid)",
            "ExpressionAttributeValues": {":uid": {"S": uid}},
            "Limit": ROWS_AT_ONCE,
            "ConsistentRead": True,
        }
        if start:
            scan["ExclusiveStartKey"] = start
        answer = self._client.scan(**scan)
        rows: list[StoredRow] = [
            {"table": self._tables[number], **row}
            for row in answer["Items"]
            if belongs_to(uid, row["pk"]["S"], row["sk"]["S"])
        ]
        after = answer.get("LastEvaluatedKey")
        if after:
            return rows, orjson.dumps([number, after]).decode()
        if number + 1 < len(self._tables):
            return rows, orjson.dumps([number + 1, None]).decode()
        return rows, ""

    def delete(self, rows: Sequence[StoredRow]) -> None:
        """Consents go one by one: no role may delete them by a batch (ADR 29, ADR 38)."""
        batch: list[StoredRow] = []
        for row in rows:
            if "#CONTACT#" in row["pk"]["S"]:
                place = {"pk": row["pk"], "sk": row["sk"]}
                self._client.delete_item(TableName=row["table"], Key=place)
            else:
                batch.append(row)
        for first in range(0, len(batch), MAX_WRITE):
            self._delete_batch(batch[first : first + MAX_WRITE])

    def _delete_batch(self, rows: Sequence[StoredRow]) -> None:
        waiting: dict[str, Any] = {}
        for row in rows:
            delete = {"DeleteRequest": {"Key": {"pk": row["pk"], "sk": row["sk"]}}}
            waiting.setdefault(row["table"], []).append(delete)
        while waiting:
            answer = self._client.batch_write_item(RequestItems=waiting)
            waiting = answer.get("UnprocessedItems") or {}
