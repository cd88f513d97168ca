"""What a run leaves behind: watermarks, counts, the next due time, and what people are told.

Everything here may be done twice: a worker that dies on the way is followed by one that does it
again, and only the last step ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from chalicelib.domain.errors import (
    AiqError,
    KeyRejected,
    PermissionMissing,
    ServerUnreachable,
)
from chalicelib.domain.listing import sales_dried_up, truncated
from chalicelib.domain.records import Instant, Stream
from chalicelib.domain.schedule import next_due, retry_at
from chalicelib.domain.times import DAY
from chalicelib.services.catalogue import Catalogue
from chalicelib.services.notify import Kind, Notifier
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import SharedKeys
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.runs import RunError, RunState, StreamState, SyncStates
from chalicelib.services.ports.stores import StoreKeySighting, Stores
from chalicelib.services.progress import StreamPlace
from chalicelib.services.slice import SEEN, Slice

KEY_TRIES = 3
SERVER_TRIES = 3
STALE_AFTER = DAY
MANY_SALES = 50
DAYS_KEPT = 63

MENDED: tuple[Kind, ...] = (
    "key_rejected",
    "permission_missing",
    "server_unreachable",
    "stale_source",
)


class Outcomes:
    """Ends runs."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        credentials: Credentials,
        states: SyncStates,
        stores: Stores,
        catalogue: Catalogue,
        shared_keys: SharedKeys,
        gateway: PosGateway,
        notifier: Notifier,
        refresh_unmapped: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._states = states
        self._stores = stores
        self._catalogue = catalogue
        self._shared_keys = shared_keys
        self._gateway = gateway
        self._notifier = notifier
        self._refresh_unmapped = refresh_unmapped
        self._clock = clock

    def ended(self, part: Slice) -> None:
        """Every stream was read, though some may have lacked the permission."""
        error = part.progress.error
        self._keep_streams(part)
        self._see_store_keys(part)
        if error is None:
            self._good(part)
        else:
            self._bad(part, error)
        self._say_shared_keys(part)
        self._finish(part, "failed" if error else "succeeded")

    def failed(self, part: Slice, error: AiqError) -> None:
        """The run broke off; what it committed stays, no watermark of an unread stream moves."""
        stream = part.progress.next_stream()
        part.progress.error = RunError(error.code, error.actor, error.message, stream)
        self._keep_streams(part)
        self._see_store_keys(part)
        self._bad(part, part.progress.error, error)
        self._finish(part, "failed")

    def stopped(self, part: Slice) -> None:
        """A person ended it."""
        if part.progress.streams:
            self._keep_streams(part)
        self._finish(part, "stopped")

    def _finish(self, part: Slice, state: RunState) -> None:
        self._states.finish(part.lease, part.seen(state, ended=True))

    def _keep_streams(self, part: Slice) -> None:
        uid, credential = part.lease.uid, part.lease.credential
        stored = {
            stream: self._states.stream(uid, credential, stream) for stream in part.progress.streams
        }
        inventory = part.progress.streams.get("inventory")
        if inventory is not None and inventory.good:
            self._take_catalogue(part, inventory, stored["inventory"])
        part.save()
        merged = {
            stream: old
            for stream, place in part.progress.streams.items()
            if (old := self._compact(part, stream, place)) is not None
        }
        self._states.checkpoint(part.lease, part.progress.dump(), part.seen("running"))
        for stream, place in part.progress.streams.items():
            after = self._after(part, stream, place, stored[stream])
            self._states.save_stream(part.lease, stream, after)
        for stream, old in merged.items():
            self._states.drop_manifest(uid, credential, stream, old)
        if inventory is not None and inventory.seen_generation:
            self._states.drop_manifest(uid, credential, SEEN, inventory.seen_generation)

    def _after(
        self, part: Slice, stream: Stream, place: StreamPlace, stored: StreamState
    ) -> StreamState:
        after = replace(stored, generation=place.generation, deltas=place.deltas)
        if stored.last_run != part.lease.run:
            after = replace(
                after,
                store_key_sales=_sum(stored.store_key_sales, place.store_key_sales),
                days=_recent(_sum(stored.days, place.days), part.progress.began),
                last_run=part.lease.run,
            )
        if place.good:
            after = replace(after, watermark=part.progress.began)
        if place.good and place.full_listing and not self._truncated(stream, place, stored):
            after = replace(after, last_listing=place.listed)
        return after

    def _truncated(self, stream: Stream, place: StreamPlace, stored: StreamState) -> bool:
        return stream == "inventory" and truncated(place.listed, stored.last_listing)

    def _compact(self, part: Slice, stream: Stream, place: StreamPlace) -> int | None:
        """Merge an overgrown manifest into a generation of its own; the generation it replaces."""
        manifest, lease = part.taker.manifests.get(stream), part.lease
        if manifest is None or not manifest.overgrown() or place.generation == lease.fence:
            return None
        self._states.put_base(lease, stream, lease.fence, list(manifest.chunks()))
        old, place.generation, place.deltas = place.generation, lease.fence, 0
        return old

    def _take_catalogue(self, part: Slice, place: StreamPlace, stored: StreamState) -> None:
        """What a complete listing lacks is gone, unless it lacks suspiciously much."""
        if not place.full_listing or part.taker.seen is None:
            return
        subject = _subject(part)
        if truncated(place.listed, stored.last_listing):
            facts = {"listed": place.listed, "before": stored.last_listing}
            self._say(part, "truncated_catalogue", **facts)
            return
        self._notifier.clear(part.lease.uid, "truncated_catalogue", subject)
        self._catalogue.retire(part.lease, part.taker)

    def _see_store_keys(self, part: Slice) -> None:
        lease, progress = part.lease, part.progress
        totals: Mapping[str, int] = {}
        if "sales" in progress.streams:
            totals = self._states.stream(lease.uid, lease.credential, "sales").store_key_sales
        names = progress.store_names
        sightings = []
        for key in sorted(set(names) | set(totals)):
            name, zone = names.get(key, (None, None))
            sightings.append(
                StoreKeySighting(
                    platform=lease.platform,
                    scope=part.taker.scope,
                    key=key,
                    name=name,
                    at=progress.began,
                    sales=totals.get(key, 0),
                    time_zone=zone,
                )
            )
        self._stores.see_keys(lease.uid, sightings)
        self._refresh_unmapped(lease.uid)

    def _good(self, part: Slice) -> None:
        lease = part.lease
        for kind in MENDED:
            self._notifier.clear(lease.uid, kind, _subject(part))
        self._say_rows(part)
        self._record(part, None, 0, None, self._next_due(part))

    def _bad(self, part: Slice, shown: RunError, error: AiqError | None = None) -> None:
        credential = self._credential(part)
        if credential is None:
            return
        failures = credential.failures_in_a_row + (credential.last_run_id != part.lease.run)
        now = self._clock.now()
        stopped = None
        due_at: Instant | None = min(self._next_due(part), retry_at(now, failures))
        if shown.code == KeyRejected.code and failures >= KEY_TRIES:
            stopped, due_at = shown.code, None
            self._say(part, "key_rejected")
        if shown.code == PermissionMissing.code:
            due_at = self._next_due(part)
            named = error.details.get("permissions") if error else None
            self._say(part, "permission_missing", permissions=named or shown.message)
        if shown.code == ServerUnreachable.code:
            due_at = retry_at(now, failures)
            if failures >= SERVER_TRIES:
                self._say(part, "server_unreachable")
        last_good = credential.last_good_run_at or credential.created_at
        if now - last_good >= STALE_AFTER:
            self._say(part, "stale_source")
        self._record(part, shown.code, failures, stopped, due_at)

    def _record(
        self,
        part: Slice,
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

    def _say_rows(self, part: Slice) -> None:
        """Nothing where there should be something, and sales that name nobody."""
        lease, streams = part.lease, part.progress.streams
        customers = streams.get("customers")
        empty = customers is not None and customers.full_listing and customers.listed == 0
        days = self._states.stream(lease.uid, lease.credential, "sales").days
        dry = "sales" in streams and sales_dried_up(days, part.progress.began)
        if empty or dry:
            self._say(part, "no_rows", stream="customers" if empty else "sales")
        else:
            self._notifier.clear(lease.uid, "no_rows", _subject(part))
        sales = part.tally.linked + part.tally.unlinked
        if sales < MANY_SALES:
            return
        if part.tally.unlinked * 2 > sales:
            counts = {"unlinked": part.tally.unlinked, "sales": sales}
            self._say(part, "many_unlinked_sales", **counts)
        else:
            self._notifier.clear(lease.uid, "many_unlinked_sales", _subject(part))

    def _say_shared_keys(self, part: Slice) -> None:
        uid = part.lease.uid
        found = len(self._shared_keys.shared(uid))
        subject = part.lease.platform
        if found:
            title = self._gateway.platform(part.lease.platform).title
            self._notifier.raise_(
                uid, "shared_key", subject, title=title, scope=self._name(part), keys=found
            )
        else:
            self._notifier.clear(uid, "shared_key", subject)

    def _say(self, part: Slice, kind: Kind, **facts: object) -> None:
        title = self._gateway.platform(part.lease.platform).title
        self._notifier.raise_(
            part.lease.uid, kind, _subject(part), title=title, scope=self._name(part), **facts
        )

    def _name(self, part: Slice) -> str:
        names = [name for name, _ in part.progress.store_names.values() if name]
        return names[0] if len(names) == 1 else part.taker.scope or part.lease.credential

    def _next_due(self, part: Slice) -> Instant:
        account = self._accounts.get(part.lease.uid)
        every = max(
            account.sync_every_hours, self._gateway.platform(part.lease.platform).min_sync_hours
        )
        return next_due(
            self._clock.now(),
            account.time_zone,
            account.sync_hour,
            min(every, 12),
            part.lease.credential,
        )

    def _credential(self, part: Slice) -> Credential | None:
        lease = part.lease
        found = self._credentials.for_integration(lease.uid, lease.platform)
        return next((c for c in found if c.id == lease.credential), None)


def _subject(part: Slice) -> str:
    return f"{part.lease.platform}:{part.lease.credential}"


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {key: before.get(key, 0) + more.get(key, 0) for key in {*before, *more}}


def _recent(days: Mapping[str, int], now: Instant) -> dict[str, int]:
    oldest = now // DAY - DAYS_KEPT
    return {day: count for day, count in days.items() if int(day) > oldest}
