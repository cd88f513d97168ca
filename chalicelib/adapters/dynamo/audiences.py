"""Audience runs and exports in DynamoDB (docs/reference/design.md, table `accounts`).

A run and an export are each stored as one JSON text under optimistic locking: `seq` is its version.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    failed_conditions,
    first_page,
    instant,
    put_if,
    transact,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.positions import checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.audiences import AudienceCount, SnapshotFilter
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields, from_values
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.ports.audiences import AccountLook, AudienceHead, AudienceRun, Export

RUN_KEPT_DAYS = 400
EXPORT_KEPT_DAYS = 2


class AudienceHeadRow(Row):
    """How the account stands with its runs."""

    night = NumberAttribute(null=True)
    look_at = NumberAttribute(null=True)
    live = UnicodeAttribute(null=True)
    again = BooleanAttribute(null=True)
    latest = UnicodeAttribute(null=True)
    previous = UnicodeAttribute(null=True)
    seq = NumberAttribute()


class AudienceLookRow(Row):
    """Its sort key says when to look at which account."""


class AudienceRow(Row):
    """A run or an export. `body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoAudienceRuns:
    """The `AudienceRuns` port."""

    def __init__(self, table: str) -> None:
        bind(table, AudienceHeadRow, AudienceLookRow, AudienceRow)

    def head(self, uid: Uid) -> AudienceHead:
        row = AudienceHeadRow.find(account_keys.account(uid), account_keys.AUDIENCES_SK)
        if row is None:
            return AudienceHead(uid)
        return AudienceHead(
            uid,
            night=instant(row.night),
            look_at=instant(row.look_at),
            live=row.live or "",
            again=bool(row.again),
            latest=row.latest or "",
            previous=row.previous or "",
            seq=int(row.seq),
        )

    def save_head(
        self, before: AudienceHead, after: AudienceHead, run: AudienceRun | None = None
    ) -> AudienceHead:
        saved = replace(after, seq=before.seq + 1)

        def writes(transaction: TransactWrite) -> None:
            unchanged = at_version(AudienceHeadRow.seq, before.seq)
            if before.look_at is not None and before.look_at != after.look_at:
                transaction.delete(_look_row(before.uid, before.look_at))
            transaction.save(_head_row(saved), condition=unchanged)
            if after.look_at is not None and before.look_at != after.look_at:
                transaction.save(_look_row(after.uid, after.look_at))
            if run is not None:
                transaction.save(_run_row(run), condition=at_version(AudienceRow.seq, run.seq))

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise StaleVersion("Another audience run was begun or ended meanwhile.") from None
        return saved

    def save_run(self, run: AudienceRun) -> AudienceRun:
        if not put_if(_run_row(run), at_version(AudienceRow.seq, run.seq)):
            raise StaleVersion("Another worker goes on with the run.")
        return replace(run, seq=run.seq + 1)

    def run(self, uid: Uid, run: str) -> AudienceRun:
        row = AudienceRow.find(account_keys.account(uid), account_keys.audience_run(run))
        if row is None:
            raise NotFound("There is no such audience run.")
        return _read_run(row)

    def recent(
        self, uid: Uid, limit: int, before: str | None
    ) -> tuple[list[AudienceRun], str | None]:
        pk, prefix = account_keys.account(uid), account_keys.AUDIENCE_RUN_PREFIX
        last = prefix + "~"
        if before is not None:
            last = checked_position(before, account_keys.AUDIENCE_RUN)
        rows = AudienceRow.query(pk, AudienceRow.sk.between(prefix, last), scan_index_forward=False)
        page, position = first_page((row for row in rows if row.sk != before), limit)
        return list(readable(page, _read_run)), position

    def due(self, shard: int, until: Instant, limit: int) -> list[AccountLook]:
        rows = AudienceLookRow.query(
            account_keys.audience_shard(shard),
            AudienceLookRow.sk < account_keys.audience_look(until + 1, ""),
            limit=limit,
        )
        return list(readable(rows, _read_look))

    def drop(self, look: AccountLook) -> None:
        _look_row(look.uid, look.at).delete()


class DynamoExports:
    """The `Exports` port."""

    def __init__(self, table: str) -> None:
        bind(table, AudienceRow)

    def save(self, export: Export) -> Export:
        row = _row(
            account_keys.account(export.uid),
            account_keys.export(export.id),
            asdict(export),
            export.seq,
            export.requested_at + EXPORT_KEPT_DAYS * DAY,
        )
        if not put_if(row, at_version(AudienceRow.seq, export.seq)):
            raise StaleVersion("Another worker goes on with the export.")
        return replace(export, seq=export.seq + 1)

    def get(self, uid: Uid, export: str) -> Export:
        row = AudienceRow.find(account_keys.account(uid), account_keys.export(export))
        if row is None:
            raise NotFound("There is no such export, or no more.")
        return _read_export(row)

    def of_account(self, uid: Uid) -> list[Export]:
        rows = AudienceRow.query_prefix(account_keys.account(uid), account_keys.EXPORT_PREFIX)
        return list(readable(rows, _read_export))


def _read_export(row: AudienceRow) -> Export:
    values: dict[str, Any] = orjson.loads(row.body)
    filters = from_fields(SnapshotFilter, values.pop("filters"))
    parts = tuple(values.pop("parts"))
    return from_fields(Export, values, filters=filters, parts=parts, seq=int(row.seq))


def _head_row(head: AudienceHead) -> AudienceHeadRow:
    return AudienceHeadRow(
        account_keys.account(head.uid),
        account_keys.AUDIENCES_SK,
        night=head.night,
        look_at=head.look_at,
        live=head.live or None,
        again=head.again or None,
        latest=head.latest or None,
        previous=head.previous or None,
        seq=head.seq,
    )


def _look_row(uid: Uid, at: Instant) -> AudienceLookRow:
    shard = account_keys.audience_shard(account_keys.audience_shard_number(uid))
    return AudienceLookRow(shard, account_keys.audience_look(at, uid))


def _read_look(row: AudienceLookRow) -> AccountLook:
    at, _, uid = str(row.sk).partition("#")
    return AccountLook(Uid(uid), int(at))


def _run_row(run: AudienceRun) -> AudienceRow:
    until = run.requested_at + RUN_KEPT_DAYS * DAY
    values = asdict(run)
    values["audiences"] = [_packed_count(count) for count in run.audiences]
    return _row(
        account_keys.account(run.uid), account_keys.audience_run(run.id), values, run.seq, until
    )


def _read_run(row: AudienceRow) -> AudienceRun:
    values: dict[str, Any] = orjson.loads(row.body)
    audiences = tuple(_read_count(count) for count in values.pop("audiences"))
    mending = tuple(values.pop("mending"))
    return from_fields(AudienceRun, values, audiences=audiences, mending=mending, seq=int(row.seq))


def _packed_count(count: AudienceCount) -> list[Any]:
    by_store = {str(store): number for store, number in count.by_store.items()}
    return [count.name, count.total, dict(count.by_source), by_store]


def _read_count(stored: list[Any]) -> AudienceCount:
    count = from_values(AudienceCount, stored)
    return count._replace(
        by_source={Platform(name): number for name, number in count.by_source.items()},
        by_store={int(store): number for store, number in count.by_store.items()},
    )


def _row(pk: str, sk: str, values: dict[str, Any], seq: int, until: Instant) -> AudienceRow:
    del values["seq"]
    body = orjson.dumps(values, default=list).decode()
    return AudienceRow(pk, sk, body=body, seq=seq + 1, expires_at=until // SECOND)
