"""Note for the facts log which versions of pulled facts a commit stores (freezing.md)."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.pulled_facts import PulledCustomer, PulledSale
from chalicelib.domain.records import Customer
from chalicelib.domain.signups import OWN_SCOPES, PUSHED
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.stored_facts import StoredSale


def log_pulled_facts(commit: Commit) -> None:
    """Log the sales that the commit writes, and those of its records whose pulled side changed."""
    writes = commit.writes
    changed = []
    for rid, row in writes.records.items():
        before = commit.record_row_before(rid)
        if before is None or _pulled(before.record) != _pulled(row.record):
            changed.append(row.record)
    log_facts(commit, changed, writes.sales.values())


def log_facts(commit: Commit, records: Iterable[SourceRecord], sales: Iterable[StoredSale]) -> None:
    """Log these records and sales as they are."""
    log = commit.writes.pulled
    for record in records:
        if record.scope in OWN_SCOPES:
            continue  # nobody pulled it, and no roll-back sees it
        is_erased = commit.tombstones.holds("record", record.id)
        pulled = _erased(record) if is_erased else _pulled(record)
        log.setdefault(record.platform, []).append(pulled)
    for row in sales:
        if PUSHED in row.sale.flags:
            continue
        log.setdefault(row.id.platform, []).append(PulledSale(row.id.scope, row.sale))


def _pulled(record: SourceRecord) -> PulledCustomer:
    return PulledCustomer(record.scope, record.customer, record.withheld, record.acts.imported)


def _erased(record: SourceRecord) -> PulledCustomer:
    return PulledCustomer(record.scope, Customer(record.customer.ext_id), is_erased=True)
