"""Stored facts about shoppers and what is derived from them, as a commit reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chalicelib.domain.id_ranges import SeenIds
from chalicelib.domain.identity import (
    PEOPLE_PER_KEY,
    MergeKey,
    SourceRecord,
    is_crowded,
    is_shared_too_widely,
)
from chalicelib.domain.ledger import NO_POINTS, Postings, RecordPoints
from chalicelib.domain.personas import NO_FIGURES, Figures, Persona
from chalicelib.domain.pulled_facts import PulledFact
from chalicelib.domain.records import Sale
from chalicelib.domain.redemptions import Redeemed, Redemption
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.tombstones import Tombstone, Tombstones
from chalicelib.domain.words import Day, Double, Fence, Instant, Minor, Platform, ScopeId, Uid
from chalicelib.services.ports.common import do_nothing

INLINE_CARRIERS = 40
"""A merge key with more carriers keeps them in rows of their own, and only counts in its head."""


class SaleId(NamedTuple):
    platform: Platform
    scope: ScopeId
    ext_id: str

    @classmethod
    def of(cls, ref: SaleRef) -> SaleId:
        return cls(ref.platform, ref.scope, ref.ext_id)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A source record with the merge keys it was indexed under.

    `out_of_market`: *Sync to relevant market* leaves it out, so that it has no keys.
    """

    record: SourceRecord
    keys: frozenset[MergeKey]
    out_of_market: bool = False


@dataclass(frozen=True, slots=True)
class StoredSale:
    """A sale and the source record it is anchored to; None when it names no shopper.

    `ahead`: it is dated ahead, and was when it was last derived. `double`: what a person said of
    it as a suspected double.
    """

    id: SaleId
    record: str | None
    sale: Sale
    ahead: bool = False
    double: Double = ""

    def ref(self, returns: Returns) -> SaleRef:
        """The sale as its pointer says it, less what the returns gave back."""
        sid = self.id
        returned = sum(returns.values())
        return SaleRef.of(
            sid.platform, sid.scope, self.sale, returned, ahead=self.ahead, double=self.double
        )


class RecordSales(NamedTuple):
    """Sums of a record's sales and of its ledger, so that nobody reads those to know them.

    `figures` are those of the persona that is stored under this record. `counts_on`: the first day
    on which a sale dated ahead counts, or what a return dated ahead gave back of a sale.
    `redeemed`: sums of the record's redemptions, which the ledger holds.
    """

    summary: SalesSummary = SalesSummary.EMPTY
    points: RecordPoints = NO_POINTS
    figures: Figures = NO_FIGURES
    counts_on: Day | None = None
    redeemed: tuple[Redeemed, ...] = ()


NO_SALES = RecordSales()


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Everything under one record id; a sale may be there before its shopper is.

    `persona` has the figures of `sales`.
    """

    stored: StoredRecord | None = None
    sales: RecordSales | None = None
    persona: Persona | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The entries of a cause that is no sale; `note` and `actor` of an adjustment; `redemption`:
    the fact behind a redemption's."""

    postings: Postings = ()
    note: str = ""
    actor: str = ""
    redemption: Redemption | None = None


Returns = Mapping[str, Minor]
"""What final returns gave back of the sale they name: id of the return → minor units; 0 while the
return is dated ahead."""

LedgerPlace = tuple[str, str]
"""(record id, cause)"""


@dataclass(frozen=True, slots=True)
class KeyCarriers:
    """Holds who carries a merge key: record id → scope while few, else only how many per scope.

    `people`: name (`names.person_name`) → how many of the carriers bear it. None where the names
    decide nothing (see `names_decide`), and in rows written before names were counted.
    """

    carriers: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] | None = None
    people: Mapping[str, int] | None = None

    @property
    def wide(self) -> bool:
        return self.counts is not None

    @property
    def shared(self) -> bool:
        """Whether too many records of one scope, or too many people, carry the key for it to merge
        anybody."""
        return is_shared_too_widely(self.per_scope(), len(self.people or ()))

    @property
    def names_decide(self) -> bool:
        """Whether it takes the names of the carriers to say if the key is shared too widely: not
        where they are too few, nor where their number in one scope says it."""
        if self.counts is None and len(self.carriers) <= PEOPLE_PER_KEY:
            return False  # nearly always
        per_scope = self.per_scope()
        return sum(per_scope.values()) > PEOPLE_PER_KEY and not is_crowded(per_scope)

    @property
    def uncounted(self) -> bool:
        """Whether the names decide and were not counted: in rows of before that rule."""
        return self.people is None and self.names_decide

    @property
    def total(self) -> int:
        """How many records carry the key."""
        return len(self.carriers) if self.counts is None else sum(self.counts.values())

    def per_scope(self) -> Mapping[str, int]:
        if self.counts is not None:
            return self.counts
        found: dict[str, int] = {}
        for scope in self.carriers.values():
            found[scope] = found.get(scope, 0) + 1
        return found


