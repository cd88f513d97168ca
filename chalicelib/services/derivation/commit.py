"""Commit facts and everything derived from them, one commit per account at a time (ADR 3).

Fact rows (source records and sales) are written first, then what follows from them: key carriers,
sale pointers with their ledger entries, sums, personas. The intent, stored before the first write,
lets the next commit rebuild whatever a crash left half done. Effects come last: a message that is
sent before the lock is given back has a worker carry them out (ADR 25). A crash may make them come
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import SourceStandsStill, UpstreamError
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, Posting
from chalicelib.domain.markets import filters_markets
from chalicelib.domain.pulled_facts import FactPlace, PulledFact
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.standing import Way
from chalicelib.domain.tombstones import NO_TOMBSTONES, Tombstones
from chalicelib.domain.words import Double, Instant, Platform, Points, ScopeId, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.erased_shoppers import pass_over_erased, unlink_erased
from chalicelib.services.derivation.recover import recover
from chalicelib.services.derivation.returns import ANY_SCOPE
from chalicelib.services.derivation.stages.carriers import settle_carriers
from chalicelib.services.derivation.stages.customers import take_customers, take_withheld
from chalicelib.services.derivation.stages.derived_rows import (
    has_left_by_facts,
    leavers,
    put_derived_rows,
)
from chalicelib.services.derivation.stages.effects import UsesDiscounts, effects_of
from chalicelib.services.derivation.stages.facts_log import log_pulled_facts
from chalicelib.services.derivation.stages.joins import add_join
from chalicelib.services.derivation.stages.keeps import settle_keeps
from chalicelib.services.derivation.stages.points import settle_points
from chalicelib.services.derivation.stages.put_back import (
    put_back_customers,
    sales_put_back,
    split,
)
from chalicelib.services.derivation.stages.reach import (
    joined_records,
    reach,
    read_reached,
)
from chalicelib.services.derivation.stages.sales import (
    TellsZone,
    put_sales,
    renew_sales,
    say_doubles,
    take_gone_sales,
    take_sales,
)
from chalicelib.services.derivation.stages.write_order import in_write_order
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.commits import CommitLock, Committed, Intent, Moment, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.effects import Effects
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.stored_facts import LedgerRow, SaleId

INDEX_SECONDS = 5.0
"""Many times as long as an index of DynamoDB is behind its table, a fraction of a second."""

TRANSACTION_SECONDS = 20
"""Longer than a transaction may take, its retries included."""


class PutBackCounts(NamedTuple):
    """How many people leave the lists, how many of them or others are members no more, and by how
    much all balances change together."""

    people: int
    members: int
    points: Points


class OtherWay(Exception):
    """A person changed their mind: the source is not put back that way any more."""


class TooManyShops(UpstreamError):
    """One shopper bought in more shops than a row can hold: the POS's shops are none."""

    code = "too_many_shops"
    retriable = False


