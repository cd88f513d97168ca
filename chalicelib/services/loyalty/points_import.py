"""Points taken from a POS are fixed by the first complete listing after their date (§7)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.points_import import NEVER, latecomer_locks, listing_due_at, may_lock_points
from chalicelib.domain.rules import Source
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.rules import RuleBook


@dataclass(frozen=True, slots=True)
class ImportLocks:
    """Fixes a scope's imported points once a complete listing after their date was read.

    `zone`, everywhere: the account's.
    """

    rules: RuleBook
    jobs: JobQueue

    def needs_listing(
        self,
        uid: Uid,
        platform: Platform,
        scope: ScopeId,
        *,
        run: str,
        added: Instant,
        began: Instant,
        zone: str,
    ) -> bool:
        """Whether a run that began at `began` is to list all customers, to fix the scope's points.

        It also is when the same run has fixed them and died since: it has yet to have everybody
        derived again. `added`: when the scope's credential was added; a scope added after the end
        of the date imports nothing.
        """

        def changed(source: Source) -> Source:
            if source.imported_on is None or source.import_locks.get(scope, NEVER) != NEVER:
                return source
            others = {of: run for of, run in source.import_locks.items() if of != scope}
            late = latecomer_locks([(scope, added)], source.imported_on, zone)
            return replace(source, import_locks={**others, **late})

        source = self._change(uid, platform, changed)
        return source.import_locks.get(scope) == run or may_lock_points(source, scope, began, zone)

    def withdraw(self, uid: Uid, platform: Platform, scope: ScopeId) -> None:
        """Import nothing for a scope whose credential was removed before a listing fixed its
        points; what was imported so far is taken back. A credential that is added again before the
        end of the date imports anew."""

        def changed(source: Source) -> Source:
            if source.imported_on is None or scope in source.import_locks:
                return source
            return replace(source, import_locks={**source.import_locks, scope: NEVER})

        before = self.rules.get(uid).source(platform)
        if self._change(uid, platform, changed) != before:
            reason = f"credential of {platform} removed before its points were imported"
            self.jobs.send(RemapMessage(uid, reason=reason).body())

    def listing_due(
        self, uid: Uid, platform: Platform, scope: ScopeId, zone: str
    ) -> Instant | None:
        """Return when the listing that fixes the scope's points is due; None when none is."""
        return listing_due_at(self.rules.get(uid).source(platform), scope, zone)

    def fix(
        self, uid: Uid, platform: Platform, scope: ScopeId, run: str, began: Instant, zone: str
    ) -> None:
        """Fix the scope's points: the run listed every customer, from now on only its balances
        count. Done twice, it changes nothing; a date that was moved meanwhile fixes nothing."""

        def changed(source: Source) -> Source:
            if not may_lock_points(source, scope, began, zone):
                return source
            return replace(source, import_locks={**source.import_locks, scope: run})

        source = self._change(uid, platform, changed)
        if source.import_locks.get(scope) == run:
            self.jobs.send(RemapMessage(uid, reason=f"points of {platform} imported").body())

    def _change(self, uid: Uid, platform: Platform, changed: Callable[[Source], Source]) -> Source:
        """Save the source as `changed` makes it, again when others saved meanwhile; return it."""
        while True:
            rules = self.rules.get(uid)
            before = rules.source(platform)
            after = changed(before)
            if after == before:
                return before
            with suppress(StaleVersion):
                self.rules.save(uid, replace(rules, sources={**rules.sources, platform: after}))
                return after
