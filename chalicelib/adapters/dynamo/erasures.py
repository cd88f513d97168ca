"""Erasures in DynamoDB (docs/reference/design.md, table `accounts`): one JSON text each, under
optimistic locking."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Uid
from chalicelib.services.ports.privacy import Erasure

_LISTS = ("contacts", "own", "places")


class ErasureRow(Row):
    """`body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()


class DynamoErasures:
    """The `Erasures` port."""

    def __init__(self, table: str) -> None:
        bind(table, ErasureRow)

    def save(self, erasure: Erasure) -> Erasure:
        values = asdict(erasure)
        del values["seq"]
        row = ErasureRow(
            account_keys.account(erasure.uid),
            account_keys.erasure(erasure.id),
            body=orjson.dumps(values).decode(),
            seq=erasure.seq + 1,
        )
        if not put_if(row, at_version(ErasureRow.seq, erasure.seq)):
            raise StaleVersion("Another worker goes on with the erasure.")
        return replace(erasure, seq=erasure.seq + 1)

    def get(self, uid: Uid, erasure: str) -> Erasure:
        row = ErasureRow.find(account_keys.account(uid), account_keys.erasure(erasure))
        if row is None:
            raise NotFound("There is no such erasure.")
        return read_erasure(row)

    def of_account(self, uid: Uid) -> list[Erasure]:
        rows = ErasureRow.query_prefix(account_keys.account(uid), account_keys.ERASURE_PREFIX)
        return list(readable(rows, read_erasure))[::-1]


def read_erasure(row: ErasureRow) -> Erasure:
    values: dict[str, Any] = orjson.loads(row.body)
    lists: dict[str, Any] = {
        name: tuple(tuple(each) for each in values.pop(name, ())) for name in _LISTS
    }
    lists |= {name: tuple(values.pop(name, ())) for name in ("records", "raw")}
    return from_fields(Erasure, values, **lists, seq=int(row.seq))
