"""Commit facts and everything derived from them, one commit per account at a time (ADR 3).

Fact rows (source records and sales) are written first, then what follows from them: key members,
sale pointers with their ledger entries, sales summaries, personas. The intent, stored before the
first write, lets the next commit rebuild whatever a crash left half done. Last come the effects,
which may be told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from chalicelib.domain.acts import Acts, Imported, Join, merge_joins
from chalicelib.domain.errors import UpstreamError
from chalicelib.domain.identity import SourceRecord, merge_keys
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, Posting
from chalicelib.domain.membership import joins_to_keep
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Terms
from chalicelib.domain.versions import is_newer, latest_versions
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.domain.words import Points as Amount
from chalicelib.services.derivation.effects import asks_of, flags_of
from chalicelib.services.derivation.points import PointsSettlement
from chalicelib.services.derivation.reach import Reach
from chalicelib.services.derivation.recover import recover
from chalicelib.services.derivation.sales import SalesIntake, SalesTaken
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.derivation.write_order import first_and_last
from chalicelib.services.ports.effects import Effects
from chalicelib.services.ports.facts import (
    CommitLock,
    Committed,
    FactStore,
    Intent,
    LedgerRow,
    SaleId,
    StoredRecord,
    Writes,
)


class TooManyShops(UpstreamError):
    """One shopper bought in more shops than a row can hold: the POS's shops are none."""

    code = "too_many_shops"
    retriable = False


@dataclass(slots=True)
class _Change:
    """One commit in the making. `again`: everything touched is looked at as if it were new."""

    lock: CommitLock
    closure: Reach
    points: PointsSettlement
    writes: Writes
    again: bool = False
    seeds: set[str] = field(default_factory=set)
    sales: set[SaleId] = field(default_factory=set)
    flagged: set[str] = field(default_factory=set)

    @property
    def terms(self) -> Terms:
        return self.closure.terms


TellsZone = Callable[[Platform], bool]
"""Whether a platform tells the zone of its times: their sales need no look when a zone moves."""