@dataclass(eq=False)
class FactCommits:
    """Writes facts, and keeps personas, ledger and sums equal to what the facts give.

    Every method that writes raises LeaseLost or CommitBusy; both leave the account as before or
    repairable, and the same call may be made again.
    """

    facts: FactStore
    terms: TermsReader
    effects: Effects
    tells_zone: TellsZone = lambda _platform: False
    discount_use: UsesDiscounts = lambda _platform: "none"

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
        withhold: bool = False,
        gone: Sequence[str] = (),
        while_waiting: Callable[[], None] = do_nothing,
    ) -> Committed:
        """Store what is new or changed among them; a repetition writes nothing.

        `joins`: by the customer's id, a reason of membership that came with it. `import_run`: the
        run whose listing may fix the scope's imported points. `withhold`: a customer who lacks a
        contact that the shopper has is stored beside, and changes nobody until `take_over`. `gone`:
        ids of sales that the POS no longer shows. `while_waiting` is called every now and then
        while another commit has the account; what it raises ends the wait. Raises SourceStandsStill
        when the platform uses AIQ's last backup.
        """
        with self._locked(uid, while_waiting=while_waiting) as lock:
            commit = self._begin_page(lock, platform, scope)
            _require_moving(commit, platform)
            shoppers = [
                *(customer.ext_id for customer in customers),
                *(sale.customer_ext_id for sale in sales if sale.customer_ext_id),
            ]
            commit.pass_over_unseen(platform, scope, shoppers, [sale.ext_id for sale in sales])
            if commit.tombstones:
                customers = pass_over_erased(commit, platform, scope, customers, joins or {})
                sales = unlink_erased(commit, platform, scope, sales)
            if customers:
                take_customers(
                    commit, platform, scope, customers, joins or {}, import_run, withhold=withhold
                )
            if sales:
                take_sales(commit, platform, scope, sales)
            if gone:
                take_gone_sales(commit, platform, scope, gone)
            committed = self._finish(lock, commit)
        return replace(committed, held_seconds=lock.held_seconds)

    def take_over(
        self,
        uid: Uid,
        records: Iterable[str],
        *,
        while_waiting: Callable[[], None] = do_nothing,
    ) -> Committed:
        """Let what was withheld of these records count; where nothing is, nothing changes, nor
        where their source uses AIQ's last backup.

        `while_waiting`: see `commit`.
        """
        with self._locked(uid, while_waiting=while_waiting) as lock:
            commit = self._begin(lock)
            take_withheld(commit, records)
            committed = self._finish(lock, commit)
        return replace(committed, held_seconds=lock.held_seconds)

    def catch_up(self, uid: Uid) -> None:
        """Wait for the commit under way, then until indexes show what it wrote: whoever is listed
        afterwards includes everybody who was derived by the rules before."""
        with self._locked(uid):
            pass
        self.terms.clock.sleep(INDEX_SECONDS)

    def moment(self, uid: Uid) -> Moment:
        """Wait for the commit under way, and say which it was."""
        with self._locked(uid) as lock:
            return Moment(lock.fence, lock.has_whole_log)

    def tombstones(self, uid: Uid) -> Tombstones:
        """Wait for the commit under way, and return who is erased."""
        with self._locked(uid) as lock:
            return self.facts.tombstones(uid, lock.erasures) if lock.erasures else NO_TOMBSTONES

    def put_back(
        self,
        uid: Uid,
        platform: Platform,
        way: Way,
        facts: Sequence[PulledFact],
        missing: Sequence[FactPlace] = (),
    ) -> Committed:
        """Give facts of a source that uses AIQ's last backup other versions, silently; those
        `missing` in the backup count for nothing. The same again changes nothing.

        Raises OtherWay when the source does not go that way, or no more.
        """
        with self._locked(uid) as lock:
            commit = self._begin(lock)
            commit.silent = True
            standing = commit.terms.rules.source(platform).standing
            if standing is None or standing.way != way:
                raise OtherWay
            _put_back(commit, platform, facts, missing)
            return self._finish(lock, commit)

    def count_put_back(
        self,
        uid: Uid,
        platform: Platform,
        facts: Sequence[PulledFact],
        missing: Sequence[FactPlace] = (),
    ) -> PutBackCounts:
        """Count what `put_back` would do; nothing is written, and no lock is taken."""
        commit = Commit(self.facts, uid, self.terms.current(uid))
        _put_back(commit, platform, facts, missing)
        self._derive(commit)
        sums = commit.writes.summaries.items()
        gained = sum(s.points.total - commit.sales_before(rid).points.total for rid, s in sums)
        remaining = {rid for persona in commit.personas() for rid in persona.members}
        before = filter(None, (commit.persona_before(rid) for rid in commit.reached))
        gone = sum(remaining.isdisjoint(persona.members) for persona in before)
        return PutBackCounts(gone, len(leavers(commit)), gained)

    def rederive(self, uid: Uid, records: Iterable[str], *, urgent: bool = False) -> Committed:
        """Derive again, under today's rules and mapping, the personas these records belong to.

        `urgent`: a person waits.
        """
        with self._locked(uid, urgent=urgent) as lock:
            commit = self._begin(lock, full=True)
            commit.seeds.update(records)
            read_reached(commit)
            touched = sorted(commit.reached)
            for record in commit.records(touched):
                commit.put_record(record)
            renew_sales(commit, touched, self.tells_zone)
            return self._finish(lock, commit)

    def join(self, uid: Uid, record: str, reason: str, at: Instant) -> Committed:
        """`join_all` of one record."""
        return self.join_all(uid, [record], reason, at)

    def join_all(self, uid: Uid, records: Sequence[str], reason: str, at: Instant) -> Committed:
        """Write a reason of membership on source records; the same reason again changes nothing.

        A record that AIQ does not know is passed over.
        """
        with self._locked(uid) as lock:
            commit = self._begin(lock)
            add_join(commit, records, Join(reason, at))
            return self._finish(lock, commit)

    def adjust(
        self,
        uid: Uid,
        record: str,
        adjustment: str,
        amount: Points,
        *,
        note: str,
        actor: str,
        permit: Callable[[LedgerRow | None], None] = lambda _: None,
    ) -> Committed:
        """Give or take points by hand, in hundredths. The same `adjustment` id again does nothing.

        `record` is a source record of the persona. `permit` is called under the lock, before
        anything is written, with what the ledger holds for the adjustment by now; what it raises
        ends the commit. A person waits: it goes before running syncs.
        """
        cause = f"{ADJUSTMENT_PREFIX}{adjustment}"

        def add(commit: Commit) -> None:
            if commit.record_row(record) is None:
                return
            [ledger] = commit.ledgers([record])
            stored = ledger.get(cause)
            permit(stored)
            if stored is None:
                posting = Posting(amount, commit.terms.as_of)
                commit.writes.ledger[record, cause] = LedgerRow((posting,), note, actor)
                points = commit.sales(record).points
                commit.put_points(record, points._replace(adjusted=points.adjusted + amount))
                commit.seeds.add(record)

        return self.act(uid, record, add)

    def act(
        self, uid: Uid, record: str, act: Callable[[Commit], None], *, urgent: bool = True
    ) -> Committed:
        """Commit what `act` adds for one source record, whose rows and ledger are read by then.

        `urgent`: a person waits. What `act` raises ends the commit.
        """
        with self._locked(uid, urgent=urgent) as lock:
            commit, [rows, ledger] = self._begin_beside(
                lock,
                partial(self.facts.rows, uid, [record]),
                partial(self.facts.ledger, uid, record),
            )
            commit.set_rows(rows)
            commit.set_ledger(record, ledger)
            act(commit)
            return self._finish_at_once(lock, commit)

    def at_the_till(
        self, uid: Uid, take: Callable[[Commit, list[Any]], None], *reads: Callable[[], Any]
    ) -> tuple[Committed, Commit]:
        """Commit what a person waits for: it goes before running syncs, and where its rows fit one
        transaction, that is its only write and gives the lock back (ADR 39).

        `take` is called under the lock with the commit and what `reads` return, which are under way
        while the rules are read; it adds facts to the commit, and what it raises ends it with
        nothing written. Return the commit, too, as it was derived.
        """
        with self._locked(uid, urgent=True) as lock:
            commit, answers = self._begin_beside(lock, *reads)
            take(commit, answers)
            return self._finish_at_once(lock, commit), commit

    def say_double(self, uid: Uid, sale: SaleId, double: Double) -> bool:
        """`say_doubles` of one sale; False where AIQ does not know it. A person waits."""
        return sale in self.say_doubles(uid, {sale: double}, urgent=True)

    def say_doubles(
        self,
        uid: Uid,
        words: Mapping[SaleId, Double],
        pairs: Iterable[tuple[SaleId, SaleId]] = (),
        *,
        urgent: bool = False,
    ) -> set[SaleId]:
        """Note what a person says of sales that look doubled; returns those that AIQ knows. Each of
        what may be said can be said again, or taken back with nothing. `pairs`: of which nothing
        is said unless AIQ knows both."""
        with self._locked(uid, urgent=urgent) as lock:
            commit = self._begin(lock)
            known = say_doubles(commit, words, pairs)
            self._finish(lock, commit)
        return known

    def change(
        self, uid: Uid, act: Callable[[CommitLock, Commit], None], *, urgent: bool = False
    ) -> Committed:
        """Let `act` change facts under the lock, silently; what follows of them is derived."""
        with self._locked(uid, urgent=urgent) as lock:
            commit = self._begin(lock)
            commit.silent = True
            act(lock, commit)
            return self._finish(lock, commit)

    @contextmanager
    def _locked(
        self, uid: Uid, *, urgent: bool = False, while_waiting: Callable[[], None] = do_nothing
    ) -> Iterator[CommitLock]:
        """Hold the account's commit lock; what a crashed commit left is repaired first."""
        lock = self.facts.lock(uid, urgent=urgent, while_waiting=while_waiting)
        done = False
        try:
            if lock.leftover is not None:
                self._repair(lock, lock.leftover)
            yield lock
            done = True
        finally:
            self.facts.unlock(lock, done=done)

    def _begin(self, lock: CommitLock, *, full: bool = False, repairing: bool = False) -> Commit:
        """Rules are read under the lock: a job that begins after they changed finds nobody who is
        derived by the old ones later."""
        terms = self.terms.current(lock.uid)
        return Commit(
            self.facts,
            lock.uid,
            terms,
            full,
            repairing,
            lock.has_seen_ids,
            erasures=lock.erasures,
        )

    def _begin_beside(
        self, lock: CommitLock, *reads: Callable[[], Any]
    ) -> tuple[Commit, list[Any]]:
        """Begin a commit, with what `reads` return, which are under way while rules are read."""
        terms, answers = self.terms.current_beside(lock.uid, *reads)
        commit = Commit(
            self.facts,
            lock.uid,
            terms,
            has_seen_ids=lock.has_seen_ids,
            erasures=lock.erasures,
        )
        return commit, answers

    def _begin_page(self, lock: CommitLock, platform: Platform, scope: ScopeId) -> Commit:
        """Begin a commit of what a POS told; from which to which id its scope has rows is read
        beside the rules."""
        if not lock.has_seen_ids:
            return self._begin(lock)
        commit, [seen] = self._begin_beside(
            lock, partial(self.facts.seen_ids, lock.uid, platform, scope)
        )
        commit.set_seen_ids(platform, scope, seen)
        return commit

    def _repair(self, lock: CommitLock, intent: Intent) -> None:
        commit = self._begin(lock, full=True, repairing=True)
        commit.silent = intent.silent
        recover(commit, intent)
        reach(commit)
        settle_keeps(commit)
        settle_points(commit)
        put_derived_rows(commit)
        self._write(lock, commit)
        self._request(commit)

    def _finish(self, lock: CommitLock, commit: Commit) -> Committed:
        """Derive what follows from the facts that were taken, write everything, ask for effects."""
        committed = self._finished(commit)
        if commit.writes:
            self.facts.store_intent(lock, commit.intent())
            self._write(lock, commit)
        self._request(commit)
        return committed

    def _finish_at_once(self, lock: CommitLock, commit: Commit) -> Committed:
        """`_finish` by one transaction, which needs no intent, where the rows fit one. Effects are
        asked for before it, and carried out when it has ended: one that fails is made again by
        whoever waits."""
        committed = self._finished(commit)
        self._request(commit, after_seconds=TRANSACTION_SECONDS)
        if commit.writes and not self.facts.write_and_unlock(lock, commit.writes):
            self.facts.store_intent(lock, commit.intent())
            self._write(lock, commit)
        return committed

    def _finished(self, commit: Commit) -> Committed:
        """Derive what follows from the facts that were taken; nothing is written yet."""
        if not commit.seeds and not commit.writes:
            return Committed(at=commit.terms.as_of, withheld=tuple(sorted(commit.withheld)))
        self._derive(commit)
        _keep_seen_ids(commit)
        _check_size(commit.writes)
        committed = _committed(commit)
        if commit.writes:
            log_pulled_facts(commit)
        return committed

    def _derive(self, commit: Commit) -> None:
        """Add to the commit everything that follows from the facts it took."""
        if commit.key_changes:
            settle_carriers(commit)
        reach(commit)
        joined = joined_records(commit)
        if joined and renew_sales(commit, joined, self.tells_zone):
            reach(commit)
        settle_keeps(commit)
        settle_points(commit)
        put_derived_rows(commit)

    def _request(self, commit: Commit, *, after_seconds: int = 0) -> None:
        """Ask for what follows outside the tables of the commit."""
        if effects := effects_of(commit, self.discount_use):
            self.effects.request(commit.uid, effects, after_seconds=after_seconds)

    def _write(self, lock: CommitLock, commit: Commit) -> None:
        for writes in in_write_order(commit.writes):
            self.facts.write(lock, writes)


