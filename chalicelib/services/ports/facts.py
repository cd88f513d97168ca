"""The store of facts, as a commit reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chalicelib.domain.id_ranges import SeenIds
from chalicelib.domain.identity import (
    MergeKey,
)
from chalicelib.domain.ledger import Postings
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.words import Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.commits import CommitLock, Intent, Writes
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.stored_facts import (
    KeyCarriers,
    LedgerRow,
    RecordRows,
    Returns,
    SaleId,
    StoredSale,
)


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

    def listed_records(self, uid: Uid, records: Sequence[str]) -> set[str]:
        """Return the records that a POS listed itself; of the others it told by a sale at most."""
        ...

    def seen_ids(self, uid: Uid, platform: Platform, scope: ScopeId) -> SeenIds:
        """Return the ranges in which all ids of the scope lie that have a row."""
        ...

    def rows_and_carriers(
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
        """Return what was given back of each of these sales, known to AIQ or not.

        Sales of which nothing was given back are missing.
        """
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
