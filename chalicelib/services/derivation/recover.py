"""Rebuild the derived rows that a crashed commit may have left half written, from the fact rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from chalicelib.domain.ledger import (
    ADJUSTMENT_PREFIX,
    EXPIRY_PREFIX,
    IMPORT,
    REDEMPTION_PREFIX,
    Postings,
    RecordPoints,
    posted_total,
)
from chalicelib.domain.redemptions import sum_redemptions
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.returns import (
    ANY_SCOPE,
    counted_returns,
    crossing_key,
    in_any_scope,
    return_id,
    returned_sale,
    scopes_row,
    with_crossing,
)
from chalicelib.services.derivation.stages.carriers import recover_carriers
from chalicelib.services.derivation.stages.facts_log import log_facts
from chalicelib.services.ports.commits import Intent
from chalicelib.services.ports.facts import SalesSpan
from chalicelib.services.ports.stored_facts import LedgerRow, Returns, SaleId, StoredSale


def recover(commit: Commit, intent: Intent) -> None:
    """Fill `commit` with the sales, returns and carriers of the intent as the fact rows say them,
    and make its records the seeds. All its facts are logged once more: the crash may have come
    between a fact and the log."""
    commit.load(intent.records)
    sales: dict[SaleId, StoredSale] = {}
    returns: dict[SaleId, Returns] = {}
    if intent.sales:
        sales = commit.facts.sales(commit.uid, intent.sales)
        rows = _returns(commit, intent.sales, sales)
        commit.writes.returns = {sid: held or None for sid, held in rows.items()}
        crossing = {sid: held for sid, held in rows.items() if sid.scope == ANY_SCOPE}
        returns = with_crossing(rows, crossing, sales.keys())
    if commit.has_seen_ids:
        returned = [sid for sid in commit.writes.returns if sid.scope != ANY_SCOPE]
        commit.keep_seen_ids(commit.records(intent.records), sales.values(), returned)
    log_facts(commit, commit.records(intent.records), sales.values())
    _recover_pointers(commit, intent.records, sales, returns)
    recover_carriers(commit, intent.keys, intent.records)
    commit.seeds.update(intent.records)
    commit.touched_sales.update(intent.sales)


def _returns(
    commit: Commit, ids: Collection[SaleId], sales: Mapping[SaleId, StoredSale]
) -> dict[SaleId, Returns]:
    """What was given back of each of these sales, from the rows of the returns themselves."""
    stored = commit.facts.returns(commit.uid, ids)
    lists = {sid: rows for sid, rows in stored.items() if not sid.ext_id}
    named = {
        return_id(sid, key) for sid, rows in stored.items() if sid not in lists for key in rows
    }
    known = {**commit.facts.sales(commit.uid, named - sales.keys()), **sales}
    rebuilt: dict[SaleId, dict[str, int]] = {sid: {} for sid in stored if sid not in lists}
    for sale in known.values():
        original, amount = returned_sale(sale)
        if original is None:
            continue
        rows = rebuilt.setdefault(original, dict(stored.get(original, {})))
        rows[sale.id.ext_id] = amount
        place = in_any_scope(original)
        if place in ids and original not in sales:
            rebuilt.setdefault(place, {})[crossing_key(sale.id)] = amount
            each = scopes_row(place.platform)
            lists[each] = {**lists.get(each, {}), ANY_SCOPE: 0, sale.id.scope: 0}
    return {**lists, **{sid: counted_returns(rows) for sid, rows in rebuilt.items()}}


def _recover_pointers(
    commit: Commit,
    records: Iterable[str],
    sales: Mapping[SaleId, StoredSale],
    returns: Mapping[SaleId, Returns],
) -> None:
    """The pointers, and what is summed of them and of the ledger: also of a commit that touched no
    sale, which may have posted without adding it up."""
    rids = list(records)
    spans = [SalesSpan(rid) for rid in rids]
    stored = dict(zip(rids, commit.facts.pointers_in(commit.uid, spans), strict=True))
    ledgers = dict(zip(rids, commit.facts.ledgers(commit.uid, rids), strict=True))
    held = _held_by_sale(stored.values())
    for rid, pointers in stored.items():
        rebuilt = {
            sale.ref(returns.get(sid, {})): held.get(sid, ())
            for sid, sale in sales.items()
            if sale.record == rid
        }
        untouched = {ref: p for ref, p in pointers.items() if SaleId.of(ref) not in sales}
        for ref in pointers.keys() - untouched.keys() - rebuilt.keys():
            commit.writes.pointers[rid, ref] = None
        for ref, postings in rebuilt.items():
            commit.writes.pointers[rid, ref] = postings
        everything = untouched | rebuilt
        commit.put_summary(rid, SalesSummary.rebuild(everything))
        for ref in everything:
            if ref.ahead:
                commit.note_counts_on(rid, commit.terms.counts_on(ref.ordered_at, ref.store_key))
        if any(0 in returns.get(SaleId.of(ref), {}).values() for ref in rebuilt):
            commit.note_counts_on(rid, commit.terms.today)
        commit.put_points(rid, _points(everything, ledgers[rid]))
        facts = [row.redemption for row in ledgers[rid].values()]
        commit.put_redeemed(rid, sum_redemptions([each for each in facts if each is not None]))
        commit.set_pointers(rid, everything)


def _held_by_sale(
    pointers: Iterable[Mapping[SaleRef, Postings]],
) -> dict[SaleId, Postings]:
    """Each sale's entries; of a sale that was being moved, from where more of them are."""
    held: dict[SaleId, Postings] = {}
    for of_record in pointers:
        for ref, postings in of_record.items():
            sid = SaleId.of(ref)
            if len(postings) >= len(held.get(sid, ())):
                held[sid] = postings
    return held


def _points(pointers: Mapping[SaleRef, Postings], ledger: Mapping[str, LedgerRow]) -> RecordPoints:
    """Sum up what the ledger holds for a record, by kind of cause."""

    def of(prefix: str) -> int:
        return sum(
            posted_total(r.postings) for cause, r in ledger.items() if cause.startswith(prefix)
        )

    return RecordPoints(
        earned=sum(posted_total(postings) for postings in pointers.values()),
        imported=of(IMPORT),
        expired=of(EXPIRY_PREFIX),
        adjusted=of(ADJUSTMENT_PREFIX) + of(REDEMPTION_PREFIX),
        unlinked_at=max((ref.ordered_at for ref in pointers if ref.unlinked), default=0),
    )
