"""Commit facts and everything derived from them, one commit per account at a time (ADR 3).

Fact rows (source records and sales) are written first, then what follows from them: key members,
sale pointers, sales summaries, personas. The intent, stored before the first write, lets the next
commit rebuild whatever a crash left half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from chalicelib.domain.identity import SourceRecord, merge_keys
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Instant, Sale
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.services.closure import Closure
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import (
    CommitLock,
    Committed,
    FactStore,
    Intent,
    SaleId,
    StoredRecord,
    StoredSale,
    Writes,
)
from chalicelib.services.ports.stores import Stores

_K = TypeVar("_K")
_F = TypeVar("_F", Customer, Sale)


@dataclass(slots=True)
class _Change:
    """One commit in the making."""

    lock: CommitLock
    closure: Closure
    writes: Writes = field(default_factory=Writes)
    seeds: set[str] = field(default_factory=set)
    sales: set[SaleId] = field(default_factory=set)
    pointer_changes: dict[str, dict[SaleRef, bool]] = field(default_factory=dict)


class Commits:
    """Writes source records and sales, and keeps personas true to them."""

    def __init__(self, facts: FactStore, stores: Stores, accounts: Accounts, clock: Clock) -> None:
        self._facts = facts
        self._stores = stores
        self._accounts = accounts
        self._clock = clock

    def commit(
        self,
        uid: str,
        platform: str,
        scope: str,
        *,
        customers: Sequence[Customer] = (),
        sales: Sequence[Sale] = (),
    ) -> Committed:
        """Store what is new or changed among them; a repetition writes nothing.

        Raises LeaseLost or CommitBusy; both leave the account as before or repairable, and the
        same call may be made again.
        """
        with self._change(uid) as change:
            now = self._clock.now()
            self._take_customers(change, platform, scope, customers, now)
            self._take_sales(change, platform, scope, sales)
            return self._apply(change, now)

    def rederive(self, uid: str, records: Iterable[str]) -> Committed:
        """Derive again, under today's rules and mapping, the personas these records belong to."""
        with self._change(uid) as change:
            change.seeds.update(records)
            change.closure.expand(change.seeds)
            for rid in change.closure.touched():
                if (stored := change.closure.stored(rid)) is not None:
                    self._index(change, stored, stored.record)
            return self._apply(change, self._clock.now())

    @contextmanager
    def _change(self, uid: str) -> Iterator[_Change]:
        by_name = self._accounts.get(uid).merge_on_name_and_birth_date
        lock = self._facts.lock(uid)
        done = False
        try:
            if lock.leftover is not None:
                self._recover(lock, lock.leftover, by_name=by_name)
            yield _Change(lock, self._closure(uid, by_name=by_name))
            done = True
        finally:
            self._facts.unlock(lock, done=done)

    def _closure(self, uid: str, *, by_name: bool) -> Closure:
        return Closure(self._facts, uid, self._stores.mapping(uid), by_name=by_name)

    def _take_customers(
        self,
        change: _Change,
        platform: str,
        scope: str,
        customers: Sequence[Customer],
        now: Instant,
    ) -> None:
        uid, closure = change.lock.uid, change.closure
        latest = _latest((record_id(uid, platform, scope, c.ext_id), c) for c in customers)
        closure.load(latest)
        for rid, customer in latest.items():
            stored = closure.stored(rid)
            if stored is None:
                record = SourceRecord(rid, platform, scope, customer, now)
            elif _newer(customer, stored.record.customer):
                record = replace(stored.record, customer=customer)
            else:
                record = stored.record
            self._index(change, stored, record)

    def _index(self, change: _Change, stored: StoredRecord | None, record: SourceRecord) -> None:
        """Take the record up where it, or the rule of its merge keys, differs from `stored`."""
        keys = merge_keys(record.customer, name_and_birth_date=change.closure.by_name)
        new = StoredRecord(record, keys)
        if new == stored:
            return
        change.seeds.add(record.id)
        change.writes.records[record.id] = new
        change.closure.replace(new)

    def _take_sales(
        self, change: _Change, platform: str, scope: str, sales: Sequence[Sale]
    ) -> None:
        uid = change.lock.uid
        latest = _latest((SaleId(platform, scope, sale.ext_id), sale) for sale in sales)
        known = self._facts.sales(uid, latest) if latest else {}
        for sid, sale in latest.items():
            anchor = (
                record_id(uid, platform, scope, sale.customer_ext_id)
                if sale.customer_ext_id
                else None
            )
            old = known.get(sid)
            if old is not None and not _newer(sale, old.sale):
                continue
            new = StoredSale(sid, anchor, sale)
            change.writes.sales[sid] = new
            change.sales.add(sid)
            self._point(change, old, new)
        self._summarise(change)

    def _point(self, change: _Change, old: StoredSale | None, new: StoredSale) -> None:
        before = (old.record, _ref(old)) if old is not None and old.record else None
        after = (new.record, _ref(new)) if new.record else None
        if before == after:
            return
        for place, present in ((before, False), (after, True)):
            if place is not None and place[0] is not None:
                change.pointer_changes.setdefault(place[0], {})[place[1]] = present

    def _summarise(self, change: _Change) -> None:
        change.closure.load(change.pointer_changes)
        for rid, changes in change.pointer_changes.items():
            summary: SalesSummary | None = change.closure.summary(rid)
            for ref, present in sorted(changes.items(), key=lambda item: item[1]):
                change.writes.pointers[rid, ref] = present
                if summary is not None:
                    summary = summary.with_sale(ref) if present else summary.without_sale(ref)
            if summary is None:
                summary = SalesSummary.rebuild(self._refs_after(change, rid))
            change.writes.summaries[rid] = summary
            change.closure.replace_summary(rid, summary)
            change.seeds.add(rid)

    def _refs_after(self, change: _Change, rid: str) -> list[SaleRef]:
        changes = change.pointer_changes[rid]
        kept = [r for r in self._facts.pointers(change.lock.uid, rid) if r not in changes]
        return kept + [ref for ref, present in changes.items() if present]

    def _apply(self, change: _Change, now: Instant) -> Committed:
        closure, writes = change.closure, change.writes
        if not change.seeds and not writes:
            return Committed(at=now)
        facts = Writes(records=writes.records, sales=writes.sales)
        derived = Writes(pointers=writes.pointers, summaries=writes.summaries)
        closure.settle_members(derived)
        closure.expand(change.seeds)
        derived.personas = closure.persona_changes()
        if facts or derived:
            touched = tuple(closure.touched())
            self._facts.intend(
                change.lock, Intent(touched, tuple(closure.key_changes), tuple(change.sales))
            )
            self._facts.write(change.lock, facts)
            self._facts.write(change.lock, derived)
        return Committed(
            records=len(facts.records),
            sales=len(facts.sales),
            personas=len(derived.personas),
            at=now,
        )

    def _recover(self, lock: CommitLock, intent: Intent, *, by_name: bool) -> None:
        """Make every derived row that `intent` names follow from the fact rows again."""
        closure = self._closure(lock.uid, by_name=by_name)
        closure.load(intent.records)
        derived = Writes()
        self._recover_pointers(lock.uid, intent, closure, derived)
        closure.recover_members(intent.keys, intent.records, derived)
        closure.expand(intent.records)
        derived.personas = closure.persona_changes()
        self._facts.write(lock, derived)

    def _recover_pointers(
        self, uid: str, intent: Intent, closure: Closure, derived: Writes
    ) -> None:
        if not intent.sales:
            return
        truth = self._facts.sales(uid, intent.sales)
        named = set(intent.sales)
        for rid in intent.records:
            found = self._facts.pointers(uid, rid)
            right = {_ref(s) for s in truth.values() if s.record == rid}
            kept = [ref for ref in found if _sale_id(ref) not in named]
            for ref in found:
                if _sale_id(ref) in named and ref not in right:
                    derived.pointers[rid, ref] = False
            for ref in right:
                derived.pointers[rid, ref] = True
            summary = SalesSummary.rebuild([*kept, *right])
            derived.summaries[rid] = summary
            closure.replace_summary(rid, summary)


def _ref(stored: StoredSale) -> SaleRef:
    return SaleRef.of(stored.id.platform, stored.id.scope, stored.sale)


def _newer(new: Customer | Sale, old: Customer | Sale) -> bool:
    """Whether `new` takes the place of `old`: the POS's updated time, else the later fetch."""
    if new == old:
        return False
    return new.updated_at is None or old.updated_at is None or new.updated_at >= old.updated_at


def _latest(told: Iterable[tuple[_K, _F]]) -> dict[_K, _F]:
    """Of each record told, the version that stands."""
    found: dict[_K, _F] = {}
    for key, version in told:
        if key not in found or _newer(version, found[key]):
            found[key] = version
    return found


def _sale_id(ref: SaleRef) -> SaleId:
    return SaleId(ref.platform, ref.scope, ref.ext_id)
