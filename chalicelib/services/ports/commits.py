"""A commit to those who wait for it: its lock, its intent, what it writes, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from chalicelib.domain.id_ranges import SeenIds
from chalicelib.domain.identity import (
    MergeKey,
)
from chalicelib.domain.ledger import Postings
from chalicelib.domain.personas import Persona
from chalicelib.domain.pulled_facts import PulledFact
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.tombstones import Tombstone
from chalicelib.domain.words import Fence, Instant, Platform, ScopeId, Uid
from chalicelib.services.ports.stored_facts import (
    KeyCarriers,
    LedgerPlace,
    LedgerRow,
    RecordSales,
    Returns,
    SaleId,
    StoredRecord,
    StoredSale,
)


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


class LastCommit(NamedTuple):
    """The last commit of an account that has ended: all up to `fence` have. `is_logged`: the facts
    log has all that they stored."""

    fence: Fence
    is_logged: bool


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
