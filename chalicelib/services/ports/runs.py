"""Sync runs: their state while they live, what they leave behind, and how to ask for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.records import Reject
from chalicelib.domain.words import (
    CredentialId,
    Day,
    Instant,
    Platform,
    RunState,
    RunTrigger,
    Stream,
    Uid,
)
from chalicelib.services.ports.accounts import Account
from chalicelib.services.ports.integrations import Credential, Integration


@dataclass(frozen=True, slots=True)
class SyncSource:
    """What a sync has to know of its source before it begins; None for what there is not."""

    account: Account | None
    integration: Integration | None
    credential: Credential | None


class Sources(Protocol):
    def read(self, uid: Uid, platform: Platform, credential: CredentialId) -> SyncSource:
        """Read all of it at once; a removed credential is none."""
        ...


LIVE_STATES: tuple[RunState, ...] = ("queued", "running", "waiting")


@dataclass(frozen=True, slots=True)
class StreamTotals:
    """Counts what a run did with one stream; `fetched` = new + changed + unchanged + set aside.

    `expected`: rows of the last listing of everything, while this run reads one, too; None where
    nobody can tell.
    """

    pages: int = 0
    fetched: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    set_aside: int = 0
    done: bool = False
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed. `actor` says who must act: `you`, `the POS` or `us`."""

    code: str
    actor: str
    message: str
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """One sync run, live or ended (product.md §5).

    `resume_at`: when a waiting run goes on. `began_over`: streams that are read anew since the POS
    no longer knew what to go on from. `fetched` of a stream counts rows as received.
    `members_left`: members whom a void or a moved sale took their last reason.
    """

    id: str
    uid: Uid
    platform: Platform
    credential: CredentialId
    state: RunState
    trigger: RunTrigger
    queued_at: Instant
    reread_from: Instant | None = None
    resume_at: Instant | None = None
    started_at: Instant | None = None
    heartbeat_at: Instant | None = None
    ended_at: Instant | None = None
    stream: Stream | None = None
    streams: Mapping[Stream, StreamTotals] = field(default_factory=dict)
    sales_linked: int = 0
    sales_unlinked: int = 0
    sales_out_of_market: int = 0
    requests: int = 0
    retries: int = 0
    hops: int = 0
    persona_writes: int = 0
    members_left: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    unknown_words: Mapping[str, int] = field(default_factory=dict)
    error: RunError | None = None
    began_over: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that a run could not use, with the reason."""

    number: int
    stream: Stream
    reason: str
    field: str
    ext_id: str | None
    row: Mapping[str, object]


class LiveRuns(Protocol):
    """Reads the runs that are under way."""

    def live_among(self, uid: Uid, credentials: Sequence[CredentialId]) -> list[RunView]:
        """Read the live runs of these credentials, as they were a moment ago at the latest."""
        ...


class RunViews(Protocol):
    """Reads runs; the service `services.sync.runs.RunService` provides it to the API."""

    def recent(
        self, uid: Uid, platform: Platform, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        """Read the source's runs, newest first; the second value continues the list."""
        ...

    def get(self, uid: Uid, platform: Platform, run: str) -> RunView:
        """Read a run, with live progress while it runs. Raises NotFound."""
        ...

    def set_aside(
        self, uid: Uid, platform: Platform, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        """Read the records that the run set aside; the second value continues the list."""
        ...


class SyncControl(Protocol):
    """Starts sync runs and ends them; `services.sync.runs.RunService` provides it."""

    def start(
        self, uid: Uid, platform: Platform, credential: CredentialId, trigger: RunTrigger
    ) -> RunView:
        """Queue a run now, unless one lives. Returns the live run. Raises NotFound, Conflict."""
        ...

    def reread(
        self, uid: Uid, platform: Platform, credential: CredentialId, since: Instant
    ) -> RunView:
        """Queue a run that reads history again from `since`. Raises Conflict while one lives."""
        ...

    def request_stop(self, uid: Uid, platform: Platform, credential: CredentialId) -> None:
        """End the live run at its next checkpoint, within 2 s of work, without another request."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one credential's job.

    `fence`: the fencing token, which grows by one with every lease given. `checkpoint` and `view`:
    the run's when the lease was given. `stopping`: a person asked the run to end. `takes`: the
    leases, this one included, since the run last moved its checkpoint. `taken_at`: when the lease
    was given; `worked`: for how long the run had leases before, in milliseconds.
    """

    uid: Uid
    platform: Platform
    credential: CredentialId
    run: str
    fence: int
    checkpoint: dict[str, Any] | None
    view: RunView
    stopping: bool = False
    takes: int = 1
    taken_at: Instant = 0
    worked: Instant = 0

    def worked_until(self, now: Instant) -> Instant:
        """Return for how long the run has had leases by now, in milliseconds."""
        return self.worked + max(0, now - self.taken_at)


class LeaseBusy(Exception):
    """Another worker runs this credential's job. `until`: when its lease ends at the latest."""

    def __init__(self, until: Instant) -> None:
        super().__init__("another worker runs this job")
        self.until = until


class RunGone(Exception):
    """The message names a run that ended, was replaced, or is past the message's hop."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of a stream that a run leaves to the next one.

    `watermark`: when the last run that read all of the stream began. `generation`, `chunks` and
    `deltas`: the address of its manifest. `last_listing`: rows of the last complete listing.
    `store_key_sales`: sales ever seen per store key. `days`: new sales per local day number, of the
    last weeks. `last_run`: the run already counted here. `reading`: of the session (see
    `PosSession`) whose rows the manifest holds. `aside_from`: the earliest time of a record that
    was set aside, `words_from`: of a sale with a status that the profile does not know; both as the
    session of `judged_by` read them. `bookmark`: what the run of the watermark was told to go on
    from, where the POS tells such a thing.
    """

    watermark: Instant | None = None
    generation: int = 0
    chunks: int = 0
    deltas: int = 0
    last_listing: int = 0
    store_key_sales: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    last_run: str | None = None
    reading: str | None = None
    aside_from: Instant | None = None
    words_from: Instant | None = None
    judged_by: str | None = None
    bookmark: str | None = None

    def unusable_from(self, reading: str | None, *, daily: bool) -> Instant | None:
        """The earliest time of the records that a pass is to read again, None where there are none:
        the daily one those set aside, any whose rows are read otherwise than before (`reading`)
        those with unknown words, too."""
        reads_anew = reading != self.judged_by
        found = [self.aside_from if daily or reads_anew else None]
        found += [self.words_from if reads_anew else None]
        return min((at for at in found if at is not None), default=None)


class ManifestAddress(NamedTuple):
    """The place of a stored manifest: `chunks` of its base and `deltas` on top, in `generation`."""

    generation: int
    chunks: int
    deltas: int


class SyncStates(Protocol):
    """The sync table: runs, their leases and checkpoints, the states of streams, manifests, and
    records set aside."""

    def claim(self, run: RunView, now: Instant) -> RunView:
        """Make `run` the credential's live run and store it; return the live one if one lives.

        A run counts as dead when its last heartbeat is `ABANDONED_AFTER` ago.
        """
        ...

    def live(self, uid: Uid, credential: CredentialId) -> RunView | None:
        """Read the credential's live run; None when none lives."""
        ...

    def live_among(self, uid: Uid, credentials: Sequence[CredentialId]) -> list[RunView]:
        """Read the live runs of these credentials, as they were a moment ago at the latest."""
        ...

    def acquire(
        self,
        uid: Uid,
        platform: Platform,
        credential: CredentialId,
        run: str,
        hop: int,
        now: Instant,
    ) -> Lease:
        """Take the run's lease. Raises LeaseBusy, or RunGone when the run is not live or has passed
        this hop."""
        ...

    def checkpoint(self, lease: Lease, checkpoint: dict[str, Any], view: RunView) -> bool:
        """Store checkpoint, heartbeat and progress in one conditional update.

        Returns False when a stop was requested. Raises LeaseLost.
        """
        ...

    def renew(self, lease: Lease) -> None:
        """Tell that the run lives, between two checkpoints. Raises LeaseLost."""
        ...

    def hand_over(self, lease: Lease, checkpoint: dict[str, Any], view: RunView, hop: int) -> None:
        """Checkpoint and give the lease back; messages before `hop` are void. Raises LeaseLost.

        A waiting run counts as alive until it is to go on.
        """
        ...

    def finish(self, lease: Lease, view: RunView) -> None:
        """Store the ended run, end its life, give the lease back, all at once. Raises LeaseLost."""
        ...

    def note_waiting(self, uid: Uid, credential: CredentialId, run: str, now: Instant) -> None:
        """Count the live run, which no worker holds, as alive: its message waits for a slot."""
        ...

    def request_stop(self, uid: Uid, credential: CredentialId) -> None:
        """Have the live run, if there is one, told at its next checkpoint or lease to stop."""
        ...

    def streams(self, uid: Uid, credential: CredentialId) -> Mapping[Stream, StreamState]:
        """Read what runs of the credential left; streams that were never read are absent."""
        ...

    def save_streams(self, lease: Lease, states: Mapping[Stream, StreamState]) -> None:
        """Store them all at once. Raises LeaseLost when a later lease has saved its own."""
        ...

    def forget_streams(self, uid: Uid, credential: CredentialId) -> None:
        """Forget what runs of the credential left: the next one reads and stores the whole history
        again."""
        ...

    def manifests(
        self, uid: Uid, credential: CredentialId, addresses: Mapping[str, ManifestAddress]
    ) -> Iterator[bytes]:
        """Read manifests piece by piece, in the order of `addresses`: of each the packed base
        chunks, then the deltas. Only a few pieces are in memory at a time."""
        ...

    def put_delta(
        self, lease: Lease, stream: str, generation: int, number: int, packed: bytes
    ) -> None:
        """Store the manifest's `number`th delta, from 1. Raises LeaseLost when a later lease has
        stored it."""
        ...

    def put_base(
        self, lease: Lease, stream: Stream, generation: int, chunks: Iterable[bytes]
    ) -> int:
        """Store all chunks of a manifest's base, one after another; return how many they are."""
        ...

    def drop_manifest(
        self, uid: Uid, credential: CredentialId, stream: str, generation: int
    ) -> None:
        """Delete a generation of a manifest, base and deltas."""
        ...

    def sale_days(self, uid: Uid, credential: CredentialId, since: Day) -> list[bytes]:
        """Read the sales that the POS showed of each day from `since` on, as they were stored, the
        newest day first."""
        ...

    def put_sale_day(self, lease: Lease, day: Day, packed: Sequence[bytes]) -> None:
        """Store the sales that the POS showed of a day, in as many rows. Raises LeaseLost when a
        later lease has stored them."""
        ...

    def add_aside(self, lease: Lease, first_number: int, rejects: Sequence[Reject]) -> None:
        """Store records that the run set aside, numbered from `first_number`."""
        ...

    def asides(
        self, uid: Uid, run: str, limit: int, after: str | None
    ) -> tuple[list[SetAside], str | None]:
        """Read the records that a run set aside; the second value continues the list."""
        ...

    def runs(
        self, uid: Uid, platform: Platform, limit: int, before: str | None
    ) -> tuple[list[RunView], str | None]:
        """Read the source's runs, newest first; the second value continues the list."""
        ...

    def run(self, uid: Uid, platform: Platform, run: str) -> RunView:
        """Read a run. Raises NotFound."""
        ...
