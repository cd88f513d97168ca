"""A run as one process works on it: the pages it takes, the checkpoints it leaves, its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.errors import AiqError
from chalicelib.domain.schedule import look_back_from, pass_kind, read_again_from
from chalicelib.domain.words import Instant, RunState, ScopeId, Stream
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge, CustomerListing
from chalicelib.services.loyalty.members_left import LeaverNotes
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.commits import Committed
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.pos import Page, PlatformInfo, PosSession, StreamPlan
from chalicelib.services.ports.runs import Lease, RunView, StreamState, SyncStates
from chalicelib.services.ports.stores import Inventories
from chalicelib.services.sync.gone.sales import SaleWatch
from chalicelib.services.sync.progress import Progress, StreamProgress, Tally, stream_result
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.run_result import (
    RunEnd,
    RunResult,
    judge_catalogue,
    named_permissions,
    run_error,
    store_keys_of,
)
from chalicelib.services.sync.stream_states import states_after
from chalicelib.services.sync.take_page import PageIntake

CHECKPOINT_SECONDS = 2.0
CHECKPOINT_PAGES = 20
HEARTBEAT_SECONDS = 30.0
"""How often a run that waits for the account's commit lock renews its lease."""


class Stopped(Exception):
    """A person disconnected or froze the source before a request or a checkpoint."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """Holds the collaborators of the runs of a process."""

    states: SyncStates
    commits: FactCommits
    inventories: Inventories
    contacts: ContactJudge
    leaving: LeaverNotes
    clock: Clock


class RunInProgress:
    """The state of a run in this process.

    `hop`: how many processes worked on the run before. `account`: known once the run is open.
    `pages_taken`: by this process. `has_checkpointed`: this process left a checkpoint.
    `is_own_server`: the POS is a server of the retailer's own; known once the run is open.
    """

    def __init__(self, tools: RunTools, lease: Lease, hop: int) -> None:
        self.lease = lease
        self.account: Account | None = None
        self.pages_taken = 0
        self.has_checkpointed = False
        self.is_own_server = False
        self.tally = Tally(lease.view)
        if lease.checkpoint:
            self.progress = Progress.load(lease.checkpoint)
        else:
            self.progress = Progress(began=tools.clock.now())
        self.manifests = RunManifests(lease, self.progress, tools.states)
        self.intake = PageIntake(
            lease=lease,
            progress=self.progress,
            tally=self.tally,
            manifests=self.manifests,
            commits=tools.commits,
            states=tools.states,
            inventories=tools.inventories,
            contacts=tools.contacts,
            leaving=tools.leaving,
            while_waiting=self._renew_when_due,
        )
        self._session: PosSession | None = None
        self._platform: PlatformInfo | None = None
        self._states = tools.states
        self._contacts = tools.contacts
        self._goes_on = lease.checkpoint is not None or lease.takes > 1
        self._clock = tools.clock
        self._hop = hop
        self._pages_since_checkpoint = 0
        self._checkpoint_at = self._heard_at = tools.clock.monotonic()

    @property
    def known_store_keys(self) -> set[str]:
        """The store keys that earlier runs met."""
        return store_keys_of(self.manifests.earlier)

    def open(
        self, account: Account, scope: ScopeId, session: PosSession, platform: PlatformInfo
    ) -> None:
        self.account = account
        self._platform = platform
        if platform.lists_sales_by_time:
            self.manifests.listed.add("sales")
        self.intake.scope = scope
        self.intake.zone = account.time_zone
        self.manifests.reading = session.reading
        self._session = session

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def plan(self, platform: PlatformInfo, history_from: Instant, account: Account) -> None:
        """Decide how far back each stream is read: since its watermark, else all of history.

        A run that reads again goes back as asked, and never less than it would unasked: its
        watermark speaks of all that came before. One that is to fix imported points lists every
        customer.
        """
        reread = self.lease.view.reread_from
        for name in platform.streams:
            earlier = self.manifests.state_before(name)
            stream = StreamProgress(
                generation=earlier.generation, chunks=earlier.chunks, deltas=earlier.deltas
            )
            since = self._since(stream, earlier, platform, account)
            if name == "customers" and self._lists_everybody(stream, platform):
                stream.history_from = None
            elif reread is not None:
                stream.history_from = min(reread, history_from if since is None else since)
            elif since is None:
                stream.history_from = history_from
            else:
                stream.since = since
            if stream.since is None:  # a bookmark leads past what is to be read again
                stream.bookmark = None
            if stream.since is None or name == "inventory":
                stream.expected = earlier.last_listing or None
            self.progress.streams[name] = stream

    def _since(
        self, stream: StreamProgress, earlier: StreamState, platform: PlatformInfo, account: Account
    ) -> Instant | None:
        """Return from when on a stream is read; None for all of it.

        That is where the last good run left off, less the overlap, or where records are to be read
        again. Sets the kind of pass, and the bookmark unless records are read again.
        """
        if earlier.watermark is None:
            return None
        stream.kind = pass_kind(
            earlier.watermark,
            self.progress.began,
            account.time_zone,
            account.sync_hour,
            self.lease.credential,
        )
        since = [earlier.watermark]
        unusable = earlier.unusable_from(self.manifests.reading, daily=stream.kind != "between")
        if unusable is not None:
            since.append(read_again_from(unusable, self.progress.began))
        else:
            stream.bookmark = earlier.bookmark
        return look_back_from(
            min(since), platform.overlap_seconds, unsure_clock=platform.unsure_clock
        )

    def _lists_everybody(self, stream: StreamProgress, platform: PlatformInfo) -> bool:
        """Whether the run lists all customers: one that is to fix imported points and, where a
        clock that is not ours decides what changed, the daily one and the first in a new zone."""
        if self.progress.importing:
            return True
        is_first = self.manifests.reads_anew("customers")
        return platform.unsure_clock and (stream.kind != "between" or is_first)

    def start_stream(self, name: Stream) -> StreamPlan:
        """Get ready to read the stream from where it stands; what to ask the POS for."""
        self.manifests.load(name)
        if name == "sales" and self.intake.sale_watch is None:
            self.intake.sale_watch = self._sale_watch()
        stream = self.progress.streams[name]
        return StreamPlan(
            name,
            self.progress.began,
            stream.since,
            stream.history_from,
            stream.kind,
            stream.bookmark,
        )

    def _sale_watch(self) -> SaleWatch | None:
        """Return the watch over deleted sales; None where the listing does not tell which are
        gone."""
        if self._platform is None or "sales" not in self.manifests.listed:
            return None
        return SaleWatch(
            self.lease,
            self._states,
            self.progress.began,
            self.progress.streams["sales"].read_from or 0,
            shop_clock=self._platform.store_clock,
            shown=self.manifests.seen["sales"],
        )

    def fetch(self, plan: StreamPlan) -> Page:
        """Read the stream's next page. Raises what `PosSession.fetch` does."""
        if self._session is None:
            raise RuntimeError("the run was not opened")
        cursor = self.progress.streams[plan.stream].cursor
        return self._session.fetch(plan, cursor, self.intake.known_rows(plan.stream))

    def take(self, name: Stream, page: Page) -> None:
        """Commit the page, and move on behind it."""
        stream = self.progress.streams[name]
        if page.began_over:
            stream.bookmark, stream.listed, stream.began_over = None, 0, True
        self.intake.take(name, page)
        stream.cursor = page.cursor
        self.progress.waits = 0
        self.pages_taken += 1
        self._pages_since_checkpoint += 1

    def complete(self, name: Stream, last: Page) -> None:
        """Note that the stream was read to its end, with this page as the last one."""
        if name == "sales":
            self.intake.take_gone_sales(last.times)
        stream = self.progress.streams[name]
        stream.full_listing = last.full_listing
        stream.next_bookmark = last.bookmark
        stream.ended = True
        if name == "customers" and self._may_have_withheld:
            self.progress.judging = True
        else:
            stream.good = True

    def judge_contacts(self, between: Callable[[], None]) -> None:
        """Take over the contacts that the customers listing blanked, or have them wait.

        Until then the stream is not read well: a run that ends before leaves it to the next one,
        which reads the same rows. `between` is called after each commit, and may raise.
        """
        if not self.progress.judging:
            return
        stream, lease = self.progress.streams["customers"], self.lease
        listing = CustomerListing(
            lease.uid,
            lease.platform,
            self.intake.scope,
            lease.run,
            shoppers=stream.listed - self.tally.set_aside("customers"),
            full=stream.full_listing,
        )

        def taken(committed: Committed) -> None:
            self.intake.count_committed(committed)
            between()

        settled = self._contacts.judge(listing, taken, self._renew_when_due)
        if settled:
            self.manifests.load("customers")
            for row in settled:
                self.manifests.known["customers"].upsert(row.key, row.value, row.row)
        self.progress.judging = False
        stream.good = True

    def skip(self, name: Stream, error: AiqError) -> None:
        """Leave a stream that cannot be read, which the run fails with; the others still can be."""
        stream = self.progress.streams[name]
        stream.ended, stream.cursor = True, None
        self.progress.error = self.progress.error or run_error(error, name)
        self.progress.missing += named_permissions(error)

    def break_off(self, error: AiqError) -> None:
        """Read nothing more: the run fails with this error."""
        self.progress.error = run_error(error, self.progress.next_stream())
        self.progress.missing += named_permissions(error)
        self.progress.end_all()

    def append(self) -> None:
        """Store what was learned since the last call; it counts once a checkpoint is stored."""
        if self.intake.sale_watch is not None:
            self.intake.sale_watch.save()
        self.manifests.append()

    def checkpoint_when_due(self) -> None:
        waited = self._clock.monotonic() - self._checkpoint_at
        if waited >= CHECKPOINT_SECONDS or self._pages_since_checkpoint >= CHECKPOINT_PAGES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Checkpoint, heartbeat, progress and stop check at once. Raises Stopped, LeaseLost."""
        self.append()
        goes_on = self._states.checkpoint(self.lease, self.progress.dump(), self._view("running"))
        self.has_checkpointed = True
        self._pages_since_checkpoint = 0
        self._checkpoint_at = self._heard_at = self._clock.monotonic()
        if not goes_on:
            raise Stopped

    def _renew_when_due(self) -> None:
        if self._clock.monotonic() - self._heard_at >= HEARTBEAT_SECONDS:
            self._states.renew(self.lease)
            self._heard_at = self._clock.monotonic()

    def hand_over(self, state: RunState, hop: int) -> None:
        """Checkpoint and give the lease back; messages before `hop` are void. Raises LeaseLost."""
        self.manifests.save_row_changes()
        self.append()
        self._hop = hop
        self._states.hand_over(self.lease, self.progress.dump(), self._view(state), hop)

    def result(self, end: RunEnd) -> RunResult:
        """Return what the run came to. Reads the inventory's manifest if its catalogue is to be
        judged."""
        progress, tally, lease = self.progress, self.tally, self.lease
        streams = {
            name: stream_result(stream, tally.set_aside(name), tally.unusable(name))
            for name, stream in progress.streams.items()
        }
        before = self.manifests.state_before("inventory")
        catalogue = judge_catalogue(streams.get("inventory"), before, lease.run)
        if end == "stopped":
            catalogue = "nothing new"
        return RunResult(
            uid=lease.uid,
            platform=lease.platform,
            credential=lease.credential,
            run=lease.run,
            scope=self.intake.scope,
            account=self.account,
            began=progress.began,
            end=end,
            error=progress.error,
            missing_permissions=tuple(progress.missing),
            reading=self.manifests.reading,
            streams=streams,
            earlier=self.manifests.earlier,
            store_names=dict(progress.store_names),
            sales_linked=tally.linked,
            sales_unlinked=tally.unlinked,
            customers_changed=end == "complete" and tally.has_changes("customers"),
            new_shoppers=tally.new("customers"),
            leavers=tuple(progress.leavers),
            takes_points=progress.imports,
            fixes_points=progress.importing,
            unread_balances=tuple(progress.unread_balances),
            catalogue=catalogue,
            sales_missing=progress.sales_missing,
            products_gone=(self.manifests.products_gone() if catalogue == "taken" else frozenset()),
        )

    def save_streams(self, result: RunResult) -> None:
        """Save the manifests and states that the run leaves to the next one.

        To be called when all that they speak of is committed. Raises LeaseLost when a later lease
        has saved its own.
        """
        if not self.progress.streams:
            return
        self._forget_unjudged()
        self.manifests.mark_gone("inventory", result.products_gone)
        self.manifests.append_known()
        if self.intake.sale_watch is not None:
            self.intake.sale_watch.save()
        former = self.manifests.compact()
        if former or self.progress.error is not None:
            self.manifests.append_seen()
            self._states.checkpoint(self.lease, self.progress.dump(), self._view("running"))
        self._states.save_streams(self.lease, self.manifests.with_addresses(states_after(result)))
        self.manifests.drop_generations(former)

    def _forget_unjudged(self) -> None:
        """Forget what a listing withheld that was not read to its end: the next run reads the rows
        again."""
        customers = self.progress.streams.get("customers")
        if customers is None or customers.good or not self._may_have_withheld:
            return
        self._contacts.forget(self.lease.uid, self.lease.platform, self.lease.run)

    @property
    def _may_have_withheld(self) -> bool:
        """Whether this run withheld contacts: an earlier process may have."""
        return self._goes_on or self.intake.notes > 0

    def finish(self, state: RunState) -> None:
        """Store the run as ended. Raises LeaseLost."""
        self._states.finish(self.lease, self._view(state, ended=True))

    def _view(self, state: RunState, *, ended: bool = False) -> RunView:
        """The run as people see it now."""
        now = self._clock.now()
        return self.tally.run_view(state, now, self.progress, hop=self._hop, ended=ended)
