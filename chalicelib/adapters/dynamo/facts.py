"""The personas table behind the `FactStore` port: the commit lock and rows by the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable, Key, Row
from chalicelib.adapters.dynamo.commit_locks import CommitLocks
from chalicelib.adapters.dynamo.facts_log import log_rows
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.adapters.dynamo.tombstones import DynamoTombstones, tombstone_row
from chalicelib.adapters.dynamo.transactions import Write, commit_writes
from chalicelib.domain.errors import LeaseLost
from chalicelib.domain.id_ranges import NO_IDS_SEEN, SeenIds
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ledger import Postings
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.commits import CommitLock, Intent, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.facts import PageRows, SalesSpan
from chalicelib.services.ports.stored_facts import (
    NO_SALES,
    KeyCarriers,
    LedgerRow,
    RecordRows,
    Returns,
    SaleId,
    StoredSale,
)

_RECORD_KINDS = (fact_keys.PROFILE_SK, fact_keys.SALES_SK, fact_keys.PERSONA_SK)


class DynamoFacts:
    """The `FactStore` port. While this process holds an account's commit lock, its reads and writes
    renew it. `discounts`: the table whose discounts count their redemptions, "" for none."""

    def __init__(self, table: BatchTable, locks: CommitLocks, discounts: str = "") -> None:
        self._table = table
        self._locks = locks
        self._discounts = discounts
        self._tombstones = DynamoTombstones(table)

    def lock(
        self, uid: Uid, *, urgent: bool = False, while_waiting: Callable[[], None] = do_nothing
    ) -> CommitLock:
        return self._locks.take(uid, urgent=urgent, while_waiting=while_waiting)

    def store_intent(self, lock: CommitLock, intent: Intent) -> None:
        self._locks.store_intent(lock, intent)

    def unlock(self, lock: CommitLock, *, done: bool) -> None:
        self._locks.release(lock, done=done)

    def rows(self, uid: Uid, records: Iterable[str]) -> dict[str, RecordRows]:
        return self.page(uid, (), (), records).records

    def page(
        self,
        uid: Uid,
        sales: Iterable[SaleId],
        returns: Iterable[SaleId],
        records: Iterable[str],
    ) -> PageRows:
        partitions = {rid: fact_keys.record(uid, rid) for rid in records}
        sale_keys = {(fact_keys.sale(uid, *sid), fact_keys.SALE_SK): sid for sid in sales}
        return_keys = {(fact_keys.sale(uid, *sid), fact_keys.RETURNS_SK): sid for sid in returns}
        of_records = ((pk, sk) for pk in partitions.values() for sk in _RECORD_KINDS)
        stored = self._get(uid, chain(sale_keys, return_keys, of_records))
        return PageRows(
            sales={
                sid: rows.read_sale(sid, stored[key])
                for key, sid in sale_keys.items()
                if key in stored
            },
            returns={
                sid: rows.read_returns(stored[key])
                for key, sid in return_keys.items()
                if key in stored
            },
            records={rid: _record_rows(rid, pk, stored) for rid, pk in partitions.items()},
        )

    def listed_records(self, uid: Uid, records: Sequence[str]) -> set[str]:
        row_keys = {(fact_keys.record(uid, rid), fact_keys.PROFILE_SK): rid for rid in records}
        return {row_keys[row_key] for row_key in self._get(uid, row_keys)}

    def seen_ids(self, uid: Uid, platform: Platform, scope: ScopeId) -> SeenIds:
        row_key = fact_keys.seen_ids(uid, platform, scope), fact_keys.SEEN_IDS_SK
        row = self._get(uid, [row_key]).get(row_key)
        return NO_IDS_SEEN if row is None else rows.read_seen_ids(row)

    def rows_and_carriers(
        self, uid: Uid, records: Iterable[str], merge_keys: Iterable[MergeKey]
    ) -> tuple[dict[str, RecordRows], dict[MergeKey, KeyCarriers]]:
        partitions = {rid: fact_keys.record(uid, rid) for rid in records}
        row_keys = {
            (fact_keys.merge_key(uid, *key), fact_keys.MEMBERS_SK): key for key in merge_keys
        }
        of_records = ((pk, sk) for pk in partitions.values() for sk in _RECORD_KINDS)
        stored = self._get(uid, chain(row_keys, of_records))
        carriers = {
            key: rows.read_carriers(stored[at]) for at, key in row_keys.items() if at in stored
        }
        return {rid: _record_rows(rid, pk, stored) for rid, pk in partitions.items()}, carriers

    def carriers(self, uid: Uid, merge_keys: Iterable[MergeKey]) -> dict[MergeKey, KeyCarriers]:
        row_keys = {
            (fact_keys.merge_key(uid, *key), fact_keys.MEMBERS_SK): key for key in merge_keys
        }
        stored = self._get(uid, row_keys)
        return {row_keys[row_key]: rows.read_carriers(row) for row_key, row in stored.items()}

    def wide_carriers(self, uid: Uid, key: MergeKey) -> dict[str, str]:
        stored = self._table.query(fact_keys.merge_key(uid, *key), fact_keys.MEMBER_PREFIX)
        start = len(fact_keys.MEMBER_PREFIX)
        return {row["sk"]["S"][start:]: row["scope"]["S"] for row in stored}

    def sales(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, StoredSale]:
        return self.page(uid, ids, (), ()).sales

    def returns(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, Returns]:
        return self.page(uid, (), ids, ()).returns

    def pointers(
        self, uid: Uid, record: str, since: Instant | None = None, until: Instant | None = None
    ) -> dict[SaleRef, Postings]:
        pk = fact_keys.record(uid, record)
        if since is None and until is None:
            stored = self._table.query(pk, fact_keys.POINTER_PREFIX)
        else:
            last = fact_keys.POINTER_PREFIX + "~" if until is None else fact_keys.pointers_at(until)
            stored = self._table.query_between(pk, fact_keys.pointers_at(since or 0), last)
        return {rows.read_pointer(row): rows.read_postings(row) for row in stored}

    def pointers_in(self, uid: Uid, spans: Sequence[SalesSpan]) -> list[dict[SaleRef, Postings]]:
        return self._table.side_by_side(
            lambda span: self.pointers(uid, *span), spans, self._renewal(uid)
        )

    def postings(
        self, uid: Uid, places: Iterable[tuple[str, SaleRef]]
    ) -> dict[tuple[str, SaleRef], Postings]:
        refs = {rows.pointer_key(uid, *place): place for place in places}
        stored_rows = self._get(uid, refs)
        return {refs[key]: rows.read_postings(row) for key, row in stored_rows.items()}

    def ledger(self, uid: Uid, record: str) -> dict[str, LedgerRow]:
        stored = self._table.query(fact_keys.record(uid, record), fact_keys.LEDGER_PREFIX)
        return dict(rows.read_ledger(row) for row in stored)

    def ledgers(self, uid: Uid, records: Sequence[str]) -> list[dict[str, LedgerRow]]:
        return self._table.side_by_side(partial(self.ledger, uid), records, self._renewal(uid))

    def shared_keys(self, uid: Uid) -> list[MergeKey]:
        stored = self._table.query(fact_keys.shared_keys(uid))
        return [rows.read_shared(row) for row in stored]

    def tombstones(self, uid: Uid, erasures: int) -> Tombstones:
        return self._tombstones.read(uid, erasures)

    def salt(self, uid: Uid) -> bytes:
        return self._tombstones.salt(uid)

    def current_tombstones(self, uid: Uid) -> Tombstones:
        """Return the tombstones for a caller without the lock; they may be a moment old."""
        return self._tombstones.read(uid, self._locks.erasures(uid))

    def forget(self, lock: CommitLock, records: Sequence[str]) -> int:
        renewal = self._renewal(lock.uid)
        gone = 0
        for rid in records:
            pk = fact_keys.record(lock.uid, rid)
            found = [(pk, row["sk"]["S"]) for row in self._table.query(pk)]
            # The record's own row goes last: after a crash the next try finds the rest by it.
            rest = [place for place in found if place[1] != fact_keys.PROFILE_SK]
            self._table.write_many({}, rest, renewal)
            self._table.write_many({}, [(pk, fact_keys.PROFILE_SK)], renewal)
            gone += len(found)
        return gone

    def forget_sales(self, lock: CommitLock, ids: Sequence[SaleId]) -> None:
        kinds = (fact_keys.SALE_SK, fact_keys.RETURNS_SK)
        places = [(fact_keys.sale(lock.uid, *sid), sk) for sid in ids for sk in kinds]
        self._table.write_many({}, places, self._renewal(lock.uid))

    def write_and_unlock(self, lock: CommitLock, writes: Writes) -> bool:
        if writes.tombstones:
            return False  # they count an erasure first
        puts, deletes = self._row_changes(lock, writes)
        changes = self._table.changes(puts, deletes)
        if changes is None:
            return False
        self._renewal(lock.uid)()
        wanted = [*changes, self._locks.giving_back(lock)]
        failed = commit_writes(self._table.client, [*wanted, *self._counts(lock.uid, writes)])
        if failed is not None and failed >= len(wanted):  # the discount is gone: nobody counts it
            failed = commit_writes(self._table.client, wanted)
        if failed is not None:
            raise LeaseLost("The account's commit lock passed to another worker.")
        self._locks.note_given_back(lock)
        return True

    def write(self, lock: CommitLock, writes: Writes) -> None:
        if writes.tombstones:
            self._locks.count_erasure(lock)
        puts, deletes = self._row_changes(lock, writes)
        self._table.write_many(puts, deletes, self._renewal(lock.uid))
        for count in self._counts(lock.uid, writes):
            commit_writes(self._table.client, [count])

    def _counts(self, uid: Uid, writes: Writes) -> list[Write]:
        if not writes.redeemed or not self._discounts:
            return []
        from chalicelib.adapters.dynamo.rewards import counted_redemption

        steps = writes.redeemed.items()
        return [counted_redemption(self._discounts, uid, one, step) for one, step in steps if step]

    def _row_changes(self, lock: CommitLock, writes: Writes) -> tuple[dict[Key, Row], list[Key]]:
        encoded: dict[int, str] = {}
        puts, deletes = _row_changes(lock.uid, writes, encoded)
        for platform, facts in writes.pulled.items():
            parts = dict(log_rows(lock, platform, facts, encoded))
            lock.logged += len(parts)
            puts.update(parts)
        return puts, deletes

    def _get(self, uid: Uid, wanted: Iterable[Key]) -> dict[Key, Row]:
        return self._table.get_many(wanted, before_wave=self._renewal(uid))

    def _renewal(self, uid: Uid) -> Callable[[], None]:
        return partial(self._locks.renew_when_due, uid)


def _record_rows(rid: str, pk: str, stored: dict[Key, Row]) -> RecordRows:
    profile = stored.get((pk, fact_keys.PROFILE_SK))
    summary = stored.get((pk, fact_keys.SALES_SK))
    persona = stored.get((pk, fact_keys.PERSONA_SK))
    sales = rows.read_summary(summary) if summary else None
    return RecordRows(
        stored=rows.read_record(rid, profile) if profile else None,
        sales=sales,
        persona=rows.read_persona(persona, sales or NO_SALES) if persona else None,
    )


def _row_changes(
    uid: Uid, writes: Writes, encoded: dict[int, str]
) -> tuple[dict[Key, Row], list[Key]]:
    """The rows to put and the keys of those to delete; adds to `encoded` the texts of shoppers and
    sales by `id`, for the facts log has them, too."""
    puts: list[tuple[Key, Row]] = []
    for stored in writes.records.values():
        puts.append(rows.record_row(uid, stored))
        encoded[id(stored.record.customer)] = puts[-1][1]["body"]["S"]
    for sale in writes.sales.values():
        puts.append(rows.sale_row(uid, sale))
        encoded[id(sale.sale)] = puts[-1][1]["body"]["S"]
    puts += [rows.summary_row(uid, rid, sales) for rid, sales in writes.summaries.items()]
    puts += [tombstone_row(uid, *each) for each in writes.tombstones.items()]
    puts += [rows.seen_ids_row(uid, *scope, seen) for scope, seen in writes.seen_ids.items()]
    deletes: list[Key] = []
    for row_key, row in _optional_rows(uid, writes):
        if row is None:
            deletes.append(row_key)
        else:
            puts.append((row_key, row))
    return dict(puts), deletes


def _optional_rows(uid: Uid, writes: Writes) -> Iterator[tuple[Key, Row | None]]:
    for key, members in writes.carriers.items():
        row_key = (fact_keys.merge_key(uid, *key), fact_keys.MEMBERS_SK)
        yield row_key, rows.carriers_row(row_key, members) if members else None
    for (key, rid), scope in writes.carrier_rows.items():
        row_key = (fact_keys.merge_key(uid, *key), fact_keys.member(rid))
        yield row_key, rows.carrier_row(row_key, scope) if scope else None
    for sid, returns in writes.returns.items():
        row_key = (fact_keys.sale(uid, *sid), fact_keys.RETURNS_SK)
        yield row_key, rows.returns_row(row_key, returns) if returns else None
    for (rid, ref), postings in writes.pointers.items():
        row_key = rows.pointer_key(uid, rid, ref)
        yield row_key, None if postings is None else rows.pointer_row(row_key, ref, postings)
    for (rid, cause), entries in writes.ledger.items():
        row_key = (fact_keys.record(uid, rid), fact_keys.ledger(cause))
        yield row_key, rows.ledger_row(row_key, cause, entries)
    for key, is_shared in writes.shared.items():
        row_key = (fact_keys.shared_keys(uid), fact_keys.shared_key(*key))
        yield row_key, rows.shared_row(row_key) if is_shared else None
    for rid, persona in writes.personas.items():
        row_key = (fact_keys.record(uid, rid), fact_keys.PERSONA_SK)
        yield row_key, rows.persona_row(uid, row_key, persona) if persona else None
