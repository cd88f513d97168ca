"""Take told sales up into a commit: their rows, pointers, summaries, and what returns give back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.ledger import Postings
from chalicelib.domain.records import Sale
from chalicelib.domain.sales_summary import SaleRef, SalesSummary, returned_amount
from chalicelib.domain.versions import is_newer, latest_versions
from chalicelib.domain.words import Instant, Minor, Platform, ScopeId, Uid
from chalicelib.services.derivation.points import PointsSettlement
from chalicelib.services.derivation.reach import Reach
from chalicelib.services.ports.facts import FactStore, Returns, SaleId, StoredSale, Writes

MOST_RETURNS = 500
"""Of one sale, so that they fit a row whatever their ids: a POS that names some sale for want of a
better would otherwise fill the row until the account can write nothing."""

Place = tuple[str, SaleRef]
"""(record, sale): where a pointer hangs."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a sale hung before this commit and where it does after; None for nowhere."""

    before: Place | None
    after: Place | None


@dataclass(slots=True)
class SalesTaken:
    """What came of told sales. `sales`: every sale whose derived rows may change; `records`: whose
    sales changed."""

    sales: set[SaleId] = field(default_factory=set)
    records: set[str] = field(default_factory=set)


class SalesIntake:
    def __init__(
        self, facts: FactStore, uid: Uid, closure: Reach, writes: Writes, points: PointsSettlement
    ) -> None:
        self._facts = facts
        self._uid = uid
        self._closure = closure
        self._writes = writes
        self._points = points

    def take(self, platform: Platform, scope: ScopeId, told: Sequence[Sale]) -> SalesTaken:
        """Store what is new among them."""
        timed = [self._timed(platform, scope, sale) for sale in told]
        versions = latest_versions((SaleId(platform, scope, sale.ext_id), sale) for sale in timed)
        known = self._facts.sales(self._uid, versions) if versions else {}
        fresh = {
            sid: StoredSale(sid, self._anchor(sid, sale), sale)
            for sid, sale in versions.items()
            if sid not in known or is_newer(sale, known[sid].sale)
        }
        return self._store(fresh, known) if fresh else SalesTaken()

    def retime(self, records: Iterable[str]) -> SalesTaken:
        """Move sales told without a zone to where the zones known today put them."""
        terms, moved = self._closure.terms, dict[SaleId, Instant]()
        for rid in records:
            for ref in self._points.all_of(rid):
                if ref.wall_clock is None or (rid, ref) in self._writes.pointers:
                    continue
                at = terms.at(ref.wall_clock, ref.store_key)
                if at != ref.ordered_at:
                    moved[sale_id(ref)] = at
        if not moved:
            return SalesTaken()
        known = self._facts.sales(self._uid, moved)
        fresh = {
            sid: replace(stored, sale=replace(stored.sale, ordered_at=moved[sid]))
            for sid, stored in known.items()
        }
        return self._store(fresh, known)

    def _timed(self, platform: Platform, scope: ScopeId, sale: Sale) -> Sale:
        if sale.wall_clock is None:
            return sale
        store_key = store_key_id(platform, scope, sale.store_key)
        at = self._closure.terms.at(sale.wall_clock, store_key)
        return sale if at == sale.ordered_at else replace(sale, ordered_at=at)

    def _store(
        self, fresh: Mapping[SaleId, StoredSale], known: dict[SaleId, StoredSale]
    ) -> SalesTaken:
        """`known`: as stored, of those that are."""
        self._writes.sales.update(fresh)
        before, after = self._returns(fresh, known)
        originals = after.keys() - fresh.keys()
        known.update(self._facts.sales(self._uid, originals - known.keys()))
        moves = [
            Moved(_place(known.get(sid), before.get(sid, {})), _place(now, after.get(sid, {})))
            for sid in {*fresh, *originals}
            if (now := fresh.get(sid) or known.get(sid)) is not None
        ]
        self._move([move for move in moves if move.before != move.after])
        records = {place[0] for m in moves for place in (m.before, m.after) if place}
        return SalesTaken({*fresh, *originals}, records)

    def _anchor(self, sid: SaleId, sale: Sale) -> str | None:
        if not sale.customer_ext_id:
            return None
        return record_id(self._uid, sid.platform, sid.scope, sale.customer_ext_id)

    def _returns(
        self, fresh: Mapping[SaleId, StoredSale], known: Mapping[SaleId, StoredSale]
    ) -> tuple[dict[SaleId, Returns], dict[SaleId, Returns]]:
        """What is given back of the told sales and of those that told returns name: before this
        commit, and after it."""
        changes: dict[SaleId, dict[str, Minor | None]] = {}
        for sid, stored in fresh.items():
            for version in (known.get(sid), stored):
                original, amount = contribution(version)
                if original is not None:
                    gone = version is not stored
                    changes.setdefault(original, {})[sid.ext_id] = None if gone else amount
        before = self._facts.returns(self._uid, {*fresh, *changes})
        after = dict(before)
        for original, given in changes.items():
            rows = {**before.get(original, {}), **given}
            after[original] = counted({e: back for e, back in rows.items() if back is not None})
            if after[original] != before.get(original, {}):
                self._writes.returns[original] = after[original] or None
        return before, after

    def _move(self, moves: Sequence[Moved]) -> None:
        places = [move.before for move in moves if move.before is not None]
        held = self._facts.postings(self._uid, places) if places else {}
        touched = {place[0] for m in moves for place in (m.before, m.after) if place}
        self._closure.load(touched)
        changes: dict[str, dict[SaleRef, bool]] = {}
        for move in moves:
            carried: Postings = held.get(move.before, ()) if move.before else ()
            if move.before is not None:
                self._points.leave(*move.before, carried)
            if move.after is not None:
                self._points.arrive(*move.after, carried)
            if not _summed_alike(move):
                for place, there in ((move.before, False), (move.after, True)):
                    if place is not None:
                        changes.setdefault(place[0], {})[place[1]] = there
        for rid in touched:
            self._summarise(rid, changes.get(rid, {}))

    def _summarise(self, rid: str, changes: Mapping[SaleRef, bool]) -> None:
        """Without a change the row still is noted: a first sale that does not count has one."""
        summary: SalesSummary | None = self._closure.sales(rid).summary
        for ref, there in sorted(changes.items(), key=lambda item: item[1]):
            if summary is not None:
                summary = summary.with_sale(ref) if there else summary.without_sale(ref)
        if summary is None:
            summary = SalesSummary.rebuild(self._refs_after(rid))
        self._closure.replace_summary(rid, summary)

    def _refs_after(self, rid: str) -> Iterable[SaleRef]:
        changes = {ref: held for (of, ref), held in self._writes.pointers.items() if of == rid}
        yield from (ref for ref in self._facts.pointers(self._uid, rid) if ref not in changes)
        yield from (ref for ref, held in changes.items() if held is not None)


