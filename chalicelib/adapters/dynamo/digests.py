"""The readers of digests, and the accounts that have news for them, in DynamoDB (table
`accounts`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from pynamodb.attributes import NumberAttribute, UnicodeSetAttribute

from chalicelib.adapters.dynamo.base import Row, assign, bind, delete_if, update_if
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.words import Instant, Severity, Uid
from chalicelib.services.ports.digests import Mark, Recipient


class RecipientRow(Row):
    """One row per user who was ever chosen; choosing and sending write different attributes."""

    severities = UnicodeSetAttribute(null=True)
    claimed_at = NumberAttribute(null=True)
    told = UnicodeSetAttribute(null=True)


class MarkRow(Row):
    """One row per account, in a few partitions of their own, so that one query each finds all."""

    at = NumberAttribute()


class DynamoMarks:
    """The `Marks` port."""

    def __init__(self, table: str) -> None:
        bind(table, MarkRow)

    def mark(self, uid: Uid, at: Instant) -> None:
        MarkRow(*_mark_key(uid), at=at).save()


class DynamoDigests(DynamoMarks):
    """The `Digests` port."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        bind(table, RecipientRow)

    def recipients(self, uid: Uid) -> Mapping[str, Recipient]:
        rows = RecipientRow.query_prefix(account_keys.account(uid), account_keys.DIGEST_PREFIX)
        return dict(
            readable(
                rows, lambda row: (row.sk.removeprefix(account_keys.DIGEST_PREFIX), _recipient(row))
            )
        )

    def choose(self, uid: Uid, sub: str, severities: frozenset[Severity]) -> None:
        wanted = set(severities) or None  # DynamoDB knows no empty set
        update_if(_row(uid, sub), [assign(RecipientRow.severities, wanted)], None)

    def all_marks(self) -> Iterator[Mark]:
        for number in range(account_keys.DIGEST_SHARDS):
            rows = MarkRow.query(account_keys.digest_shard(number), consistent_read=True)
            yield from readable(rows, lambda row: Mark(Uid(row.sk), int(row.at)))

    def unmark(self, mark: Mark) -> None:
        delete_if(MarkRow(*_mark_key(mark.uid)), MarkRow.at == mark.at)

    def claim(self, uid: Uid, sub: str, before: Recipient, at: Instant) -> bool:
        unclaimed = (
            RecipientRow.claimed_at.does_not_exist()
            if before.claimed_at is None
            else RecipientRow.claimed_at == before.claimed_at
        )
        return update_if(_row(uid, sub), [RecipientRow.claimed_at.set(at)], unclaimed)

    def record_sent(self, uid: Uid, sub: str, at: Instant, openings: frozenset[str]) -> None:
        sent = assign(RecipientRow.told, set(openings) or None)
        update_if(_row(uid, sub), [sent], RecipientRow.claimed_at == at)


def _row(uid: Uid, sub: str) -> RecipientRow:
    return RecipientRow(account_keys.account(uid), account_keys.digest(sub))


def _mark_key(uid: Uid) -> tuple[str, str]:
    return account_keys.digest_shard(account_keys.digest_shard_number(uid)), uid


def _recipient(row: RecipientRow) -> Recipient:
    severities = cast("frozenset[Severity]", frozenset(row.severities or ()))
    return row.as_fact(Recipient, severities=severities, sent_openings=frozenset(row.told or ()))
