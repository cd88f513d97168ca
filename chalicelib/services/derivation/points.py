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
from chalicelib.domain.ledger import (
    EXPIRY_PREFIX,
    IMPORT,
    Postings,
    expiry_cause,
    posted_total,
    settle_postings,
)
from chalicelib.domain.personas import Persona
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Day, Instant, Uid
from chalicelib.services.derivation.reach import Reach
from chalicelib.services.ports.facts import FactStore, LedgerRow, Writes

Evaluated = dict[SaleRef, tuple[str, Postings]]
"""Sales that are looked at, with the record they hang on and what they hold."""


class PointsSettlement:
    """The postings of one commit. `full`: look at everything of everybody touched."""

    def __init__(
        self, facts: FactStore, uid: Uid, closure: Reach, writes: Writes, *, full: bool
    ) -> None:
        self._facts = facts
        self._uid = uid
        self._closure = closure
        self._terms = closure.terms
        self._writes = writes
        self._full = full
        self._arrived: dict[str, dict[SaleRef, Postings]] = {}
        self._gone: dict[str, set[SaleRef]] = {}
        self._complete: dict[str, dict[SaleRef, Postings]] = {}

    def leave(self, rid: str, ref: SaleRef, held: Postings) -> None:
        """The sale is no longer there, or no longer this, under the record."""
        self._writes.pointers.setdefault((rid, ref), None)
        self._gone.setdefault(rid, set()).add(ref)
        self._earn(rid, -posted_total(held))

    def arrive(self, rid: str, ref: SaleRef, carried: Postings) -> None:
        """The sale is there now, with the entries it brings along."""
        self._writes.pointers[rid, ref] = carried
        self._arrived.setdefault(rid, {})[ref] = carried
        self._earn(rid, posted_total(carried))
        if ref.unlinked:
            points = self._closure.sales(rid).points
            latest = max(points.unlinked_at, ref.ordered_at)
            self._closure.replace_points(rid, points._replace(unlinked_at=latest))

    def know(self, rid: str, pointers: dict[SaleRef, Postings]) -> None:
        """All sales of the record, so that none is read again."""
        self._complete[rid] = pointers

    def all_of(self, rid: str) -> Iterable[SaleRef]:
        """Every stored sale of the record, read once."""
        if rid not in self._complete:
            self._complete[rid] = self._stored(rid, None, None)
        return self._complete[rid]

    def settle(self) -> None:
        """Post what differs, for everybody touched."""
        placed: set[str] = set()
        for component, persona in self._closure.components():
            ids = [record.id for record in component.records]
            placed.update(ids)
            self._settle_sales(ids, persona)
            self._settle_imports(component.records, persona)
        for rid in (self._arrived.keys() | self._complete.keys()) - placed:
            self._settle_sales([rid], None)

    def _settle_sales(self, ids: Sequence[str], persona: Persona | None) -> None:
        since = None if persona is None else persona.earn_from
        if since is None and not any(self._held(rid) for rid in ids):
            return
        arrived = [ref for rid in ids for ref in self._arrived.get(rid, ())]
        gone = [ref for rid in ids for ref in self._gone.get(rid, ())]
        before = None if persona is None else self._stands(persona)
        if before is not None:
            if not arrived and not gone:
                return
            if self._one_by_one(ids, arrived, gone, before):
                self._post(self._touched(ids, [*arrived, *gone]), since)
                return
        everything = self._everything(ids, persona)
        amounts = self._post(everything, since)
        self._note_unlinked(ids, everything)
        self._settle_expiries(ids, everything, amounts if since is not None else {})

    def _held(self, rid: str) -> bool:
        """Whether there is anything to take back. What expired stays when its sale has left."""
        points = self._closure.sales(rid).points
        return bool(points.earned or points.expired)

    def _stands(self, persona: Persona) -> Persona | None:
        """The persona as it was, when only the sales of this commit may change its points."""
        before = self._closure.persona_before(persona.id)
        if self._full or before is None:
            return None
        same = before.members == persona.members and before.earn_from == persona.earn_from
        return before if same else None

    def _one_by_one(
        self,
        ids: Sequence[str],
        arrived: Sequence[SaleRef],
        gone: Sequence[SaleRef],
        before: Persona,
    ) -> bool:
        """Whether what came and went changes no other day's sales."""
        touched = [*arrived, *gone]
        latest = max(self._closure.sales(rid).points.unlinked_at for rid in ids)
        if any(ref.unlinked or ref.ordered_at <= latest for ref in touched):
            return False
        after = self._terms.rules.loyalty.expire_after_days
        if after is None or gone:
            return after is None
        days = sorted({self._day(ref) for ref in arrived if ref.counts})
        if before.last_days:
            last = max(before.last_days.values())
            if self._terms.today - last > after:  # what it left has expired, perhaps too soon
                return False
            days.insert(0, last)
        steps = pairwise([*days, self._terms.today])
        return all(0 <= later - earlier <= after for earlier, later in steps)

    def _touched(self, ids: Sequence[str], touched: Sequence[SaleRef]) -> Evaluated:
        """What came; under a daily cap with the other sales of those days."""
        found = {ref: (rid, p) for rid in ids for ref, p in self._arrived.get(rid, {}).items()}
        if self._terms.rules.loyalty.max_orders_per_day is None:
            return found
        days = {self._day(ref) for ref in touched}
        first, last = (min(days) - 1) * DAY, (max(days) + 2) * DAY
        for ref, held in self._read(ids, first, last).items():
            if self._day(ref) in days:
                found.setdefault(ref, held)
        return found

    def _everything(self, ids: Sequence[str], persona: Persona | None) -> Evaluated:
        """All sales of these records that earn or may earn."""
        holding = any(self._closure.sales_before(rid).points.earned for rid in ids)
        first = None
        if persona is not None and persona.earn_from is not None and not (holding or self._full):
            rules = self._terms.rules
            since = loyalty.first_earning_day(persona.earn_from, persona.sources, rules)
            first = (since - 1) * DAY if since > 1 else None
        found = self._read(ids, first, None)
        for rid in ids:
            found.update((ref, (rid, p)) for ref, p in self._arrived.get(rid, {}).items())
        return found

    def _read(self, ids: Sequence[str], first: Instant | None, last: Instant | None) -> Evaluated:
        """Stored sales without those that this commit takes away or replaces."""
        found: Evaluated = {}
        for rid in ids:
            pointers = self._complete.get(rid)
            if pointers is None:
                pointers = self._stored(rid, first, last)
            gone = self._gone.get(rid, ())
            found.update((ref, (rid, p)) for ref, p in pointers.items() if ref not in gone)
        return found

    def _stored(
        self, rid: str, first: Instant | None, last: Instant | None
    ) -> dict[SaleRef, Postings]:
        sales = self._closure.sales_before(rid)
        latest = max(sales.summary.last_at or 0, sales.points.unlinked_at)
        if not (sales.points.earned or latest) or (first is not None and latest < first):
            return {}
        return self._facts.pointers(self._uid, rid, first, last)

    def _post(self, sales: Evaluated, since: Day | None) -> dict[SaleRef, int]:
        amounts = loyalty.earned_points(sales, since, self._terms)
        for ref, amount in amounts.items():
            rid, held = sales[ref]
            now_held = settle_postings(held, amount, self._terms.as_of)
            if now_held is held:
                continue
            self._writes.pointers[rid, ref] = now_held
            self._earn(rid, now_held[-1].amount)
        return amounts

    def _earn(self, rid: str, difference: int) -> None:
        if difference:
            points = self._closure.sales(rid).points
            earned = points.earned + difference
            self._closure.replace_points(rid, points._replace(earned=earned))

    def _note_unlinked(self, ids: Iterable[str], sales: Evaluated) -> None:
        for rid in ids:
            found = [r.ordered_at for r, (of, _) in sales.items() if r.unlinked and of == rid]
            points = self._closure.sales(rid).points
            latest = max(found, default=0 if self._full else points.unlinked_at)
            if latest != points.unlinked_at:
                self._closure.replace_points(rid, points._replace(unlinked_at=latest))

    def _settle_expiries(
        self, ids: Sequence[str], sales: Evaluated, amounts: dict[SaleRef, int]
    ) -> None:
        wanted: dict[str, dict[str, int]] = {rid: {} for rid in ids}
        for ref, amount in loyalty.expired_points(amounts, self._terms).items():
            cause = expiry_cause(ref.ordered_at, ref.scope, ref.ext_id)
            wanted[sales[ref][0]][cause] = amount
        for rid, causes in wanted.items():
            points = self._closure.sales(rid).points
            if not causes and not points.expired:
                continue
            rows = self._ledger(rid)
            held = {cause: row for cause, row in rows.items() if cause.startswith(EXPIRY_PREFIX)}
            for cause in {*held, *causes}:
                self._settle_cause(rid, cause, held.get(cause), causes.get(cause, 0))
            self._closure.replace_points(rid, points._replace(expired=sum(causes.values())))

    def _settle_imports(self, members: Sequence[SourceRecord], persona: Persona | None) -> None:
        if not self._terms.rules.sources:
            return
        for member in members:
            points = self._closure.sales(member.id).points
            amount = 0 if persona is None else loyalty.imported_points(member, self._terms)
            if amount == points.imported:
                continue
            self._settle_cause(member.id, IMPORT, self._ledger(member.id).get(IMPORT), amount)
            self._closure.replace_points(member.id, points._replace(imported=amount))

    def _settle_cause(self, rid: str, cause: str, row: LedgerRow | None, amount: int) -> None:
        row = row or LedgerRow()
        postings = settle_postings(row.postings, amount, self._terms.as_of)
        if postings is not row.postings:
            self._writes.ledger[rid, cause] = replace(row, postings=postings)

    def _ledger(self, rid: str) -> dict[str, LedgerRow]:
        """What is stored, and what this commit is about to write."""
        stored = self._facts.ledger(self._uid, rid)
        stored.update((cause, row) for (of, cause), row in self._writes.ledger.items() if of == rid)
        return stored

    def _day(self, ref: SaleRef) -> Day:
        return self._terms.day(ref.ordered_at, ref.store_key)
