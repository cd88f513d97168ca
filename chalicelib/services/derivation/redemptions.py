"""Take a discount for a shopper's points, and give them back: facts in the ledger of one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ledger import REDEMPTION_PREFIX, settle_postings
from chalicelib.domain.personas import Persona
from chalicelib.domain.redemptions import Redemption, record_of, sum_redemptions
from chalicelib.domain.words import Instant, Points
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.reach import reach
from chalicelib.services.ports.stored_facts import LedgerRow

Judge = Callable[["Purse"], Redemption]
"""Returns what is to be redeemed, a redemption of the purse where that is the same one. Raises what
refuses it."""


class ExpiryDue(Exception):
    """Points of the shopper expired, and no commit has taken them yet: derive `records` first."""

    def __init__(self, records: tuple[str, ...]) -> None:
        super().__init__("points that expired are still in the balance")
        self.records = records


@dataclass(frozen=True, slots=True)
class Purse:
    """A shopper's points at this moment, under the account's lock.

    `redemptions`: all that any record of theirs has, those given back too. `zone`: the account's.
    """

    persona: Persona
    points: Points
    redemptions: tuple[Redemption, ...]
    now: Instant
    zone: str


def redeem(
    commit: Commit, record: str, redemption: str, judge: Judge, *, is_settled: bool = False
) -> Redemption:
    """Have the record redeem what `judge` returns, unless it has a redemption of this id.

    `is_settled`: what expired by today was just derived.
    Raises NotFound where the record is nobody's, ExpiryDue, and whatever `judge` raises.
    """
    [ledger] = commit.ledgers([record])
    stored = ledger.get(f"{REDEMPTION_PREFIX}{redemption}")
    if stored is not None and stored.redemption is not None:
        return _first_answer(commit, stored.redemption)
    purse = read_purse(commit, record, is_settled=is_settled)
    wanted = judge(purse)
    if wanted not in purse.redemptions:
        put_redemption(commit, record, wanted, ledger)
        _note_spent(commit, purse.persona, record, wanted.price)
    elif wanted.id != redemption:
        _put_used(commit, record, redemption, wanted)
    return wanted


def refund(
    commit: Commit, record: str, redemption: str, judge: Callable[[Redemption], None], by: str
) -> Redemption:
    """Give the points of a redemption back, once. Raises NotFound, and whatever `judge` raises
    where they have not been given back."""
    [ledger] = commit.ledgers([record])
    stored = ledger.get(f"{REDEMPTION_PREFIX}{redemption}")
    if stored is None or stored.redemption is None or stored.redemption.same_as:
        raise NotFound("There is no such redemption.")
    judge(stored.redemption)
    if not stored.redemption.counts:
        return stored.redemption
    refunded = replace(stored.redemption, refunded_at=commit.terms.as_of, refunded_by=by)
    put_redemption(commit, record, refunded, ledger)
    if commit.terms.rules.loyalty.expire_after_days is not None:
        commit.full = True  # what expires is derived as if the points had stayed (S25)
    return refunded


def _put_used(commit: Commit, record: str, redemption: str, first: Redemption) -> None:
    """Note that this id was answered with an earlier redemption, which it gets from now on, told
    the order or not. It takes no points and counts for nothing."""
    now = commit.terms.as_of
    used = replace(
        first,
        id=redemption,
        at=now,
        sale="",
        refunded_at=now,
        refunded_by="same order",
        same_as=first.id,
    )
    cause = f"{REDEMPTION_PREFIX}{redemption}"
    commit.writes.ledger[record, cause] = LedgerRow((), used.name, used.actor, used)
    commit.seeds.add(record)


def _first_answer(commit: Commit, stored: Redemption) -> Redemption:
    if not stored.same_as:
        return stored
    [ledger] = commit.ledgers([record_of(stored.same_as) or ""])
    row = ledger.get(f"{REDEMPTION_PREFIX}{stored.same_as}")
    return stored if row is None or row.redemption is None else row.redemption


def put_redemption(
    commit: Commit, record: str, redemption: Redemption, ledger: Mapping[str, LedgerRow]
) -> None:
    """Write the fact with the entry that makes the ledger hold its amount."""
    cause = f"{REDEMPTION_PREFIX}{redemption.id}"
    row = ledger.get(cause, LedgerRow())
    postings = settle_postings(row.postings, redemption.amount, commit.terms.as_of)
    after = LedgerRow(postings, redemption.name, redemption.actor, redemption)
    commit.writes.ledger[record, cause] = after
    counted = row.redemption is not None and row.redemption.counts
    if redemption.counts != counted:
        redeemed = commit.writes.redeemed
        step = 1 if redemption.counts else -1
        redeemed[redemption.discount] = redeemed.get(redemption.discount, 0) + step
    facts = [each.redemption for each in {**ledger, cause: after}.values()]
    commit.put_redeemed(record, sum_redemptions([each for each in facts if each is not None]))
    if postings is not row.postings:
        points = commit.sales(record).points
        adjusted = points.adjusted + postings[-1].amount
        commit.put_points(record, points._replace(adjusted=adjusted))
    commit.seeds.add(record)


def read_purse(commit: Commit, record: str, *, is_settled: bool) -> Purse:
    """Read what the shopper of a record has.

    Raises NotFound where the record is nobody's, ExpiryDue unless `is_settled`.
    """
    commit.load([record])
    if commit.record_row(record) is None:
        raise NotFound("There is no such persona.")
    commit.seeds.add(record)
    reach(commit)
    persona = next((p for p in commit.personas() if record in p.members), None)
    if persona is None:
        raise NotFound("There is no such persona.")
    stored = commit.persona_before(persona.id)
    ends = None if stored is None else stored.figures.expires_on
    if ends is not None and ends <= commit.terms.today and not is_settled:
        raise ExpiryDue(persona.members)
    ledgers = commit.ledgers(persona.members)
    facts = [row.redemption for ledger in ledgers for row in ledger.values()]
    return Purse(
        persona=persona,
        points=sum(commit.sales(rid).points.total for rid in persona.members),
        redemptions=tuple([each for each in facts if each is not None]),
        now=commit.terms.as_of,
        zone=commit.terms.zone,
    )


def _note_spent(commit: Commit, persona: Persona, record: str, price: Points) -> None:
    """Earned points go first, where they may expire; not those of a purchase dated after now."""
    if commit.terms.rules.loyalty.expire_after_days is None:
        return
    if _may_have_bought_later(commit, persona):
        commit.full = True
        return
    held = [commit.sales(rid).points for rid in persona.members]
    left = sum(points.earned + points.expired - points.spent for points in held)
    spent = commit.sales(record).points.spent + min(max(0, left), price)
    commit.put_spent({record: spent})


def _may_have_bought_later(commit: Commit, persona: Persona) -> bool:
    """Whether a purchase is dated after this moment, by a clock ahead or in a zone further east."""
    latest = [commit.sales(rid).summary.last_at for rid in persona.members]
    days = persona.last_days.values()
    return max([at for at in latest if at is not None], default=0) > commit.terms.as_of or (
        max(days, default=commit.terms.today) > commit.terms.today
    )
