"""One commit of an account in memory: the rows it has read and the rows it will write.

The stages (customers, sales, carriers, reach, points, ...) are functions. Each takes the commit,
adds what it finds to it, and knows no other stage; `commit.py` says in which order they come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from chalicelib.domain.acts import Acts
from chalicelib.domain.id_ranges import SeenIds, may_hold
from chalicelib.domain.identity import (
    Component,
    MergeKey,
    SourceRecord,
    merge_keys,
    scope_key,
    without_placeholders,
)
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.ledger import Postings, RecordPoints, posted_total
from chalicelib.domain.markets import filters_markets, is_out_of_market, out_of_market
from chalicelib.domain.names import person_name
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Sale
from chalicelib.domain.redemptions import RedemptionSum
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.tombstones import NO_TOMBSTONES, Tombstones
from chalicelib.domain.words import Day, Platform, Points, ScopeId, Uid
from chalicelib.services.ports.commits import Intent, Writes
from chalicelib.services.ports.effects import ConsentFlag
from chalicelib.services.ports.facts import FactStore, SalesSpan
from chalicelib.services.ports.stored_facts import (
    NO_SALES,
    KeyCarriers,
    LedgerRow,
    RecordRows,
    RecordSales,
    Returns,
    SaleId,
    StoredRecord,
    StoredSale,
)

_NO_ROWS = RecordRows()
_NO_CARRIERS = KeyCarriers()


def person_of(row: StoredRecord) -> str:
    """Return the name by which the different people who carry a key are counted."""
    return person_name(row.record.customer.first, row.record.customer.last)


@dataclass(slots=True)
class Commit:
    """Holds all that one commit knows: stored rows, overlaid with the rows it will write.

    A look-up uses it too, without a lock, and writes nothing.

    `full`: derive everything that is reached as if it were new, not only what changed.
    `silent`: nobody is asked or said to have left because of it.
    `repairing`: a crash left derived rows half written, so none of them is believed.

    Records are named by their ids. `seeds`: records whose facts, keys or sales changed. `withheld`:
    see `Committed`.
    `touched_sales`: sales whose derived rows may change. `flag_changes`: records whose consent
    flags changed. `key_changes`: merge key → record → its scope, or None where the record drops the
    key; also of a record that keeps the key under another name. `added` and `removed`: sale
    pointers by record; the postings are those a sale brought along. `large_keys`: changed keys that
    more than 50 records carried before and carry now. `reached`: every record of the shoppers to
    whom a seed belongs or belonged. `large`: those of components of more than 50 records.
    `components`: each shopper among the reached with the persona, which is None without a contact;
    its figures lack points. `has_seen_ids`: see `CommitLock`. `unseen_sales` and `unseen_returns`:
    sales without a row, and those without one of what was given back; neither is read. `erasures`:
    see `CommitLock`. `kept_refusals`: opt-outs that outlived an erasure, of who came back.
    """

    facts: FactStore
    uid: Uid
    terms: Terms
    full: bool = False
    repairing: bool = False
    has_seen_ids: bool = False
    silent: bool = False
    erasures: int = 0
    writes: Writes = field(default_factory=Writes)
    seeds: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    touched_sales: set[SaleId] = field(default_factory=set)
    flag_changes: set[str] = field(default_factory=set)
    key_changes: dict[MergeKey, dict[str, str | None]] = field(default_factory=dict)
    added: dict[str, dict[SaleRef, Postings]] = field(default_factory=dict)
    removed: dict[str, set[SaleRef]] = field(default_factory=dict)
    carriers: dict[MergeKey, KeyCarriers] = field(default_factory=dict)
    large_keys: set[MergeKey] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    large: set[str] = field(default_factory=set)
    components: list[tuple[Component, Persona | None]] = field(default_factory=list)
    unseen_sales: set[SaleId] = field(default_factory=set)
    unseen_returns: set[SaleId] = field(default_factory=set)
    kept_refusals: list[ConsentFlag] = field(default_factory=list)
    _tombstones: Tombstones | None = None
    _seen_ids: dict[tuple[Platform, ScopeId], SeenIds] = field(default_factory=dict)
    _rows: dict[str, RecordRows] = field(default_factory=dict)
    _sale_rows: dict[SaleId, StoredSale | None] = field(default_factory=dict)
    _return_rows: dict[SaleId, Returns | None] = field(default_factory=dict)
    _sales: dict[str, RecordSales] = field(default_factory=dict)
    _pointers: dict[str, Mapping[SaleRef, Postings]] = field(default_factory=dict)
    _ledgers: dict[str, Mapping[str, LedgerRow]] = field(default_factory=dict)

    def load(self, records: Iterable[str]) -> None:
        """Read the rows of these records, unless they have been read."""
        missing = [rid for rid in records if rid not in self._rows]
        if missing:
            rows = self.facts.rows(self.uid, missing)
            self._rows.update({rid: rows.get(rid, _NO_ROWS) for rid in missing})

    def set_carriers(
        self, keys: Iterable[MergeKey], carriers: Mapping[MergeKey, KeyCarriers]
    ) -> None:
        """Take these for who carries the keys, so that none is read again."""
        self.carriers.update({key: carriers.get(key, _NO_CARRIERS) for key in keys})

    def set_rows(self, rows: Mapping[str, RecordRows]) -> None:
        """Take these for the rows of records, so that none is read again."""
        self._rows.update(rows)

    def load_sales(
        self, sales: Iterable[SaleId], returns: Iterable[SaleId], records: Iterable[str]
    ) -> None:
        """Read at once the rows of these sales, of what was given back of `returns`, and of
        records, unless they have been read."""
        missing = [rid for rid in records if rid not in self._rows]
        unread = [sid for sid in sales if sid not in self.unseen_sales]
        given = [sid for sid in returns if sid not in self.unseen_returns]
        page = self.facts.page(self.uid, unread, given, missing)
        self._rows.update({rid: page.records.get(rid, _NO_ROWS) for rid in missing})
        self._sale_rows.update({sid: page.sales.get(sid) for sid in unread})
        self._return_rows.update({sid: page.returns.get(sid) for sid in given})

    def pass_over_unseen(
        self, platform: Platform, scope: ScopeId, records: Iterable[str], sales: Collection[str]
    ) -> None:
        """Read no rows of those shoppers and sales, by their ids in the POS, that the scope has not
        seen: there are none."""
        if (platform, scope) not in self._seen_ids:
            return
        seen = self._seen_ids[platform, scope]
        rids = {ext_id: record_id(self.uid, platform, scope, ext_id) for ext_id in records}
        perhaps = [rid for ext_id, rid in rids.items() if may_hold(seen.records, ext_id)]
        if perhaps and not sales and seen.sales is None:
            # Until the first sale of a scope, shoppers it has not listed have no rows.
            perhaps = list(self.facts.listed_records(self.uid, perhaps))
        self._rows.update(dict.fromkeys({*rids.values()} - {*perhaps}, _NO_ROWS))
        for ext_id in sales:
            sid = SaleId(platform, scope, ext_id)
            if not may_hold(seen.sales, ext_id):
                self.unseen_sales.add(sid)
            if not may_hold(seen.returned, ext_id):
                self.unseen_returns.add(sid)

    def set_seen_ids(self, platform: Platform, scope: ScopeId, seen: SeenIds) -> None:
        """Take these for the ranges of ids that the scope has seen."""
        self._seen_ids[platform, scope] = seen

    @property
    def takes_new_ids(self) -> bool:
        """Whether the ranges of ids were asked for, as they are before new ids come."""
        return bool(self._seen_ids)

    def keep_seen_ids(
        self,
        records: Iterable[SourceRecord],
        sales: Iterable[StoredSale],
        returned: Iterable[SaleId],
    ) -> None:
        """Widen the ranges of ids by those of these rows, some of which may be new."""
        found: dict[tuple[Platform, ScopeId], tuple[list[str], list[str], list[str]]] = {}
        for record in records:
            ids = found.setdefault((record.platform, record.scope), ([], [], []))
            ids[0].append(record.customer.ext_id)
        for row in sales:
            ids = found.setdefault((row.id.platform, row.id.scope), ([], [], []))
            ids[1].append(row.id.ext_id)
            if row.sale.customer_ext_id:
                ids[0].append(row.sale.customer_ext_id)
        for sid in returned:
            found.setdefault((sid.platform, sid.scope), ([], [], []))[2].append(sid.ext_id)
        for scope, ids in found.items():
            seen = self._load_seen_ids(*scope)
            widened = seen.with_ids(*ids)
            if widened != seen:
                self._seen_ids[scope] = self.writes.seen_ids[scope] = widened

    @property
    def tombstones(self) -> Tombstones:
        """The account's tombstones; where nobody was ever erased, nothing is read."""
        if self._tombstones is None:
            read = self.facts.tombstones
            self._tombstones = read(self.uid, self.erasures) if self.erasures else NO_TOMBSTONES
        return self._tombstones

    def record_row(self, rid: str) -> StoredRecord | None:
        """The record as it will be after this commit; None where AIQ does not know it."""
        return self.writes.records.get(rid) or self._rows[rid].stored

    def records(self, rids: Iterable[str]) -> list[SourceRecord]:
        """Return the records that AIQ knows, as they will be after this commit."""
        return [row.record for rid in rids if (row := self.record_row(rid)) is not None]

    def records_seen(self, rids: Iterable[str]) -> list[SourceRecord]:
        """`records`, as personas see them: without the contacts that are nobody's, and those of
        other markets without any."""
        records = self.records(rids)
        if not self.terms.placeholders and not filters_markets(self.terms.rules):
            return records
        return [self._seen(record) for record in records]

    def _seen(self, record: SourceRecord) -> SourceRecord:
        if is_out_of_market(record, self.terms):
            return out_of_market(record)
        placeholders = self.terms.placeholders
        return without_placeholders(record, placeholders) if placeholders else record

    def record_row_before(self, rid: str) -> StoredRecord | None:
        """The record as it is stored."""
        return self._rows[rid].stored

    def persona_before(self, rid: str) -> Persona | None:
        """The persona that is stored under this record."""
        return self._rows[rid].persona

    def sale_rows(self, ids: Collection[SaleId]) -> dict[SaleId, StoredSale]:
        """Return the sales that AIQ knows, as this commit has them so far."""
        read = self._sale_rows
        unread = [sid for sid in ids if sid not in self.unseen_sales and sid not in read]
        rows = dict(self.facts.sales(self.uid, unread)) if unread else {}
        rows.update({sid: row for sid in ids if (row := read.get(sid)) is not None})
        written = self.writes.sales
        rows.update({sid: written[sid] for sid in ids if sid in written})
        return rows

    def return_rows(self, ids: Collection[SaleId]) -> dict[SaleId, Returns]:
        """Return what was given back of these sales, as this commit has it so far."""
        read = self._return_rows
        unread = [sid for sid in ids if sid not in self.unseen_returns and sid not in read]
        rows = dict(self.facts.returns(self.uid, unread)) if unread else {}
        rows.update({sid: row for sid in ids if (row := read.get(sid)) is not None})
        written = self.writes.returns
        rows.update({sid: written[sid] or {} for sid in ids if sid in written})
        return rows

    def postings(
        self, places: Collection[tuple[str, SaleRef]]
    ) -> dict[tuple[str, SaleRef], Postings]:
        """The entries that these pointers hold, as this commit has them so far."""
        held = dict(self.facts.postings(self.uid, places))
        written = self.writes.pointers
        held.update({place: written[place] or () for place in places if place in written})
        return held

    def sales(self, rid: str) -> RecordSales:
        """The sums of the record's sales and points, as far as they are derived."""
        return self._sales.get(rid) or self._rows[rid].sales or NO_SALES

    def sales_before(self, rid: str) -> RecordSales:
        """The sums of the record's sales and points as they are stored."""
        return self._rows[rid].sales or NO_SALES

    def summed_records(self) -> AbstractSet[str]:
        """The records whose sums this commit has set, to whatever value."""
        return self._sales.keys()

    @property
    def has_sales_ahead(self) -> bool:
        """Whether a sale of a record with new sums waits for its time, or is counted before it."""
        return any(
            sales.counts_on is not None or (sales.summary.last_at or 0) > self.terms.as_of
            for sales in self._sales.values()
        )

    def put_record(self, record: SourceRecord) -> None:
        """Write the record if it differs from the one stored, or has other merge keys by today's
        rule."""
        seen, by_name = self._seen(record), self.terms.merge_on_name_and_birth_date
        keys = merge_keys(seen.customer, name_and_birth_date=by_name)
        new = StoredRecord(record, keys, is_out_of_market(record, self.terms))
        if new != self.record_row(record.id):
            self.seeds.add(record.id)
            self.writes.records[record.id] = new
            self._change_keys(new)

    def put_acts(self, row: StoredRecord, acts: Acts) -> None:
        """Write other acts of a record. Its keys stay: their carriers are settled by now."""
        self.writes.records[row.record.id] = replace(row, record=replace(row.record, acts=acts))

    def put_summary(self, rid: str, summary: SalesSummary) -> None:
        self._sales[rid] = self.sales(rid)._replace(summary=summary)

    def put_points(self, rid: str, points: RecordPoints) -> None:
        self._sales[rid] = self.sales(rid)._replace(points=points)

    def counts_on(self, sid: SaleId, sale: Sale) -> Day | None:
        """The day from which a sale dated ahead counts; None for one that counts now."""
        if sale.ordered_at <= self.terms.as_of:
            return None
        store_key = store_key_id(sid.platform, sid.scope, sale.store_key)
        return self.terms.counts_on(sale.ordered_at, store_key)

    def note_counts_on(self, rid: str, day: Day | None) -> None:
        """Have the record derived again on that day, or before."""
        known = self.sales(rid).counts_on
        if day is not None and (known is None or day < known):
            self._sales[rid] = self.sales(rid)._replace(counts_on=day)

    def forget_counts_on(self, rid: str) -> None:
        """Clear the day on which a sale dated ahead counts, before all of them are noted anew."""
        self._sales[rid] = self.sales(rid)._replace(counts_on=None)

    def put_spent(self, spent: Mapping[str, Points]) -> None:
        """Set how much of its earned points each record's redemptions used."""
        for rid, points in spent.items():
            if self.sales(rid).points.spent != points:
                self.put_points(rid, self.sales(rid).points._replace(spent=points))

    def put_redeemed(self, rid: str, redeemed: tuple[RedemptionSum, ...]) -> None:
        """Set the sums of the record's redemptions."""
        self._sales[rid] = self.sales(rid)._replace(redeemed=redeemed)

    def set_ledger(self, rid: str, ledger: Mapping[str, LedgerRow]) -> None:
        """Take these for the record's stored entries of causes that are no sale."""
        self._ledgers[rid] = ledger

    def ledgers(self, rids: Sequence[str]) -> list[dict[str, LedgerRow]]:
        """Each record's entries of causes that are no sale, read once, as this commit has them."""
        unread = [rid for rid in rids if rid not in self._ledgers]
        read = self.facts.ledgers(self.uid, unread) if unread else []
        self._ledgers.update(zip(unread, read, strict=True))
        ledgers = {rid: dict(self._ledgers[rid]) for rid in rids}
        for (rid, cause), row in self.writes.ledger.items():
            if rid in ledgers:
                ledgers[rid][cause] = row
        return [ledgers[rid] for rid in rids]

    def add_earned(self, rid: str, difference: int) -> None:
        """Add hundredths of a point to what the record's sales earned."""
        if difference:
            points = self.sales(rid).points
            self.put_points(rid, points._replace(earned=points.earned + difference))

    def remove_pointer(self, rid: str, ref: SaleRef, postings: Postings) -> None:
        """Take a sale from the record with the entries it holds."""
        self.writes.pointers[rid, ref] = None
        self.added.get(rid, {}).pop(ref, None)
        self.removed.setdefault(rid, set()).add(ref)
        self.add_earned(rid, -posted_total(postings))

    def add_pointer(self, rid: str, ref: SaleRef, postings: Postings) -> None:
        """Put a sale under the record, with the entries it brings along."""
        self.writes.pointers[rid, ref] = postings
        self.added.setdefault(rid, {})[ref] = postings
        self.add_earned(rid, posted_total(postings))
        if ref.ahead:
            self.note_counts_on(rid, self.terms.counts_on(ref.ordered_at, ref.store_key))
        if ref.unlinked:
            points = self.sales(rid).points
            latest = max(points.unlinked_at, ref.ordered_at)
            self.put_points(rid, points._replace(unlinked_at=latest))

    def set_pointers(self, rid: str, pointers: Mapping[SaleRef, Postings]) -> None:
        """Take these for all sales of the record, so that none is read again."""
        self._pointers[rid] = pointers

    def pointers(self, rid: str) -> Mapping[SaleRef, Postings]:
        """All stored sales of the record, read once."""
        if rid not in self._pointers:
            [self._pointers[rid]] = self.pointers_in([SalesSpan(rid)])
        return self._pointers[rid]

    def pointers_in(self, spans: Sequence[SalesSpan]) -> list[Mapping[SaleRef, Postings]]:
        """The stored sales of each span, read side by side; more where all of a record's are read
        already."""
        unread = [
            span for span in spans if span.record not in self._pointers and self._may_hold(span)
        ]
        rows = self.facts.pointers_in(self.uid, unread) if unread else ()
        read = dict(zip(unread, rows, strict=True))
        return [self._pointers.get(span.record) or read.get(span, {}) for span in spans]

    def fully_read(self) -> AbstractSet[str]:
        """The records all of whose sales have been read."""
        return self._pointers.keys()

    def load_carriers(self, keys: Iterable[MergeKey]) -> None:
        """Read who carries these merge keys, unless it has been read."""
        missing = [key for key in keys if key not in self.carriers]
        if missing:
            rows = self.facts.carriers(self.uid, missing)
            self.carriers.update({key: rows.get(key, _NO_CARRIERS) for key in missing})

    def carriers_of(self, key: MergeKey) -> Mapping[str, str]:
        """Record → scope of everybody who carries the key; those of a wide key are read now."""
        carriers = self.carriers[key]
        if not carriers.wide:
            return carriers.carriers
        stored = self.facts.wide_carriers(self.uid, key)
        for rid, scope in self.key_changes.get(key, {}).items():
            if scope is None:
                stored.pop(rid, None)
            else:
                stored[rid] = scope
        return stored

    def put_carriers(self, key: MergeKey, carriers: KeyCarriers) -> None:
        """Write who carries the key, or delete its row when nobody does any more."""
        self.writes.carriers[key] = carriers if carriers.per_scope() else None
        self.carriers[key] = carriers

    def personas(self) -> list[Persona]:
        """The personas of everything reached, without points."""
        return [persona for _, persona in self.components if persona is not None]

    def intent(self) -> Intent:
        """Return what the next commit has to rebuild if this one crashes while it writes."""
        return Intent(
            tuple(sorted(self.reached)),
            tuple(self.key_changes),
            tuple(self.touched_sales),
            self.silent,
        )

    def _change_keys(self, new: StoredRecord) -> None:
        """Note which merge keys the record takes and which it drops."""
        record = new.record
        before = self._rows[record.id].stored
        old_keys = before.keys if before else frozenset()
        taken = new.keys - old_keys
        if before is not None and person_of(before) != person_of(new):
            taken = new.keys  # a key counts the different people who carry it
        for key in taken:
            scope = scope_key(record.platform, record.scope)
            self.key_changes.setdefault(key, {})[record.id] = scope
        for key in old_keys - new.keys:
            self.key_changes.setdefault(key, {})[record.id] = None

    def _load_seen_ids(self, platform: Platform, scope: ScopeId) -> SeenIds:
        """The ranges of ids that the scope has seen, read once."""
        if (platform, scope) not in self._seen_ids:
            self._seen_ids[platform, scope] = self.facts.seen_ids(self.uid, platform, scope)
        return self._seen_ids[platform, scope]

    def _may_hold(self, span: SalesSpan) -> bool:
        """Whether the record's sums leave open that it has sales in the span."""
        sales = self.sales_before(span.record)
        if sales.counts_on is not None:
            return True
        latest = max(sales.summary.last_at or 0, sales.points.unlinked_at)
        if not (sales.points.earned or latest):
            return False
        if span.since is None or span.until is None:
            return span.since is None or latest >= span.since
        # A caller who asks for some days wants only sales that count.
        return sales.summary.may_hold(span.since, span.until)
