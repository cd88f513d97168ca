"""Take a signup into a commit (product.md §11)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.acts import Join, merge_joins
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.records import Customer
from chalicelib.domain.signups import with_signup
from chalicelib.domain.times import local_day_number, may_be_younger
from chalicelib.domain.words import Platform, ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.erased_shoppers import pass_over_erased


@dataclass(slots=True)
class SignUpTaken:
    """What became of a signup. `is_new`: the record was not there before. `is_minor`: who signed up
    is under the minimum age, so that the reason of membership was not taken. `store_unknown`: the
    account has no such store. `is_erased`: it was told before the shopper was erased; nothing
    of it is stored."""

    is_new: bool = False
    is_minor: bool = False
    store_unknown: bool = False
    is_erased: bool = False


def take_signup(
    commit: Commit,
    rid: str,
    platform: Platform,
    scope: ScopeId,
    told: Customer,
    join: Join | None,
) -> SignUpTaken:
    """Write the record of a signup if it says anything new."""
    commit.load([rid])
    if commit.tombstones:
        by_act = {told.ext_id: join or Join("form", told.updated_at or 0)}
        kept = pass_over_erased(commit, platform, scope, [told], by_act)
        if not kept:
            return SignUpTaken(is_erased=True)
        told = kept[0]
    row = commit.record_row(rid)
    taken = SignUpTaken(is_new=row is None)
    if told.favourite_store is not None and told.favourite_store not in commit.terms.stores:
        taken.store_unknown = True
        told = replace(told, favourite_store=None)
    customer = with_signup(None if row is None else row.record.customer, told)
    if _is_minor(commit, customer):
        taken.is_minor = True
        customer = replace(customer, flags=customer.flags | {"minor"})
    elif "minor" in customer.flags and customer.birth_date is not None:
        customer = replace(customer, flags=customer.flags - {"minor"})
    if row is None:
        record = SourceRecord(rid, platform, scope, customer, commit.terms.as_of)
    else:
        record = replace(row.record, customer=customer)
    if join is not None and not taken.is_minor:
        joins = merge_joins(record.acts.joins, [join])
        record = replace(record, acts=replace(record.acts, joins=joins))
    commit.put_record(record)
    return taken


def _is_minor(commit: Commit, customer: Customer) -> bool:
    """On the calendar of the store that was chosen, else of the account."""
    terms, born = commit.terms, customer.birth_date
    if born is None or not terms.minimum_age:
        return False
    zone = terms.stores.get(customer.favourite_store or 0) or terms.zone
    today = local_day_number(terms.as_of, zone)
    return may_be_younger(born, terms.minimum_age, today)
