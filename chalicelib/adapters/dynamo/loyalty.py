"""What the account's daily life leaves in DynamoDB (table `accounts`): accounts to look at daily,
members who left, points given by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, PutError
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    Row,
    TableMeta,
    bind,
    condition_failed,
    instant,
    update_if,
)
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Day, Platform, Points, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.loyalty import ManualAdjustment

KEPT_DAYS = 31


class ExpiryRow(Row):
    """Over few partitions of their own, so that all are found; `sk` is the account."""

    class Meta(TableMeta):
        pass

    looked = NumberAttribute(null=True)


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
            row.delete()

    def watched(self) -> Iterator[tuple[Uid, Day | None]]:
        for number in range(keys.EXPIRY_SHARDS):
            for row in ExpiryRow.query(keys.expiry_shard(number)):
                yield Uid(row.sk), instant(row.looked)

    def mark_looked_at(self, uid: Uid, day: Day) -> None:
        update_if(_expiry(uid), [ExpiryRow.looked.set(day)], ExpiryRow.pk.exists())


class LeftRow(Row):
    class Meta(TableMeta):
        pass

    ids = UnicodeAttribute()


class DynamoLeavers:
    """The `Leavers` port: one row a platform."""

    def __init__(self, table: str) -> None:
        bind(table, LeftRow)

    def put(
        self, uid: Uid, platform: Platform, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        row = LeftRow(keys.account(uid), keys.left(platform))
        unchanged: Condition = (
            LeftRow.ids == _packed(instead_of) if instead_of else LeftRow.pk.does_not_exist()
        )
        try:
            if ids:
                row.ids = _packed(ids)
                row.save(unchanged)
            else:
                row.delete(unchanged)
        except (PutError, DeleteError) as error:
            if condition_failed(error):
                return False
            raise
        return True

    def noted(self, uid: Uid, platform: Platform) -> list[str]:
        try:
            row = LeftRow.get(keys.account(uid), keys.left(platform), consistent_read=True)
        except LeftRow.DoesNotExist:
            return []
        found: list[str] = orjson.loads(row.ids)
        return found


class AdjustedRow(Row):
    """What one person adjusted on one day; gone after a month."""

    class Meta(TableMeta):
        pass

    body = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoAdjustments:
    """The `Adjustments` port."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, AdjustedRow)
        self._clock = clock

    def reserve(
        self, uid: Uid, day: str, actor: str, wanted: ManualAdjustment, limit: Points
    ) -> list[ManualAdjustment]:
        while True:
            held, seq = self._read(uid, day, actor)
            known = any(one.id == wanted.id for one in held)
            spent = sum(abs(one.amount) for one in [*held, wanted])
            if known or spent > limit:
                return held
            if self._note(uid, day, actor, [*held, wanted], seq):
                return [*held, wanted]

    def _read(self, uid: Uid, day: str, actor: str) -> tuple[list[ManualAdjustment], int]:
        place = keys.account(uid), keys.adjusted(day, actor)
        try:
            row = AdjustedRow.get(*place, consistent_read=True)
        except AdjustedRow.DoesNotExist:
            return [], 0
        return [ManualAdjustment(*one) for one in orjson.loads(row.body)], int(row.seq)

    def _note(
        self, uid: Uid, day: str, actor: str, all_of: list[ManualAdjustment], seq: int
    ) -> bool:
        row = AdjustedRow(keys.account(uid), keys.adjusted(day, actor), seq=seq + 1)
        row.body = orjson.dumps([tuple(one) for one in all_of]).decode()
        row.expires_at = (self._clock.now() + KEPT_DAYS * DAY) // SECOND
        unchanged = AdjustedRow.seq == seq if seq else AdjustedRow.pk.does_not_exist()
        try:
            row.save(unchanged)
        except PutError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _packed(ids: Sequence[str]) -> str:
    return orjson.dumps(list(ids)).decode()


def _expiry(uid: Uid) -> ExpiryRow:
    return ExpiryRow(keys.expiry_shard(keys.expiry_shard_number(uid)), uid)