def contribution(stored: StoredSale | None) -> tuple[SaleId | None, Minor]:
    """Of a final return that names its sale: that sale and what was given back of it."""
    if stored is None:
        return None, 0
    sale, sid = stored.sale, stored.id
    if not (sale.is_final and sale.kind == "return" and sale.original_ext_id):
        return None, 0
    return SaleId(sid.platform, sid.scope, sale.original_ext_id), returned_amount(sale)


def counted(returns: Returns) -> Returns:
    """The returns of a sale that count: those of the first ids, so that their order of arrival does
    not matter."""
    if len(returns) <= MOST_RETURNS:
        return returns
    return {ext_id: returns[ext_id] for ext_id in sorted(returns)[:MOST_RETURNS]}


def sale_id(ref: SaleRef) -> SaleId:
    return SaleId(ref.platform, ref.scope, ref.ext_id)


def _place(stored: StoredSale | None, returns: Returns) -> Place | None:
    if stored is None or stored.record is None:
        return None
    sid = stored.id
    return stored.record, SaleRef.of(sid.platform, sid.scope, stored.sale, sum(returns.values()))


def _summed_alike(move: Moved) -> bool:
    before, after = move.before, move.after
    if before is None or after is None or before[0] != after[0]:
        return False
    return before[1].summed_like(after[1])
