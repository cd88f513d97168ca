"""What the end of a run causes: points, store keys, notices, and when the next run is due.

Everything here may be done twice: a worker that dies on the way is followed by one that does it
again, and only storing the run as ended, which comes after, ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.words import Instant, Uid
from chalicelib.services.loyalty.members_left import LeaverNotes
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock, Measure, measure_nothing
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.notifications import Notification
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.runs import RunError
from chalicelib.services.sync.gone.products import InventoryLeavers
from chalicelib.services.sync.next_run import (
    failures_in_a_row,
    is_key_given_up,
    next_run_at,
    retry_run_at,
)
from chalicelib.services.sync.notices import (
    RunNotices,
    catalogue_notices,
    failure_notices,
    row_notices,
    unusable_notices,
)
from chalicelib.services.sync.run_result import RunResult
from chalicelib.services.sync.store_keys_seen import StoreKeyWatch


@dataclass(frozen=True, slots=True)
class RunEnding:
    """Does what follows from the result of a run that was read to its end or broke off.

    `after_first_sync` hears of the account when a credential was read for the first time.
    """

    accounts: Accounts
    credentials: Credentials
    store_keys: StoreKeyWatch
    inventory_leavers: InventoryLeavers
    notices: RunNotices
    gateway: PosGateway
    imports: ImportLocks
    leaving: LeaverNotes
    clock: Clock
    measure: Measure = measure_nothing
    after_first_sync: Callable[[Uid], object] = lambda _: None

    def end(self, result: RunResult, save_streams: Callable[[], None]) -> None:
        """Do everything that the result causes.

        `save_streams` saves the states of the run's streams. It is called once what depends on
        their former states is done, and before anything is recorded: it raises LeaseLost when
        another worker has taken the run over.
        """
        complete = result.end == "complete"
        open_now = self.notices.open(result.uid) if complete else []
        self._note_leavers(result, open_now)
        self.inventory_leavers.deactivate(result)
        self.notices.raise_(result, catalogue_notices(result) + unusable_notices(result))
        self._fix_points(result)
        self.store_keys.record_run(result)
        if result.error is None and complete and result.is_first:
            self.after_first_sync(result.uid)
        save_streams()
        if result.error is None:
            self._record_success(result)
        else:
            self._record_failure(result, result.error)
        if complete:
            self.notices.clear_mended(result, open_now, self.clock.now())

    def _note_leavers(self, result: RunResult, open_now: Sequence[Notification]) -> None:
        noted = any((n.kind, n.subject) == ("members_left", result.platform) for n in open_now)
        if result.leavers or noted:
            self.leaving.note(result.uid, result.platform, result.leavers)

    def _fix_points(self, result: RunResult) -> None:
        """Fix imported points by a complete listing; one that is empty, or in which a balance
        cannot be read, says that something is wrong, and fixes none."""
        customers, account = result.streams.get("customers"), result.account
        if not result.fixes_points or customers is None or account is None:
            return
        if result.unread_balances:
            return
        if not (customers.good and customers.full_listing and customers.listed):
            return
        self.imports.fix(
            result.uid,
            result.platform,
            result.scope,
            result.run,
            result.began,
            account.time_zone,
        )

    def _record_success(self, result: RunResult) -> None:
        self.notices.raise_(result, row_notices(result))
        due_at = self._next_run_at(result, self.clock.now())
        self._record(result, failures=0, due_at=due_at)
        self._measure(result, result.began)

    def _record_failure(self, result: RunResult, error: RunError) -> None:
        credential = self._credential(result)
        if credential is None:
            return
        now = self.clock.now()
        failures = failures_in_a_row(credential, result.run, error.code)
        due_at = retry_run_at(now, self._next_run_at(result, now), error.code, failures)
        stopped = error.code if is_key_given_up(error.code, failures) else None
        self.notices.raise_(result, failure_notices(result, credential, failures, now))
        self._record(result, failures=failures, due_at=due_at, stopped=stopped)
        self._measure(result, credential.last_good_run_at or credential.created_at)

    def _record(
        self,
        result: RunResult,
        *,
        failures: int,
        due_at: Instant | None,
        stopped: str | None = None,
    ) -> None:
        self.credentials.record_run(
            result.uid,
            result.platform,
            result.credential,
            run_id=result.run,
            good_at=result.began if result.error is None else None,
            error=None if result.error is None else result.error.code,
            failures_in_a_row=failures,
            stopped=stopped,
            next_sync_at=due_at,
            shopper_at=result.began if result.new_shoppers else None,
        )

    def _measure(self, result: RunResult, good_at: Instant) -> None:
        """Write what the operator's dashboard shows of a source. `good_at`: when its last good run
        began, or it was added."""
        figures = {
            "FreshnessSeconds": (self.clock.now() - good_at) / 1000,
            "SetAside": sum(stream.set_aside for stream in result.streams.values()),
            "SalesUnlinked": result.sales_unlinked,
        }
        self.measure(figures, platform=result.platform)

    def _next_run_at(self, result: RunResult, now: Instant) -> Instant:
        account = result.account or self.accounts.get(result.uid)
        listing_due = None
        if result.takes_points:
            listing_due = self.imports.listing_due(
                result.uid, result.platform, result.scope, account.time_zone
            )
        return next_run_at(
            now,
            account,
            result.credential,
            min_hours=self.gateway.platform(result.platform).min_sync_hours,
            began=result.began,
            listing_due=listing_due,
        )

    def _credential(self, result: RunResult) -> Credential | None:
        credentials = self.credentials.for_integration(result.uid, result.platform)
        return next((c for c in credentials if c.id == result.credential), None)