class FactCommits:
    """Writes facts, and keeps personas and ledger true to them."""

    def __init__(
        self,
        facts: FactStore,
        terms: TermsReader,
        effects: Effects,
        tells_zone: TellsZone = lambda _platform: False,
    ) -> None:
        self._facts = facts
        self._terms = terms
        self._effects = effects
        self._tells_zone = tells_zone

    def commit(
        self,
        uid: Uid,
        platform: Platform,
        scope: ScopeId,
        *,
        customers: Sequence[Customer] = (),
        sales: Sequence[Sale] = (),
        joins: Mapping[str, Join] | None = None,
        import_run: str | None = None,
    ) -> Committed:
        """Store what is new or changed among them; a repetition writes nothing.

        `joins`: by the customer's id, a reason of membership that came with it. `import_run`: the
        run whose listing may fix the scope's imported points. Raises LeaseLost or CommitBusy; both
        leave the account as before or repairable, and the same call may be made again.
        """
        with self._change(uid) as change:
            self._take_customers(change, platform, scope, customers, joins or {}, import_run)
            self._note(change, self._intake(change).take(platform, scope, sales))
            return self._apply(change)

    def catch_up(self, uid: Uid) -> None:
        """Wait for a commit under way: whoever is listed after that misses nobody whom it derives
        by the rules it began with."""
        with self._change(uid):
            pass

    def rederive(self, uid: Uid, records: Iterable[str]) -> Committed:
        """Derive again, under today's rules and mapping, the personas these records belong to."""
        with self._change(uid, again=True) as change:
            change.seeds.update(records)
            change.closure.expand(change.seeds)
            touched = list(change.closure.touched())
            for rid in touched:
                if (stored := change.closure.stored(rid)) is not None:
                    self._index(change, stored, stored.record)
            self._retime(change, touched)
            return self._apply(change)

    def join(self, uid: Uid, record: str, reason: str, at: Instant) -> Committed:
        """`join_all` of one record."""
        return self.join_all(uid, [record], reason, at)

    def join_all(self, uid: Uid, records: Sequence[str], reason: str, at: Instant) -> Committed:
        """Write a reason of membership on source records; the same reason again changes nothing.

        A record that AIQ does not know is passed over.
        """
        with self._change(uid) as change:
            change.closure.load(records)
            for rid in records:
                stored = change.closure.stored(rid)
                if stored is not None:
                    acts = stored.record.acts
                    acts = replace(acts, joins=merge_joins(acts.joins, [Join(reason, at)]))
                    self._index(change, stored, replace(stored.record, acts=acts))
            return self._apply(change)

    def adjust(
        self, uid: Uid, record: str, adjustment: str, amount: Amount, *, note: str, actor: str
    ) -> Committed:
        """Give or take points by hand, in hundredths. The same `adjustment` id again does nothing.

        `record` is a source record of the persona.
        """
        cause = f"{ADJUSTMENT_PREFIX}{adjustment}"
        with self._change(uid) as change:
            closure = change.closure
            closure.load([record])
            if closure.stored(record) is None or cause in self._facts.ledger(uid, record):
                return Committed(at=change.terms.as_of)
            posting = Posting(amount, change.terms.as_of)
            change.writes.ledger[record, cause] = LedgerRow((posting,), note, actor)
            points = closure.sales(record).points
            closure.replace_points(record, points._replace(adjusted=points.adjusted + amount))
            change.seeds.add(record)
            return self._apply(change)

    @contextmanager
    def _change(self, uid: Uid, *, again: bool = False) -> Iterator[_Change]:
        lock = self._facts.lock(uid)
        done = False
        try:
            if lock.leftover is not None:
                self._recover(lock, lock.leftover)
            closure, writes = self._closure(uid), Writes()
            points = PointsSettlement(self._facts, uid, closure, writes, full=again)
            yield _Change(lock, closure, points, writes, again)
            done = True
        finally:
            self._facts.unlock(lock, done=done)

    def _closure(self, uid: Uid) -> Reach:
        """Rules are read under the lock: a job that begins after they changed finds nobody who is
        derived by the old ones later."""
        return Reach(self._facts, uid, self._terms.today(uid))

    def _take_customers(
        self,
        change: _Change,
        platform: Platform,
        scope: ScopeId,
        customers: Sequence[Customer],
        joins: Mapping[str, Join],
        import_run: str | None,
    ) -> None:
        uid, closure, now = change.lock.uid, change.closure, change.terms.as_of
        if scope in change.terms.rules.source(platform).import_locks:
            import_run = None  # what an earlier listing fixed stays
        versions = latest_versions(
            (record_id(uid, platform, scope, c.ext_id), c) for c in customers
        )
        closure.load(versions)
        for rid, customer in versions.items():
            stored = closure.stored(rid)
            if stored is None:
                record = SourceRecord(rid, platform, scope, customer, now)
            elif is_newer(customer, stored.record.customer):
                record = replace(stored.record, customer=customer)
            else:
                record = stored.record
            acts = _acts(stored, record, joins.get(customer.ext_id), import_run, now)
            if acts != record.acts:
                record = replace(record, acts=acts)
            if stored is None or acts.flags != stored.record.acts.flags:
                change.flagged.add(rid)
            self._index(change, stored, record)

    def _intake(self, change: _Change) -> SalesIntake:
        uid, points = change.lock.uid, change.points
        return SalesIntake(self._facts, uid, change.closure, change.writes, points)

    def _retime(self, change: _Change, records: Iterable[str]) -> bool:
        """Place their sales by the zones known today; whether any moved."""
        stored = {rid: change.closure.stored(rid) for rid in records}
        untold = [
            rid
            for rid, row in stored.items()
            if row is None or not self._tells_zone(row.record.platform)
        ]
        taken = self._intake(change).retime(untold)
        self._note(change, taken)
        return bool(taken.sales)

    def _note(self, change: _Change, taken: SalesTaken) -> None:
        change.sales |= taken.sales
        change.seeds |= taken.records

    def _index(self, change: _Change, stored: StoredRecord | None, record: SourceRecord) -> None:
        """Take the record up where it, or the rule of its merge keys, differs from `stored`."""
        by_name = change.terms.merge_on_name_and_birth_date
        keys = merge_keys(record.customer, name_and_birth_date=by_name)
        new = StoredRecord(record, keys)
        if new == stored:
            return
        change.seeds.add(record.id)
        change.writes.records[record.id] = new
        change.closure.replace(new)

    def _apply(self, change: _Change) -> Committed:
        closure, writes = change.closure, change.writes
        if not change.seeds and not writes:
            return Committed(at=change.terms.as_of)
        derived = Writes(pointers=writes.pointers, ledger=writes.ledger)
        closure.settle_members(derived)
        closure.expand(change.seeds)
        if self._retime(change, closure.joined()):
            closure.expand(change.seeds)
        self._keep(change)
        change.points.settle()
        derived.summaries = closure.sales_changes()
        derived.personas = closure.persona_changes()
        _check_size(derived)
        # Sales first: a record that has its contact already would not have them moved again.
        sales = Writes(sales=writes.sales, returns=writes.returns)
        facts = [told for told in (sales, Writes(records=writes.records)) if told]
        if facts or derived:
            touched = tuple(closure.touched())
            self._facts.intend(
                change.lock, Intent(touched, tuple(closure.key_changes), tuple(change.sales))
            )
            for told in facts:
                self._facts.write(change.lock, told)
            self._write_derived(change.lock, derived)
        self._react(change.lock.uid, closure, change.flagged, again=change.again)
        leavers = closure.leavers()
        return Committed(
            records=len(writes.records),
            sales=len(writes.sales),
            personas=len(derived.personas),
            left=len(leavers),
            at=change.terms.as_of,
            changed=len(derived.personas.keys() | derived.summaries.keys()),
            leavers=tuple(p.id for p in leavers if closure.left_by_facts(p)),
        )

    def _keep(self, change: _Change) -> None:
        """While a setting goes away, whoever it alone made a member gets a reason of their own."""
        closure, terms = change.closure, change.terms
        if not any(source.keeping for source in terms.rules.sources.values()):
            return
        for component, persona in closure.components():
            if persona is None or persona.member:
                continue
            summaries = {r.id: closure.sales(r.id).summary for r in component.records}
            found = joins_to_keep(
                component.records, persona.last_days, persona.flags, summaries, terms
            )
            for rid, joins in found.items():
                stored = closure.stored(rid)
                if stored is not None:
                    acts = stored.record.acts
                    acts = replace(acts, joins=merge_joins(acts.joins, joins))
                    # Its keys stay: who carries them is settled by now.
                    kept = StoredRecord(replace(stored.record, acts=acts), stored.keys)
                    change.writes.records[rid] = kept
                    closure.replace(kept)

    def _write_derived(self, lock: CommitLock, derived: Writes) -> None:
        for part in first_and_last(derived):
            if part:
                self._facts.write(lock, part)

    def _react(self, uid: Uid, closure: Reach, flagged: set[str], *, again: bool) -> None:
        """Tell what is to be done about it. Told again after a crash, and it changes nothing."""
        seen = closure.touched() if again else sorted(flagged)
        records = [stored.record for rid in seen if (stored := closure.stored(rid)) is not None]
        if flags := flags_of(records, closure.terms.rules):
            self._effects.observe(uid, flags)
        if asks := asks_of(closure.personas(), closure.persona_before, again=again):
            self._effects.want(uid, asks)

    def _recover(self, lock: CommitLock, intent: Intent) -> None:
        closure, derived = self._closure(lock.uid), Writes()
        recover(self._facts, lock.uid, intent, closure, derived)
        self._write_derived(lock, derived)
        self._react(lock.uid, closure, set(), again=True)


def _check_size(derived: Writes) -> None:
    """Before the intent stands: what the table refuses after that, no later commit gets past.

    Raises TooManyShops.
    """
    if not all(sales.summary.fits for sales in derived.summaries.values()):
        raise TooManyShops("The POS names more shops for one shopper than can be true.")


def _acts(
    stored: StoredRecord | None,
    record: SourceRecord,
    join: Join | None,
    import_run: str | None,
    now: Instant,
) -> Acts:
    """What the told customer adds to the acts of its record."""
    acts, customer = record.acts, record.customer
    if join is not None:
        acts = replace(acts, joins=merge_joins(acts.joins, [join]))
    if import_run is not None:
        acts = replace(acts, imported=Imported(customer.pos_points or 0, import_run))
    before = stored.record.customer if stored is not None else Customer("")
    if _flags(before) != _flags(customer):
        acts = replace(acts, flags=acts.flags + 1, flags_at=now)
    return acts


def _flags(customer: Customer) -> tuple[object, ...]:
    """What a consent flag says, and of which contact; nothing where it says nothing."""
    sms = (customer.phone, customer.sms_consent)
    email = (customer.email, customer.email_consent)
    return tuple(None if told[1] == "unknown" else told for told in (sms, email))
