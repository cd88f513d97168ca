"""What a run leaves behind: watermarks, counts, the next due time, and what people are told.

Everything here may be done twice: a worker that dies on the way is followed by one that does it
again, and only the last step ends the run.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from chalicelib.domain.errors import (
    AiqError,
    HostRefused,
    KeyRejected,
    PermissionMissing,
    ServerUnreachable,
    ServerUntrusted,
)
from chalicelib.domain.listing_checks import are_sales_missing
from chalicelib.domain.schedule import next_due, retry_at
from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import Instant, RunState
from chalicelib.services.loyalty.members_left import Leaving
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import SharedKeys
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.notifications import Notification
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.runs import RunError, SyncStates
from chalicelib.services.sync.inventory_leavers import InventoryLeavers
from chalicelib.services.sync.run_slice import RunInProgress
from chalicelib.services.sync.store_keys_seen import StoreKeyWatch
from chalicelib.services.sync.stream_states import StreamStateKeeper

KEY_TRIES = 3
SERVER_TRIES = 3
STALE_AFTER = DAY
MANY_SALES = 50

DEAD_LETTERS_FORGOTTEN_AFTER = 15 * MINUTE
"""The watch looks every 5 minutes."""

Subjects = set[tuple[Kind, str]]
"""What notifications are about: each has its own (kind, subject)."""

MENDED: tuple[Kind, ...] = (
    "key_rejected",
    "permission_missing",
    "server_unreachable",
    "server_untrusted",
    "stale_source",
)


class RunEnding:
    """Ends runs."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        credentials: Credentials,
        states: SyncStates,
        store_keys: StoreKeyWatch,
        catalogue: InventoryLeavers,
        shared_keys: SharedKeys,
        gateway: PosGateway,
        notifier: Notifier,
        imports: ImportLocks,
        leaving: Leaving,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._states = states
        self._store_keys = store_keys
        self._keeper = StreamStateKeeper(states, catalogue)
        self._shared_keys = shared_keys
        self._gateway = gateway
        self._notifier = notifier
        self._imports = imports
        self._leaving = leaving
        self._clock = clock

    def ended(self, part: RunInProgress) -> None:
        """Every stream was read, though some may have lacked the permission."""
        error = part.progress.error
        open_now = self._notifier.open(part.lease.uid)
        told = {(n.kind, n.subject) for n in open_now}
        if part.progress.leavers or ("members_left", part.lease.platform) in told:
            self._leaving.note(part.lease.uid, part.lease.platform, part.progress.leavers)
        mended = self._keep(part)
        if error is None:
            mended |= {(kind, _subject(part)) for kind in MENDED}
            mended |= self._say_rows(part)
            self._record(part, None, 0, None, self._next_due(part))
        else:
            self._bad(part, error)
        mended |= self._say_shared_keys(part, told)
        mended |= self._outlived(open_now)
        for kind, subject in mended:
            if (kind, subject) in told:
                self._notifier.clear(part.lease.uid, kind, subject)
        self._finish(part, "failed" if error else "succeeded")

    def stores_listed(self, part: RunInProgress) -> None:
        """The stores stream is complete."""
        self._store_keys.listed(part)

    def failed(self, part: RunInProgress, error: AiqError) -> None:
        """The run broke off; what it committed stays, no watermark of an unread stream moves."""
        stream = part.progress.next_stream()
        part.progress.error = RunError(error.code, error.actor, error.message, stream)
        part.progress.missing += missing_permissions(error)
        part.progress.end_all()
        if part.progress.leavers:
            self._leaving.note(part.lease.uid, part.lease.platform, part.progress.leavers)
        self._keep(part)
        self._bad(part, part.progress.error)
        self._finish(part, "failed")

    def stopped(self, part: RunInProgress) -> None:
        """A person ended it."""
        self._keeper.save(part, self._keeper.after(part))
        self._finish(part, "stopped")

    def _finish(self, part: RunInProgress, state: RunState) -> None:
        self._states.finish(part.lease, part.seen(state, ended=True))

    def _keep(self, part: RunInProgress) -> Subjects:
        """Catalogue, store keys, streams; what is mended by them. In this order: once the streams
        are kept, they no longer tell what is new."""
        mended: Subjects = set()
        listing = self._keeper.take_catalogue(part)
        if listing == "too short":
            place, before = part.progress.streams["inventory"], part.stored["inventory"]
            facts = {"listed": place.listed, "before": before.last_listing}
            self._say(part, "truncated_catalogue", **facts)
        elif listing == "taken":
            mended.add(("truncated_catalogue", _subject(part)))
        self._fix_points(part)
        after = self._keeper.after(part)
        self._store_keys.ended(part, after)
        self._keeper.save(part, after)
        return mended

    def _fix_points(self, part: RunInProgress) -> None:
        """By a complete listing; one that is empty says that something is wrong, and fixes none."""
        place, lease, account = part.progress.streams.get("customers"), part.lease, part.account
        if not part.progress.importing or place is None or account is None:
            return
        if not (place.good and place.full_listing and place.listed):
            return
        scope, began = part.taker.scope, part.progress.began
        self._imports.fix(lease.uid, lease.platform, scope, lease.run, began, account.time_zone)

    def _bad(self, part: RunInProgress, shown: RunError) -> None:
        credential = self._credential(part)
        if credential is None:
            return
        failures = _failures(credential, part.lease.run, shown.code)
        now = self._clock.now()
        stopped = None
        due_at: Instant | None = min(self._next_due(part), retry_at(now, failures))
        if shown.code == KeyRejected.code and failures >= KEY_TRIES:
            stopped, due_at = shown.code, None
            self._say(part, "key_rejected")
        if shown.code == PermissionMissing.code:
            due_at = self._next_due(part)
            named = sorted(set(part.progress.missing))
            self._say(part, "permission_missing", permissions=named or shown.message)
        if shown.code == ServerUnreachable.code:
            due_at = retry_at(now, failures)
            if failures >= SERVER_TRIES:
                self._say(part, "server_unreachable")
        if shown.code in (ServerUntrusted.code, HostRefused.code):
            self._say(part, "server_untrusted", reason=shown.message)
        last_good = credential.last_good_run_at or credential.created_at
        if now - last_good >= STALE_AFTER:
            self._say(part, "stale_source")
        self._record(part, shown.code, failures, stopped, due_at)

    def _record(
        self,
        part: RunInProgress,
        error: str | None,
        failures: int,
        stopped: str | None,
        due_at: Instant | None,
    ) -> None:
        lease = part.lease
        self._credentials.record_run(
            lease.uid,
            lease.platform,
            lease.credential,
            run_id=lease.run,
            good_at=part.progress.began if error is None else None,
            error=error,
            failures_in_a_row=failures,
            stopped=stopped,
            next_sync_at=due_at,
        )

    def _say_rows(self, part: RunInProgress) -> Subjects:
        """Nothing where there should be something, and sales that name nobody. What is mended."""
        streams = part.progress.streams
        mended: Subjects = set()
        customers = streams.get("customers")
        empty = customers is not None and customers.full_listing and customers.listed == 0
        days = self._keeper.after(part)["sales"].days if "sales" in streams else {}
        if empty or are_sales_missing(days, part.progress.began):
            self._say(part, "no_rows", stream="customers" if empty else "sales")
        else:
            mended.add(("no_rows", _subject(part)))
        sales = part.tally.linked + part.tally.unlinked
        if sales >= MANY_SALES and part.tally.unlinked * 2 > sales:
            counts = {"unlinked": part.tally.unlinked, "sales": sales}
            self._say(part, "many_unlinked_sales", **counts)
        elif sales >= MANY_SALES:
            mended.add(("many_unlinked_sales", _subject(part)))
        return mended

    def _outlived(self, open_now: list[Notification]) -> Subjects:
        """Dead letters that are no longer there: else the watch would have said it again."""
        since = self._clock.now() - DEAD_LETTERS_FORGOTTEN_AFTER
        return {
            ("dead_letter", told.subject)
            for told in open_now
            if told.kind == "dead_letter" and told.refreshed_at < since
        }

    def _say_shared_keys(
        self, part: RunInProgress, open_now: AbstractSet[tuple[str, str]]
    ) -> Subjects:
        """Looks only where something may have changed."""
        uid, subject = part.lease.uid, part.lease.platform
        told: tuple[Kind, str] = ("shared_key", subject)
        customers = part.tally.of("customers")
        if not (customers["new"] or customers["changed"] or told in open_now):
            return set()
        found = len(self._shared_keys.shared(uid))
        if not found:
            return {told}
        title = self._gateway.platform(subject).title
        scope = self._name(part)
        self._notifier.raise_(uid, "shared_key", subject, title=title, scope=scope, keys=found)
        return set()

    def _say(self, part: RunInProgress, kind: Kind, **facts: object) -> None:
        title = self._gateway.platform(part.lease.platform).title
        self._notifier.raise_(
            part.lease.uid, kind, _subject(part), title=title, scope=self._name(part), **facts
        )

    def _name(self, part: RunInProgress) -> str:
        names = [name for name, _ in part.progress.store_names.values() if name]
        return names[0] if len(names) == 1 else part.taker.scope or part.lease.credential

    def _next_due(self, part: RunInProgress) -> Instant:
        account = part.account or self._accounts.get(part.lease.uid)
        every = max(
            account.sync_every_hours, self._gateway.platform(part.lease.platform).min_sync_hours
        )
        now, zone = self._clock.now(), account.time_zone
        usual = next_due(now, zone, account.sync_hour, min(every, 12), part.lease.credential)
        lease = part.lease
        if not part.progress.imports:
            return usual
        listing = self._imports.listing_due(lease.uid, lease.platform, part.taker.scope, zone)
        if listing is None or part.progress.began >= listing:
            return usual
        return min(usual, max(listing, now))

    def _credential(self, part: RunInProgress) -> Credential | None:
        lease = part.lease
        found = self._credentials.for_integration(lease.uid, lease.platform)
        return next((c for c in found if c.id == lease.credential), None)


def _subject(part: RunInProgress) -> str:
    return f"{part.lease.platform}:{part.lease.credential}"


def missing_permissions(error: AiqError) -> list[str]:
    """Their names as the POS shows them."""
    named = error.details.get("permissions")
    return [str(name) for name in named] if isinstance(named, list | tuple) else []


def _failures(credential: Credential, run: str, code: str) -> int:
    """Bad runs in a row, this one included; a rejected key counts from the first rejection."""
    if credential.last_run_id == run:
        return credential.failures_in_a_row
    if code == KeyRejected.code and credential.last_error != code:
        return 1
    return credential.failures_in_a_row + 1
