"""Every act that changes facts: pages of a sync, joins, adjustments, acts at a till and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from chalicelib.domain.acts import Join
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, Posting
from chalicelib.domain.pulled_facts import FactPlace, PulledFact
from chalicelib.domain.standing import Way
from chalicelib.domain.tombstones import NO_TOMBSTONES, Tombstones
from chalicelib.domain.words import Double, Instant, Platform, Points, Uid
from chalicelib.services.derivation.commit import PageCommits
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.customers import take_withheld
from chalicelib.services.derivation.stages.derived_rows import (
    leavers,
)
from chalicelib.services.derivation.stages.joins import add_join
from chalicelib.services.derivation.stages.put_back import (
    put_back_customers,
    sales_put_back,
    split,
)
from chalicelib.services.derivation.stages.reach import (
    read_reached,
)
from chalicelib.services.derivation.stages.sales import (
    put_sales,
    renew_sales,
    say_doubles,
)
from chalicelib.services.ports.commits import CommitLock, Committed, LastCommit
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.stored_facts import LedgerRow, SaleId

INDEX_SECONDS = 5.0
"""Many times as long as an index of DynamoDB is behind its table, a fraction of a second."""


class PutBackCounts(NamedTuple):
    """How many people leave the lists, how many of them or others are members no more, and by how
    much all balances change together."""

    people: int
    members: int
    points: Points


class WayChanged(Exception):
    """A person changed their mind: the source is not put back that way any more."""


@dataclass(eq=False)
class FactCommits(PageCommits):
    """Writes facts, and keeps personas, ledger and sums equal to what the facts give.

    Every method that writes raises LeaseLost or CommitBusy; both leave the account as before or
    repairable, and the same call may be made again.
    """

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

    def last_commit(self, uid: Uid) -> LastCommit:
        """Wait for the commit under way, and say which it was."""
        with self._locked(uid) as lock:
            return LastCommit(lock.fence, lock.has_whole_log)

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

        Raises WayChanged when the source does not go that way, or no more.
        """
        with self._locked(uid) as lock:
            commit = self._begin(lock)
            commit.silent = True
            standing = commit.terms.rules.source(platform).standing
            if standing is None or standing.way != way:
                raise WayChanged
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


def _put_back(
    commit: Commit, platform: Platform, facts: Sequence[PulledFact], missing: Sequence[FactPlace]
) -> None:
    customers, no_customers, sales, no_sales = split(facts, missing)
    put_back_customers(commit, platform, customers, no_customers)
    put_sales(commit, sales_put_back(commit, platform, sales, no_sales))
