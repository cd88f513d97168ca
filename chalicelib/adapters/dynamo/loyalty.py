"""Loyalty in DynamoDB (table `accounts`): accounts to look at daily, members who left, points given
by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    ListRow,
    Row,
    at_version,
    bind,
    delete_if,
    instant,
    put_if,
    update_if,
)
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Day, Platform, Points, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.loyalty import ManualAdjustment

KEPT_DAYS = 31


class ExpiryRow(Row):
    """One row per account, in a few partitions of their own, so that one query each finds all."""

    looked = NumberAttribute(null=True)
    ahead = NumberAttribute(null=True)


class DynamoExpiries:
    """The `Expiries` port."""

    def __init__(self, table: str) -> None:
        bind(table, ExpiryRow)

    def watch(self, uid: Uid, *, on: bool) -> None:
        row = _expiry(uid)
        if on:
            # Keeps `looked` where the account is watched already.
            update_if(row, [ExpiryRow.looked.set(ExpiryRow.looked | -1)], None)
        else:
            delete_if(row, ExpiryRow.ahead.does_not_exist())

    def watch_ahead(self, uid: Uid) -> None:
        actions = [ExpiryRow.looked.set(ExpiryRow.looked | -1), ExpiryRow.ahead.set(1)]
        update_if(_expiry(uid), actions, ExpiryRow.ahead.does_not_exist())

    def drop(self, uid: Uid) -> None:
        _expiry(uid).delete()

    def watched(self) -> Iterator[tuple[Uid, Day | None]]:
        for number in range(keys.EXPIRY_SHARDS):
            for row in ExpiryRow.query(keys.expiry_shard(number)):
                yield Uid(row.sk), instant(row.looked)

    def mark_looked_at(self, uid: Uid, day: Day) -> None:
        update_if(_expiry(uid), [ExpiryRow.looked.set(day)], ExpiryRow.pk.exists())


class LeaversRow(ListRow):
    pass


class DynamoLeavers:
    """The `Leavers` port: one row per platform."""

    def __init__(self, table: str) -> None:
        bind(table, LeaversRow)

    def put(
        self, uid: Uid, platform: Platform, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        row = LeaversRow(keys.account(uid), keys.leavers(platform))
        return row.replace(ids, instead_of)

    def noted(self, uid: Uid, platform: Platform) -> list[str]:
        ids: list[str] = LeaversRow.listed(keys.account(uid), keys.leavers(platform))
        return ids


class AdjustmentsRow(Row):
    """Holds what one person adjusted on one day; deleted after a month."""

    body = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoAdjustments:
    """The `Adjustments` port."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, AdjustmentsRow)
        self._clock = clock

    def reserve(
        self, uid: Uid, day: str, actor: str, wanted: ManualAdjustment, limit: Points
    ) -> list[ManualAdjustment]:
        while True:
            stored, seq = self._read(uid, day, actor)
            after = [*stored, wanted]
            known = any(one.id == wanted.id for one in stored)
            if known or sum(abs(one.amount) for one in after) > limit:
                return stored
            if self._save(uid, day, actor, after, seq):
                return after

    def _read(self, uid: Uid, day: str, actor: str) -> tuple[list[ManualAdjustment], int]:
        row = AdjustmentsRow.find(keys.account(uid), keys.adjustments(day, actor))
        if row is None:
            return [], 0
        return [ManualAdjustment(*one) for one in orjson.loads(row.body)], int(row.seq)

    def _save(
        self, uid: Uid, day: str, actor: str, adjusted: list[ManualAdjustment], seq: int
    ) -> bool:
        row = AdjustmentsRow(keys.account(uid), keys.adjustments(day, actor), seq=seq + 1)
        row.body = orjson.dumps([tuple(one) for one in adjusted]).decode()
        row.expires_at = (self._clock.now() + KEPT_DAYS * DAY) // SECOND
        return put_if(row, at_version(AdjustmentsRow.seq, seq))


def _expiry(uid: Uid) -> ExpiryRow:
    return ExpiryRow(keys.expiry_shard(keys.expiry_shard_number(uid)), uid)
