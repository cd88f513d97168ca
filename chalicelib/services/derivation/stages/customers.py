"""Take the customers of a page into a commit, with the acts that came along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Acts, ImportedPoints, Join, hear_flags, merge_joins
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.listing_checks import lacks_a_contact
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
    *,
    withhold: bool,
) -> None:
    """Write those that are new or changed. For the arguments see `FactCommits.commit`."""
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
        else:
            record = _told(commit, row.record, customer, withhold=withhold)
        before = _NOBODY if row is None else row.record.customer
        if before.pos_scope and before.pos_scope != record.customer.pos_scope:
            old = ScopeId(before.pos_scope)  # where its mate was until now
            commit.seeds.add(record_id(commit.uid, platform, old, customer.ext_id))
        heard = record.withheld or record.customer
        acts = _acts(record.acts, before, heard, joins.get(customer.ext_id), import_run, now)
        _put(commit, record, acts)


def take_withheld(commit: Commit, records: Iterable[str]) -> None:
    """Let the withheld telling of each record take its place."""
    rids = list(records)
    commit.load(rids)
    for record in commit.records(rids):
        if record.withheld is None or commit.terms.rules.source(record.platform).standing:
            continue
        taken = replace(record, customer=record.withheld, withheld=None)
        now = commit.terms.as_of
        _put(commit, taken, hear_flags(record.acts, record.customer, taken.customer, now))


def _told(
    commit: Commit, record: SourceRecord, customer: Customer, *, withhold: bool
) -> SourceRecord:
    """The record after a telling: the same where a later one is known."""
    held, last = record.customer, record.withheld or record.customer
    if not is_newer(customer, with_told_update(last, commit.terms.as_of), commit.terms.clock_zones):
        if record.withheld is not None:
            commit.withheld.add(record.id)
        return record
    if withhold and lacks_a_contact(customer, held):
        commit.withheld.add(record.id)
        return replace(record, customer=_with_flags_of(held, customer), withheld=customer)
    return replace(record, customer=customer, withheld=None)


def _with_flags_of(held: Customer, told: Customer) -> Customer:
    """Return the held customer with the consent flags told of contacts that stay.

    They count at once: an opt-out never waits.
    """
    sms = told.sms_consent if told.phone == held.phone else held.sms_consent
    email = told.email_consent if told.email == held.email else held.email_consent
    return replace(held, sms_consent=sms, email_consent=email)


def _put(commit: Commit, record: SourceRecord, acts: Acts) -> None:
    """Write the record with these acts, and note whether its consent flags changed."""
    before = commit.record_row(record.id)
    if acts != record.acts:
        record = replace(record, acts=acts)
    if acts.flags != (0 if before is None else before.record.acts.flags):
        commit.flag_changes.add(record.id)
    commit.put_record(record)


def _acts(
    acts: Acts,
    before: Customer,
    customer: Customer,
    join: Join | None,
    import_run: str | None,
    now: Instant,
) -> Acts:
    """The acts of a record with what a telling adds to them."""
    if join is not None:
        acts = replace(acts, joins=merge_joins(acts.joins, [join]))
    if import_run is not None:
        acts = replace(acts, imported=ImportedPoints(customer.pos_points or 0, import_run))
    return hear_flags(acts, before, customer, now)
