"""One purchase that two POS tell, while an account switches from one to the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.loyalty import earned_points, suspected_doubles
from chalicelib.domain.rules import Loyalty, Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.times import DAY

OLD, NEW = "posabit", "thsuite"
TODAY = 20_000
DOLLAR_A_POINT = Loyalty(enabled=True, points_per_100=10_000)
SWITCH = SwitchRule(OLD, NEW, TODAY)


def sold(platform: str, ext_id: str, day: int = TODAY, net: int = 5_000, **said: object) -> SaleRef:
    at = day * DAY + DAY // 2
    return replace(SaleRef(platform, "s", ext_id, "", at, counts=True, net=net), **said)  # type: ignore[arg-type]


def under(*switches: SwitchRule, loyalty: Loyalty = DOLLAR_A_POINT, **sources: Source) -> Terms:
    return Terms((TODAY + 5) * DAY, Rules(loyalty, sources, switches=switches))


def points(terms: Terms, *refs: SaleRef) -> dict[str, int]:
    amounts = earned_points(refs, 0, terms)
    return {ref.ext_id: amount // 100 for ref, amount in amounts.items() if amount}


def test_a_purchase_that_both_pos_tell_earns_once() -> None:
    a, b, c = sold(OLD, "a"), sold(NEW, "b"), sold(NEW, "c", net=1_200)

    assert points(under(SWITCH), a, b, c) == {"a": 50, "c": 12}
    assert points(under(), a, b, c) == {"a": 50, "b": 50, "c": 12}
    [pair] = suspected_doubles([a, b, c], 0, under(SWITCH))
    assert (pair.old, pair.new, pair.day) == (a, b, TODAY)


def test_another_day_or_amount_or_pos_is_no_double() -> None:
    a = sold(OLD, "a")
    others = (sold(NEW, "b", TODAY + 1), sold(NEW, "c", net=5_001), sold("auphan", "d"))

    assert suspected_doubles([a, *others], 0, under(SWITCH)) == []
    assert len(points(under(SWITCH), a, *others)) == 4


def test_two_alike_of_one_pos_are_two_and_pair_with_one_each() -> None:
    a1, a2 = sold(OLD, "a1"), sold(OLD, "a2")
    b1, b2, b3 = sold(NEW, "b1"), sold(NEW, "b2"), sold(NEW, "b3")

    assert points(under(SWITCH), a1, a2) == {"a1": 50, "a2": 50}
    assert points(under(SWITCH), a1, a2, b1) == {"a1": 50, "a2": 50}
    assert points(under(SWITCH), a1, a2, b1, b2, b3) == {"a1": 50, "a2": 50, "b3": 50}


def test_two_sales_earn_twice_and_one_sale_earns_once_for_good() -> None:
    a, b = sold(OLD, "a"), sold(NEW, "b")

    assert points(under(SWITCH), a, replace(b, double="own")) == {"a": 50, "b": 50}
    assert points(under(SWITCH), a, replace(b, double="left_out")) == {"a": 50}
    assert points(under(SWITCH), replace(b, double="left_out")) == {}
    assert points(under(), a, replace(b, double="left_out")) == {"a": 50}
    assert points(under(SWITCH), replace(a, double="left_out"), b) == {"b": 50}


def test_a_sale_that_is_left_out_stays_the_one_that_is_paired() -> None:
    a, b1, b2 = sold(OLD, "a"), sold(NEW, "b1"), sold(NEW, "b2", double="left_out")

    assert points(under(SWITCH), a, b1, b2) == {"a": 50, "b1": 50}


def test_what_the_old_pos_told_before_its_own_start_is_no_double() -> None:
    terms = under(SWITCH, posabit=Source(accrual_start=TODAY + 1))

    assert points(terms, sold(OLD, "a"), sold(NEW, "b")) == {"b": 50}


def test_after_the_switch_sales_that_look_alike_are_two() -> None:
    ended = replace(SWITCH, until=TODAY)
    before, after = (sold(OLD, "a"), sold(NEW, "b")), (sold(OLD, "c", TODAY + 1),)

    assert points(under(ended), *before, *after, sold(NEW, "d", TODAY + 1)) == {
        "a": 50,
        "c": 50,
        "d": 50,
    }


def test_switched_back_a_purchase_still_earns_once() -> None:
    back = SwitchRule(NEW, OLD, TODAY + 1)
    refs = (sold(OLD, "a"), sold(NEW, "b"))

    assert points(under(replace(SWITCH, until=TODAY), back), *refs) == {"a": 50}


def test_what_the_new_pos_gave_back_is_taken_off_the_sale_that_earns() -> None:
    a, b = sold(OLD, "a"), sold(NEW, "b", returned=2_000)

    assert points(under(SWITCH), a, b) == {"a": 30}
    assert points(under(SWITCH), replace(a, returned=2_000), b) == {"a": 30}


def test_a_sale_that_is_left_out_takes_no_place_under_the_daily_cap() -> None:
    loyalty = replace(DOLLAR_A_POINT, max_orders_per_day=2)
    a, b, c = sold(OLD, "a"), sold(NEW, "b"), sold(NEW, "c", net=1_200)

    assert points(under(SWITCH, loyalty=loyalty), a, b, c) == {"a": 50, "c": 12}


def test_the_new_pos_earns_from_the_day_of_the_switch_until_its_own_start_is_set() -> None:
    starts = replace(SWITCH, starts_earning=True)
    refs = (sold(NEW, "x", TODAY - 1), sold(NEW, "y"))
    later = replace(DOLLAR_A_POINT, accrual_start=TODAY + 1)

    assert points(under(starts), *refs) == {"y": 50}
    assert points(under(SWITCH), *refs) == {"x": 50, "y": 50}
    assert points(under(starts, thsuite=Source(accrual_start=TODAY - 1)), *refs) == {
        "x": 50,
        "y": 50,
    }
    assert points(under(starts, loyalty=later), *refs) == {}


FEW = st.lists(
    st.builds(
        sold,
        st.sampled_from([OLD, NEW]),
        st.sampled_from("pqrstuvw"),
        st.sampled_from([TODAY, TODAY + 1]),
        st.sampled_from([1_000, 2_000]),
        double=st.sampled_from(["", "own", "left_out"]),
    ),
    max_size=6,
    unique_by=lambda ref: ref.ext_id,
)


@given(FEW)
def test_pairs_and_points_hang_on_no_order(refs: list[SaleRef]) -> None:
    terms = under(SWITCH)

    shown = {
        (tuple(suspected_doubles(each, 0, terms)), frozenset(points(terms, *each).items()))
        for each in list(permutations(refs))[::37] or [refs]
    }

    assert len(shown) == 1
