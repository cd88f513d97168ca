"""Shoppers and sales for domain tests: everything has a default, say only what matters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.domain.identity import MergeKey, SourceRecord
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.sales_summary import SaleRef, SalesSummary
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Instant
from tests.unit.domain import naive
from tests.unit.domain.naive import Shopper, Sold

UID = "1000"
NOON = 1_767_960_000_000
"""2026-01-09T12:00Z"""


def shopper(
    ext_id: str,
    *,
    platform: str = "posabit",
    scope: str = "venue-1",
    first_seen: Instant = NOON,
    **fields: Any,
) -> Shopper:
    return Shopper(platform, scope, Customer(ext_id, **fields), first_seen)


def sold(
    ext_id: str,
    to: str | None,
    *,
    at: Instant = NOON,
    store_key: str = "Main St",
    platform: str = "posabit",
    scope: str = "venue-1",
    **fields: Any,
) -> Sold:
    sale = Sale(
        ext_id=ext_id,
        store_key=store_key,
        ordered_at=at,
        ordered_at_text="",
        currency="USD",
        total=1_000,
        customer_ext_id=to,
        **fields,
    )
    return Sold(platform, scope, sale)


def days_before(days: float, *, at: Instant = NOON) -> Instant:
    return at - int(days * DAY)


def source_record(shopper: Shopper) -> SourceRecord:
    id_ = record_id(UID, shopper.platform, shopper.scope, shopper.customer.ext_id)
    return SourceRecord(id_, *shopper)


def source_records(shoppers: Iterable[Shopper]) -> list[SourceRecord]:
    return [source_record(shopper) for shopper in shoppers]


def shared_keys(shoppers: Iterable[Shopper], **options: bool) -> frozenset[MergeKey]:
    return frozenset(MergeKey(*k) for k in naive.expected_shared_keys(shoppers, **options))


def sale_ref(sold: Sold) -> SaleRef:
    return SaleRef.of(*sold)


def summaries(sales: Iterable[Sold]) -> dict[str, SalesSummary]:
    """The summary of each record that has sales."""
    refs: dict[str, list[SaleRef]] = {}
    for one in sales:
        if one.sale.customer_ext_id is not None:
            id_ = record_id(UID, one.platform, one.scope, one.sale.customer_ext_id)
            refs.setdefault(id_, []).append(sale_ref(one))
    return {id_: SalesSummary.rebuild(of_record) for id_, of_record in refs.items()}
