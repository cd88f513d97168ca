"""Erase shoppers from the facts and from what is derived of them (product.md §14).

Each step is a commit of its own, may be done again, and leaves the account as any commit does: what
dies half done is repaired by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.acts import NO_ACTS
from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.pulled_facts import FactPlace
from chalicelib.domain.records import Customer
from chalicelib.domain.tombstones import Tombstone, TombstoneKind, Tombstones
from chalicelib.domain.words import Channel, Instant, Platform, Uid
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.stages.put_back import has_acts
from chalicelib.services.derivation.stages.reach import reach
from chalicelib.services.derivation.stages.sales import put_sales
from chalicelib.services.ports.commits import CommitLock, Writes
from chalicelib.services.ports.stored_facts import SaleId

SALES_AT_ONCE = 250

ContactPlace = tuple[Channel, str]
"""(channel, number or address)"""


@dataclass(frozen=True, slots=True)
class Person:
    """A shopper as the facts hold them. `own`: the contacts that nobody else carries."""

    records: tuple[SourceRecord, ...]
    own: tuple[ContactPlace, ...]


@dataclass(frozen=True, slots=True)
class EraseFacts:
    """Takes shoppers out of the facts of an account."""

    commits: FactCommits

    def bury(
        self,
        uid: Uid,
        records: Sequence[str],
        erasure: str,
        note: Callable[[Person], Mapping[ContactPlace, Instant]],
    ) -> None:
        """Write the tombstones of the shopper who holds the records: from now on no POS brings them
        back.

        `note` is called under the lock with everything that the shopper has by now, before it is
        written; it returns since when each opted-out contact is.
        """

        def act(lock: CommitLock, commit: Commit) -> None:
            person = person_of_records(commit, records)
            opted_out = note(person)
            tombstones = Tombstones(commit.facts.salt(uid))
            writes = Writes()
            now = commit.terms.as_of
            for record in {*records, *(record.id for record in person.records)}:
                name = tombstones.name("record", record)
                writes.tombstones[name] = Tombstone(now, erasure)
            for channel, contact in person.own:
                kind: TombstoneKind = "phone" if channel == "sms" else "email"
                out = opted_out.get((channel, contact))
                held = Tombstone(now, erasure, opted_out_at=out)
                writes.tombstones[tombstones.name(kind, contact)] = held
            commit.facts.write(lock, writes)

        self.commits.change(uid, act)

    def beside_tombstones(self, uid: Uid, act: Callable[[Tombstones], None]) -> None:
        """Let `act` do what no signup may come between: it is called under the account's lock."""
        self.commits.change(uid, lambda _, commit: act(commit.tombstones))

    def unlink_sales(self, uid: Uid, records: Sequence[str]) -> int:
        """Take up to 250 sales from the shopper, and their ledger entries with them; the sales stay
        without a shopper. Return how many there were."""
        taken = 0

        def act(_: CommitLock, commit: Commit) -> None:
            nonlocal taken
            commit.load(records)
            found = [SaleId.of(ref) for rid in records for ref in commit.pointers(rid)]
            rows = commit.sale_rows(found[:SALES_AT_ONCE])
            linked = {sid: row.sale for sid, row in rows.items() if row.record is not None}
            taken = len(linked)
            put_sales(commit, {sid: replace(s, customer_ext_id=None) for sid, s in linked.items()})

        self.commits.change(uid, act)
        return taken

    def empty(self, uid: Uid, records: Sequence[str]) -> None:
        """Leave of the records nothing but their ids, so that keys, persona and sums go."""

        def act(_: CommitLock, commit: Commit) -> None:
            commit.load(records)
            for record in commit.records(records):
                bare = Customer(record.customer.ext_id)
                commit.put_record(replace(record, customer=bare, acts=NO_ACTS, withheld=None))

        self.commits.change(uid, act)

    def forget(self, uid: Uid, records: Sequence[str]) -> int:
        """Delete every row of the records; return how many there were."""
        gone = 0

        def act(lock: CommitLock, commit: Commit) -> None:
            nonlocal gone
            gone = commit.facts.forget(lock, records)

        self.commits.change(uid, act)
        return gone

    def purge(self, uid: Uid, platform: Platform, places: Sequence[FactPlace]) -> None:
        """Delete these facts of a source whose data was put aside, for good. Shoppers for whom
        something was done in AIQ stay."""
        sales = [SaleId(platform, p.scope, p.ext_id) for p in places if p.kind == "sale"]
        rids = [record_id(uid, platform, p.scope, p.ext_id) for p in places if p.kind == "customer"]

        def unlink(_: CommitLock, commit: Commit) -> None:
            rows = commit.sale_rows(sales)
            linked = {sid: row.sale for sid, row in rows.items() if row.record is not None}
            put_sales(commit, {sid: replace(s, customer_ext_id=None) for sid, s in linked.items()})

        def forget(lock: CommitLock, commit: Commit) -> None:
            commit.load(rids)
            kept = {r.id for r in commit.records(rids) if has_acts(commit, r)}
            commit.facts.forget(lock, [rid for rid in rids if rid not in kept])
            commit.facts.forget_sales(lock, sales)

        self.commits.change(uid, unlink)
        self.commits.change(uid, forget)


def person_of_records(commit: Commit, records: Sequence[str]) -> Person:
    """Return who holds these records today."""
    found = Commit(commit.facts, commit.uid, commit.terms, seeds=set(records))
    reach(found)
    wanted = set(records)
    mine = [
        record
        for component, _ in found.components
        if not wanted.isdisjoint(each.id for each in component.records)
        for record in component.records
    ]
    ids = {record.id for record in mine}
    keys = {MergeKey("phone" if c == "sms" else "email", v): (c, v) for c, v in contacts_of(mine)}
    found.load_carriers(keys)
    own = [place for key, place in keys.items() if ids.issuperset(found.carriers_of(key))]
    return Person(tuple(mine), tuple(own))


def contacts_of(records: Sequence[SourceRecord]) -> list[ContactPlace]:
    """Return every number and address of the records, each once."""
    found: dict[ContactPlace, None] = {}
    for record in records:
        for telling in (record.customer, record.withheld):
            if telling is not None and telling.phone:
                found["sms", telling.phone] = None
            if telling is not None and telling.email:
                found["email", telling.email] = None
    return list(found)
