"""Audience runs, the snapshot that each leaves, and exports of it (product.md §6, §10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from chalicelib.domain.audiences import AudienceCount, ListedPersona, SnapshotFilter
from chalicelib.domain.words import AudienceName, Day, Instant, Uid

AudienceTrigger = Literal["night", "now", "first_sync"]
AudienceRunState = Literal["queued", "running", "done", "failed"]
AudiencePhase = Literal["backups", "recompute", "sort", "finish"]
ExportState = Literal["queued", "running", "done", "failed"]

TimeLeft = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class AudienceRun:
    """One audience run. Ids sort by time.

    `as_of`: when it began to read personas. `personas`: how many it has been through; `drifted`:
    how many differed from what their facts say although nothing had changed, `recomputed`: how many
    had only to follow what had (time that passed, a change still being worked off). `mending`: the
    shoppers that are being corrected, so that a run that dies then does not forget them. `terms`:
    digest of the rules, mapping and zones at its beginning.

    `steady`: those are the rules of the run before, so that whoever differs has drifted.

    `checkpoint` names the object that says how far it is; "" at the beginning. `leased_until`: no
    other worker goes on before. `tries`: how often it was taken up since it last moved on. `seq` is
    the row's version.
    """

    uid: Uid
    id: str
    trigger: AudienceTrigger
    requested_at: Instant
    actor: str = ""
    state: AudienceRunState = "queued"
    phase: AudiencePhase = "backups"
    started_at: Instant | None = None
    as_of: Instant | None = None
    heartbeat_at: Instant | None = None
    ended_at: Instant | None = None
    personas: int = 0
    drifted: int = 0
    recomputed: int = 0
    mending: tuple[str, ...] = ()
    terms: str = ""
    steady: bool = True
    audiences: tuple[AudienceCount, ...] = ()
    checkpoint: str = ""
    leased_until: Instant = 0
    tries: int = 0
    hop: int = 0
    error: str = ""
    seq: int = 0

    @property
    def is_live(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class AudienceHead:
    """How an account stands with its audience runs.

    `night`: the last local day whose nightly run was claimed. `look_at`: when the planner looks at
    the account next; None for one it does not know. `live`: the run that is under way; `again`:
    another one is wanted after it. `latest` and `previous`: the last two that were completed, whose
    snapshots are kept. `seq` is the row's version, 0 for an account without a row.
    """

    uid: Uid
    night: Day | None = None
    look_at: Instant | None = None
    live: str = ""
    again: bool = False
    latest: str = ""
    previous: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AccountLook:
    """The planner is to look at the account at this time."""

    uid: Uid
    at: Instant


class AudienceRuns(Protocol):
    """Stores audience runs, and when the planner looks at each account."""

    def head(self, uid: Uid) -> AudienceHead:
        """Return the account's head, strongly consistent; an empty one for a new account."""
        ...

    def save_head(
        self, before: AudienceHead, after: AudienceHead, run: AudienceRun | None = None
    ) -> AudienceHead:
        """Save `after` at `before.seq` + 1, the account's place among the looks, and the run at its
        `seq` + 1, all or nothing. Raises StaleVersion."""
        ...

    def save_run(self, run: AudienceRun) -> AudienceRun:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def run(self, uid: Uid, run: str) -> AudienceRun:
        """Raises NotFound."""
        ...

    def recent(
        self, uid: Uid, limit: int, before: str | None
    ) -> tuple[list[AudienceRun], str | None]:
        """Return runs, the newest first; the second value continues the list."""
        ...

    def due(self, shard: int, until: Instant, limit: int) -> list[AccountLook]:
        """Return accounts to look at by `until`, the longest due first."""
        ...

    def drop(self, look: AccountLook) -> None:
        """Forget a look at an account that is no more, or that has another one."""
        ...


@dataclass(frozen=True, slots=True)
class Export:
    """A CSV of an audience, made of one snapshot.

    `run` is the snapshot's; "" until the work begins. `rows`: how many are written. `upload`,
    `parts` and `after`: the upload under way, its parts, and how many lines of the list they hold.
    `ends_at`: when the file is deleted. `persona`: of whom it holds all, as JSON; "": it is a CSV.
    """

    uid: Uid
    id: str
    audience: AudienceName
    filters: SnapshotFilter
    actor: str
    requested_at: Instant
    state: ExportState = "queued"
    run: str = ""
    as_of: Instant | None = None
    rows: int = 0
    upload: str = ""
    parts: tuple[str, ...] = ()
    after: int = 0
    ended_at: Instant | None = None
    ends_at: Instant | None = None
    tries: int = 0
    hop: int = 0
    persona: str = ""
    seq: int = 0


class Exports(Protocol):
    """Stores exports for two days."""

    def save(self, export: Export) -> Export:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def get(self, uid: Uid, export: str) -> Export:
        """Raises NotFound."""
        ...

    def of_account(self, uid: Uid) -> list[Export]:
        """All exports of an account that are kept."""
        ...


class ObjectMissing(Exception):
    """There is no such object, or no more."""


class PersonaFile(Protocol):
    def content(self, uid: Uid, contact_id: str) -> tuple[bytes, int]:
        """Return all that is kept of a persona as JSON, and of how many records it is.

        Raises NotFound.
        """
        ...


class StoredName(NamedTuple):
    """An object's name, its size in bytes, and when it was stored, where that is known."""

    name: str
    size: int
    stored_at: Instant | None = None


class Objects(Protocol):
    """The bucket of backups, snapshots and exports. What is read may raise ObjectMissing."""

    def put(self, name: str, content: bytes) -> None: ...

    def get(self, name: str) -> bytes: ...

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on; fewer at the end."""
        ...

    def names(self, prefix: str) -> Iterator[StoredName]:
        """Yield the objects whose names begin so, in order."""
        ...

    def delete(self, names: Sequence[str]) -> None: ...

    def begin_upload(self, name: str, content_type: str) -> str:
        """Begin an upload in parts, and return its id."""
        ...

    def upload_part(self, name: str, upload: str, number: int, content: bytes) -> str:
        """Upload part `number`, from 1 on, of 5 MB at least but for the last; return its tag.

        The same number again replaces it. Raises ObjectMissing for an upload that is no more.
        """
        ...

    def end_upload(self, name: str, upload: str, tags: Sequence[str]) -> None:
        """Make the object of its parts. Raises ObjectMissing for an upload that is no more."""
        ...

    def abort_upload(self, name: str, upload: str) -> None:
        """Forget an upload; nothing for one that is no more."""
        ...

    def link(self, name: str, seconds: int, file_name: str) -> str:
        """Return an address that gives the object away for so long, to be saved as `file_name`."""
        ...


class TakesBackups(Protocol):
    """Takes the backup of every source of an account as a part of each audience run."""

    def take(self, uid: Uid, run: str, time_left: TimeLeft) -> bool:
        """Take the backups of this run, or go on with them; whether all are taken.

        It is called again, in this process or another, until they are, and may be called once more
        afterwards. What it raises fails the slice, which is tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class SnapshotPage:
    """Some lines of a list. `as_of` None: there is no snapshot yet. `total`: of the whole list.
    `position` continues it, None at its end."""

    as_of: Instant | None
    total: int
    items: tuple[ListedPersona, ...] = ()
    position: str | None = None
