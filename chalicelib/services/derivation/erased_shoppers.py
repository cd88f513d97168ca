"""Keep who was erased out of a commit, until they sign up anew (product.md §14).

Read only where the account ever erased anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import CommitBusy
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.tombstones import Tombstone, TombstoneKind
from chalicelib.domain.words import Channel, Platform, ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.effects import KEPT_REFUSAL, ConsentFlag

STILL_ERASING = "An older record of this shopper is just being erased: try again in a moment."
RETRY_SECONDS = 15


def pass_over_erased(
    commit: Commit,
    platform: Platform,
    scope: ScopeId,
    customers: Sequence[Customer],
    joins: Mapping[str, Join],
) -> list[Customer]:
    """Return the customers without those who are erased. A record that belongs to somebody else
    loses the erased contact only.

    Who signs up by an act after the erasure is erased no more, with all their records. Raises
    CommitBusy while the erasure is still taking the record away.
    """
    rids = {c.ext_id: record_id(commit.uid, platform, scope, c.ext_id) for c in customers}
    commit.load(rids.values())
    kept = []
    for customer in customers:
        rid = rids[customer.ext_id]
        held = [t for t in _tombstones_of(commit, rid, customer) if t.holds]
        join = joins.get(customer.ext_id)
        if held and join is not None and join.at > max(t.erased_at for t in held):
            _require_erased(commit, rid)
            _lift(commit, {t.erasure for t in held}, join)
        elif held:
            if commit.tombstones.holds("record", rid) or commit.record_row(rid) is None:
                continue
            customer = _without_erased_contacts(commit, customer)  # noqa: PLW2901
        commit.kept_refusals += _kept_refusals(commit, platform, rid, customer)
        kept.append(customer)
    return kept


def unlink_erased(
    commit: Commit, platform: Platform, scope: ScopeId, sales: Iterable[Sale]
) -> list[Sale]:
    """Return the sales, those of erased shoppers without a shopper."""
    return [unlinked_if_erased(commit, platform, scope, sale) for sale in sales]


def unlinked_if_erased(commit: Commit, platform: Platform, scope: ScopeId, sale: Sale) -> Sale:
    """Return the sale, without its shopper if they were erased after it or are erased today."""
    if not sale.customer_ext_id or not commit.tombstones:
        return sale
    rid = record_id(commit.uid, platform, scope, sale.customer_ext_id)
    if not commit.tombstones.unlinks(rid, sale.ordered_at):
        return sale
    return replace(sale, customer_ext_id=None)


def _tombstones_of(commit: Commit, rid: str, customer: Customer) -> list[Tombstone]:
    places: tuple[tuple[TombstoneKind, str | None], ...] = (
        ("record", rid),
        ("phone", customer.phone),
        ("email", customer.email),
    )
    found = (commit.tombstones.of(kind, value) for kind, value in places)
    return [each for each in found if each is not None]


def _require_erased(commit: Commit, rid: str) -> None:
    """Raise CommitBusy while the record's rows are still there: the erasure under way would take
    the new signup with them."""
    if commit.tombstones.holds("record", rid) and commit.record_row(rid) is not None:
        raise CommitBusy(STILL_ERASING, retry_after=RETRY_SECONDS)


def _lift(commit: Commit, erasures: set[str], join: Join) -> None:
    for name, each in commit.tombstones.held.items():
        if each.erasure in erasures and each.holds:
            commit.writes.tombstones[name] = replace(each, lifted_at=join.at)


def _without_erased_contacts(commit: Commit, customer: Customer) -> Customer:
    if commit.tombstones.holds("phone", customer.phone):
        customer = replace(customer, phone=None, phone_raw=None)
    if commit.tombstones.holds("email", customer.email):
        customer = replace(customer, email=None, email_raw=None)
    return customer


def _kept_refusals(
    commit: Commit, platform: Platform, rid: str, customer: Customer
) -> Iterator[ConsentFlag]:
    """The opt-outs of contacts that come back: they outlive the erasure."""
    contacts: tuple[tuple[Channel, TombstoneKind, str | None], ...] = (
        ("sms", "phone", customer.phone),
        ("email", "email", customer.email),
    )
    for channel, kind, contact in contacts:
        found = commit.tombstones.of(kind, contact)
        if contact and found is not None and found.opted_out_at is not None:
            at = found.opted_out_at
            yield ConsentFlag(channel, contact, "no", platform, rid, KEPT_REFUSAL, at)
