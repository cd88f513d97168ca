"""What a POS tells that no shop would: the account stays writable all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.dynamo.persona_rows import returns_row
from chalicelib.domain.records import Sale
from chalicelib.services.derivation.commit import TooManyShops
from chalicelib.services.derivation.returns import MOST_RETURNS
from chalicelib.services.ports.stored_facts import Returns
from tests.fakes.facts import Crash
from tests.worlds.shop import ANA, UID, Shop, a_sale

ITEM_LIMIT = 400 * 1024


def _returns_of_one_sale() -> list[Sale]:
    """With ids as long as ids are taken, of characters as wide as there are."""
    return [
        a_sale(f"{n:04d}" + "\U0001f33f" * 124, "2026-01-06", -1_000,
               kind="return", original_ext_id="placeholder")
        for n in range(MOST_RETURNS + 90)
    ]  # fmt: skip


def returns_of_the_placeholder(shop: Shop) -> Returns:
    [held] = [rows for (_, sid), rows in shop.facts.return_rows.items() if sid.ext_id]
    return held


@pytest.mark.parametrize("step", [1, -1])
def test_a_sale_that_every_return_names_keeps_a_row_that_fits_in_whatever_order(step: int) -> None:
    shop, returns = Shop(), _returns_of_one_sale()
    shop.tell(ANA, a_sale("placeholder", "2026-01-05", 1_000_000))
    shop.form()

    for start in range(0, len(returns), 100)[::step]:
        shop.tell(*returns[start : start + 100])

    held = returns_of_the_placeholder(shop)
    assert sorted(held) == [sale.ext_id for sale in returns[:MOST_RETURNS]]
    row = returns_row(("pk" * 500, "sk"), held)
    assert sum(len(str(value).encode()) for value in row.values()) < ITEM_LIMIT
    assert shop.points() == (1_000_000 - MOST_RETURNS * 1_000) / 1_000


@pytest.mark.parametrize("rows", [30, 60, 101, 103])
def test_a_crash_among_too_many_returns_leaves_a_row_that_fits(rows: int) -> None:
    shop, returns = Shop(), _returns_of_one_sale()
    shop.tell(ANA, a_sale("placeholder", "2026-01-05", 1_000_000), *returns[100:])
    shop.form()
    shop.facts.crash_in = rows
    with pytest.raises(Crash):
        shop.tell(*returns[:100])
    shop.facts.crash_in = None

    shop.tell(replace(ANA, first="Anna"))
    repaired = returns_of_the_placeholder(shop)
    shop.tell(*returns[:100])

    assert len(repaired) == MOST_RETURNS
    held = returns_of_the_placeholder(shop)
    assert sorted(held) == [sale.ext_id for sale in returns[:MOST_RETURNS]]
    assert shop.points() == (1_000_000 - MOST_RETURNS * 1_000) / 1_000


def test_a_pos_that_makes_every_till_a_shop_fails_alone_and_before_anything_is_written() -> None:
    shop = Shop()
    shop.tell(ANA)
    sales = [
        replace(a_sale(str(n), "2026-01-05"), store_key=f"{n:04d}" + "x" * 370)
        for n in range(1_100)
    ]  # fmt: skip

    shop.tell(*sales[:500])
    shop.tell(*sales[500:900])
    with pytest.raises(TooManyShops):
        shop.tell(*sales[900:])

    assert not shop.facts.intents
    assert len(shop.facts.sale_rows) == 900
    summary = shop.facts.summaries[UID, shop.rid()].summary
    assert 300_000 < len(summary.pack()) < ITEM_LIMIT
    assert shop.tell(replace(ANA, ext_id="9"), scope="another").records == 1


@pytest.mark.parametrize("is_old_row", [False, True])
def test_an_update_of_2099_freezes_neither_shopper_nor_sale(is_old_row: bool) -> None:
    shop, far = Shop(), 4_070_908_800_000
    sale = a_sale("1", "2026-01-05", 10_000)
    shop.tell(replace(ANA, updated_at=far), replace(sale, updated_at=far))
    if is_old_row:  # as it was stored before the rule
        [(key, row)] = shop.facts.records.items()
        customer = replace(row.record.customer, updated_at=far)
        shop.facts.records[key] = replace(row, record=replace(row.record, customer=customer))
    shop.form()

    now = shop.clock.now()
    shop.tell(
        replace(ANA, last="Reyes", updated_at=now), replace(sale, total=5_000, updated_at=now)
    )

    assert shop.facts.records[UID, shop.rid()].record.customer.last == "Reyes"
    assert shop.points() == 5
