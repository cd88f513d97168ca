"""Changes of the rules: previewed, applied at once, worked off by a job (product.md §7, §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.personas import Persona
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.rules import Rules
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant, JobState, Points, PreviewState, Uid
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.stored_facts import RecordSales

LOYALTY = "loyalty"
"""The subject of a change of the account's loyalty rules."""
ACCOUNT = "account"
"""The subject of a change of what the account's personas follow from."""
STORE = "store:"
"""Begins the subject of a change of a store, before its number. Other subjects are platforms."""

Values = Mapping[str, object]
"""Setting → its new value as JSON has it: an ISO day, a bool, a number, a text, or None."""


class BalanceChange(NamedTuple):
    """`persona` is the contactID; points in hundredths."""

    persona: str
    before: Points
    after: Points


@dataclass(frozen=True, slots=True)
class PreviewCounts:
    """What a change would do. `points`: by how much all balances together would change;
    `largest`: the ten balances that change most; `opt_ins`: numbers and addresses that a trusted
    flag would opt in; `earned_twice`: sales that earn and are in the imported balances too;
    `doubled`: sales that would earn, but look like one that another POS tells; `out_of_market` and
    `back_in_market`: contacts that *Sync to relevant market* would leave out, or take up again;
    `joined`: personas that would become part of another; `split`: those that would be more where
    one comes apart; `dropped`: those that would be shown no more for want of a contact."""

    personas: int = 0
    enrolled: int = 0
    lost: int = 0
    messages: int = 0
    opt_ins: int = 0
    balances: int = 0
    points: Points = 0
    largest: tuple[BalanceChange, ...] = ()
    earned_twice: int = 0
    doubled: int = 0
    out_of_market: int = 0
    back_in_market: int = 0
    joined: int = 0
    split: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """A change that somebody wants, and how far its effect is counted.

    It stands for exactly `changes`, at the versions it was made at; `settings_version` is that of
    the card, account or store, 0 for loyalty rules. `secret` makes its token. `after` is the
    position of the count, `hop` the message that goes on with it, `seq` the row's version.
    """

    id: str
    uid: Uid
    subject: str
    changes: Values
    rules_version: int
    settings_version: int
    secret: str
    made_at: Instant
    state: PreviewState = "counting"
    counts: PreviewCounts = field(default_factory=PreviewCounts)
    after: str | None = None
    hop: int = 0
    ready_at: Instant | None = None
    used: bool = False
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """The background work after a change. Ids sort by the order in which changes were applied; new
    derivations (`work_`) stand apart.

    `total` is as counted before; `changed` counts shoppers whose row of membership or points
    changed, `left` those who are no longer members.
    """

    id: str
    uid: Uid
    subject: str
    rules_version: int
    actor: str
    changes: Values
    before: Values
    made_at: Instant
    total: int = 0
    state: JobState = "queued"
    done: int = 0
    changed: int = 0
    left: int = 0
    after: str | None = None
    hop: int = 0
    heartbeat_at: Instant | None = None
    ended_at: Instant | None = None
    seq: int = 0


def job_id(rules_version: int) -> str:
    """Each applied change has a version of the rules to itself, so the id tells the order."""
    return f"job_{rules_version:010d}"


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """Everything that the transaction of one change writes.

    `rules` and `integration` at the versions they were read at; `preview` None for a change that
    needs none.
    """

    rules: Rules
    job: Job
    audit: AuditEntry
    integration: Integration | None = None
    preview: Preview | None = None


class ChangedMeanwhile(Exception):
    """The rules were changed, or the preview used, since they were read."""


class Changes(Protocol):
    """Stores previews, applied changes and their jobs."""

    def save_preview(self, preview: Preview) -> Preview:
        """Save at `seq` + 1; seq 0 means new. Raises StaleVersion."""
        ...

    def preview(self, uid: Uid, preview: str) -> Preview:
        """Raises NotFound."""
        ...

    def live_preview(self, uid: Uid, subject: str) -> str | None:
        """Return the id of the subject's latest preview; None where nothing is known of one."""
        ...

    def make_live(self, preview: Preview, now: Instant, until: Instant) -> bool:
        """Make it the subject's live preview: an older one is counted no further.

        Returns whether the request may count it, until `until` at the latest: one request of an
        account counts at a time.
        """
        ...

    def end_counting(self, preview: Preview) -> None:
        """Let another request of the account count, after `make_live` let this one."""
        ...

    def apply(self, applied: AppliedChange) -> None:
        """Write all of it or nothing.

        Raises StaleVersion when the card was changed meanwhile, else ChangedMeanwhile.
        """
        ...

    def save_job(self, job: Job) -> Job:
        """Save at `seq` + 1. Raises StaleVersion."""
        ...

    def job(self, uid: Uid, job: str) -> Job:
        """Raises NotFound."""
        ...

    def latest_job(self, uid: Uid) -> Job | None:
        """The job of the change that was applied last."""
        ...


class PreviewReads(Protocol):
    """What counting reads: eventually consistent, at half the price."""

    def personas(self, uid: Uid, ids: Iterable[str]) -> list[Persona]:
        """The stored personas, with figures."""
        ...

    def with_sales(self, uid: Uid, ids: Iterable[str]) -> list[tuple[Persona, RecordSales]]:
        """The same, each with the sales of the record it is shown under: they are read anyway."""
        ...

    def records(self, uid: Uid, ids: Iterable[str]) -> dict[str, SourceRecord]: ...

    def sales(self, uid: Uid, ids: Iterable[str]) -> dict[str, RecordSales]: ...

    def refs(self, uid: Uid, record: str, since: Instant) -> list[SaleRef]:
        """A record's sales from `since` on."""
        ...

    def redemptions(self, uid: Uid, record: str) -> list[Redemption]:
        """Return what a record redeemed, given back or not."""
        ...


class Askable(Protocol):
    """Whom AIQ may ask for SMS consent, as far as the consent log tells."""

    def askable(self, uid: Uid, numbers: Sequence[str]) -> int:
        """Count how many of these E.164 numbers may be asked."""
        ...
