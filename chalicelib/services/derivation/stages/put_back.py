"""Put facts of a source back to other versions, without a word to anybody (freezing.md).

What was done for a shopper in AIQ stays: first seen, joins, consent words, adjustments and points
that a listing fixed for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Acts, ImportedPoints, flag_words
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, REDEMPTION_PREFIX
from chalicelib.domain.pulled_facts import (
    KEPT_FLAG,
    FactPlace,
    PulledCustomer,
    PulledFact,
    PulledSale,
)
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.words import Platform
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.erased_shoppers import unlinked_if_erased
from chalicelib.services.ports.stored_facts import SaleId

ROLLED_BACK = "rolled back"
"""The status of a sale that the backup lacks."""


def put_back_customers(
    commit: Commit,
    platform: Platform,
    versions: Iterable[PulledCustomer],
    missing: Iterable[FactPlace],
) -> None:
    """Give the shoppers these versions; those `missing` in the backup lose all but their id, unless
    something was done for them in AIQ. Who is not stored or was ever erased is passed over."""
    wanted = {
        record_id(commit.uid, platform, each.scope, each.customer.ext_id): each for each in versions
    }
    absent = [record_id(commit.uid, platform, each.scope, each.ext_id) for each in missing]
    commit.load([*wanted, *absent])
    for rid, version in wanted.items():
        if commit.tombstones.of("record", rid) is not None:
            continue
        if (row := commit.record_row(rid)) is not None:
            commit.put_record(_with_version(commit, row.record, version))
    for rid in absent:
        if (row := commit.record_row(rid)) is not None:
            record = row.record
            customer = Customer(record.customer.ext_id)
            if has_acts(commit, record):
                customer = replace(record.customer, flags=record.customer.flags | {KEPT_FLAG})
            version = PulledCustomer(record.scope, customer, None, None)
            commit.put_record(_with_version(commit, record, version))


def sales_put_back(
    commit: Commit,
    platform: Platform,
    versions: Iterable[PulledSale],
    missing: Iterable[FactPlace],
) -> dict[SaleId, Sale]:
    """The sales as they are to be stored. Those `missing` in the backup keep id, shop, time and
    shopper, so that their ledger entries keep their place, and count for nothing."""
    found = {
        SaleId(platform, each.scope, each.sale.ext_id): unlinked_if_erased(
            commit, platform, each.scope, each.sale
        )
        for each in versions
    }
    absent = [SaleId(platform, each.scope, each.ext_id) for each in missing]
    for sid, row in commit.sale_rows(absent).items():
        found[sid] = _emptied(row.sale)
    return found


def split(
    facts: Sequence[PulledFact], missing: Sequence[FactPlace]
) -> tuple[list[PulledCustomer], list[FactPlace], list[PulledSale], list[FactPlace]]:
    """The shoppers and those missing, the sales and those missing."""
    return (
        [fact for fact in facts if isinstance(fact, PulledCustomer)],
        [place for place in missing if place.kind == "customer"],
        [fact for fact in facts if isinstance(fact, PulledSale)],
        [place for place in missing if place.kind == "sale"],
    )


def _with_version(commit: Commit, record: SourceRecord, version: PulledCustomer) -> SourceRecord:
    locked = record.scope in commit.terms.rules.source(record.platform).import_locks
    acts = _acts(record, record.acts.imported if locked else version.imported)
    return replace(record, customer=version.customer, withheld=version.withheld, acts=acts)


def _acts(record: SourceRecord, imported: ImportedPoints | None) -> Acts:
    """The record's acts. Words of consent that only its body told are written down first."""
    words = flag_words(record.acts, record.withheld or record.customer)
    return replace(record.acts, imported=imported, words=words)


def has_acts(commit: Commit, record: SourceRecord) -> bool:
    """Whether anything was done for the shopper in AIQ: a join, points by hand, or a redemption."""
    if record.acts.joins:
        return True
    ledger = commit.facts.ledger(commit.uid, record.id)
    return any(cause.startswith((ADJUSTMENT_PREFIX, REDEMPTION_PREFIX)) for cause in ledger)


def _emptied(sale: Sale) -> Sale:
    return Sale(
        sale.ext_id,
        sale.store_key,
        sale.ordered_at,
        sale.ordered_at_text,
        sale.currency,
        0,
        status=ROLLED_BACK,
        is_final=False,
        customer_ext_id=sale.customer_ext_id,
        wall_clock=sale.wall_clock,
    )
