"""The sales summary: the same for the same sales however they came, small, and exact."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.sales_summary import WINDOW_DAYS, SaleRef, SalesSummary
from chalicelib.domain.times import DAY, HOUR, utc_day
from tests.unit.domain.builders import NOON, days_before, sale_ref, sold

LONG_SCOPE = "b7c1e4a2f3d94f0e8a61"


def ref(n: object, *, at: int = NOON, store_key: str = "Main St", counts: bool = True) -> SaleRef:
    return SaleRef("posabit", "a", str(n), f"posabit:a:{store_key}", at, counts)


@st.composite
def refs(draw: st.DrawFn) -> list[SaleRef]:
    """Sales of one record over 500 days, some at one instant, some that do not count."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 1, 2, 30, 364, 365, 366, 500]),
                st.integers(0, 40),
                st.sampled_from(["Main St", "Harbour", "Żółw"]),
                st.sampled_from([True, True, True, False]),
            ),
            max_size=40,
        )
    )
    return [
        ref(n, at=days_before(days) - hours * HOUR, store_key=key, counts=counts)
        for n, (days, hours, key, counts) in enumerate(drawn)
    ]


def folded(refs: list[SaleRef]) -> SalesSummary:
    summary = SalesSummary.EMPTY
    for one in refs:
        summary = summary.with_sale(one)
    return summary


def test_a_summary_knows_how_many_counting_sales_there_were_and_when() -> None:
    summary = folded([ref(1, at=days_before(3)), ref(2), ref(3, at=days_before(9), counts=False)])

    assert (summary.total, summary.first_at, summary.last_at) == (2, days_before(3), NOON)
    assert SalesSummary.EMPTY.first_at is None


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"kind": "return"}, False),
        ({"kind": "void"}, False),
        ({"is_final": False}, False),
    ],
)
def test_only_a_final_sale_counts(fields: dict[str, object], counts: bool) -> None:
    assert sale_ref(sold("1", "7", **fields)).counts is counts


def test_the_window_is_the_day_of_the_last_purchase_and_the_365_days_before_it() -> None:
    first_kept, last_dropped = days_before(WINDOW_DAYS), days_before(WINDOW_DAYS + 1)

    summary = folded([ref(1, at=last_dropped), ref(2, at=first_kept), ref(3)])

    assert summary.stores[0].days == (utc_day(first_kept), utc_day(NOON))
    assert summary.total == 3
    assert summary.first_at == last_dropped


def test_a_store_key_with_no_sale_left_in_the_window_is_forgotten() -> None:
    old = folded([ref(1, at=days_before(400), store_key="Old Shop")])

    assert [store.store_key for store in old.stores] == ["posabit:a:Old Shop"]
    assert [store.store_key for store in old.with_sale(ref(2)).stores] == ["posabit:a:Main St"]


def test_the_first_and_the_last_sale_cannot_be_taken_out_without_a_rebuild() -> None:
    first, middle, last = ref(1, at=days_before(2)), ref(2, at=days_before(1)), ref(3)
    summary = folded([first, middle, last])

    assert summary.without_sale(first) is None
    assert summary.without_sale(last) is None
    assert summary.without_sale(middle) == folded([first, last])


def test_the_only_sale_leaves_the_empty_summary_behind() -> None:
    assert folded([ref(1)]).without_sale(ref(1)) == SalesSummary.EMPTY


@pytest.mark.parametrize(
    "stranger",
    [
        ref("x", store_key="Elsewhere", at=days_before(1)),
        ref("x", at=days_before(1)),
        ref("x", at=NOON + 1),
        ref("x", at=days_before(900)),
        ref("x", store_key="Harbour", at=days_before(1) + 1),
    ],
)
def test_a_sale_that_the_summary_does_not_hold_asks_for_a_rebuild(stranger: SaleRef) -> None:
    harbour = ref(3, store_key="Harbour", at=days_before(1))
    summary = folded([ref(1, at=days_before(2)), ref(2), harbour])

    assert summary.without_sale(stranger) is None
    assert SalesSummary.EMPTY.without_sale(stranger) is None
    assert folded([ref(1)]).without_sale(stranger) is None


def test_a_sale_that_does_not_count_changes_nothing_either_way() -> None:
    summary = folded([ref(1)])
    void = ref(2, counts=False)

    assert summary.with_sale(void) == summary
    assert summary.without_sale(void) == summary


def test_the_sales_of_a_day_add_up_over_store_keys() -> None:
    at_main = [ref(n) for n in range(12)]
    at_harbour = [ref(f"h{n}", store_key="Harbour") for n in range(9)]
    day_before = [ref(f"d{n}", at=NOON - DAY) for n in range(15)]

    today = NOON // DAY
    assert folded(at_main + at_harbour + day_before).sales_per_day(at_least=21) == {
        today: 21,
        today - 1: 15,
    }
    assert folded(at_main).sales_per_day(at_least=13) == {}
    assert SalesSummary.EMPTY.sales_per_day(at_least=1) == {}


