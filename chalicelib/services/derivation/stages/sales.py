"""Take the sales of a page into a commit: rows, pointers, sums, and what returns give back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.records import Sale
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.versions import is_newer, latest_versions, with_told_update
from chalicelib.domain.words import Double, Platform, ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.returns import (
    SettledReturns,
    in_any_scope,
    return_id,
    returns_of_nothing,
    scopes_row,
    settle_returns,
)
from chalicelib.services.derivation.stages.former_ids import (
    former_ids,
    rename_former,
    write_emptied,
)
from chalicelib.services.ports.stored_facts import Returns, SaleId, StoredSale

PointerKey = tuple[str, SaleRef]
"""(record, sale): where a pointer hangs."""

TellsZone = Callable[[Platform], bool]
"""Whether a platform tells the zone of its times: its sales stay where they are when the zone of a
shop becomes known."""


class PointerMove(NamedTuple):
    """A sale's pointer as it is stored and as it is after this commit; None for no pointer."""

    before: PointerKey | None
    after: PointerKey | None


def take_sales(commit: Commit, platform: Platform, scope: ScopeId, sales: Iterable[Sale]) -> None:
    """Write those that are new or changed."""
    now, zones = commit.terms.as_of, commit.terms.clock_zones
    timed = [_at_known_zone(commit, platform, scope, with_told_update(sale, now)) for sale in sales]
    versions = latest_versions(
        ((SaleId(platform, scope, sale.ext_id), sale) for sale in timed), zones
    )
    if not versions:
        return
    has_former = any(sale.former_ext_id for sale in versions.values())
    former = former_ids(versions) if has_former else {}
    _load(commit, platform, scope, versions, former)
    stored = commit.sale_rows([*versions, *former.values()])
    emptied = rename_former(versions, former, stored) if former else {}
    if not all(sale.is_status_known for sale in timed):
        versions = _still_final(versions, stored, {s.ext_id for s in timed if s.is_final})
    new = {
        sid: _stored_sale(commit, sid, sale, stored.get(sid))
        for sid, sale in versions.items()
        if sid not in stored
        or stored[sid].sale.gone
        or is_newer(sale, with_told_update(stored[sid].sale, now), zones)
    }
    if emptied:
        write_emptied(emptied, new, stored)
    if new:
        _upsert(commit, new, stored)


def _load(
    commit: Commit,
    platform: Platform,
    scope: ScopeId,
    versions: Mapping[SaleId, Sale],
    former: Mapping[SaleId, SaleId],
) -> None:
    """Read at once what nearly every sale needs: its own rows, the rows of what it gives back, and
    its shopper."""
    named = [
        sid._replace(ext_id=sale.original_ext_id)
        for sid, sale in versions.items()
        if sale.kind == "return" and sale.original_ext_id
    ]
    shoppers = {sale.customer_ext_id for sale in versions.values() if sale.customer_ext_id}
    commit.load_sales(
        [*versions, *former.values()],
        [*versions, *named, scopes_row(platform)],
        [record_id(commit.uid, platform, scope, ext_id) for ext_id in shoppers],
    )


def take_gone_sales(
    commit: Commit, platform: Platform, scope: ScopeId, ext_ids: Iterable[str]
) -> None:
    """Note of these sales that the POS no longer shows them; those that are not known stay so."""
    stored = commit.sale_rows({SaleId(platform, scope, ext_id) for ext_id in ext_ids})
    new = {
        sid: replace(row, sale=replace(row.sale, gone=True))
        for sid, row in stored.items()
        if not row.sale.gone
    }
    if new:
        _upsert(commit, new, stored)


def say_doubles(
    commit: Commit, words: Mapping[SaleId, Double], pairs: Iterable[tuple[SaleId, SaleId]] = ()
) -> set[SaleId]:
    """Note what a person says of sales as suspected doubles; returns those that are known.

    `pairs`: of which nothing is said unless both are known.
    """
    stored = commit.sale_rows(words)
    if pairs := tuple(pairs):
        whole = {sid for pair in pairs if stored.keys() >= set(pair) for sid in pair}
        stored = {sid: row for sid, row in stored.items() if sid in whole}
    new = {
        sid: replace(row, double=words[sid])
        for sid, row in stored.items()
        if row.double != words[sid]
    }
    if new:
        _upsert(commit, new, stored)
    return set(stored)


