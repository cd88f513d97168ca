"""The personas table behind the `FactStore` port: the commit lock and rows by the batch."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import LONGEST_CALL_SECONDS, BatchTable, Key, Row
from chalicelib.domain.errors import AiqError, LeaseLost
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ledger import Postings
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import (
    NO_SALES,
    CommitLock,
    Intent,
    KeyCarriers,
    LedgerRow,
    RecordRows,
    Returns,
    SaleId,
    StoredSale,
    Writes,
)

LONGEST_WAIT_SECONDS = 60.0
CLOCK_SKEW_SECONDS = 2.0


class CommitBusy(AiqError):
    """The account's commit lock stayed taken; the same work may be tried again."""

    code = "commit_busy"
    retriable = True


class DynamoFacts:
    """The `FactStore` port. `lock_seconds`: how long a commit lock lasts after its last renewal."""

    def __init__(self, table: BatchTable, clock: Clock, *, lock_seconds: float = 30.0) -> None:
        self._table = table
        self._clock = clock
        self._lock_seconds = lock_seconds
        self._renewed: dict[str, float] = {}

    def lock(self, uid: Uid) -> CommitLock:
        deadline = self._clock.monotonic() + LONGEST_WAIT_SECONDS + self._lock_seconds
        pause = 0.02
        while True:
            asked_at = self._clock.monotonic()
            if (row := self._try_lock(uid)) is not None:
                self._renewed[uid] = asked_at
                packed = row.get("intent")
                leftover = rows.unpack_intent(bytes(packed["B"])) if packed else None
                return CommitLock(uid, int(row["fence"]["N"]), asked_at, leftover)
            if self._clock.monotonic() > deadline:
                raise CommitBusy("Another commit of this account takes unusually long; try again.")
            self._clock.sleep(random.uniform(pause / 2, pause))  # noqa: S311 -- jitter
            pause = min(pause * 1.5, 0.5)

    def store_intent(self, lock: CommitLock, intent: Intent) -> None:
        self._update_if_held(
            lock,
            "SET intent = :intent, held_until = :until",
            intent={"B": rows.pack_intent(intent)},
        )

    def unlock(self, lock: CommitLock, *, done: bool) -> None:
        update = "REMOVE held_until, intent" if done else "REMOVE held_until"
        try:
            self._update(lock.uid, update, "fence = :fence", {":fence": {"N": str(lock.fence)}})
        except self._table.client.exceptions.ConditionalCheckFailedException:
            return
        finally:
            self._renewed.pop(lock.uid, None)

    def rows(self, uid: Uid, records: Iterable[str]) -> dict[str, RecordRows]:
        kinds = (keys.PROFILE_SK, keys.SALES_SK, keys.PERSONA_SK)
        partitions = {rid: keys.record(uid, rid) for rid in records}
        stored = self._table.get_many((pk, sk) for pk in partitions.values() for sk in kinds)
        return {rid: _record_rows(rid, pk, stored) for rid, pk in partitions.items()}

    def carriers(self, uid: Uid, merge_keys: Iterable[MergeKey]) -> dict[MergeKey, KeyCarriers]:
        row_keys = {(keys.merge_key(uid, *key), keys.MEMBERS_SK): key for key in merge_keys}
        stored = self._table.get_many(row_keys)
        return {row_keys[row_key]: rows.read_carriers(row) for row_key, row in stored.items()}

    def wide_carriers(self, uid: Uid, key: MergeKey) -> dict[str, str]:
        stored = self._table.query(keys.merge_key(uid, *key), keys.MEMBER_PREFIX)
        start = len(keys.MEMBER_PREFIX)
        return {row["sk"]["S"][start:]: row["scope"]["S"] for row in stored}

    def sales(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, StoredSale]:
        row_keys = {(keys.sale(uid, *sid), keys.SALE_SK): sid for sid in ids}
        stored = self._table.get_many(row_keys)
        return {
            row_keys[row_key]: rows.read_sale(row_keys[row_key], row)
            for row_key, row in stored.items()
        }

    def returns(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, Returns]:
        row_keys = {(keys.sale(uid, *sid), keys.RETURNS_SK): sid for sid in ids}
        stored = self._table.get_many(row_keys)
        return {row_keys[row_key]: rows.read_returns(row) for row_key, row in stored.items()}

    def pointers(
        self, uid: Uid, record: str, since: Instant | None = None, until: Instant | None = None
    ) -> dict[SaleRef, Postings]:
        pk = keys.record(uid, record)
        if since is None and until is None:
            stored = self._table.query(pk, keys.POINTER_PREFIX)
        else:
            last = keys.POINTER_PREFIX + "~" if until is None else keys.pointers_at(until)
            stored = self._table.query_between(pk, keys.pointers_at(since or 0), last)
        return {rows.read_pointer(row): rows.read_postings(row) for row in stored}

    def postings(
        self, uid: Uid, places: Iterable[tuple[str, SaleRef]]
    ) -> dict[tuple[str, SaleRef], Postings]:
        refs = {rows.pointer_key(uid, *place): place for place in places}
        stored_rows = self._table.get_many(refs)
        return {refs[key]: rows.read_postings(row) for key, row in stored_rows.items()}

    def ledger(self, uid: Uid, record: str) -> dict[str, LedgerRow]:
        stored = self._table.query(keys.record(uid, record), keys.LEDGER_PREFIX)
        return dict(rows.read_ledger(row) for row in stored)

    def shared(self, uid: Uid) -> list[MergeKey]:
        stored = self._table.query(keys.shared_keys(uid))
        return [rows.read_shared(row) for row in stored]

    def write(self, lock: CommitLock, writes: Writes) -> None:
        puts, deletes = _row_changes(lock.uid, writes)
        for _ in self._table.write_many(puts, deletes):
            self._renew_when_due(lock)

    def _try_lock(self, uid: Uid) -> Row | None:
        now = self._clock.now()
        try:
            answer = self._update(
                uid,
                "SET held_until = :until ADD fence :one",
                "attribute_not_exists(held_until) OR held_until < :now",
                {":until": self._until(), ":now": {"N": str(now)}, ":one": {"N": "1"}},
            )
        except self._table.client.exceptions.ConditionalCheckFailedException:
            return None
        row: Row = answer["Attributes"]
        return row

    def _renew_when_due(self, lock: CommitLock) -> None:
        """Renew the lock when the next call might arrive after its end."""
        age = self._clock.monotonic() - self._renewed.get(lock.uid, lock.acquired_at)
        if age + LONGEST_CALL_SECONDS + CLOCK_SKEW_SECONDS > self._lock_seconds:
            self._update_if_held(lock, "SET held_until = :until")

    def _update_if_held(self, lock: CommitLock, update: str, **values: dict[str, Any]) -> None:
        asked_at = self._clock.monotonic()
        named = {f":{name}": value for name, value in values.items()}
        named |= {":until": self._until(), ":fence": {"N": str(lock.fence)}}
        try:
            self._update(lock.uid, update, "fence = :fence AND attribute_exists(held_until)", named)
        except self._table.client.exceptions.ConditionalCheckFailedException:
            raise LeaseLost("The account's commit lock passed to another worker.") from None
        self._renewed[lock.uid] = asked_at

    def _until(self) -> dict[str, str]:
        return {"N": str(self._clock.now() + round(self._lock_seconds * 1000))}

    def _update(self, uid: Uid, update: str, condition: str, values: dict[str, Any]) -> Any:
        return self._table.client.update_item(
            TableName=self._table.name,
            Key={"pk": {"S": keys.commit(uid)}, "sk": {"S": keys.COMMIT_SK}},
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )


