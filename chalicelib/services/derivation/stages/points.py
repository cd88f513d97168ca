"""Make the ledger hold what the facts are worth, reading as little as possible (product.md §8).

A new sale of a member is judged by itself: nothing else is read. Everything a person ever bought is
read again only when it may be worth something else now: membership, merges, rules, an unlinked
return, an expiry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from chalicelib.domain import loyalty
from chalicelib.domain.ledger import EXPIRY_PREFIX, IMPORT, Postings, expiry_cause, settle_postings
from chalicelib.domain.personas import Persona
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Day
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.facts import SalesSpan
from chalicelib.services.ports.stored_facts import LedgerRow

READ_AT_ONCE = 32
"""Shoppers whose sales are read and held together: all of them may be more than a worker holds."""

JudgedSales = dict[SaleRef, tuple[str, Postings]]
"""Sales whose worth is decided, with the record they hang on and the entries they hold."""


@dataclass(frozen=True, slots=True)
class SalesToJudge:
    """The sales of one shopper that may be worth something else now.

    `records`: ids. `spans`: the stored sales to look at beside those that came. `days`: only the
    sales of these days are looked at; None: all sales are, with unlinked returns and expiries.
    """

    records: Sequence[str]
    earn_from: Day | None
    spans: Sequence[SalesSpan]
    days: AbstractSet[Day] | None = None


def settle_points(commit: Commit) -> None:
    """Post what the facts are worth beyond what the ledger holds, for everybody reached."""
    expiries: dict[str, dict[str, int]] = {}
    to_judge = _sales_to_judge(commit)
    while batch := list(islice(to_judge, READ_AT_ONCE)):
        _judge(commit, batch, expiries)
    _settle_causes(commit, expiries, _imports_that_differ(commit))


def _sales_to_judge(commit: Commit) -> Iterator[SalesToJudge]:
    placed: set[str] = set()
    for component, persona in commit.components:
        ids = [record.id for record in component.records]
        placed.update(ids)
        if (sales := _sales_of(commit, ids, persona)) is not None:
            yield sales
    for rid in (commit.added.keys() | commit.fully_read()) - placed:
        if (sales := _sales_of(commit, [rid], None)) is not None:
            yield sales


def _sales_of(commit: Commit, ids: Sequence[str], persona: Persona | None) -> SalesToJudge | None:
    earn_from = None if persona is None else persona.earn_from
    if earn_from is None and not any(_holds_points(commit, rid) for rid in ids):
        return None
    before = None if persona is None else _persona_alike(commit, persona)
    if before is not None:
        added = [ref for rid in ids for ref in commit.added.get(rid, ())]
        removed = [ref for rid in ids for ref in commit.removed.get(rid, ())]
        if not added and not removed:
            return None
        if _leaves_other_days_alone(commit, ids, added, removed, before):
            return _changed_sales(commit, ids, earn_from, [*added, *removed])
    return _all_sales(commit, ids, persona, earn_from)


def _judge(
    commit: Commit, batch: Sequence[SalesToJudge], expiries: dict[str, dict[str, int]]
) -> None:
    """Make each sale hold what it earns. Adds to `expiries`, by record and cause, what expired of
    each record that is judged whole."""
    stored = iter(commit.pointers_in([span for each in batch for span in each.spans]))
    for each in batch:
        sales = _with_stored(commit, each, stored)
        amounts = _post(commit, sales, each.earn_from)
        if each.days is None:
            _note_unlinked(commit, each.records, sales)
            expired: dict[str, dict[str, int]] = {rid: {} for rid in each.records}
            spent: Mapping[str, int] = {}
            if each.earn_from is not None:
                spent = _add_expired(commit, sales, amounts, expired)
            commit.put_spent({rid: spent.get(rid, 0) for rid in each.records})
            expiries |= expired


def _holds_points(commit: Commit, rid: str) -> bool:
    """Whether there is anything to take back. What expired stays when its sale has left."""
    points = commit.sales(rid).points
    return bool(points.earned or points.expired)


def _persona_alike(commit: Commit, persona: Persona) -> Persona | None:
    """The stored persona, when only the sales of this commit may change its points."""
    before = commit.persona_before(persona.id)
    if commit.full or before is None:
        return None
    alike = before.members == persona.members and before.earn_from == persona.earn_from
    return before if alike else None


def _leaves_other_days_alone(
    commit: Commit,
    ids: Sequence[str],
    added: Sequence[SaleRef],
    removed: Sequence[SaleRef],
    before: Persona,
) -> bool:
    """Whether the sales that come and go change the worth of no sale on another day."""
    latest = max(commit.sales(rid).points.unlinked_at for rid in ids)
    if commit.terms.rules.loyalty.expire_after_days is not None:
        # The redemption may have spent points of a sale that arrives only now.
        redeemed = [each.last_at + 2 * DAY for rid in ids for each in commit.sales(rid).redeemed]
        latest = max([latest, *redeemed])
    if any(ref.unlinked or ref.ordered_at <= latest for ref in [*added, *removed]):
        return False
    terms, changed = commit.terms, [*added, *removed]
    if _judges_whole_days(commit, changed) and any(
        ref.ordered_at < latest + 2 * DAY for ref in changed
    ):  # a return of the same day may take from sales of other days too
        return False
    expire_after = terms.rules.loyalty.expire_after_days
    if expire_after is None or removed:
        return expire_after is None
    days = {terms.day(ref.ordered_at, ref.store_key) for ref in added if ref.counts}
    if before.last_days:
        last = max(before.last_days.values())
        if terms.today - last > expire_after:  # points expired since, perhaps too early
            return False
        if any(commit.sales(rid).points.expired for rid in ids) and min(days, default=last) < last:
            return False  # a purchase between two others may bring back what expired between them
        days.add(last)
    # Sales between these days only make the gaps smaller.
    steps = pairwise([*sorted(days), terms.today])
    return all(0 <= later - earlier <= expire_after for earlier, later in steps)


def _judges_whole_days(commit: Commit, changed: Sequence[SaleRef]) -> bool:
    """Whether the worth of these sales hangs on the others of their days."""
    terms = commit.terms
    rules = terms.rules
    return rules.loyalty.max_orders_per_day is not None or (
        bool(rules.switches)
        and any(
            rules.may_double(ref.platform, terms.day(ref.ordered_at, ref.store_key))
            for ref in changed
        )
    )


def _changed_sales(
    commit: Commit, ids: Sequence[str], earn_from: Day | None, changed: Sequence[SaleRef]
) -> SalesToJudge:
    """The sales that came; under a daily cap, or while they may be doubled, also every other sale
    of the changed days."""
    if not _judges_whole_days(commit, changed):
        return SalesToJudge(ids, earn_from, (), frozenset())
    days = {commit.terms.day(ref.ordered_at, ref.store_key) for ref in changed}
    first, last = (min(days) - 1) * DAY, (max(days) + 2) * DAY
    return SalesToJudge(ids, earn_from, [SalesSpan(rid, first, last) for rid in ids], days)


def _all_sales(
    commit: Commit, ids: Sequence[str], persona: Persona | None, earn_from: Day | None
) -> SalesToJudge:
    """All sales of these records that earn or may earn."""
    earned = any(commit.sales_before(rid).points.earned for rid in ids)
    first = None
    if persona is not None and earn_from is not None and not (earned or commit.full):
        day = loyalty.first_earning_day(earn_from, persona.sources, commit.terms.rules)
        first = (day - 1) * DAY if day > 1 else None
    return SalesToJudge(ids, earn_from, [SalesSpan(rid, first) for rid in ids])


def _with_stored(
    commit: Commit, to_judge: SalesToJudge, stored: Iterator[Mapping[SaleRef, Postings]]
) -> JudgedSales:
    """The sales that came, and those stored that this commit neither takes away nor replaces."""
    sales: JudgedSales = {}
    terms, days = commit.terms, to_judge.days
    for span in to_judge.spans:
        removed = commit.removed.get(span.record, ())
        for ref, held in next(stored).items():
            if ref in removed or (
                days is not None and terms.day(ref.ordered_at, ref.store_key) not in days
            ):
                continue
            sales[ref] = span.record, held
    for rid in to_judge.records:
        sales.update((ref, (rid, held)) for ref, held in commit.added.get(rid, {}).items())
    return sales


def _post(commit: Commit, sales: JudgedSales, earn_from: Day | None) -> dict[SaleRef, int]:
    """Make each sale hold what it earns; returns the amounts."""
    amounts = loyalty.earned_points(sales, earn_from, commit.terms)
    for ref, amount in amounts.items():
        rid, held = sales[ref]
        postings = settle_postings(held, amount, commit.terms.as_of)
        if postings is not held:
            commit.writes.pointers[rid, ref] = postings
            commit.add_earned(rid, postings[-1].amount)
    return amounts


def _note_unlinked(commit: Commit, ids: Iterable[str], sales: JudgedSales) -> None:
    """Keep on each record when its latest unlinked return was."""
    for rid in ids:
        instants = [ref.ordered_at for ref, (of, _) in sales.items() if ref.unlinked and of == rid]
        points = commit.sales(rid).points
        latest = max(instants, default=0 if commit.full else points.unlinked_at)
        if latest != points.unlinked_at:
            commit.put_points(rid, points._replace(unlinked_at=latest))


def _add_expired(
    commit: Commit,
    sales: JudgedSales,
    amounts: Mapping[SaleRef, int],
    expired: dict[str, dict[str, int]],
) -> Mapping[str, int]:
    """Add what expired by record and cause, and return what was spent of the earned by record."""
    spendings = _spendings(commit, expired) if commit.terms.rules.loyalty.expire_after_days else ()
    gone = loyalty.expire(amounts, spendings, commit.terms)
    for ref, amount in gone.points.items():
        cause = expiry_cause(ref.ordered_at, ref.scope, ref.ext_id)
        expired[sales[ref][0]][cause] = amount
    return gone.spent


def _spendings(commit: Commit, rids: Iterable[str]) -> list[loyalty.Spending]:
    """Return what these records redeemed and did not get back."""
    redeemed = [rid for rid in rids if commit.sales(rid).redeemed]
    return [
        loyalty.Spending(each.at, each.price, rid)
        for rid, ledger in zip(redeemed, commit.ledgers(redeemed), strict=True)
        for row in ledger.values()
        if (each := row.redemption) is not None and each.counts
    ]


def _imports_that_differ(commit: Commit) -> dict[str, int]:
    """By record, the points that the POS showed, where its import cause holds another amount."""
    if not commit.terms.rules.sources:
        return {}
    differing = {}
    for component, persona in commit.components:
        for record in component.records:
            amount = 0 if persona is None else loyalty.imported_points(record, commit.terms)
            if amount != commit.sales(record.id).points.imported:
                differing[record.id] = amount
    return differing


def _settle_causes(
    commit: Commit, expiries: Mapping[str, Mapping[str, int]], imports: Mapping[str, int]
) -> None:
    """Make each record's expiry causes hold what expired, and nothing under any other; and its
    import cause the points that the POS showed."""
    expiring = [
        rid for rid, causes in expiries.items() if causes or commit.sales(rid).points.expired
    ]
    rids = sorted({*expiring, *imports})
    if not rids:
        return
    ledgers = dict(zip(rids, commit.ledgers(rids), strict=True))
    for rid in expiring:
        rows, causes = ledgers[rid], expiries[rid]
        stored = {cause for cause in rows if cause.startswith(EXPIRY_PREFIX)}
        for cause in stored | causes.keys():
            _settle_cause(commit, rid, cause, rows.get(cause), causes.get(cause, 0))
        points = commit.sales(rid).points
        commit.put_points(rid, points._replace(expired=sum(causes.values())))
    for rid, amount in imports.items():
        _settle_cause(commit, rid, IMPORT, ledgers[rid].get(IMPORT), amount)
        commit.put_points(rid, commit.sales(rid).points._replace(imported=amount))


def _settle_cause(commit: Commit, rid: str, cause: str, row: LedgerRow | None, amount: int) -> None:
    row = row or LedgerRow()
    postings = settle_postings(row.postings, amount, commit.terms.as_of)
    if postings is not row.postings:
        commit.writes.ledger[rid, cause] = replace(row, postings=postings)
