"""Make every derived row that an intent names follow from the fact rows again."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.ledger import (
    ADJUSTMENT_PREFIX,
    EXPIRY_PREFIX,
    IMPORT,
    Postings,
    RecordPoints,
    posted_total,
)
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.words import Uid
from chalicelib.services.derivation.points import PointsSettlement
from chalicelib.services.derivation.reach import Reach
from chalicelib.services.derivation.sales import contribution, counted, sale_id
from chalicelib.services.ports.facts import (
    FactStore,
    Intent,
    LedgerRow,
    Returns,
    SaleId,
    StoredSale,
    Writes,
)


def recover(facts: FactStore, uid: Uid, intent: Intent, closure: Reach, derived: Writes) -> None:
    """Fill `derived` with what must be written; `closure` then holds all that was touched."""
    closure.load(intent.records)
    points = PointsSettlement(facts, uid, closure, derived, full=True)
    sales = facts.sales(uid, intent.sales) if intent.sales else {}
    returns = _true_returns(facts, uid, intent.sales, sales) if intent.sales else {}
    derived.returns = {sid: found or None for sid, found in returns.items()}
    _true_pointers(facts, uid, intent, sales, returns, closure, points, derived)
    closure.recover_members(intent.keys, intent.records, derived)
    closure.expand(intent.records)
    points.settle()
    derived.summaries = closure.sales_changes()
    derived.personas = closure.persona_changes()


def _true_returns(
    facts: FactStore, uid: Uid, ids: Iterable[SaleId], sales: dict[SaleId, StoredSale]
) -> dict[SaleId, Returns]:
    """What was given back of each of these sales, from the rows of the returns themselves."""
    told = facts.returns(uid, ids)
    named = {
        SaleId(sid.platform, sid.scope, ext_id) for sid, rows in told.items() for ext_id in rows
    }
    known = {**facts.sales(uid, named - sales.keys()), **sales}
    true: dict[SaleId, dict[str, int]] = {sid: {} for sid in told}
    for stored in known.values():
        original, amount = contribution(stored)
        if original is not None:
            true.setdefault(original, dict(told.get(original, {})))[stored.id.ext_id] = amount
    return {sid: counted(found) for sid, found in true.items()}


def _true_pointers(
    facts: FactStore,
    uid: Uid,
    intent: Intent,
    sales: dict[SaleId, StoredSale],
    returns: dict[SaleId, Returns],
    closure: Reach,
    points: PointsSettlement,
    derived: Writes,
) -> None:
    """The pointers, and what is summed of them and of the ledger: also of a commit that touched no
    sale, which may have posted without adding it up."""
    found = {rid: facts.pointers(uid, rid) for rid in intent.records}
    carried = _carried(found)
    for rid in intent.records:
        right = {
            ref: carried.get(sid, ())
            for sid, stored in sales.items()
            if stored.record == rid
            for ref in [_ref(stored, returns.get(sid, {}))]
        }
        kept = {ref: held for ref, held in found[rid].items() if sale_id(ref) not in sales}
        for ref in found[rid].keys() - kept.keys() - right.keys():
            derived.pointers[rid, ref] = None
        for ref, held in right.items():
            derived.pointers[rid, ref] = held
        everything = {**kept, **right}
        closure.replace_summary(rid, SalesSummary.rebuild(everything))
        closure.replace_points(rid, _held(everything, facts.ledger(uid, rid)))
        points.know(rid, everything)


def _carried(found: dict[str, dict[SaleRef, Postings]]) -> dict[SaleId, Postings]:
    """Each sale's entries; of a sale that was being moved, from where more of them are."""
    carried: dict[SaleId, Postings] = {}
    for pointers in found.values():
        for ref, held in pointers.items():
            sid = sale_id(ref)
            if len(held) >= len(carried.get(sid, ())):
                carried[sid] = held
    return carried


def _held(pointers: dict[SaleRef, Postings], ledger: dict[str, LedgerRow]) -> RecordPoints:
    def of(prefix: str) -> int:
        return sum(
            posted_total(r.postings) for cause, r in ledger.items() if cause.startswith(prefix)
        )

    return RecordPoints(
        earned=sum(posted_total(held) for held in pointers.values()),
        imported=of(IMPORT),
        expired=of(EXPIRY_PREFIX),
        adjusted=of(ADJUSTMENT_PREFIX),
        unlinked_at=max((ref.ordered_at for ref in pointers if ref.unlinked), default=0),
    )


def _ref(stored: StoredSale, returns: Returns) -> SaleRef:
    sid = stored.id
    return SaleRef.of(sid.platform, sid.scope, stored.sale, sum(returns.values()))
