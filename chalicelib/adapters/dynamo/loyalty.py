"""Loyalty in DynamoDB (table `accounts`): accounts to look at daily, members who left, points given
by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    at_version,
    bind,
    delete_if,
    failed_conditions,
    instant,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import Day, Platform, Points, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.loyalty import ManualAdjustment

KEPT_DAYS = 31
READ_TRIES = 5
IDS_IN_A_ROW = 5_000
"""175 KB; a row holds 400 KB, a transaction 4 MB."""


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

    def watched_accounts(self) -> Iterator[tuple[Uid, Day | None]]:
        for number in range(account_keys.EXPIRY_SHARDS):
            rows = ExpiryRow.query(account_keys.expiry_shard(number))
            yield from readable(rows, lambda row: (Uid(row.sk), instant(row.looked)))

    def mark_looked_at(self, uid: Uid, day: Day) -> None:
        update_if(_expiry(uid), [ExpiryRow.looked.set(day)], ExpiryRow.pk.exists())


class LeaversRow(Row):
    """Some of the ids noted. `of_all`, of the first row where there are several: how many, and the
    digest of all ids, which guards them."""

    ids = UnicodeAttribute()
    of_all = UnicodeAttribute(null=True)


class DynamoLeavers:
    """The `Leavers` port: a row of 5,000 ids per platform, and further rows for more."""

    def __init__(self, table: str) -> None:
        bind(table, LeaversRow)

    def put(
        self, uid: Uid, platform: Platform, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        before, after = _parts(instead_of), _parts(ids)
        most = max(len(before), len(after))
        changed = [n for n in range(most) if before[n : n + 1] != after[n : n + 1]]

        def writes(transaction: TransactWrite) -> None:
            for number in sorted({0, *changed}):
                row = LeaversRow(account_keys.account(uid), account_keys.leavers(platform, number))
                condition = _still(instead_of) if number == 0 else None
                if number < len(after):
                    row.ids = _packed(after[number])
                    row.of_all = _of_all(ids) if number == 0 and len(after) > 1 else None
                    transaction.save(row, condition=condition)
                else:
                    transaction.delete(row, condition=condition)

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            return False
        return True

    def leaver_ids(self, uid: Uid, platform: Platform) -> list[str]:
        """Read row by row, again where the ids were replaced in between."""
        ids: list[str] = []
        for _ in range(READ_TRIES):
            first = LeaversRow.find(account_keys.account(uid), account_keys.leavers(platform))
            if first is None:
                return []
            ids = orjson.loads(first.ids)
            if first.of_all is None:
                return ids
            for number in range(1, int(first.of_all.partition(":")[0])):
                row = LeaversRow.find(
                    account_keys.account(uid), account_keys.leavers(platform, number)
                )
                ids += orjson.loads(row.ids) if row else []
            if _of_all(ids) == first.of_all:
                return ids
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

    def forget(self, uid: Uid, day: str, actor: str, ids: Collection[str]) -> None:
        while True:
            stored, seq = self._read(uid, day, actor)
            after = [one for one in stored if one.id not in ids]
            if after == stored or self._save(uid, day, actor, after, seq):
                return

    def _read(self, uid: Uid, day: str, actor: str) -> tuple[list[ManualAdjustment], int]:
        row = AdjustmentsRow.find(account_keys.account(uid), account_keys.adjustments(day, actor))
        if row is None:
            return [], 0
        return [ManualAdjustment(*one) for one in orjson.loads(row.body)], int(row.seq)

    def _save(
        self, uid: Uid, day: str, actor: str, adjusted: list[ManualAdjustment], seq: int
    ) -> bool:
        row = AdjustmentsRow(
            account_keys.account(uid), account_keys.adjustments(day, actor), seq=seq + 1
        )
        row.body = orjson.dumps([tuple(one) for one in adjusted]).decode()
        row.expires_at = (self._clock.now() + KEPT_DAYS * DAY) // SECOND
        return put_if(row, at_version(AdjustmentsRow.seq, seq))


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + IDS_IN_A_ROW] for start in range(0, len(ids), IDS_IN_A_ROW)]


def _still(ids: Sequence[str]) -> Condition:
    """The condition on the first row that the ids are those noted."""
    same: Condition = LeaversRow.pk.does_not_exist()
    if len(ids) > IDS_IN_A_ROW:
        same = LeaversRow.of_all == _of_all(ids)
    elif ids:
        same = (LeaversRow.ids == _packed(ids)) & LeaversRow.of_all.does_not_exist()
    return same


def _packed(ids: Sequence[str]) -> str:
    return orjson.dumps(list(ids)).decode()


def _of_all(ids: Sequence[str]) -> str:
    digest = blake2b(_packed(ids).encode(), digest_size=16).hexdigest()
    return f"{len(_parts(ids))}:{digest}"


def _expiry(uid: Uid) -> ExpiryRow:
    return ExpiryRow(account_keys.expiry_shard(account_keys.expiry_shard_number(uid)), uid)