def _record_rows(rid: str, pk: str, stored: dict[Key, Row]) -> RecordRows:
    profile = stored.get((pk, keys.PROFILE_SK))
    summary = stored.get((pk, keys.SALES_SK))
    persona = stored.get((pk, keys.PERSONA_SK))
    sales = rows.read_summary(summary) if summary else None
    return RecordRows(
        stored=rows.read_record(rid, profile) if profile else None,
        sales=sales,
        persona=rows.read_persona(persona, sales or NO_SALES) if persona else None,
    )


def _row_changes(uid: Uid, writes: Writes) -> tuple[dict[Key, Row], list[Key]]:
    puts = [rows.record_row(uid, stored) for stored in writes.records.values()]
    puts += [rows.sale_row(uid, sale) for sale in writes.sales.values()]
    puts += [rows.summary_row(uid, rid, sales) for rid, sales in writes.summaries.items()]
    deletes: list[Key] = []
    for row_key, row in _optional_rows(uid, writes):
        if row is None:
            deletes.append(row_key)
        else:
            puts.append((row_key, row))
    return dict(puts), deletes


def _optional_rows(uid: Uid, writes: Writes) -> Iterator[tuple[Key, Row | None]]:
    for key, members in writes.carriers.items():
        row_key = (keys.merge_key(uid, *key), keys.MEMBERS_SK)
        yield row_key, rows.carriers_row(row_key, members) if members else None
    for (key, rid), scope in writes.carrier_rows.items():
        row_key = (keys.merge_key(uid, *key), keys.member(rid))
        yield row_key, rows.carrier_row(row_key, scope) if scope else None
    for sid, returns in writes.returns.items():
        row_key = (keys.sale(uid, *sid), keys.RETURNS_SK)
        yield row_key, rows.returns_row(row_key, returns) if returns else None
    for (rid, ref), postings in writes.pointers.items():
        row_key = rows.pointer_key(uid, rid, ref)
        yield row_key, None if postings is None else rows.pointer_row(row_key, ref, postings)
    for (rid, cause), entries in writes.ledger.items():
        row_key = (keys.record(uid, rid), keys.ledger(cause))
        yield row_key, rows.ledger_row(row_key, cause, entries)
    for key, is_shared in writes.shared.items():
        row_key = (keys.shared_keys(uid), keys.shared_key(*key))
        yield row_key, rows.shared_row(row_key) if is_shared else None
    for rid, persona in writes.personas.items():
        row_key = (keys.record(uid, rid), keys.PERSONA_SK)
        yield row_key, rows.persona_row(uid, row_key, persona) if persona else None
