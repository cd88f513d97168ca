"""Carry over, into restored tables, who was erased since the moment: before any function uses them.

Tombstones come from the former table, with their salt. Who was erased since the moment is whole in
the restored tables: there the erasure is done again, table by table, before the functions move. Its
last steps (backups, lists, exports) are of the bucket, which is not restored; the job ends them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

from chalicelib.adapters.dynamo.erasures import ErasureRow, read_erasure
from chalicelib.adapters.dynamo.keys import account_keys, fact_keys
from chalicelib.config import Config
from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.job_messages.account_jobs import EraseMessage
from chalicelib.services.ports.privacy import Erasure
from chalicelib.services.privacy.row_kinds import Step

IN_THE_BUCKET: tuple[Step, ...] = ("backups", "lists", "exports")
_TOMBSTONES = "#ERASED"
_TABLES = {
    "AccountsTable": "TABLE_ACCOUNTS",
    "IntegrationsTable": "TABLE_INTEGRATIONS",
    "StoresTable": "TABLE_STORES",
    "PersonasTable": "TABLE_PERSONAS",
    "SyncTable": "TABLE_SYNC",
}


def carry_over_erasures(
    dynamodb: Any,
    former: Mapping[str, str],
    restored: Mapping[str, str],
    others: Mapping[str, str],
) -> list[EraseMessage]:
    """Erase in the restored tables who is erased in the former; return the messages that end it.

    `former` and `restored`: logical → physical names of tables. `others`: further variables of the
    functions' environment, as far as they are known. Done twice it changes nothing. Reads all of
    two former tables.
    """
    erased = list(_erasures(dynamodb, former["AccountsTable"]))
    _copy_tombstones(dynamodb, former["PersonasTable"], restored["PersonasTable"])
    if not erased:
        return []
    tables = {variable: restored[logical] for logical, variable in _TABLES.items()}
    with _environment(dynamodb, {**others, **tables}):
        again = [each for each in erased if _erase_again(each)]
    return [EraseMessage(each.uid, each.id) for each in again]


def _erase_again(erasure: Erasure) -> bool:
    """Do the erasure again unless the restored tables have it; whether its last steps are due."""
    erasures, worker = wiring.privacy.erasures(), wiring.privacy.erase_worker()
    try:
        held = erasures.get(erasure.uid, erasure.id)
    except NotFound:
        held = None
    if held is not None and held.state == "done":
        return False
    if held is None or held.step not in IN_THE_BUCKET:
        anew = replace(
            erasure,
            state="erasing",
            step="",
            position="",
            ended_at=None,
            certificate={},
            seq=held.seq if held else 0,
        )
        try:
            worker.advance(erasures.save(anew), IN_THE_BUCKET[0])
        except NotFound:  # the account came after the moment
            return False
    return True


def _erasures(dynamodb: Any, accounts: str) -> Iterator[Erasure]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=accounts,
        FilterExpression="begins_with(sk, :erasure)",
        ExpressionAttributeValues={":erasure": {"S": account_keys.ERASURE_PREFIX}},
        ConsistentRead=True,
    )
    for page in pages:
        for row in page["Items"]:
            yield read_erasure(ErasureRow.from_raw_data(row))


def _copy_tombstones(dynamodb: Any, former: str, restored: str) -> None:
    """Put the former tombstones into the restored table, and have every process read them."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=former,
        FilterExpression="contains(pk, :erased)",
        ExpressionAttributeValues={":erased": {"S": _TOMBSTONES}},
        ConsistentRead=True,
    )
    accounts = set()
    for page in pages:
        for row in page["Items"]:
            if row["pk"]["S"].endswith(_TOMBSTONES):
                dynamodb.put_item(TableName=restored, Item=row)
                accounts.add(Uid(row["pk"]["S"].removesuffix(_TOMBSTONES)))
    for uid in accounts:
        place = {"pk": {"S": fact_keys.commit(uid)}, "sk": {"S": fact_keys.COMMIT_SK}}
        held = dynamodb.get_item(TableName=former, Key=place).get("Item", {})
        counted = int(held.get("erasures", {"N": "0"})["N"])
        dynamodb.update_item(
            TableName=restored,
            Key=place,
            UpdateExpression="ADD erasures :more",
            ExpressionAttributeValues={":more": {"N": str(counted + 1)}},
        )


@contextmanager
def _environment(dynamodb: Any, variables: Mapping[str, str]) -> Iterator[None]:
    """Let services be built as a function on these tables would build them."""
    region, endpoint = dynamodb.meta.region_name, dynamodb.meta.endpoint_url
    wanted = {field.name.upper(): "" for field in fields(Config)}
    wanted = {name: "" for name in wanted if name not in os.environ}
    wanted |= {"COMMIT_LOCK_SECONDS": "60", "SYNC_RESERVE_SECONDS": "30", "WORKER_SLOTS": "2"}
    wanted |= {"AWS_DEFAULT_REGION": region} | _credentials(dynamodb) | dict(variables)
    if "amazonaws" not in endpoint:
        wanted["AWS_ENDPOINT_URL"] = endpoint
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    wiring.reset()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        wiring.reset()


def _credentials(dynamodb: Any) -> dict[str, str]:
    """The environment's words for what the client signs with, wherever that came from."""
    held = dynamodb._request_signer._credentials.get_frozen_credentials()  # noqa: SLF001 -- no other way
    return {
        "AWS_ACCESS_KEY_ID": held.access_key,
        "AWS_SECRET_ACCESS_KEY": held.secret_key,
        **({"AWS_SESSION_TOKEN": held.token} if held.token else {}),
    }