@dataclass(frozen=True, slots=True)
class Intent:
    """Names the records, keys and sales that a commit writes. What a crash leaves of it says what
    the next commit rebuilds. `silent`: without asking anybody."""

    records: tuple[str, ...] = ()
    keys: tuple[MergeKey, ...] = ()
    sales: tuple[SaleId, ...] = ()
    silent: bool = False


@dataclass(slots=True)
class Writes:
    """Rows to put, or to delete where the value is None. Rows are keyed as the table keys them.

    Of `personas` all but the figures is written; those are in `summaries`. `pulled`: the versions
    of pulled facts that the commit stores, for the facts log. `tombstones`: by their hashes.
    `redeemed`: by how much the commit changes how often a discount was redeemed; one that is not
    there any more is not counted.
    """

    records: dict[str, StoredRecord] = field(default_factory=dict)
    sales: dict[SaleId, StoredSale] = field(default_factory=dict)
    carriers: dict[MergeKey, KeyCarriers | None] = field(default_factory=dict)
    carrier_rows: dict[tuple[MergeKey, str], str | None] = field(default_factory=dict)
    returns: dict[SaleId, Returns | None] = field(default_factory=dict)
    pointers: dict[tuple[str, SaleRef], Postings | None] = field(default_factory=dict)
    summaries: dict[str, RecordSales] = field(default_factory=dict)
    ledger: dict[LedgerPlace, LedgerRow] = field(default_factory=dict)
    personas: dict[str, Persona | None] = field(default_factory=dict)
    shared: dict[MergeKey, bool] = field(default_factory=dict)
    seen_ids: dict[tuple[Platform, ScopeId], SeenIds] = field(default_factory=dict)
    pulled: dict[Platform, list[PulledFact]] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    redeemed: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(
            (
                self.records,
                self.sales,
                self.carriers,
                self.carrier_rows,
                self.returns,
                self.pointers,
                self.summaries,
                self.ledger,
                self.personas,
                self.shared,
                self.seen_ids,
                self.pulled,
                self.tombstones,
            )
        )


@dataclass(eq=False, slots=True)
class CommitLock:
    """The right to commit for one account. `fence` is the fencing token, `leftover` the intent of a
    commit that crashed. `held_seconds` is known once it is given back. `has_seen_ids`: every commit
    of the account has kept the ranges of ids it has seen; `has_whole_log`: every one has logged
    what it stored of pulled facts. `logged`: parts of the facts log that
    were written under it: a repair comes before the commit itself. `erasures`: how often tombstones
    of the account were written; 0 where nobody was ever erased. `given_back`: the last write gave
    it back, too."""

    uid: Uid
    fence: int
    acquired_at: float
    leftover: Intent | None
    held_seconds: float = 0.0
    has_seen_ids: bool = False
    has_whole_log: bool = True
    logged: int = 0
    erasures: int = 0
    given_back: bool = False


class Moment(NamedTuple):
    """A moment of an account's facts: every commit up to `fence` has ended. `is_logged`: the facts
    log has all that they stored."""

    fence: Fence
    is_logged: bool


class SalesSpan(NamedTuple):
    """A record's sales ordered from `since` to before `until`; None: without a bound."""

    record: str
    since: Instant | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class PageRows:
    """What is stored of the sales of a page and of their shoppers: see `FactStore.page`."""

    sales: dict[SaleId, StoredSale]
    returns: dict[SaleId, Returns]
    records: dict[str, RecordRows]


