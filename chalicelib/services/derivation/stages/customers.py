"""Take the customers of a page into a commit, with the acts that came along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Acts, Imported, Join, hear_flags, merge_joins
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.domain.versions import is_newer, latest_versions, with_told_update
from chalicelib.domain.words import Instant, Platform, ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit

_NOBODY = Customer("")


def take_customers(
    commit: Commit,
    platform: Platform,
    scope: ScopeId,
    customers: Sequence[Customer],
    joins: Mapping[str, Join],
    import_run: str | None,
) -> None:
    """Write those that are new or changed. `joins`, `import_run`: see `FactCommits.commit`."""
    if scope in commit.terms.rules.source(platform).import_locks:
        import_run = None  # what an earlier listing fixed stays
    now, zones = commit.terms.as_of, commit.terms.clock_zones
    versions = latest_versions(
        (
            (record_id(commit.uid, platform, scope, c.ext_id), with_told_update(c, now))
            for c in customers
        ),
        zones,
    )
    commit.load(versions)
    for rid, customer in versions.items():
        row = commit.record_row(rid)
        if row is None:
            record = SourceRecord(rid, platform, scope, customer, now)
        elif is_newer(customer, with_told_update(row.record.customer, now), zones):
            record = replace(row.record, customer=customer)
        else:
            record = row.record
        before = _NOBODY if row is None else row.record.customer
        acts = _acts(record, before, joins.get(customer.ext_id), import_run, now)
        if acts != record.acts:
            record = replace(record, acts=acts)
        if acts.flags != (0 if row is None else row.record.acts.flags):
            commit.flag_changes.add(rid)
        commit.put_record(record)


def _acts(
    record: SourceRecord,
    before: Customer,
    join: Join | None,
    import_run: str | None,
    now: Instant,
) -> Acts:
    """The acts of the record with what its new customer adds to them."""
    acts, customer = record.acts, record.customer
    if join is not None:
        acts = replace(acts, joins=merge_joins(acts.joins, [join]))
    if import_run is not None:
        acts = replace(acts, imported=Imported(customer.pos_points or 0, import_run))
    return hear_flags(acts, before, customer, now)