def put_sales(commit: Commit, sales: Mapping[SaleId, Sale]) -> None:
    """Write these versions of the sales, older ones too."""
    stored = commit.sale_rows(sales)
    new = {
        sid: _stored_sale(
            commit, sid, _at_known_zone(commit, sid.platform, sid.scope, sale), stored.get(sid)
        )
        for sid, sale in sales.items()
    }
    new = {sid: row for sid, row in new.items() if row != stored.get(sid)}
    if new:
        _upsert(commit, new, stored)


def renew_sales(commit: Commit, records: Iterable[str], tells_zone: TellsZone) -> bool:
    """Derive again the records' sales that other days make other sales; whether any was.

    A sale that came without a zone moves to the instant that the zone known today gives it; one
    dated ahead counts when its time has come, and so does what a return dated ahead gave back.
    """
    due: set[SaleId] = set()
    for rid in records:
        is_waiting = _may_be_ahead(commit, rid)
        row = commit.record_row(rid)
        if not is_waiting and row is not None and tells_zone(row.record.platform):
            continue
        untouched = [
            ref for ref in commit.pointers(rid) if (rid, ref) not in commit.writes.pointers
        ]
        refs = [*untouched, *commit.added.get(rid, ())]
        due.update(SaleId.of(ref) for ref in refs if _is_otherwise(commit, ref, tells_zone))
        if is_waiting:
            due |= _returns_due(commit, rid, refs)
    if not due:
        return False
    stored = commit.sale_rows(due)
    new = {}
    for sid, before in stored.items():
        sale = before.sale
        if not tells_zone(sid.platform):
            sale = _at_known_zone(commit, sid.platform, sid.scope, sale)
        new[sid] = replace(before, sale=sale, ahead=commit.counts_on(sid, sale) is not None)
    _upsert(commit, new, stored)
    return True


def _at_known_zone(commit: Commit, platform: Platform, scope: ScopeId, sale: Sale) -> Sale:
    if sale.wall_clock is None:
        return sale
    store_key = store_key_id(platform, scope, sale.store_key)
    at = commit.terms.at(sale.wall_clock, store_key)
    return sale if at == sale.ordered_at else replace(sale, ordered_at=at)


def _still_final(
    versions: Mapping[SaleId, Sale],
    stored: Mapping[SaleId, StoredSale],
    final_before: AbstractSet[str],
) -> dict[SaleId, Sale]:
    """The sales, still final where they were and their status is now a word that nobody knows:
    whatever became of such a sale, it happened. `final_before`: those final earlier on the page."""

    def was_final(sid: SaleId) -> bool:
        return sid.ext_id in final_before or (sid in stored and stored[sid].sale.is_final)

    return {
        sid: sale
        if sale.is_status_known or sale.kind == "void" or not was_final(sid)
        else replace(sale, is_final=True)
        for sid, sale in versions.items()
    }


def _may_be_ahead(commit: Commit, rid: str) -> bool:
    """Whether a sale of the record waits for its time, or was counted before its time."""
    sales = commit.sales(rid)
    last_at = sales.summary.last_at
    return sales.counts_on is not None or (last_at is not None and last_at > commit.terms.as_of)


def _is_otherwise(commit: Commit, ref: SaleRef, tells_zone: TellsZone) -> bool:
    """Whether today's zones and today's day make another sale of it."""
    at = ref.ordered_at
    if ref.wall_clock is not None and not tells_zone(ref.platform):
        at = commit.terms.at(ref.wall_clock, ref.store_key)
    return at != ref.ordered_at or ref.ahead != (
        commit.terms.counts_on(at, ref.store_key) is not None
    )


def _returns_due(commit: Commit, rid: str, refs: Sequence[SaleRef]) -> set[SaleId]:
    """The returns of these sales whose time has come. What is still to come is noted anew."""
    day = commit.sales(rid).counts_on
    if day is None or day > commit.terms.today:
        return set()
    commit.forget_counts_on(rid)
    for ref in refs:
        if ref.ahead:
            commit.note_counts_on(rid, commit.terms.counts_on(ref.ordered_at, ref.store_key))
    ids = [SaleId.of(ref) for ref in refs]
    returns = commit.return_rows({*ids, *map(in_any_scope, ids)})
    due = set()
    for sid, row in returns_of_nothing(commit, returns).items():
        day = commit.counts_on(sid, row.sale)
        commit.note_counts_on(rid, day)
        if row.ahead and day is None:
            due.add(sid)
    return due


