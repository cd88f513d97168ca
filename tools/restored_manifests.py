"""Drop, from a restored sync table, the manifests that do not fit the restored personas table.

A manifest says which records of a POS need no write because we have them (ADR 4). Two tables that
are restored to one moment may still differ by the second around it. A manifest that is newer than
the personas table hides records that the personas table lacks; one that is older hides records that
were changed and changed back. So the manifests of credentials whose run was at work shortly before
the moment, or is after it, are dropped: their next run reads everything and writes what is missing.
Manifests of runs that had ended by then are right, and are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamo.keys import sync_keys

MARGIN_SECONDS = 300
_MOST_IN_A_BATCH = 25
_CREDENTIAL, _MANIFEST = "CREDENTIAL#", "MANIFEST#"
_ADDRESS = ("generation", "chunks", "deltas")


def drop_unsafe_manifests(dynamodb: Any, sync_table: str, moment: datetime) -> int:
    """Drop them; return of how many credentials.

    The row STREAMS of a credential then names no manifest. A run that has not ended loses its
    checkpoint, which names one too, and begins anew under the same fence.
    """
    safe_until = (int(moment.timestamp()) - MARGIN_SECONDS) * 1000
    unsafe = {
        row["pk"]["S"]
        for row in _rows(dynamodb, sync_table, "pk, sk, heard_at")
        if row["pk"]["S"].startswith(_CREDENTIAL)
        and row["sk"]["S"] == sync_keys.STATE_SK
        and float(row["heard_at"]["N"]) >= safe_until
    }
    for pk in sorted(unsafe):
        _forget_addresses(dynamodb, sync_table, pk)
    prefixes = tuple(f"{_MANIFEST}{pk.removeprefix(_CREDENTIAL)}#" for pk in unsafe)
    if prefixes:
        rows = _rows(dynamodb, sync_table, "pk, sk")
        _delete(dynamodb, sync_table, (row for row in rows if row["pk"]["S"].startswith(prefixes)))
    return len(unsafe)


def _rows(dynamodb: Any, name: str, wanted: str) -> Iterator[dict[str, Any]]:
    pages = dynamodb.get_paginator("scan")
    for page in pages.paginate(TableName=name, ProjectionExpression=wanted, ConsistentRead=True):
        yield from page["Items"]


def _forget_addresses(dynamodb: Any, name: str, pk: str) -> None:
    state = {"pk": {"S": pk}, "sk": {"S": sync_keys.STATE_SK}}
    dynamodb.update_item(TableName=name, Key=state, UpdateExpression="REMOVE checkpoint")
    streams = {"pk": {"S": pk}, "sk": {"S": sync_keys.STREAMS_SK}}
    row = dynamodb.get_item(TableName=name, Key=streams, ConsistentRead=True).get("Item")
    if row is None:
        return  # no run of the credential has ended yet
    states = json.loads(row["states"]["S"])
    for stream in states.values():
        stream.update(dict.fromkeys(_ADDRESS, 0))
    dynamodb.update_item(
        TableName=name,
        Key=streams,
        UpdateExpression="SET states = :states",
        ExpressionAttributeValues={":states": {"S": json.dumps(states)}},
    )


def _delete(dynamodb: Any, name: str, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append({"DeleteRequest": {"Key": {"pk": row["pk"], "sk": row["sk"]}}})
        if len(batch) == _MOST_IN_A_BATCH:
            _write(dynamodb, name, batch)
            batch = []
    if batch:
        _write(dynamodb, name, batch)


def _write(dynamodb: Any, name: str, batch: list[dict[str, Any]]) -> None:
    waiting = {name: batch}
    while waiting:
        waiting = dynamodb.batch_write_item(RequestItems=waiting).get("UnprocessedItems")
