"""Previews and jobs in DynamoDB (docs/reference/design.md, table `accounts`).

Each is stored as one JSON text under optimistic locking: `seq` is its version.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import audit, integrations
from chalicelib.adapters.dynamo import rules as rule_book
from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    delete_if,
    failed_conditions,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields, from_values
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Instant, Uid
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
LATER_COUNTS = (
    "earned_twice", "doubled", "out_of_market", "back_in_market", "joined", "split", "dropped",
)  # fmt: skip


class ChangeRow(Row):
    """`body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = NumberAttribute()


class LivePreviewRow(Row):
    """The subject's latest preview."""

    preview = UnicodeAttribute()
    expires_at = NumberAttribute()


class CountingRow(Row):
    """The preview that a request of the account counts, and until when at the latest."""

    preview = UnicodeAttribute()
    until = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoChanges:
    """The `Changes` port. A preview is deleted after two days, a job after 400."""

    def __init__(self, table: str, integrations_table: str, ids: Ids) -> None:
        bind(table, ChangeRow, LivePreviewRow, CountingRow, rule_book.RulesRow, audit.AuditRow)
        bind(integrations_table, integrations.IntegrationRow)
        self._ids = ids

    def save_preview(self, preview: Preview) -> Preview:
        _save(_preview_row(preview), preview.seq)
        return replace(preview, seq=preview.seq + 1)

    def preview(self, uid: Uid, preview: str) -> Preview:
        values, seq = _read(
            uid, account_keys.preview(preview), "There is no such preview, or no more."
        )
        counts = values.pop("counts")
        largest = tuple(from_values(BalanceChange, change) for change in counts.pop("largest"))
        return from_fields(
            Preview, values, counts=from_fields(PreviewCounts, counts, largest=largest), seq=seq
        )

    def live_preview(self, uid: Uid, subject: str) -> str | None:
        row = LivePreviewRow.find(account_keys.account(uid), account_keys.live_preview(subject))
        return None if row is None else str(row.preview)

    def make_live(self, preview: Preview, now: Instant, until: Instant) -> bool:
        pk, last_day = account_keys.account(preview.uid), now + PREVIEW_KEPT_DAYS * DAY
        live = LivePreviewRow(pk, account_keys.live_preview(preview.subject))
        live.preview, live.expires_at = preview.id, last_day // SECOND
        live.save()
        actions = [
            CountingRow.preview.set(preview.id),
            CountingRow.until.set(until),
            CountingRow.expires_at.set(last_day // SECOND),
        ]
        nobody = CountingRow.pk.does_not_exist() | (CountingRow.until <= now)
        return update_if(CountingRow(pk, account_keys.COUNTING_SK), actions, nobody)

    def end_counting(self, preview: Preview) -> None:
        row = CountingRow(account_keys.account(preview.uid), account_keys.COUNTING_SK)
        delete_if(row, CountingRow.preview == preview.id)

    def apply(self, applied: AppliedChange) -> None:
        uid, card = applied.job.uid, applied.integration

        def writes(transaction: TransactWrite) -> None:
            rules = applied.rules
            row = rule_book.next_row(uid, rules)
            transaction.save(row, condition=rule_book.is_unchanged(rules))
            transaction.save(_job_row(applied.job))
            transaction.save(audit.audit_row(uid, applied.audit, self._ids.new("aud")))
            if card is not None:
                transaction.save(
                    integrations.next_row(card), condition=integrations.is_unchanged(card)
                )
            if applied.preview is not None:
                used = replace(applied.preview, used=True)
                transaction.save(_preview_row(used), condition=at_version(ChangeRow.seq, used.seq))

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
        values, seq = _read(uid, account_keys.job(job), "There is no such job.")
        return from_fields(Job, values, seq=seq)

    def latest_job(self, uid: Uid) -> Job | None:
        rows = ChangeRow.query(
            account_keys.account(uid),
            ChangeRow.sk.startswith(account_keys.JOB_PREFIX),
            scan_index_forward=False,
            page_size=1,
            consistent_read=True,
        )
        return next(readable(rows, _job), None)


def _job(row: ChangeRow) -> Job:
    return from_fields(Job, orjson.loads(row.body), seq=int(row.seq))


def _save(row: ChangeRow, seq: int) -> None:
    if not put_if(row, at_version(ChangeRow.seq, seq)):
        raise StaleVersion("Somebody else goes on with it.")


def _read(uid: Uid, sk: str, missing: str) -> tuple[dict[str, Any], int]:
    """Return the row's fields and its seq. Raises NotFound with the sentence `missing`."""
    row = ChangeRow.find(account_keys.account(uid), sk)
    if row is None:
        raise NotFound(missing)
    return orjson.loads(row.body), int(row.seq)


def _preview_row(preview: Preview) -> ChangeRow:
    last_day = preview.made_at + PREVIEW_KEPT_DAYS * DAY
    values = asdict(preview)
    for name in LATER_COUNTS:
        if not values["counts"][name]:  # code before this count does not know the field
            del values["counts"][name]
    return _row(preview.uid, account_keys.preview(preview.id), values, preview.seq, last_day)


def _job_row(job: Job) -> ChangeRow:
    last_day = job.made_at + JOB_KEPT_DAYS * DAY
    return _row(job.uid, account_keys.job(job.id), asdict(job), job.seq, last_day)


def _row(uid: Uid, sk: str, values: dict[str, Any], seq: int, until: int) -> ChangeRow:
    del values["seq"]
    body = orjson.dumps(values, default=list).decode()
    expires_at = until // SECOND
    return ChangeRow(account_keys.account(uid), sk, body=body, seq=seq + 1, expires_at=expires_at)
