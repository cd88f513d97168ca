"""Rows as POSaBIT sends them, and the profile they are read with."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

from chalicelib.domain.records import Customer, InventoryItem, Reject, Sale, StoreFact
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import registry
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normalised, Normaliser

Row = dict[str, Any]

UNHURRIED = settings(deadline=None, max_examples=80)
"""For properties: a busy machine is no failure."""


def a_customer_row(**changes: Any) -> Row:
    return {
        "id": 4410023,
        "first_name": "Ana",
        "last_name": "Ruiz",
        "telephone": "2065550142",
        "email": "ana@example.com",
        "birthday": "1990-07-23",
        "birth_year": 1990,
        "gender": "female",
        "customer_type": "recreational",
        "address": "12 Pine St",
        "city": "Tacoma",
        "state": "WA",
        "zipcode": "98402",
        "active": True,
        "points": 120,
        "loyalty": True,
        "marketing_opt_in": True,
        "sms_opt_in": True,
        "sms_opt_out": False,
        "terms_agreed": True,
        "drivers_license": "WDL-CANARY",
        "created_at": "2024-02-11T20:01:44.000Z",
        "updated_at": "2026-05-02T03:14:09.000Z",
    } | changes


def an_item_row(**changes: Any) -> Row:
    return {
        "item_id": 1,
        "product_id": 900835,
        "quantity": 1,
        "cost": 1900,
        "sub_total": 4500,
        "tax": 1480,
        "discount": 500,
        "total": 5480,
        "sku": "FLW-35",
        "category": "Flower",
        "brand": "Acme",
        "product_name": "Blue Dream 3.5g",
        "discount_list": [{"coupon_id": 47370, "coupon_name": "AIQ $5"}],
    } | changes


def a_sale_row(**changes: Any) -> Row:
    return {
        "id": 90210077,
        "is_medical": False,
        "ordered_at": "2026-05-02T19:22:10.000Z",
        "ordered_at_local": "2026-05-02T12:22:10.000",
        "sale_type": "sale",
        "order_source": "pos",
        "status": "completed",
        "local_order_id": "88-1042",
        "customer_id": 4410023,
        "user_id": 731,
        "sub_total": 4500,
        "discount": 500,
        "tax": 1480,
        "total": 5480,
        "cost": 1900,
        "items": [an_item_row()],
        "sales_tenders": [{"total": 5480, "payment_method_name": "Cash"}],
        "created_at": "2026-05-02T19:22:11.000Z",
        "updated_at": "2026-05-02T19:22:11.000Z",
    } | changes


def an_inventory_row(**changes: Any) -> Row:
    return {
        "id": 61001,
        "product_id": 900835,
        "name": "Blue Dream 3.5g",
        "unit": "each",
        "price": 4500,
        "quantity_on_hand": "369.7",
        "brand": "Acme",
        "category": "Flower",
        "strain": "Blue Dream",
        "sku": "FLW-35",
        "active": True,
        "updated_at": "2026-05-02T19:22:11.000Z",
    } | changes


def an_info_body(**changes: Any) -> Row:
    return {
        "code": "harbor-01",
        "name": "Harbor House",
        "license": "414309",
        "region": "Washington State",
        "timezone": "Pacific Time (US & Canada)",
        "telephone": "2062005500",
        "address": "2386 Harbor Ave, Tacoma",
    } | changes


def normaliser(stream: Stream, store_key: str = "harbor-01") -> Normaliser:
    return Normaliser(registry.profile("posabit"), stream, Setting(store_key))


def page(stream: Stream, *rows: Any) -> Normalised:
    return normaliser(stream).page(rows)


def customer(**changes: Any) -> Customer:
    made = normaliser("customers").one(a_customer_row(**changes))
    assert isinstance(made, Customer), made
    return made


def sale(**changes: Any) -> Sale:
    made = normaliser("sales").one(a_sale_row(**changes))
    assert isinstance(made, Sale), made
    return made


def item(**changes: Any) -> InventoryItem:
    made = normaliser("inventory").one(an_inventory_row(**changes))
    assert isinstance(made, InventoryItem), made
    return made


def store(**changes: Any) -> StoreFact:
    made = normaliser("stores", store_key="").one(an_info_body(**changes))
    assert isinstance(made, StoreFact), made
    return made


def reject(stream: Stream, row: Any) -> Reject:
    made = normaliser(stream).one(row)
    assert isinstance(made, Reject), made
    return made