def _stored_sale(commit: Commit, sid: SaleId, sale: Sale, before: StoredSale | None) -> StoredSale:
    """The sale's row; what a person said of it before stays said."""
    record = None
    if sale.customer_ext_id:
        record = record_id(commit.uid, sid.platform, sid.scope, sale.customer_ext_id)
    is_ahead = commit.counts_on(sid, sale) is not None
    return StoredSale(sid, record, sale, is_ahead, before.double if before else "")


def _upsert(
    commit: Commit, new: dict[SaleId, StoredSale], stored: dict[SaleId, StoredSale]
) -> None:
    """Write these sales, and move what hangs on them and on the sales that they return. `stored`:
    as they were, those that are known."""
    returns = settle_returns(commit, new, stored)
    commit.writes.sales.update(new)
    rows = {
        sid: row for sid in returns.touched if (row := new.get(sid) or stored.get(sid)) is not None
    }
    moves = [
        PointerMove(
            _pointer_key(stored.get(sid), returns.before.get(sid, {})),
            _pointer_key(row, returns.after.get(sid, {})),
        )
        for sid, row in rows.items()
    ]
    _move_pointers(commit, [move for move in moves if move.before != move.after])
    commit.touched_sales |= returns.touched
    commit.seeds |= _records_of(moves)
    if returns.ahead:
        _note_returns_ahead(commit, returns, rows)


def _note_returns_ahead(
    commit: Commit, returns: SettledReturns, rows: Mapping[SaleId, StoredSale]
) -> None:
    """Have the records of sales derived again when the time of a return comes that names them."""
    for sid, row in rows.items():
        backs = [return_id(sid, key) for key, n in returns.after.get(sid, {}).items() if not n]
        for back in backs:
            if back in returns.ahead and row.record is not None:
                commit.load([row.record])
                day = commit.counts_on(back, returns.ahead[back].sale)
                commit.note_counts_on(row.record, day)


def _move_pointers(commit: Commit, moves: Sequence[PointerMove]) -> None:
    """Move the pointers with the ledger entries they hold, and keep the sums of their records."""
    places = [move.before for move in moves if move.before is not None]
    held = commit.postings(places) if places else {}
    records = _records_of(moves)
    commit.load(records)
    changes: dict[str, dict[SaleRef, bool]] = {}
    for move in moves:
        postings = held.get(move.before, ()) if move.before is not None else ()
        if move.before is not None:
            commit.remove_pointer(*move.before, postings)
        if move.after is not None:
            commit.add_pointer(*move.after, postings)
        if not _are_summed_alike(move):
            for place, is_there in ((move.before, False), (move.after, True)):
                if place is not None:
                    changes.setdefault(place[0], {})[place[1]] = is_there
    for rid in records:
        _sum_up(commit, rid, changes.get(rid, {}))


def _sum_up(commit: Commit, rid: str, changes: Mapping[SaleRef, bool]) -> None:
    """Without a change the sums are still written: a first sale that does not count has them."""
    summary: SalesSummary | None = commit.sales(rid).summary
    for ref, is_there in sorted(changes.items(), key=lambda item: item[1]):
        if summary is not None:
            summary = summary.with_sale(ref) if is_there else summary.without_sale(ref)
    if summary is None:
        summary = SalesSummary.rebuild(_refs_after(commit, rid))
    commit.put_summary(rid, summary)


def _refs_after(commit: Commit, rid: str) -> Iterable[SaleRef]:
    """The record's sales as they will be after this commit."""
    added, removed = commit.added.get(rid, {}), commit.removed.get(rid, set())
    for ref in commit.facts.pointers(commit.uid, rid):
        if ref not in added and ref not in removed:
            yield ref
    yield from added


def _pointer_key(stored: StoredSale | None, returns: Returns) -> PointerKey | None:
    if stored is None or stored.record is None:
        return None
    return stored.record, stored.ref(returns)


def _records_of(moves: Iterable[PointerMove]) -> set[str]:
    return {place[0] for move in moves for place in move if place is not None}


def _are_summed_alike(move: PointerMove) -> bool:
    before, after = move
    if before is None or after is None or before[0] != after[0]:
        return False
    return before[1].sums_like(after[1])
