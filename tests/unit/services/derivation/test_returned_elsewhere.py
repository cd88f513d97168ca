"""Bought in one shop of the retailer, returned in another (product.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.records import Sale
from chalicelib.domain.rules import Source
from tests.fakes.facts import Crash
from tests.worlds.shop import ANA, PLATFORM, UID, Shop, a_sale, day

THERE = replace(ANA, ext_id="7")
BOUGHT = a_sale("s1", "2026-03-01")


def a_shop() -> Shop:
    shop = Shop(sources={PLATFORM: Source(enroll_after=day("2026-01-01"))})
    shop.tell(ANA)
    shop.tell(THERE, scope="south")
    return shop


def back(total: int = -10_000, **fields: Any) -> Sale:
    told = {"kind": "return", "customer_ext_id": "7", "original_ext_id": "s1", **fields}
    return a_sale("r1", "2026-03-02", total, **told)


@pytest.mark.parametrize(("customer", "original"), [("7", "s1"), ("7", None), (None, "s1")])
def test_a_return_in_another_shop_takes_the_points(
    customer: str | None, original: str | None
) -> None:
    shop = a_shop()
    shop.tell(BOUGHT)

    shop.tell(back(customer_ext_id=customer, original_ext_id=original), scope="south")

    assert (shop.points(), shop.member()) == (0, True)


def test_in_whatever_order_the_shops_tell_it() -> None:
    others = a_sale("x", "2026-03-05", customer_ext_id="7")
    acts: list[Callable[[Shop], Any]] = [
        lambda shop: shop.tell(BOUGHT),
        lambda shop: shop.tell(back(-4_000, customer_ext_id=None), scope="south"),
        lambda shop: shop.tell(replace(others, customer_ext_id=None), scope="east"),
        lambda shop: shop.tell(others, scope="south"),
    ]

    for order in permutations(acts):
        shop = a_shop()
        for act in order:
            act(shop)

        assert shop.points() == 16


def test_the_sale_of_its_own_shop_is_meant_first_whenever_it_is_told() -> None:
    own = a_sale("s1", "2026-03-01", 20_000, customer_ext_id="7")
    acts: list[Callable[[Shop], Any]] = [
        lambda shop: shop.tell(BOUGHT),
        lambda shop: shop.tell(back(), scope="south"),
        lambda shop: shop.tell(own, scope="south"),
    ]

    for order in permutations(acts):
        shop = a_shop()
        for act in order:
            act(shop)

        amounts = {e.record: e.amount for e in shop.entries().values() if e.amount}
        assert shop.points() == 20, amounts


def test_a_return_is_never_taken_off_two_sales() -> None:
    for order in permutations(("north", "east", "south")):
        shop = a_shop()
        for scope in order:
            shop.tell(back() if scope == "south" else BOUGHT, scope=scope)
        shop.tell(ANA, scope="east")

        assert shop.points() == 10


def test_a_return_withdrawn_gives_the_points_back() -> None:
    shop = a_shop()
    shop.tell(BOUGHT)
    shop.tell(back(), scope="south")

    shop.tell(replace(back(), kind="void", is_final=False), scope="south")

    assert shop.points() == 10


def test_no_other_platform_is_meant() -> None:
    shop = a_shop()
    shop.tell(BOUGHT)

    shop.commits.commit(UID, "thsuite", "south", customers=[THERE], sales=[back()])

    assert shop.points() == 10


@pytest.mark.parametrize("rows", range(12))
def test_a_crash_in_between_is_made_good(rows: int) -> None:
    shop = a_shop()
    shop.tell(BOUGHT)
    shop.facts.crash_in = rows
    try:
        shop.tell(back(customer_ext_id=None), scope="south")
    except Crash:
        shop.facts.crash_in = None
        shop.tell(replace(ANA, first="Anna"))
    shop.facts.crash_in = None

    shop.tell(back(customer_ext_id=None), scope="south")

    assert shop.points() == 0
    written = shop.facts.rows_written
    shop.tell(back(customer_ext_id=None), scope="south")
    assert shop.facts.rows_written == written


def test_told_again_it_writes_nothing() -> None:
    shop = a_shop()
    shop.tell(BOUGHT)
    shop.tell(back(), scope="south")
    written = shop.facts.rows_written

    shop.tell(BOUGHT)
    shop.tell(back(), scope="south")

    assert shop.facts.rows_written == written
