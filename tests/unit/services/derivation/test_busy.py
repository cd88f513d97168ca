"""More than 20 sales on a local day are no shopper's (product.md §6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.records import Sale
from chalicelib.domain.times import HOUR
from tests.worlds.shop import ANA, Shop, a_sale, on

DAY = "2026-05-10"
BEN = replace(ANA, ext_id="2")


def sold(count: int, hour: float = 12, to: str = "1", day: str = DAY) -> list[Sale]:
    """So many sales on a day, from an hour of the account's clock on."""
    first = on(day, 0) + round(hour * HOUR)
    return [
        replace(a_sale(f"{to}-{day}-{hour}-{n}", day, customer_ext_id=to), ordered_at=first + n)
        for n in range(count)
    ]


def flags(shop: Shop) -> frozenset[str]:
    return shop.held().persona.flags


@pytest.mark.parametrize(("count", "expected"), [(20, set()), (21, {"busy"})])
def test_more_than_twenty_sales_a_day_make_a_record_busy(count: int, expected: set[str]) -> None:
    shop = Shop()

    shop.tell(ANA, *sold(count))

    assert flags(shop) == expected


def test_a_local_day_that_lies_on_two_utc_days_is_one() -> None:
    """In Los Angeles a UTC day ends at 17:00 in summer."""
    shop = Shop()

    shop.tell(ANA, *sold(11, 10), *sold(10, 20))

    assert flags(shop) == {"busy"}


def test_two_local_days_that_lie_on_one_utc_day_are_two() -> None:
    shop = Shop()

    shop.tell(ANA, *sold(11, 20), *sold(10, 10, day="2026-05-11"))

    assert flags(shop) == set()


def test_sales_of_several_pages_add_up_and_voided_ones_do_not_count() -> None:
    shop = Shop()
    sales = sold(21)
    shop.tell(ANA, *sales[:15])
    shop.tell(*sales[15:])
    busy = flags(shop)

    shop.tell(replace(sales[0], kind="void", updated_at=shop.clock.now()))

    assert (busy, flags(shop)) == ({"busy"}, set())


def test_a_busy_record_flags_a_persona_only_when_all_its_records_are_busy() -> None:
    shop = Shop()
    shop.tell(ANA, BEN, *sold(21), *sold(20, to="2"))
    one_of_two = flags(shop)

    shop.tell(*sold(1, 9, to="2"))

    assert (one_of_two, flags(shop)) == (set(), {"busy"})


def test_a_new_sale_of_who_buys_much_every_day_reads_the_sales_around_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """17 sales a day leave every pair of days open: looking at all would cost more with each."""
    shop = Shop()
    for day in range(1, 10):
        shop.tell(ANA, *sold(9, 4, day=f"2026-05-0{day}"), *sold(9, 18, day=f"2026-05-0{day}"))
    spans: list[tuple[int | None, int | None]] = []
    read = shop.facts.pointers

    def noted(uid: str, rid: str, first: int | None = None, last: int | None = None) -> object:
        spans.append((first, last))
        return read(uid, rid, first, last)

    monkeypatch.setattr(shop.facts, "pointers", noted)
    shop.tell(*sold(1, 12, day="2026-05-10"))

    assert flags(shop) == set()
    assert all(first is not None and first >= on("2026-05-07", 0) for first, _ in spans)
