"""The personas table in memory, which can crash between any two rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from chalicelib.adapters.dynamo.facts_log import LINES
from chalicelib.domain.errors import LeaseLost
from chalicelib.domain.id_ranges import NO_IDS_SEEN, SeenIds
from chalicelib.domain.identity import MergeKey
from chalicelib.domain.ledger import Postings
from chalicelib.domain.personas import Persona
from chalicelib.domain.pulled_facts import PulledFact
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.tombstones import Tombstone, Tombstones
from chalicelib.services.ports.commits import CommitLock, Intent, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.facts import PageRows, SalesSpan
from chalicelib.services.ports.facts_log import LoggedFact
from chalicelib.services.ports.stored_facts import (
    NO_SALES,
    KeyCarriers,
    LedgerRow,
    RecordRows,
    RecordSales,
    Returns,
    SaleId,
    StoredRecord,
    StoredSale,
)

Pointer = tuple[SaleRef, Postings]


class Crash(BaseException):
    """The process died here. No code of ours may catch it."""


class MemoryFacts:
    """Rows in dicts. `crash_in` counts down with every row touched; at zero the process dies."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], StoredRecord] = {}
        self.summaries: dict[tuple[str, str], RecordSales] = {}
        self.personas: dict[tuple[str, str], Persona] = {}
        self.sale_rows: dict[tuple[str, SaleId], StoredSale] = {}
        self.pointer_rows: dict[tuple[str, str], dict[tuple[int, str], Pointer]] = {}
        self.return_rows: dict[tuple[str, SaleId], Returns] = {}
        self.ledger_rows: dict[tuple[str, str], dict[str, LedgerRow]] = {}
        self.key_carriers: dict[tuple[str, MergeKey], KeyCarriers] = {}
        self.member_rows: dict[tuple[str, MergeKey], dict[str, str]] = {}
        self.shared_rows: dict[tuple[str, MergeKey], bool] = {}
        self.seen_ids_rows: dict[tuple[str, str, str], SeenIds] = {}
        self.log_rows: dict[tuple[str, str], dict[tuple[int, int], list[PulledFact]]] = {}
        self.log_deleted: dict[tuple[str, str], int] = {}
        self.tombstone_rows: dict[str, dict[str, Tombstone]] = {}
        self.erasures: dict[str, int] = {}
        self.tombstones_read = 0
        self.keeps_seen_ids = True
        self.has_whole_log = True
        self.rows_at_once = 49
        self.intents: dict[str, Intent] = {}
        self.holders: dict[str, int] = {}
        self.fences: dict[str, int] = {}
        self.crash_in: int | None = None
        self.chance = random.Random(1)
        """Decides in which order the rows of one write land."""
        self.count_redeemed: Callable[[str, str, int], None] = lambda *_: None
        self.persona_writes = 0
        self.rows_written = 0
        self.rows_read = 0

    def lock(
        self,
        uid: str,
        *,
        urgent: bool = False,  # noqa: ARG002
        while_waiting: Callable[[], None] = do_nothing,  # noqa: ARG002
    ) -> CommitLock:
        self.fences[uid] = self.fences.get(uid, 0) + 1
        self.holders[uid] = self.fences[uid]
        return CommitLock(
            uid,
            self.fences[uid],
            0.0,
            self.intents.get(uid),
            has_seen_ids=self.keeps_seen_ids,
            has_whole_log=self.has_whole_log,
            erasures=self.erasures.get(uid, 0),
        )

    def store_intent(self, lock: CommitLock, intent: Intent) -> None:
        self._touch(lock)
        self.intents[lock.uid] = intent

    def unlock(self, lock: CommitLock, *, done: bool) -> None:
        if self.crash_in is not None and self.crash_in < 0:
            return
        if self.holders.get(lock.uid) == lock.fence and not lock.given_back:
            del self.holders[lock.uid]
            if done:
                self.intents.pop(lock.uid, None)

    def rows(self, uid: str, records: Iterable[str]) -> dict[str, RecordRows]:
        return {rid: self._rows(uid, rid) for rid in records}

    def page(
        self,
        uid: str,
        sales: Iterable[SaleId],
        returns: Iterable[SaleId],
        records: Iterable[str],
    ) -> PageRows:
        return PageRows(self.sales(uid, sales), self.returns(uid, returns), self.rows(uid, records))

    def listed_records(self, uid: str, records: Sequence[str]) -> set[str]:
        return {rid for rid in records if (uid, rid) in self.records}

    def seen_ids(self, uid: str, platform: str, scope: str) -> SeenIds:
        return self.seen_ids_rows.get((uid, platform, scope), NO_IDS_SEEN)

    def rows_and_carriers(
        self, uid: str, records: Iterable[str], keys: Iterable[MergeKey]
    ) -> tuple[dict[str, RecordRows], dict[MergeKey, KeyCarriers]]:
        return self.rows(uid, records), self.carriers(uid, keys)

    def carriers(self, uid: str, keys: Iterable[MergeKey]) -> dict[MergeKey, KeyCarriers]:
        wanted = list(keys)
        self.rows_read += len(wanted)
        return {k: self.key_carriers[uid, k] for k in wanted if (uid, k) in self.key_carriers}

    def wide_carriers(self, uid: str, key: MergeKey) -> dict[str, str]:
        found = dict(self.member_rows.get((uid, key), {}))
        self.rows_read += len(found)
        return found

    def sales(self, uid: str, ids: Iterable[SaleId]) -> dict[SaleId, StoredSale]:
        return {sid: self.sale_rows[uid, sid] for sid in ids if (uid, sid) in self.sale_rows}

    def returns(self, uid: str, ids: Iterable[SaleId]) -> dict[SaleId, Returns]:
        return {sid: self.return_rows[uid, sid] for sid in ids if (uid, sid) in self.return_rows}

    def pointers(
        self, uid: str, record: str, since: int | None = None, until: int | None = None
    ) -> dict[SaleRef, Postings]:
        found = dict(sorted(self.pointer_rows.get((uid, record), {}).items())).values()
        self.rows_read += len(found)
        return {
            ref: held
            for ref, held in found
            if (since is None or ref.ordered_at >= since)
            and (until is None or ref.ordered_at < until)
        }

    def pointers_in(self, uid: str, spans: Sequence[SalesSpan]) -> list[dict[SaleRef, Postings]]:
        return [self.pointers(uid, *span) for span in spans]

    def postings(
        self, uid: str, places: Iterable[tuple[str, SaleRef]]
    ) -> dict[tuple[str, SaleRef], Postings]:
        found = {}
        for rid, ref in places:
            pointer = self.pointer_rows.get((uid, rid), {}).get((ref.ordered_at, ref.ext_id))
            if pointer is not None:
                found[rid, ref] = pointer[1]
        return found

    def ledger(self, uid: str, record: str) -> dict[str, LedgerRow]:
        return dict(self.ledger_rows.get((uid, record), {}))

    def ledgers(self, uid: str, records: Sequence[str]) -> list[dict[str, LedgerRow]]:
        return [self.ledger(uid, record) for record in records]

    def shared_keys(self, uid: str) -> list[MergeKey]:
        return [key for owner, key in self.shared_rows if owner == uid]

    def tombstones(self, uid: str, erasures: int) -> Tombstones:
        assert erasures == self.erasures.get(uid, 0)
        self.tombstones_read += 1
        return Tombstones(self.salt(uid), dict(self.tombstone_rows.get(uid, {})))

    def current_tombstones(self, uid: str) -> Tombstones:
        return self.tombstones(uid, self.erasures.get(uid, 0))

    def salt(self, uid: str) -> bytes:
        return f"salt of {uid}".encode()

    def forget(self, lock: CommitLock, records: Sequence[str]) -> int:
        gone = 0
        for rid in records:
            place = (lock.uid, rid)
            for table in (
                self.pointer_rows,
                self.ledger_rows,
                self.personas,
                self.summaries,
                self.records,
            ):
                if place in table:
                    self._touch(lock)
                    del table[place]
                    gone += 1
        return gone

    def forget_sales(self, lock: CommitLock, ids: Sequence[SaleId]) -> None:
        for sid in ids:
            self._touch(lock)
            self.sale_rows.pop((lock.uid, sid), None)
            self.return_rows.pop((lock.uid, sid), None)

    def write_and_unlock(self, lock: CommitLock, writes: Writes) -> bool:
        """All rows land or none; more than `rows_at_once` do not fit."""
        steps = self._steps(lock.uid, writes)
        if writes.tombstones or len(steps) > self.rows_at_once:
            return False
        self._touch(lock)
        for platform, pulled in writes.pulled.items():
            log = self.log_rows.setdefault((lock.uid, platform), {})
            log[lock.fence, lock.logged] = pulled
            lock.logged += 1
        for step in steps:
            step()
        self.rows_written += len(steps)
        del self.holders[lock.uid]
        self.intents.pop(lock.uid, None)
        lock.given_back = True
        return True

    def write(self, lock: CommitLock, writes: Writes) -> None:
        """Rows land in any order, as those of batches side by side do."""
        if writes.tombstones:
            self._touch(lock)
            lock.erasures += 1
            self.erasures[lock.uid] = lock.erasures
        steps = self._steps(lock.uid, writes)
        for platform, pulled in writes.pulled.items():
            log = self.log_rows.setdefault((lock.uid, platform), {})
            steps.append(partial(_put, log, (lock.fence, lock.logged), pulled))
            lock.logged += 1
        self.chance.shuffle(steps)
        for step in steps:
            self._touch(lock)
            step()
            self.rows_written += 1

    def read(
        self, uid: str, platform: str, after: int, until: int
    ) -> Iterator[tuple[int, list[LoggedFact]]]:
        """The `FactsLog` port, with `delete`."""
        for (fence, _), pulled in sorted(self.log_rows.get((uid, platform), {}).items()):
            if after < fence <= until:
                yield fence, [LoggedFact(fact.place, LINES.line(fact)) for fact in pulled]

    def rewrite(
        self,
        uid: str,
        platform: str,
        after: str,
        change: Callable[[bytes], bytes | None],
        time_left: Callable[[], bool],
    ) -> tuple[str | None, int]:
        log, changed = self.log_rows.get((uid, platform), {}), 0
        for place in sorted(log):
            name = f"{place[0]:012d}#{place[1]:04d}"
            if name <= after:
                continue
            lines = [LINES.line(fact) for fact in log[place]]
            kept = [line for line in map(change, lines) if line is not None]
            if kept != lines:
                self.step()
                changed += sum(line not in kept for line in lines)
                log[place] = [LINES.fact(line) for line in kept]
            if not time_left():
                return name, changed
        return None, changed

    def delete(self, uid: str, platform: str, until: int) -> None:
        log = self.log_rows.get((uid, platform), {})
        self.log_deleted[uid, platform] = max(until, self.deleted_until(uid, platform))
        for place in [place for place in log if place[0] <= until]:
            del log[place]

    def deleted_until(self, uid: str, platform: str) -> int:
        return self.log_deleted.get((uid, platform), 0)

    def _rows(self, uid: str, rid: str) -> RecordRows:
        place = (uid, rid)
        self.rows_read += 1
        return RecordRows(
            self.records.get(place), self.summaries.get(place), self.persona(uid, rid)
        )

    def persona(self, uid: str, rid: str) -> Persona | None:
        """The persona stored under a record, with the figures of its other row."""
        stored = self.personas.get((uid, rid))
        if stored is None:
            return None
        return replace(stored, figures=self.summaries.get((uid, rid), NO_SALES).figures)

    def shown(self, uid: str) -> list[Persona]:
        """Every persona of an account."""
        found = [self.persona(owner, rid) for owner, rid in self.personas if owner == uid]
        return [persona for persona in found if persona is not None]

    def step(self) -> None:
        """One step further: the process dies here when it was to."""
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash

    def _touch(self, lock: CommitLock) -> None:
        self.step()
        if self.holders.get(lock.uid) != lock.fence:
            raise LeaseLost("the commit lock passed to another worker")

    def _steps(self, uid: str, writes: Writes) -> list[Callable[[], None]]:
        puts = [(self.records, (uid, rid), stored) for rid, stored in writes.records.items()]
        puts += [(self.sale_rows, (uid, sid), sale) for sid, sale in writes.sales.items()]
        buried = self.tombstone_rows.setdefault(uid, {})
        puts += [(buried, name, each) for name, each in writes.tombstones.items()]
        puts += [
            (self.key_carriers, (uid, key), carriers) for key, carriers in writes.carriers.items()
        ]
        for (key, rid), scope in writes.carrier_rows.items():
            puts.append((self.member_rows.setdefault((uid, key), {}), rid, scope))
        puts += [(self.return_rows, (uid, sid), rows) for sid, rows in writes.returns.items()]
        pointer_rows: dict[tuple[str, tuple[int, str]], Pointer | None] = {}
        for (rid, ref), held in writes.pointers.items():
            place = rid, (ref.ordered_at, ref.ext_id)
            if held is not None or place not in pointer_rows:  # put and deleted: put
                pointer_rows[place] = None if held is None else (ref, held)
        for (rid, place), pointer in pointer_rows.items():
            puts.append((self.pointer_rows.setdefault((uid, rid), {}), place, pointer))
        for (rid, cause), row in writes.ledger.items():
            puts.append((self.ledger_rows.setdefault((uid, rid), {}), cause, row))
        puts += [(self.summaries, (uid, rid), summary) for rid, summary in writes.summaries.items()]
        puts += [(self.shared_rows, (uid, key), on or None) for key, on in writes.shared.items()]
        puts += [(self.personas, (uid, rid), persona) for rid, persona in writes.personas.items()]
        puts += [(self.seen_ids_rows, (uid, *scope), ids) for scope, ids in writes.seen_ids.items()]
        self.persona_writes += len(writes.personas)
        counts = [
            partial(self.count_redeemed, uid, discount, step)
            for discount, step in writes.redeemed.items()
            if step
        ]
        return [*(partial(_put, *put) for put in puts), *counts]


def _put(table: dict, place: object, row: object) -> None:
    if row is None:
        table.pop(place, None)
    else:
        table[place] = row
