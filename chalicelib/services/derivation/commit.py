"""Commit facts and everything derived from them, one commit per account at a time (ADR 3).

Fact rows (source records and sales) are written first, then what follows from them: key carriers,
sale pointers with their ledger entries, sums, personas. The intent, stored before the first write,
lets the next commit rebuild whatever a crash left half done. Effects come last: a message that is
sent before the lock is given back has a worker carry them out (ADR 25). A crash may make them come
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import SourceStandsStill, StaleVersion, UpstreamError
from chalicelib.domain.markets import filters_markets
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.erased_shoppers import pass_over_erased, unlink_erased
from chalicelib.services.derivation.recover import recover
from chalicelib.services.derivation.returns import ANY_SCOPE
from chalicelib.services.derivation.stages.carriers import settle_carriers
from chalicelib.services.derivation.stages.customers import take_customers
from chalicelib.services.derivation.stages.derived_rows import (
    has_left_by_facts,
    leavers,
    put_derived_rows,
)
from chalicelib.services.derivation.stages.effects import UsesDiscounts, effects_of
from chalicelib.services.derivation.stages.facts_log import log_pulled_facts
from chalicelib.services.derivation.stages.keeps import settle_keeps
from chalicelib.services.derivation.stages.points import settle_points
from chalicelib.services.derivation.stages.reach import (
    joined_records,
    reach,
)
from chalicelib.services.derivation.stages.sales import (
    TellsZone,
    renew_sales,
    take_gone_sales,
    take_sales,
)
from chalicelib.services.derivation.stages.write_order import in_write_order
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.ports.commits import CommitLock, Committed, Intent, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.effects import Effects
from chalicelib.services.ports.facts import FactStore

TRANSACTION_SECONDS = 20
"""Longer than a transaction may take, its retries included."""


class TooManyShops(UpstreamError):
    """One shopper bought in more shops than a row can hold: the POS's shops are none."""

    code = "too_many_shops"
    retriable = False


@dataclass(eq=False)
class PageCommits:
    """Commits pages of what a POS told: the first act of `FactCommits`, with what all acts share.

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
        waited: Callable[[], None] | None = None,
        while_waiting: Callable[[], None] = do_nothing,
    ) -> Committed:
        """Store what is new or changed among them; a repetition writes nothing.

        `joins`: by the customer's id, a reason of membership that came with it. `import_run`: the
        run whose listing may fix the scope's imported points. `withhold`: a customer who lacks a
        contact that the shopper has is stored beside, and changes nobody until `take_over`. `gone`:
        ids of sales that the POS no longer shows. `waited`: of what was pushed while the source
        used AIQ's last backup, and is stored as that ends; called under the lock, and what it
        raises ends the commit. `while_waiting` is called every now and then while another commit
        has the account; what it raises ends the wait. Raises SourceStandsStill when the platform
        uses AIQ's last backup.
        """
        with self._locked(uid, while_waiting=while_waiting) as lock:
            commit = self._begin_page(lock, platform, scope)
            if waited is None:
                _require_moving(commit, platform)
            else:
                _require_way_forth(commit, platform)
                waited()
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


def _require_moving(commit: Commit, platform: Platform) -> None:
    """Raise SourceStandsStill where the platform uses AIQ's last backup: the rules are read under
    the lock, so that no answer which came late is stored."""
    if commit.terms.rules.source(platform).standing is not None:
        raise SourceStandsStill("AIQ's last backup is used: nothing new is stored of this source.")


def _require_way_forth(commit: Commit, platform: Platform) -> None:
    """Raise StaleVersion unless the source is being put where it was before it used the backup."""
    standing = commit.terms.rules.source(platform).standing
    if standing is None or standing.way != "forth":
        raise StaleVersion("The source does not move, or moves already.")


def _keep_seen_ids(commit: Commit) -> None:
    """Widen the ranges of known ids by those of this commit; only what a POS told has new ones."""
    if commit.takes_new_ids:
        writes = commit.writes
        records = [row.record for row in writes.records.values()]
        returned = [sid for sid in writes.returns if sid.scope != ANY_SCOPE]
        commit.keep_seen_ids(records, writes.sales.values(), returned)


def _check_size(writes: Writes) -> None:
    """Refuse rows that the table would refuse; with a stored intent every later commit would fail.

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
