"""Previews and jobs in DynamoDB (docs/reference/design.md, table `accounts`).

Each travels as one JSON text; its own version guards it.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import audit, integrations, keys
from chalicelib.adapters.dynamo import rules as rule_book
from chalicelib.adapters.dynamo.base import (
    Row,
    TableMeta,
    bind,
    condition_failed,
    failed_conditions,
    transact,
)
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.changes import (
    AppliedChange,
    BalanceChange,
    ChangedMeanwhile,
    Job,
    Preview,
    PreviewCounts,
)
from chalicelib.services.ports.common import Ids

PREVIEW_KEPT_DAYS = 2
JOB_KEPT_DAYS = 400


class ChangeRow(Row):
    """`body` is the whole of it but for `seq`."""

    class Meta(TableMeta):
        pass

    body = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoChanges:
    """The `Changes` port. A preview goes after two days, a job after 400."""

    def __init__(self, table: str, integrations_table: str, ids: Ids) -> None:
        bind(table, ChangeRow, rule_book.RulesRow, audit.AuditRow)
        bind(integrations_table, integrations.IntegrationRow)
        self._ids = ids

    def save_preview(self, preview: Preview) -> Preview:
        _save(_preview_row(preview), preview.seq)
        return replace(preview, seq=preview.seq + 1)

    def preview(self, uid: Uid, preview: str) -> Preview:
        told, seq = _read(uid, keys.preview(preview), "There is no such preview, or no more.")
        counts = told.pop("counts")
        largest = tuple(BalanceChange(*change) for change in counts.pop("largest"))
        return Preview(**told, counts=PreviewCounts(**counts, largest=largest), seq=seq)

    def apply(self, applied: AppliedChange) -> None:
        uid, card = applied.job.uid, applied.integration

        def writes(transaction: TransactWrite) -> None:
            rules = applied.rules
            row = rule_book.following_row(uid, rules)
            transaction.save(row, condition=rule_book.unchanged(rules))
            transaction.save(_job_row(applied.job))
            transaction.save(audit.audit_row(uid, applied.audit, self._ids.new("aud")))
            if card is not None:
                held = integrations.unchanged(card)
                transaction.save(integrations.following_row(card), condition=held)
            if applied.preview is not None:
                used = replace(applied.preview, used=True)
                transaction.save(_preview_row(used), condition=_unchanged(used.seq))

        try:
            transact(writes)
        except TransactWriteError as error:
            failed = failed_conditions(error)
            if card is not None and failed[3]:
                raise StaleVersion("The integration was changed meanwhile.") from None
            raise ChangedMeanwhile from None

    def save_job(self, job: Job) -> Job:
        _save(_job_row(job), job.seq)
        return replace(job, seq=job.seq + 1)

    def job(self, uid: Uid, job: str) -> Job:
        told, seq = _read(uid, keys.job(job), "There is no such job.")
        return Job(**told, seq=seq)

    def latest_job(self, uid: Uid) -> Job | None:
        found = ChangeRow.query(
            keys.account(uid),
            ChangeRow.sk.startswith(keys.JOB_PREFIX),
            scan_index_forward=False,
            limit=1,
            consistent_read=True,
        )
        for row in found:
            return Job(**orjson.loads(row.body), seq=int(row.seq))
        return None


def _save(row: ChangeRow, seq: int) -> None:
    try:
        row.save(_unchanged(seq))
    except PutError as error:
        if condition_failed(error):
            raise StaleVersion("Somebody else goes on with it.") from None
        raise


def _unchanged(seq: int) -> Condition:
    held: Condition = ChangeRow.seq == seq if seq else ChangeRow.pk.does_not_exist()
    return held


def _read(uid: Uid, place: str, missing: str) -> tuple[dict[str, Any], int]:
    try:
        row = ChangeRow.get(keys.account(uid), place, consistent_read=True)
    except ChangeRow.DoesNotExist:
        raise NotFound(missing) from None
    return orjson.loads(row.body), int(row.seq)


def _preview_row(preview: Preview) -> ChangeRow:
    last_day = preview.made_at + PREVIEW_KEPT_DAYS * DAY
    return _row(preview.uid, keys.preview(preview.id), asdict(preview), preview.seq, last_day)


def _job_row(job: Job) -> ChangeRow:
    last_day = job.made_at + JOB_KEPT_DAYS * DAY
    return _row(job.uid, keys.job(job.id), asdict(job), job.seq, last_day)


def _row(uid: Uid, place: str, told: dict[str, Any], seq: int, until: int) -> ChangeRow:
    del told["seq"]
    body = orjson.dumps(told, default=list).decode()
    expires_at = until // SECOND
    return ChangeRow(keys.account(uid), place, body=body, seq=seq + 1, expires_at=expires_at)
