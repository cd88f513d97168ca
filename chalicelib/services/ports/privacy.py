"""Erasures, and the rows outside the facts that speak of a person (product.md §14)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chalicelib.domain.consent import Entry
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import Channel, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.texting import Text, UnclearReply

ErasureState = Literal["erasing", "done"]
ErasureSubject = Literal["persona", "account"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure and how far it is.

    `records`: ids of the source records. `contacts`, `own` and `places` say whom it is about, and
    are empty once it is done: every contact, those that nobody else carries, and where the POS have
    the records. `step` and `position`: what is being done. `counts`: what was erased, by kind of
    row. `certificate`: of a done one. `seq` is the row's version.
    """

    uid: Uid
    id: str
    subject: ErasureSubject
    by: str
    requested_at: Instant
    state: ErasureState = "erasing"
    records: tuple[str, ...] = ()
    contacts: tuple[tuple[Channel, str], ...] = ()
    own: tuple[tuple[Channel, str], ...] = ()
    places: tuple[tuple[Platform, ScopeId, str], ...] = ()
    raw: tuple[str, ...] = ()
    since: Instant = 0
    buried_at: Instant | None = None
    step: str = ""
    position: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    ended_at: Instant | None = None
    certificate: Mapping[str, object] = field(default_factory=dict)
    seq: int = 0


class Erasures(Protocol):
    def save(self, erasure: Erasure) -> Erasure:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def get(self, uid: Uid, erasure: str) -> Erasure:
        """Raises NotFound."""
        ...

    def of_account(self, uid: Uid) -> list[Erasure]:
        """All erasures of an account, newest first."""
        ...


class CurrentTombstones(Protocol):
    def current_tombstones(self, uid: Uid) -> Tombstones:
        """The account's tombstones, of a moment ago."""
        ...


@dataclass(frozen=True, slots=True)
class HeldContact:
    """What is kept of one number or address."""

    channel: Channel
    contact: str
    entries: tuple[Entry, ...] = ()


class PersonalRows(Protocol):
    """Rows outside the facts that may speak of a person. `find_…` reads, `erase_…` deletes what it
    would find, and returns how many rows that were; done twice it finds nothing."""

    def erase_contact(
        self, uid: Uid, channel: Channel, contact: str, since: Instant | None = None
    ) -> int:
        """Delete the state and the log of a contact; what was said from `since` on stays, and with
        it the state."""
        ...

    def find_texts(self, uid: Uid, numbers: Iterable[str], day: str) -> list[Text]: ...

    def erase_texts(self, uid: Uid, numbers: Iterable[str], day: str) -> int: ...

    def find_replies(self, uid: Uid, numbers: Iterable[str]) -> list[UnclearReply]: ...

    def erase_replies(self, uid: Uid, numbers: Iterable[str]) -> int: ...

    def runs(self, uid: Uid, platform: Platform, after: str, limit: int) -> list[str]:
        """Ids of sync runs that follow `after`, oldest first."""
        ...

    def find_asides(self, uid: Uid, run: str, traces: Traces) -> Iterator[Mapping[str, object]]: ...

    def erase_asides(self, uid: Uid, run: str, traces: Traces) -> int: ...

    def erase_run_asides(self, uid: Uid, run: str) -> int:
        """Delete all that a run set aside."""
        ...

    def erase_notes(self, uid: Uid, records: Sequence[str]) -> int:
        """Blank what people wrote about the persona: in the activity log, and with points that they
        gave by hand."""
        ...


@dataclass(frozen=True, slots=True)
class CopiesKept:
    """For how long AWS keeps what was deleted, in days: old versions of objects, recovery of tables
    to a moment, and messages of queues."""

    object_versions: int = 30
    recovery: int = 35
    messages: int = 14


OffboardingAct = Literal["export", "delete"]
StoredRow = Mapping[str, Any]
"""A row as DynamoDB has it, with the name of its table under `table`."""


@dataclass(frozen=True, slots=True)
class Offboarding:
    """The export of all rows of an account, or their deletion, and how far it is.

    `id` cannot be guessed: who has it may read the certificate when the account is no more. `rows`:
    how many, by table. `files`: of an export. `found`: in this pass over the tables.
    """

    uid: Uid
    id: str
    act: OffboardingAct
    name: str
    by: str
    requested_at: Instant
    state: Literal["working", "done"] = "working"
    position: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    files: int = 0
    found: int = 0
    passes: int = 0
    ended_at: Instant | None = None
    certificate: Mapping[str, object] = field(default_factory=dict)
    seq: int = 0


class Offboardings(Protocol):
    """Stores off-boardings outside the accounts they are of."""

    def save(self, offboarding: Offboarding) -> Offboarding:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def get(self, offboarding: str) -> Offboarding:
        """Raises NotFound."""
        ...


class AccountRows(Protocol):
    """All rows of an account, whatever kind they are. Reads whole tables."""

    def page(self, uid: Uid, position: str) -> tuple[list[StoredRow], str]:
        """Return some rows, and where to go on; "" at the end. The cards come first, then the
        account itself."""
        ...

    def delete(self, rows: Sequence[StoredRow]) -> None: ...