class FactStore(Protocol):
    def lock(
        self, uid: Uid, *, urgent: bool = False, while_waiting: Callable[[], None] = do_nothing
    ) -> CommitLock:
        """Wait for the account's commit lock.

        `urgent`: a person waits. They go before everybody who is not, and wait 7 s at most.
        `while_waiting` is called at least every second. Raises CommitBusy after the longest wait,
        and whatever `while_waiting` raises.
        """
        ...

    def store_intent(self, lock: CommitLock, intent: Intent) -> None:
        """Store what the commit will write, before it writes any of it. Raises LeaseLost."""
        ...

    def unlock(self, lock: CommitLock, *, done: bool) -> None:
        """Give the lock back; when not `done`, the intent stays for the next commit."""
        ...

    def rows(self, uid: Uid, records: Iterable[str]) -> dict[str, RecordRows]:
        """The rows of every record asked for, by its id; empty rows of those AIQ does not know."""
        ...

    def page(
        self,
        uid: Uid,
        sales: Iterable[SaleId],
        returns: Iterable[SaleId],
        records: Iterable[str],
    ) -> PageRows:
        """`sales`, `returns` and `rows`, read at once."""
        ...

    def listed(self, uid: Uid, records: Sequence[str]) -> set[str]:
        """Those of the records of which a POS told more than a sale."""
        ...

    def seen_ids(self, uid: Uid, platform: Platform, scope: ScopeId) -> SeenIds:
        """Return the ranges in which all ids of the scope lie that have a row."""
        ...

    def known(
        self, uid: Uid, records: Iterable[str], keys: Iterable[MergeKey]
    ) -> tuple[dict[str, RecordRows], dict[MergeKey, KeyCarriers]]:
        """`rows` and `carriers`, read at once."""
        ...

    def carriers(self, uid: Uid, keys: Iterable[MergeKey]) -> dict[MergeKey, KeyCarriers]:
        """Return who carries each of these keys; a key that nobody carries is missing."""
        ...

    def wide_carriers(self, uid: Uid, key: MergeKey) -> dict[str, str]:
        """Record id → scope of a wide key, read from its rows."""
        ...

    def sales(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, StoredSale]:
        """The sales among these that AIQ knows."""
        ...

    def returns(self, uid: Uid, ids: Iterable[SaleId]) -> dict[SaleId, Returns]:
        """What was given back of each of these sales, known to AIQ or not; those of which nothing
        was are missing."""
        ...

    def pointers(
        self, uid: Uid, record: str, since: Instant | None = None, until: Instant | None = None
    ) -> dict[SaleRef, Postings]:
        """A record's sales ordered from `since` to before `until`, with their ledger entries."""
        ...

    def pointers_in(self, uid: Uid, spans: Sequence[SalesSpan]) -> list[dict[SaleRef, Postings]]:
        """`pointers` of many spans, in their order, read side by side."""
        ...

    def postings(
        self, uid: Uid, places: Iterable[tuple[str, SaleRef]]
    ) -> dict[tuple[str, SaleRef], Postings]:
        """The ledger entries of single sales by (record, sale), where a pointer is stored."""
        ...

    def ledger(self, uid: Uid, record: str) -> dict[str, LedgerRow]:
        """Cause → entries of a record, of causes that are no sale."""
        ...

    def ledgers(self, uid: Uid, records: Sequence[str]) -> list[dict[str, LedgerRow]]:
        """`ledger` of many records, in their order, read side by side."""
        ...

    def tombstones(self, uid: Uid, erasures: int) -> Tombstones:
        """Return the account's tombstones, as they are since they were written for the last time;
        read once per process for each `erasures`."""
        ...

    def salt(self, uid: Uid) -> bytes:
        """Return the salt of the account's tombstones, made when it is first asked for."""
        ...

    def forget(self, lock: CommitLock, records: Sequence[str]) -> int:
        """Delete all rows of these records; return how many there were. Raises LeaseLost."""
        ...

    def forget_sales(self, lock: CommitLock, ids: Sequence[SaleId]) -> None:
        """Delete the rows of these sales, and what was given back of them. Raises LeaseLost."""
        ...

    def write_and_unlock(self, lock: CommitLock, writes: Writes) -> bool:
        """Put and delete all the rows and give the lock back, or do nothing of it: one transaction.

        False, and nothing done, where the rows are too many for one. Raises LeaseLost.
        """
        ...

    def write(self, lock: CommitLock, writes: Writes) -> None:
        """Put and delete the rows, in any order. Raises LeaseLost before a write that might land
        after the lock's end."""
        ...


class SharedKeys(Protocol):
    def shared(self, uid: Uid) -> list[MergeKey]:
        """Keys carried too widely to merge anybody, today."""
        ...


class PersonaList(Protocol):
    """Lists an account's personas in pages of at most `limit` ids, each with the position to go on
    `after` (None at the end). Positions do not name the account."""

    def by_arrival(
        self, uid: Uid, limit: int, after: str | None, *, newest_first: bool = True
    ) -> tuple[list[str], str | None]:
        """Persona ids in the order AIQ first saw them."""
        ...

    def in_turn(self, uid: Uid, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Every persona id once, in the order that is cheapest to read, then every record that is
        out of market; for going over all of them.

        A page may be short, even empty, while more follow; the second value is None at the end.
        """
        ...

    def by_name(
        self, uid: Uid, prefix: str, limit: int, after: str | None, *, descending: bool = False
    ) -> tuple[list[str], str | None]:
        """Persona ids in the order of their folded names, those that start with `prefix`.

        Names that do not begin with a to z, and personas without a name, come last.
        """
        ...

    def sale_refs(
        self, uid: Uid, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        """A record's sales, newest first, each with its position."""
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """Counts the rows of each kind that a commit wrote at `at`.

    `left`: personas who were members before and none of whose records belongs to a member now;
    `leavers`: the ids of those whom no setting let go. `changed`: records under which a persona,
    its figures or points were written. `withheld`: of the records told of, those whose latest
    telling is withheld. `out_of_market`: sales of shoppers whom the market filter leaves out.
    `held_seconds`: how long it held the account's commit lock, where that is
    known.
    """

    records: int = 0
    sales: int = 0
    personas: int = 0
    left: int = 0
    at: Instant = 0
    changed: int = 0
    leavers: tuple[str, ...] = ()
    out_of_market: int = 0
    withheld: tuple[str, ...] = ()
    held_seconds: float = 0.0
