"""Make the ledger hold what the facts are worth, reading as little as possible (product.md §8).

A new sale of a member is judged by itself: nothing else is read. Everything a person ever bought is
read again only when it may be worth something else now: membership, merges, rules, an unlinked
return, an expiry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from chalicelib.domain import loyalty
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ledger import EXPIRY_PREFIX, IMPORT, Postings, expiry_cause, settle_postings
from chalicelib.domain.personas import Persona
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Day, Instant
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.facts import LedgerRow

JudgedSales = dict[SaleRef, tuple[str, Postings]]
"""Sales whose worth is decided, with the record they hang on and the entries they hold."""


def settle_points(commit: Commit) -> None:
    """Post what the facts are worth beyond what the ledger holds, for everybody reached."""
    placed: set[str] = set()
    for component, persona in commit.components:
        ids = [record.id for record in component.records]
        placed.update(ids)
        _settle_sales(commit, ids, persona)
        _settle_imports(commit, component.records, persona)
    for rid in (commit.added.keys() | commit.fully_read()) - placed:
        _settle_sales(commit, [rid], None)


def _settle_sales(commit: Commit, ids: Sequence[str], persona: Persona | None) -> None:
    earn_from = None if persona is None else persona.earn_from
    if earn_from is None and not any(_holds_points(commit, rid) for rid in ids):
        return
    before = None if persona is None else _persona_alike(commit, persona)
    if before is not None:
        added = [ref for rid in ids for ref in commit.added.get(rid, ())]
        removed = [ref for rid in ids for ref in commit.removed.get(rid, ())]
        if not added and not removed:
            return
        if _leaves_other_days_alone(commit, ids, added, removed, before):
            _post(commit, _changed_sales(commit, ids, [*added, *removed]), earn_from)
            return
    sales = _all_sales(commit, ids, persona)
    amounts = _post(commit, sales, earn_from)
    _note_unlinked(commit, ids, sales)
    _settle_expiries(commit, ids, sales, amounts if earn_from is not None else {})


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
    if any(ref.unlinked or ref.ordered_at <= latest for ref in [*added, *removed]):
        return False
    terms = commit.terms
    if terms.rules.loyalty.max_orders_per_day is not None and any(
        ref.ordered_at < latest + 2 * DAY for ref in [*added, *removed]
    ):  # a return of the same day may take from sales of other days too
        return False
    expire_after = terms.rules.loyalty.expire_after_days
    if expire_after is None or removed:
        return expire_after is None
    days = sorted({terms.day(ref.ordered_at, ref.store_key) for ref in added if ref.counts})
    if before.last_days:
        last = max(before.last_days.values())
        if terms.today - last > expire_after:  # what it left has expired, perhaps too soon
            return False
        days.insert(0, last)
    steps = pairwise([*days, terms.today])
    return all(0 <= later - earlier <= expire_after for earlier, later in steps)


def _changed_sales(commit: Commit, ids: Sequence[str], changed: Sequence[SaleRef]) -> JudgedSales:
    """The sales that came; under a daily cap also every other sale of the changed days."""
    sales = _added_sales(commit, ids)
    if commit.terms.rules.loyalty.max_orders_per_day is None:
        return sales
    days = {commit.terms.day(ref.ordered_at, ref.store_key) for ref in changed}
    first, last = (min(days) - 1) * DAY, (max(days) + 2) * DAY
    for ref, sale in _stored_sales(commit, ids, first, last).items():
        if commit.terms.day(ref.ordered_at, ref.store_key) in days:
            sales.setdefault(ref, sale)
    return sales


def _all_sales(commit: Commit, ids: Sequence[str], persona: Persona | None) -> JudgedSales:
    """All sales of these records that earn or may earn."""
    earned = any(commit.sales_before(rid).points.earned for rid in ids)
    first = None
    if persona is not None and persona.earn_from is not None and not (earned or commit.full):
        rules = commit.terms.rules
        day = loyalty.first_earning_day(persona.earn_from, persona.sources, rules)
        first = (day - 1) * DAY if day > 1 else None
    return _stored_sales(commit, ids, first, None) | _added_sales(commit, ids)


def _added_sales(commit: Commit, ids: Sequence[str]) -> JudgedSales:
    return {
        ref: (rid, postings) for rid in ids for ref, postings in commit.added.get(rid, {}).items()
    }


def _stored_sales(
    commit: Commit, ids: Sequence[str], first: Instant | None, last: Instant | None
) -> JudgedSales:
    """Stored sales without those that this commit takes away or replaces."""
    sales: JudgedSales = {}
    for rid in ids:
        removed = commit.removed.get(rid, ())
        pointers = commit.pointers_between(rid, first, last)
        sales.update((ref, (rid, p)) for ref, p in pointers.items() if ref not in removed)
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


def _settle_expiries(
    commit: Commit, ids: Sequence[str], sales: JudgedSales, amounts: dict[SaleRef, int]
) -> None:
    """Make each record's expiry causes hold what expired, and nothing under any other."""
    expired: dict[str, dict[str, int]] = {rid: {} for rid in ids}
    for ref, amount in loyalty.expired_points(amounts, commit.terms).items():
        cause = expiry_cause(ref.ordered_at, ref.scope, ref.ext_id)
        expired[sales[ref][0]][cause] = amount
    for rid, causes in expired.items():
        points = commit.sales(rid).points
        if not causes and not points.expired:
            continue
        rows = commit.facts.ledger(commit.uid, rid)
        stored = {cause for cause in rows if cause.startswith(EXPIRY_PREFIX)}
        for cause in stored | causes.keys():
            _settle_cause(commit, rid, cause, rows.get(cause), causes.get(cause, 0))
        commit.put_points(rid, points._replace(expired=sum(causes.values())))


def _settle_imports(
    commit: Commit, records: Sequence[SourceRecord], persona: Persona | None
) -> None:
    """Make each record's import cause hold the points that the POS showed."""
    if not commit.terms.rules.sources:
        return
    for record in records:
        points = commit.sales(record.id).points
        amount = 0 if persona is None else loyalty.imported_points(record, commit.terms)
        if amount != points.imported:
            row = commit.facts.ledger(commit.uid, record.id).get(IMPORT)
            _settle_cause(commit, record.id, IMPORT, row, amount)
            commit.put_points(record.id, points._replace(imported=amount))


def _settle_cause(commit: Commit, rid: str, cause: str, row: LedgerRow | None, amount: int) -> None:
    row = row or LedgerRow()
    postings = settle_postings(row.postings, amount, commit.terms.as_of)
    if postings is not row.postings:
        commit.writes.ledger[rid, cause] = replace(row, postings=postings)
