"""Who gets digests, and accounts with something to tell, in DynamoDB (table `accounts`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from pynamodb.attributes import NumberAttribute, UnicodeSetAttribute
from pynamodb.exceptions import DeleteError

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, TableMeta, assign, bind, instant, update_if
from chalicelib.domain.words import Instant, Severity, Uid
from chalicelib.services.ports.digests import Mark, Reader


class ReaderRow(Row):
    """One a user who was ever chosen; choosing and telling write different attributes."""

    class Meta(TableMeta):
        pass

    severities = UnicodeSetAttribute(null=True)
    claimed_at = NumberAttribute(null=True)
    told = UnicodeSetAttribute(null=True)


class MarkRow(Row):
    """Over few partitions of their own, so that all are found; `sk` is the account."""

    class Meta(TableMeta):
        pass

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
        bind(table, ReaderRow)

    def readers(self, uid: Uid) -> Mapping[str, Reader]:
        rows = ReaderRow.query(
            keys.account(uid), ReaderRow.sk.startswith(keys.DIGEST_PREFIX), consistent_read=True
        )
        return {row.sk.removeprefix(keys.DIGEST_PREFIX): _reader(row) for row in rows}

    def choose(self, uid: Uid, sub: str, severities: frozenset[Severity]) -> None:
        wanted = set(severities) or None  # DynamoDB knows no empty set
        update_if(_row(uid, sub), [assign(ReaderRow.severities, wanted)], None)

    def marked(self) -> Iterator[Mark]:
        for number in range(keys.DIGEST_SHARDS):
            for row in MarkRow.query(keys.digest_shard(number), consistent_read=True):
                yield Mark(Uid(row.sk), int(row.at))

    def unmark(self, mark: Mark) -> None:
        try:
            MarkRow(*_mark_key(mark.uid)).delete(MarkRow.at == mark.at)
        except DeleteError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise

    def claim(self, uid: Uid, sub: str, before: Reader, at: Instant) -> bool:
        unclaimed = (
            ReaderRow.claimed_at.does_not_exist()
            if before.claimed_at is None
            else ReaderRow.claimed_at == before.claimed_at
        )
        return update_if(_row(uid, sub), [ReaderRow.claimed_at.set(at)], unclaimed)

    def tell(self, uid: Uid, sub: str, at: Instant, told: frozenset[str]) -> None:
        kept = assign(ReaderRow.told, set(told) or None)
        update_if(_row(uid, sub), [kept], ReaderRow.claimed_at == at)


def _row(uid: Uid, sub: str) -> ReaderRow:
    return ReaderRow(keys.account(uid), keys.digest(sub))


def _mark_key(uid: Uid) -> tuple[str, str]:
    return keys.digest_shard(keys.digest_shard_number(uid)), uid


def _reader(row: ReaderRow) -> Reader:
    return Reader(
        severities=cast("frozenset[Severity]", frozenset(row.severities or ())),
        claimed_at=instant(row.claimed_at),
        told=frozenset(row.told or ()),
    )