def test_a_hundred_sales_of_three_stores_with_long_names_pack_under_600_bytes() -> None:
    names = [f"Harbour Street Dispensary & Lounge No. {n}" for n in range(3)]
    sales = [
        SaleRef(
            "posabit",
            LONG_SCOPE,
            str(n),
            f"posabit:{LONG_SCOPE}:{names[n % 3]}",
            days_before(3.6 * n),
            counts=True,
        )
        for n in range(100)
    ]

    assert len(SalesSummary.rebuild(sales).pack()) < 600


def test_a_thousand_sales_on_one_day_are_counted_and_packed() -> None:
    summary = SalesSummary.rebuild(ref(n) for n in range(1_000))

    assert list(summary.sales_per_day(at_least=1_000).values()) == [1_000]
    assert SalesSummary.unpack(summary.pack()) == summary


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"\xff" * 40, folded([ref(1)]).pack()[:-1]])
def test_what_was_not_packed_here_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="sales summary"):
        SalesSummary.unpack(garbage)


@given(refs(), st.randoms(use_true_random=False))
def test_a_rebuild_equals_adding_sale_by_sale_in_any_order(
    sales: list[SaleRef], chance: random.Random
) -> None:
    expected = SalesSummary.rebuild(sales)
    shuffled = chance.sample(sales, len(sales))

    assert folded(shuffled) == expected


@given(refs())
def test_packing_loses_nothing(sales: list[SaleRef]) -> None:
    summary = SalesSummary.rebuild(sales)

    assert SalesSummary.unpack(summary.pack()) == summary


@given(refs().filter(bool), st.data())
def test_taking_a_sale_out_gives_the_rebuild_without_it_or_says_it_cannot_know(
    sales: list[SaleRef], data: st.DataObject
) -> None:
    out = data.draw(st.sampled_from(sales))
    rest = [one for one in sales if one is not out]

    less = SalesSummary.rebuild(sales).without_sale(out)

    assert less is None or less == SalesSummary.rebuild(rest)


@given(refs(), refs())
def test_a_moved_sale_may_come_in_before_the_old_one_goes_out(
    sales: list[SaleRef], others: list[SaleRef]
) -> None:
    summary = SalesSummary.rebuild(sales)

    for old, new in zip(sales, others, strict=False):
        moved = summary.with_sale(new).without_sale(old)

        expected = SalesSummary.rebuild([*(one for one in sales if one is not old), new])
        assert moved is None or moved == expected


def test_a_rebuild_of_very_many_sales_keeps_none_of_them() -> None:
    def every_sale_of_a_shop() -> Iterator[SaleRef]:
        for n in range(20_000):
            yield SaleRef("posabit", "north", str(n), "posabit:north:Main", n * 3_600_000, True)

    tracemalloc.start()
    summary = SalesSummary.rebuild(every_sale_of_a_shop())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (summary.total, len(summary.stores[0].days)) == (20_000, WINDOW_DAYS + 1)
    assert peak < 1_000_000


def test_the_only_sale_of_a_store_key_goes_with_it_and_an_old_one_leaves_the_days_alone() -> None:
    first, only = sold("first", "7", at=days_before(500)), sold("only", "7", store_key="Harbour")
    old = sold("old", "7", at=days_before(400))
    last, again = sold("last", "7", at=days_before(-2)), sold("again", "7", at=days_before(-1))
    refs = [sale_ref(one) for one in (first, old, only, again, last)]
    whole = SalesSummary.rebuild(refs)

    for gone in (1, 2):
        left = [ref for ref in refs if ref != refs[gone]]
        assert whole.without_sale(refs[gone]) == SalesSummary.rebuild(left)


def test_sales_that_differ_in_time_place_or_counting_make_another_sum() -> None:
    one = ref(1)

    assert one.sums_like(replace(one, ext_id="2", net=5))
    assert not one.sums_like(replace(one, ordered_at=1))
    assert not one.sums_like(replace(one, store_key="other"))
    assert not one.sums_like(replace(one, counts=False))


def test_a_summary_of_nothing_is_stored_as_zeros() -> None:
    assert SalesSummary.EMPTY.pack() == b"\x01" + bytes(23)


@given(refs(), st.integers(-2, 520), st.integers(1, 96))
def test_days_that_may_hold_no_sale_have_none(sales: list[SaleRef], days: int, hours: int) -> None:
    since = days_before(days)
    until = since + hours * HOUR

    may_hold = SalesSummary.rebuild(sales).may_hold(since, until)

    counting = [sale.ordered_at for sale in sales if sale.counts]
    assert may_hold or not any(since <= at < until for at in counting)
    if counting and utc_day(since) >= utc_day(max(counting)) - WINDOW_DAYS:
        touched = range(utc_day(since), utc_day(until - 1) + 1)
        assert may_hold == any(utc_day(at) in touched and min(counting) < until for at in counting)
