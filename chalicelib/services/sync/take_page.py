"""Take a page in: drop what is known unchanged, commit the rest, remember it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from chalicelib.domain.manifest import NO_ROW, Manifest, digest, id_digest
from chalicelib.domain.records import Customer, Fact, InventoryItem, Sale, StoreFact
from chalicelib.domain.times import utc_day
from chalicelib.domain.words import Instant, ScopeId, Stream
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.ports.facts import Committed
from chalicelib.services.ports.pos import KnownRow, Page
from chalicelib.services.ports.runs import Lease, SyncStates
from chalicelib.services.ports.stores import Inventories
from chalicelib.services.sync.progress import Progress, StreamPlace, Tally

F = TypeVar("F", Customer, Sale, InventoryItem)
T = TypeVar("T")

MAX_ASIDES = 1_000
"""Set-aside records kept of one run; the rest is only counted."""

MOST_AT_ONCE = 1_000
"""Facts in one commit. Its intent must fit a row of 400 KB, and the account's other sources wait
for it; the one page of a report may hold a whole clientele."""

MOST_LEAVERS = 2_000
"""Members who left, noted by name of one run; the rest is only counted. They travel with its
progress, in a row of 400 KB."""

DAYS_WATCHED = 63
NO_ROWS: Mapping[str, int] = MappingProxyType({})
GONE = 0
"""The digest of an inventory row that left the catalogue; no live row has it."""


class PageIntake:
    """The pages of one slice of one run. `scope` is the credential's, set before the first.

    `import_run`: the run, when its customers listing may fix the scope's imported points.
    """

    def __init__(
        self,
        lease: Lease,
        progress: Progress,
        tally: Tally,
        *,
        commits: FactCommits,
        states: SyncStates,
        inventories: Inventories,
    ) -> None:
        self.scope = ScopeId("")
        self.import_run: str | None = None
        self.manifests: dict[Stream, Manifest] = {}
        self.seen: Manifest | None = None
        self._lease = lease
        self._progress = progress
        self._tally = tally
        self._commits = commits
        self._states = states
        self._inventories = inventories

    def known(self, stream: Stream) -> KnownRow | None:
        """Which rows need no reading; None where every record is looked at anyway."""
        if stream in ("stores", "inventory") or (stream == "customers" and self.import_run):
            return None
        manifest = self.manifests[stream]
        return lambda ext_id, row: manifest.holds(id_digest(ext_id), row)

    def take(self, stream: Stream, page: Page) -> None:
        """Commit the page's facts. The caller checkpoints later: a repetition is harmless.

        Raises LeaseLost or CommitBusy.
        """
        self._set_aside(stream, page)
        self._tally.requests += page.requests
        self._tally.retries += page.retries
        self._tally.words(dict(page.unknown_words))
        self._tally.add(stream, pages=1, fetched=page.fetched)
        self._progress.streams[stream].listed += page.fetched
        known = 0
        if stream == "stores":
            known = self._take_stores([f for f in page.facts if isinstance(f, StoreFact)])
        elif stream == "customers":
            known = self._take_customers(page.facts, page.rows)
        elif stream == "sales":
            known = self._take_sales(page.facts, page.rows)
        else:
            known = self._take_inventory(page.facts)
        repeated = page.fetched - len(page.facts) - len(page.rejects)
        self._tally.add(stream, unchanged=known + repeated)

    def _set_aside(self, stream: Stream, page: Page) -> None:
        if not page.rejects:
            return
        room = max(0, MAX_ASIDES - self._progress.asides)
        kept = page.rejects[:room]
        if kept:
            self._states.add_aside(self._lease, self._progress.asides, kept)
        self._progress.asides += len(kept)
        self._tally.add(stream, set_aside=len(page.rejects))
        for reject in page.rejects:
            self._tally.reason(reject.reason)

    def _take_stores(self, stores: Sequence[StoreFact]) -> int:
        known = self._progress.streams["stores"].store_key_sales
        for store in stores:
            self._progress.store_names[store.key] = (store.name, store.time_zone)
            known[store.key] = 0
        return len(stores)

    def _take_customers(self, facts: Sequence[Fact], rows: Mapping[str, int]) -> int:
        customers = [f for f in facts if isinstance(f, Customer)]
        fresh = self._fresh("customers", customers, lambda c: c.ext_id, rows)
        told = [customer for customer, _, _ in fresh]
        if self.import_run is not None:
            told += _with_points(customers, told)
        for part in _parts(told):
            self._count(self._commit(customers=part))
        self._remember("customers", fresh, rows)
        return len(customers) - len(fresh)

    def _take_sales(self, facts: Sequence[Fact], rows: Mapping[str, int]) -> int:
        sales = [f for f in facts if isinstance(f, Sale)]
        fresh = self._fresh("sales", sales, lambda s: s.ext_id, rows)
        for part in _parts(fresh):
            self._count(self._commit(sales=[s for s, _, _ in part]))
        place = self._progress.streams["sales"]
        manifest = self.manifests["sales"]
        for sale, key, _ in fresh:
            if manifest.get(key) is None:
                self._count_sale(place, sale)
        self._remember("sales", fresh, rows)
        return len(sales) - len(fresh)

    def _take_inventory(self, facts: Sequence[Fact]) -> int:
        items = [f for f in facts if isinstance(f, InventoryItem)]
        fresh = self._fresh("inventory", items, inventory_id)
        if fresh:
            changed = [item for item, _, _ in fresh]
            self._inventories.put(self._lease.uid, self._lease.platform, self.scope, changed)
        self._remember("inventory", fresh)
        if self.seen is not None:
            for item in items:
                self.seen.remember(id_digest(inventory_id(item)), 1)
        return len(items) - len(fresh)

    def _fresh(
        self,
        stream: Stream,
        facts: Sequence[F],
        name: Callable[[F], str],
        rows: Mapping[str, int] = NO_ROWS,
    ) -> list[tuple[F, int, int]]:
        """What the manifest does not know in this form, the last of each id, with its digests."""
        manifest = self.manifests[stream]
        latest: dict[int, tuple[F, int, int]] = {}
        for fact in facts:
            key, value = id_digest(name(fact)), digest(fact)
            if manifest.get(key) == value:
                latest.pop(key, None)
                if (row := rows.get(fact.ext_id)) is not None:
                    manifest.retell(key, row)
            else:
                latest[key] = (fact, key, value)
        return list(latest.values())

    def _remember(
        self,
        stream: Stream,
        fresh: Sequence[tuple[F, int, int]],
        rows: Mapping[str, int] = NO_ROWS,
    ) -> None:
        manifest = self.manifests[stream]
        new = 0
        for fact, key, value in fresh:
            new += manifest.get(key) is None
            manifest.remember(key, value, rows.get(fact.ext_id, NO_ROW))
        self._tally.add(stream, new=new, changed=len(fresh) - new)

    def _commit(self, customers: Sequence[Customer] = (), sales: Sequence[Sale] = ()) -> Committed:
        lease = self._lease
        return self._commits.commit(
            lease.uid,
            lease.platform,
            self.scope,
            customers=customers,
            sales=sales,
            import_run=self.import_run,
        )

    def _count(self, committed: Committed) -> None:
        self._tally.persona_writes += committed.personas
        self._tally.members_left += len(committed.leavers)
        room = max(0, MOST_LEAVERS - len(self._progress.leavers))
        self._progress.leavers += committed.leavers[:room]

    def _count_sale(self, place: StreamPlace, sale: Sale) -> None:
        if sale.customer_ext_id:
            self._tally.linked += 1
        else:
            self._tally.unlinked += 1
        counts = place.store_key_sales
        counts[sale.store_key] = counts.get(sale.store_key, 0) + 1
        if _watched(sale.ordered_at, self._progress.began):
            day = str(utc_day(sale.ordered_at))
            place.days[day] = place.days.get(day, 0) + 1


def _parts(fresh: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(fresh), MOST_AT_ONCE):
        yield fresh[start : start + MOST_AT_ONCE]


def _with_points(listed: Sequence[Customer], told: Sequence[Customer]) -> list[Customer]:
    """Who is known unchanged and has points: the listing that fixes them must name them too."""
    ids = {customer.ext_id for customer in told}
    return [c for c in listed if c.pos_points and c.ext_id not in ids]


def inventory_id(item: InventoryItem) -> str:
    """The POS's id is unique in its store only."""
    return f"{item.store_key}\x1f{item.ext_id}"


def _watched(at: Instant, now: Instant) -> bool:
    """Not so old that nobody asks, nor in a future that a till with a wrong clock made up."""
    return -1 <= utc_day(now) - utc_day(at) < DAYS_WATCHED
