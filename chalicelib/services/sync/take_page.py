"""Take a page in: drop what is known unchanged, commit the rest, remember it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from chalicelib.domain.ids import product_id, record_id
from chalicelib.domain.manifest import NO_ROW, Manifest, digest, id_digest
from chalicelib.domain.part_size import PartSize
from chalicelib.domain.records import BAD_POINTS, Customer, Fact, InventoryItem, Sale, StoreFact
from chalicelib.domain.times import local_day_number, utc_day
from chalicelib.domain.words import Instant, ScopeId, Stream
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge
from chalicelib.services.loyalty.members_left import LeaverNotes
from chalicelib.services.ports.commits import Committed
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.contacts_withdrawn import BlankedRow, WithheldNote
from chalicelib.services.ports.pos import KnownRow, Page, Permit, TimeSpan
from chalicelib.services.ports.runs import Lease, SyncStates
from chalicelib.services.ports.stores import Inventories
from chalicelib.services.sync.gone.sales import SaleWatch
from chalicelib.services.sync.progress import Progress, StreamProgress, Tally
from chalicelib.services.sync.run_manifests import RunManifests
from chalicelib.services.sync.run_result import MOST_STORE_KEYS
from chalicelib.services.sync.stream_states import DAYS_WATCHED

F = TypeVar("F", Customer, Sale, InventoryItem)
T = TypeVar("T")

CommitKind = Literal["customers", "sales", "gone"]
"""What one commit of a run takes; a fact of each costs its own time under the lock."""

MAX_ASIDES = 1_000
"""Set-aside records kept of one run; the rest is only counted."""

MOST_LEAVERS = 1_000
"""Members who left that travel with a run's progress, in a row of 400 KB; so many are noted before
its end."""

MOST_UNREAD = 100
"""Shoppers named whose points could not be read; one is enough to fix none."""


def _part_sizes() -> dict[CommitKind, PartSize]:
    return {"customers": PartSize(), "sales": PartSize(), "gone": PartSize()}


NO_SCOPE = ScopeId("")
NO_IDS: AbstractSet[int] = frozenset()


@dataclass(slots=True)
class PageIntake:
    """Takes in the pages that one process reads of a run.

    `scope`: the credential's, `zone`: the account's, both set before the first page. `import_run`:
    the run's id, when its customers listing may fix the scope's imported points. `notes`: how many
    this process made of contacts that wait. `sale_watch`: where the POS lists sales by time, set
    before the first page of sales. `while_waiting` is called every now and then while another
    commit has the account. `permit`: asked before products are stored, which no commit fences.
    """

    lease: Lease
    progress: Progress
    tally: Tally
    manifests: RunManifests
    commits: FactCommits
    states: SyncStates
    inventories: Inventories
    contacts: ContactJudge
    leaving: LeaverNotes
    scope: ScopeId = NO_SCOPE
    zone: str = "UTC"
    import_run: str | None = None
    notes: int = 0
    _waiting: frozenset[str] | None = None
    sale_watch: SaleWatch | None = None
    while_waiting: Callable[[], None] = do_nothing
    permit: Permit = do_nothing
    part_sizes: Mapping[CommitKind, PartSize] = field(default_factory=_part_sizes)

    def known_rows(self, stream: Stream) -> KnownRow | None:
        """A test of which rows of the stream need no reading; None where all are looked at."""
        if stream == "stores" or (stream == "customers" and self.import_run):
            return None
        manifest = self.manifests.known[stream]
        if stream == "sales" and self.sale_watch is not None:
            return self.sale_watch.known_rows(manifest)
        was_read_from = manifest.was_read_from
        if stream != "inventory" or (seen := self.manifests.seen.get("inventory")) is None:
            return lambda known_id, row: was_read_from(id_digest(known_id), row)

        def known_product(known_id: str, row: int) -> bool:
            key = id_digest(known_id)
            if not was_read_from(key, row):
                return False
            seen.upsert(key, 1)
            return True

        return known_product

    def take(self, stream: Stream, page: Page) -> None:
        """Commit the page's facts and count what came.

        The caller checkpoints later: taking the same page again is harmless. Raises LeaseLost or
        CommitBusy.
        """
        self._set_aside(stream, page)
        self.tally.requests += page.requests
        self.tally.retries += page.retries
        self.tally.add_unknown_words(page.unknown_words)
        self.tally.add(stream, pages=1, fetched=page.fetched)
        self.progress.streams[stream].listed += page.fetched
        if stream == "stores":
            known = self._take_stores([f for f in page.facts if isinstance(f, StoreFact)])
        elif stream == "customers":
            known = self._take_customers(page.facts, page.rows)
        elif stream == "sales":
            known = self._take_sales(page)
        else:
            known = self._take_inventory(page.facts, page.rows)
        repeated = page.fetched - len(page.facts) - len(page.rejects)
        self.tally.add(stream, unchanged=known + repeated)

    def _set_aside(self, stream: Stream, page: Page) -> None:
        if not page.rejects:
            return
        room = max(0, MAX_ASIDES - self.progress.asides)
        kept = page.rejects[:room]
        if kept:
            self.states.add_aside(self.lease, self.progress.asides, kept)
        self.progress.asides += len(kept)
        self.tally.add(stream, set_aside=len(page.rejects))
        progress = self.progress.streams[stream]
        for reject in page.rejects:
            self.tally.add_reason(reject.reason)
            progress.aside_from = self._earliest(progress.aside_from, reject.at, progress)

    def _earliest(
        self, before: Instant | None, at: Instant | None, stream: StreamProgress
    ) -> Instant:
        """The earlier of two times; a row that tells none, or one to come, may be as old as any of
        its stream."""
        if at is None or at > self.progress.began:
            at = stream.read_from or 0
        return at if before is None else min(at, before)

    def _take_stores(self, stores: Sequence[StoreFact]) -> int:
        """Returns how many were known unchanged, as the others do; every store counts as such."""
        store_key_sales = self.progress.streams["stores"].store_key_sales
        for store in stores:
            if store.key in store_key_sales or len(store_key_sales) < MOST_STORE_KEYS:
                self.progress.store_names[store.key] = (store.name, store.time_zone)
                store_key_sales[store.key] = 0
        return len(stores)

    def _take_customers(self, facts: Sequence[Fact], rows: Mapping[str, int]) -> int:
        customers = [f for f in facts if isinstance(f, Customer)]
        changes = self._changed_facts("customers", customers, _ext_id, rows)
        to_commit = [customer for customer, _, _ in changes]
        if self.import_run is not None:
            to_commit += _unchanged_with_points(customers, to_commit)
            self._note_unread_balances(customers)
        withheld: set[str] = set()
        for part in self._parts("customers", to_commit):
            committed = self._commit(customers=part)
            withheld |= self._note_contacts(part, committed, rows)
        self._remember("customers", changes, _ext_id, rows, withheld)
        return len(customers) - len(changes)

    def _note_unread_balances(self, listed: Sequence[Customer]) -> None:
        """Name shoppers whose points cannot be read: the listing then fixes none."""
        noted = self.progress.unread_balances
        unread = [c.ext_id for c in listed if BAD_POINTS in c.flags and c.ext_id not in noted]
        noted += unread[: max(0, MOST_UNREAD - len(noted))]

    def _note_contacts(
        self, batch: Sequence[Customer], committed: Committed, rows: Mapping[str, int]
    ) -> set[str]:
        """Note whose contacts were withheld, and who that waited has them back; return the ids in
        the POS of the former. Their rows are known once they are judged: until then the next run is
        to read them again."""
        lease = self.lease
        if self._waiting is None:
            self._waiting = self.contacts.waiting_records(lease.uid, lease.platform, self.scope)
        if not committed.withheld and not self._waiting:
            return set()
        told = {record_id(lease.uid, lease.platform, self.scope, c.ext_id): c for c in batch}
        note = WithheldNote(
            f"{lease.fence:010d}#{self.notes:06d}",
            tuple(_blanked(record, told[record], rows) for record in committed.withheld),
            tuple(sorted((told.keys() & self._waiting) - set(committed.withheld))),
        )
        if note.withheld or note.restored:
            self.contacts.withdrawals.note(lease.uid, lease.run, note)
            self.notes += 1
        return {told[record].ext_id for record in committed.withheld}

    def _take_sales(self, page: Page) -> int:
        sales, rows = [f for f in page.facts if isinstance(f, Sale)], page.rows
        stream = self.progress.streams["sales"]
        for sale in sales:
            if not sale.is_status_known:
                at = min(sale.ordered_at, sale.updated_at or sale.ordered_at)
                stream.words_from = self._earliest(stream.words_from, at, stream)
        missed = self.sale_watch.ids_missing_before(sales) if self.sale_watch else NO_IDS
        changes = self._changed_facts("sales", sales, _ext_id, rows, missed)
        for part in self._parts("sales", [sale for sale, _, _ in changes]):
            self._commit(sales=part)
        progress, manifest = self.progress.streams["sales"], self.manifests.known["sales"]
        for sale, key, _ in changes:
            if manifest.get(key) is None and not _is_known_by_former_id(manifest, sale):
                self._count_sale(progress, sale)
        self._remember("sales", changes, _ext_id, rows)
        if self.sale_watch is not None:
            self.sale_watch.show(sales, page.rejects)
        return len(sales) - len(changes)

    def take_gone_sales(self, times: TimeSpan | None) -> None:
        """Commit the sales that a complete listing lacks as gone; `times`: those that it showed."""
        if self.sale_watch is None:
            return
        absence = self.sale_watch.miss(times)
        if absence.is_suspicious:
            self.progress.sales_missing = absence.missing, absence.known
        for part in self._parts("gone", absence.gone):
            self._commit(gone=[sale.ext_id for sale in part])
        self.sale_watch.mark_gone(absence.gone)
        self.manifests.mark_gone("sales", {id_digest(sale.ext_id) for sale in absence.gone})

    def _take_inventory(self, facts: Sequence[Fact], rows: Mapping[str, int]) -> int:
        items = [f for f in facts if isinstance(f, InventoryItem)]
        changes = self._changed_facts("inventory", items, _product_id, rows)
        if changes:
            changed = [item for item, _, _ in changes]
            self.permit()
            self.inventories.put(self.lease.uid, self.lease.platform, self.scope, changed)
        self._remember("inventory", changes, _product_id, rows)
        if (seen := self.manifests.seen.get("inventory")) is not None:
            for item in items:
                seen.upsert(id_digest(_product_id(item)), 1)
        return len(items) - len(changes)

    def _changed_facts(
        self,
        stream: Stream,
        facts: Sequence[F],
        id_of: Callable[[F], str],
        rows: Mapping[str, int],
        missed: AbstractSet[int] = NO_IDS,
    ) -> list[tuple[F, int, int]]:
        """The facts that the manifest does not know in this form, the last of each id.

        Each comes with the digests of its id and of itself. `rows`: digests of rows by that id.
        `missed`: ids of facts that are wanted though they are known.
        """
        manifest = self.manifests.known[stream]
        latest: dict[int, tuple[F, int, int]] = {}
        for fact in facts:
            known_id = id_of(fact)
            key, value = id_digest(known_id), digest(fact)
            if manifest.get(key) == value and key not in missed:
                latest.pop(key, None)
                if (row := rows.get(known_id)) is not None:
                    manifest.replace_row_digest(key, row)
            else:
                latest[key] = (fact, key, value)
        return list(latest.values())

    def _remember(
        self,
        stream: Stream,
        changes: Sequence[tuple[F, int, int]],
        id_of: Callable[[F], str],
        rows: Mapping[str, int],
        withheld: AbstractSet[str] = frozenset(),
    ) -> None:
        """Count them, and know all but those `withheld`, by their ids in the POS, from now on."""
        manifest = self.manifests.known[stream]
        new = 0
        for fact, key, value in changes:
            new += manifest.get(key) is None
            if fact.ext_id in withheld:
                continue
            manifest.upsert(key, value, rows.get(id_of(fact), NO_ROW))
        self.tally.add(stream, new=new, changed=len(changes) - new)

    def _parts(self, kind: CommitKind, facts: Sequence[T]) -> Iterator[Sequence[T]]:
        """Cut a page, which may list every shopper there is, into what one commit takes; what
        facts of this kind cost is known from those before."""
        size, start = self.part_sizes[kind], 0
        while start < len(facts):
            part = facts[start : start + size.facts]
            yield part
            start += len(part)

    def _commit(
        self,
        customers: Sequence[Customer] = (),
        sales: Sequence[Sale] = (),
        gone: Sequence[str] = (),
    ) -> Committed:
        lease = self.lease
        committed = self.commits.commit(
            lease.uid,
            lease.platform,
            self.scope,
            customers=customers,
            sales=sales,
            import_run=self.import_run,
            withhold=True,
            gone=gone,
            while_waiting=self.while_waiting,
        )
        kind: CommitKind = "customers" if customers else "sales" if sales else "gone"
        facts = len(customers) + len(sales) + len(gone)
        self.part_sizes[kind].learn(facts, committed.held_seconds)
        self.count_committed(committed)
        return committed

    def count_committed(self, committed: Committed) -> None:
        self.tally.persona_writes += committed.personas
        self.tally.out_of_market += committed.out_of_market
        self.tally.members_left += len(committed.leavers)
        self.progress.leavers += committed.leavers
        if len(self.progress.leavers) >= MOST_LEAVERS:
            lease = self.lease
            self.leaving.add(lease.uid, lease.platform, self.progress.leavers)
            self.progress.leavers.clear()

    def _is_listed(self, customer: str) -> bool:
        """Whether the POS ever listed the shopper."""
        known = self.manifests.known.get("customers")
        return known is not None and known.get(id_digest(customer)) is not None

    def _count_sale(self, progress: StreamProgress, sale: Sale) -> None:
        if sale.customer_ext_id and self._is_listed(sale.customer_ext_id):
            self.tally.linked += 1
        else:
            self.tally.unlinked += 1
        counts = progress.store_key_sales
        if sale.store_key in counts or len(counts) < MOST_STORE_KEYS:
            counts[sale.store_key] = counts.get(sale.store_key, 0) + 1
        if _is_watched(sale.ordered_at, self.progress.began):
            day = str(local_day_number(sale.ordered_at, self.zone))
            progress.days[day] = progress.days.get(day, 0) + 1


def _ext_id(fact: Customer | Sale) -> str:
    return fact.ext_id


def _product_id(item: InventoryItem) -> str:
    return product_id(item.store_key, item.ext_id)


def _blanked(record: str, customer: Customer, rows: Mapping[str, int]) -> BlankedRow:
    row = rows.get(customer.ext_id, NO_ROW)
    return BlankedRow(record, id_digest(customer.ext_id), digest(customer), row)


def _unchanged_with_points(
    listed: Sequence[Customer], changed: Sequence[Customer]
) -> list[Customer]:
    """Listed customers who have points and are not `changed`: the listing that fixes imported
    points must commit them too."""
    ids = {customer.ext_id for customer in changed}
    return [c for c in listed if c.pos_points and c.ext_id not in ids]


def _is_known_by_former_id(manifest: Manifest, sale: Sale) -> bool:
    former = sale.former_ext_id
    return former is not None and manifest.get(id_digest(former)) is not None


def _is_watched(at: Instant, now: Instant) -> bool:
    """Whether a sale's day is counted: not so old that nobody asks, nor in a future that a till
    with a wrong clock made up."""
    return -1 <= utc_day(now) - utc_day(at) < DAYS_WATCHED