def _put_back(
    commit: Commit, platform: Platform, facts: Sequence[PulledFact], missing: Sequence[FactPlace]
) -> None:
    customers, no_customers, sales, no_sales = split(facts, missing)
    put_back_customers(commit, platform, customers, no_customers)
    put_sales(commit, sales_put_back(commit, platform, sales, no_sales))


def _require_moving(commit: Commit, platform: Platform) -> None:
    """Raise SourceStandsStill where the platform uses AIQ's last backup: the rules are read under
    the lock, so that no answer which came late is stored."""
    if commit.terms.rules.source(platform).standing is not None:
        raise SourceStandsStill("AIQ's last backup is used: nothing new is stored of this source.")


def _keep_seen_ids(commit: Commit) -> None:
    """Only what a POS tells has ids that no row had before."""
    if commit.takes_new_ids:
        writes = commit.writes
        records = [row.record for row in writes.records.values()]
        returned = [sid for sid in writes.returns if sid.scope != ANY_SCOPE]
        commit.keep_seen_ids(records, writes.sales.values(), returned)


def _check_size(writes: Writes) -> None:
    """Before the intent is stored: what the table refuses after that, no later commit gets past.

    Raises TooManyShops.
    """
    if not all(sales.summary.fits for sales in writes.summaries.values()):
        raise TooManyShops("The POS names more shops for one shopper than can be true.")


def _committed(commit: Commit) -> Committed:
    writes, left = commit.writes, [] if commit.silent else leavers(commit)
    return Committed(
        records=len(writes.records),
        sales=len(writes.sales),
        personas=len(writes.personas),
        left=len(left),
        at=commit.terms.as_of,
        changed=len(writes.personas.keys() | writes.summaries.keys()),
        leavers=tuple(p.id for p in left if has_left_by_facts(commit, p)),
        out_of_market=_sales_out_of_market(commit),
        withheld=tuple(sorted(commit.withheld)),
    )


def _sales_out_of_market(commit: Commit) -> int:
    if not filters_markets(commit.terms.rules):
        return 0
    rows = [commit.record_row(sale.record) for sale in commit.writes.sales.values() if sale.record]
    return sum(row is not None and row.out_of_market for row in rows)
