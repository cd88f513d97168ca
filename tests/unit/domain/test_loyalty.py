"""What sales, imports and silence are worth in points."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.acts import ImportedPoints
from chalicelib.domain.loyalty import (
    BEFORE_ANY_DAY,
    earn_from,
    earned_points,
    expire,
    expiry_day,
    first_earning_day,
    imported_points,
    sale_points,
)
from chalicelib.domain.membership import Reason
from chalicelib.domain.records import Sale
from chalicelib.domain.rules import Loyalty, Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.times import HOUR
from tests.unit.domain.builders import NOON
from tests.unit.domain.loyal import STORE_KEY, TODAY, a_member, bought, brought_back, terms

DOLLAR_A_POINT = Loyalty(enabled=True, points_per_100=10_000)
LONG_AGO = TODAY - 10_000
FORM = Reason("form", None)


def points(*refs: SaleRef, since: int | None = LONG_AGO, **rules: object) -> dict[str, int]:
    """Points by the sale's id, of those that hold some."""
    amounts = earned_points(refs, since, terms(**rules))
    return {ref.ext_id: amount for ref, amount in amounts.items() if amount}


def test_whoever_has_no_reason_earns_nothing() -> None:
    assert earn_from([], frozenset(), DOLLAR_A_POINT) is None


def test_an_employee_never_earns() -> None:
    assert earn_from([FORM], {"employee"}, DOLLAR_A_POINT) is None


def test_nobody_earns_while_the_programme_is_off() -> None:
    assert earn_from([FORM], frozenset(), Loyalty(enabled=False)) is None


def test_a_reason_without_a_day_leaves_it_to_the_accrual_start_of_each_source() -> None:
    since = Loyalty(enabled=True, accrual_start=TODAY - 3)
    earlier = Rules(since, {"thsuite": Source(accrual_start=TODAY - 9)})

    assert earn_from([FORM], frozenset(), since) == BEFORE_ANY_DAY
    assert first_earning_day(BEFORE_ANY_DAY, ["posabit"], earlier) == TODAY - 3
    assert first_earning_day(BEFORE_ANY_DAY, ["posabit", "thsuite"], earlier) == TODAY - 9
    assert first_earning_day(TODAY, ["posabit", "thsuite"], earlier) == TODAY
    assert first_earning_day(BEFORE_ANY_DAY, ["posabit"], Rules()) == BEFORE_ANY_DAY


def test_the_earliest_day_of_the_reasons_counts() -> None:
    reasons = [Reason("a", TODAY - 1), Reason("b", TODAY - 5), Reason("c", TODAY)]

    assert earn_from(reasons, frozenset(), DOLLAR_A_POINT) == TODAY - 5


def test_sales_before_the_persons_first_day_earn_nothing() -> None:
    assert points(bought("old", 5), bought("new", 4), since=TODAY - 4) == {"new": 1_000}


def test_a_source_with_an_accrual_start_of_its_own_ignores_the_accounts() -> None:
    amounts = points(
        bought("pos", 2),
        bought("other", 2, platform="thsuite"),
        posabit=Source(accrual_start=TODAY - 2),
        accrual_start=TODAY - 1,
    )

    assert amounts == {"pos": 1_000}


def test_the_day_of_a_sale_is_that_of_its_shop() -> None:
    late = bought("late", -0.4)  # 21:36 in UTC: tomorrow in Auckland

    assert points(late, since=TODAY + 1) == {}
    assert points(late, since=TODAY + 1, zones={STORE_KEY: "Pacific/Auckland"}) == {"late": 1_000}
    assert points(late, since=TODAY + 1, zone="Pacific/Auckland") == {"late": 1_000}


def test_points_are_earned_on_the_total_without_tip_and_fees() -> None:
    sale = Sale("s", "Main", NOON, "", "USD", 1_500, tip=300, fees=200)

    assert points(SaleRef.of("posabit", "venue-1", sale)) == {"s": 1_000}


def test_tax_earns_unless_the_account_excludes_it() -> None:
    taxed = bought("s", tax=250)

    assert points(taxed) == {"s": 1_000}
    assert points(taxed, exclude_tax=True) == {"s": 750 + 50}  # 7.5, rounded to the nearest


def test_an_order_earns_its_own_points_beside_those_for_its_dollars() -> None:
    assert points(bought("s"), points_per_order=500) == {"s": 1_500}
    assert points(bought("s"), points_per_order=500, points_per_100=0) == {"s": 500}


def test_an_order_worth_nothing_earns_no_order_points() -> None:
    assert points(bought("free", net=0), points_per_order=500) == {}
    all_tax = bought("taxed", net=100, tax=100)
    assert points(all_tax, points_per_order=500, exclude_tax=True) == {}


@pytest.mark.parametrize(
    ("rounding", "of_2_50", "of_2_49"),
    [("nearest", 300, 200), ("up", 300, 300), ("down", 200, 200), ("none", 250, 249)],
)
def test_a_sale_is_rounded_once_as_the_account_says(
    rounding: str, of_2_50: int, of_2_49: int
) -> None:
    assert points(bought("s", net=250), rounding=rounding) == {"s": of_2_50}
    assert points(bought("s", net=249), rounding=rounding) == {"s": of_2_49}


def test_without_rounding_the_nearest_hundredth_counts() -> None:
    assert points(bought("s", net=150), rounding="none", points_per_100=333) == {"s": 5}


def test_sales_that_do_not_count_earn_nothing() -> None:
    void = Sale("v", "Main", NOON, "", "USD", 1_000, kind="void")
    open_ = Sale("o", "Main", NOON, "", "USD", 1_000, is_final=False)

    refs = [SaleRef.of("posabit", "venue-1", sale) for sale in (void, open_)]

    assert points(*refs) == {}


def test_a_return_that_names_its_sale_takes_points_pro_rata() -> None:
    assert points(bought("s", returned=250), points_per_order=200) == {"s": 1_000}


def test_more_given_back_than_paid_leaves_nothing_and_no_debt() -> None:
    assert points(bought("s", returned=5_000)) == {}


def test_rounding_comes_after_returns() -> None:
    assert points(bought("s", returned=1), rounding="down") == {"s": 900}


def test_a_return_that_names_no_sale_takes_the_latest_sales_before_it_first() -> None:
    amounts = points(
        bought("old", 5), bought("new", 3), brought_back("r", 2, net=1_500), bought("later", 1)
    )

    assert amounts == {"old": 500, "later": 1_000}


def test_a_return_that_names_no_sale_takes_from_its_own_scope_before_any_other() -> None:
    there, here = bought("there", 2, scope="venue-2"), bought("here", 3)

    assert points(there, here, brought_back("r", 1, net=400)) == {"there": 1_000, "here": 600}
    assert points(there, here, brought_back("r", 1, net=1_400)) == {"there": 600}
    assert points(there, here, brought_back("r", 1, net=9_000)) == {}


def test_a_return_that_names_no_sale_touches_no_other_platform() -> None:
    elsewhere = bought("there", 2, platform="thsuite")

    assert points(elsewhere, brought_back("r", 1, net=9_000)) == {"there": 1_000}


@pytest.mark.parametrize("ext_id", ["a", "z"])
def test_a_return_at_the_instant_of_its_sale_follows_it_whatever_their_ids(ext_id: str) -> None:
    assert points(bought("m", 1), brought_back(ext_id, 1)) == {}
    assert points(bought("m", 1, scope="venue-2"), brought_back(ext_id, 1)) == {}


def test_points_per_order_stay_while_anything_of_the_order_is_left() -> None:
    rules = {"points_per_order": 500}

    assert points(bought("s", net=10_000, returned=5_000), **rules) == {"s": 5_500}
    assert points(bought("s", net=10_000, returned=9_999), **rules) == {"s": 500}
    assert points(bought("s", net=10_000, returned=10_000), **rules) == {}


def test_two_returns_without_a_sale_take_in_the_order_of_their_time() -> None:
    amounts = points(
        brought_back("second", 1, net=1_000),
        brought_back("first", 3, net=1_000),
        bought("a", 4),
        bought("b", 2),
    )

    assert amounts == {}


def test_what_a_linked_return_took_is_not_taken_twice() -> None:
    amounts = points(bought("old", 5), bought("new", 3, returned=600), brought_back("r", 1))

    assert amounts == {"old": 400}


def test_the_daily_cap_keeps_the_earliest_orders() -> None:
    day = [bought("late", 0.1), bought("early", 0.4), bought("middle", 0.2)]

    assert points(*day, max_orders_per_day=2) == {"early": 1_000, "middle": 1_000}


def test_orders_of_one_moment_are_capped_by_their_ids() -> None:
    day = [
        bought("b"),
        bought("a"),
        bought("a", platform="thsuite"),
        bought("c", scope="venue-0"),
    ]

    assert points(*day, max_orders_per_day=2) == {"c": 1_000, "a": 1_000}


def test_an_order_given_back_takes_no_place_under_the_cap() -> None:
    late = bought("late", 0.1)

    assert points(bought("early", 0.4, returned=1_000), late, max_orders_per_day=1) == {
        "late": 1_000
    }
    whole = [bought("early", 0.4), brought_back("r", 0.3), late]
    assert points(*whole, max_orders_per_day=1) == {"late": 1_000}


def test_an_order_given_back_in_part_keeps_its_place_under_the_cap() -> None:
    day = [bought("early", 0.4, returned=999), bought("late", 0.1)]

    assert points(*day, max_orders_per_day=1, rounding="none") == {"early": 1}


def test_orders_before_every_start_or_worth_nothing_take_no_place_under_the_cap() -> None:
    day = [
        bought("free", 0.4, net=0),
        bought("early", 0.3, platform="thsuite"),
        bought("late", 0.1),
    ]
    later = Source(accrual_start=TODAY + 1)

    assert points(*day, max_orders_per_day=1, thsuite=later) == {"late": 1_000}


def test_a_return_without_a_sale_takes_from_the_latest_order_even_beyond_the_cap() -> None:
    day = [bought("first", 0.4), bought("capped", 0.2), brought_back("r", 0.1, net=400)]

    assert points(*day, max_orders_per_day=1) == {"first": 1_000}


def test_until_the_lock_todays_balance_of_the_pos_counts() -> None:
    member = a_member(pos_points=15, imported=ImportedPoints(99, "run_1"))

    assert imported_points(member, terms(posabit=Source(imported_on=TODAY))) == 1_500
    assert imported_points(member, terms(posabit=Source())) == 0
    assert imported_points(a_member(), terms(posabit=Source(imported_on=TODAY))) == 0


def test_the_locking_listing_counts_for_ever_whatever_the_date_says() -> None:
    locked = Source(imported_on=None, import_locks={"venue-1": "run_1"})
    member = a_member(pos_points=15, imported=ImportedPoints(99, "run_1"))

    assert imported_points(member, terms(posabit=locked)) == 9_900


def test_whoever_was_not_in_the_locking_listing_carries_no_points() -> None:
    locked = Source(imported_on=TODAY, import_locks={"venue-1": "run_1"})

    assert imported_points(a_member(pos_points=15), terms(posabit=locked)) == 0
    other = a_member(pos_points=15, imported=ImportedPoints(15, "run_2"))
    assert imported_points(other, terms(posabit=locked)) == 0


def test_a_lock_holds_for_its_scope_alone() -> None:
    locked = Source(imported_on=TODAY, import_locks={"venue-1": "run_1"})

    elsewhere = a_member(scope="venue-2", pos_points=15)

    assert imported_points(elsewhere, terms(posabit=locked)) == 1_500


def lapsed(*refs: SaleRef, after: int = 10, **rules: object) -> dict[str, int]:
    given = terms(expire_after_days=after, **rules)
    return {
        ref.ext_id: amount
        for ref, amount in expire(earned_points(refs, LONG_AGO, given), (), given).points.items()
    }


def test_points_last_through_the_last_day_and_no_longer() -> None:
    assert lapsed(bought("s", 10)) == {}
    assert lapsed(bought("s", 11)) == {"s": -1_000}


def test_a_purchase_in_time_keeps_all_points() -> None:
    assert lapsed(bought("old", 20), bought("new", 10)) == {}


def test_what_expired_between_purchases_stays_expired() -> None:
    assert lapsed(bought("a", 40), bought("b", 30), bought("c", 12), bought("d", 5)) == {
        "b": -2_000
    }


def test_each_silence_takes_only_what_was_earned_since_the_one_before() -> None:
    assert lapsed(bought("a", 60), bought("b", 30)) == {"a": -1_000, "b": -1_000}


def test_points_never_expire_unless_the_account_says_so() -> None:
    given = terms()

    assert expire({bought("s", 5_000): 1_000}, (), given).points == {}


def test_a_member_who_never_bought_has_nothing_to_expire() -> None:
    assert expire({}, (), terms(expire_after_days=10)).points == {}
    assert expire({brought_back("r", 5): 0}, (), terms(expire_after_days=10)).points == {}


def test_a_purchase_that_earned_nothing_keeps_points_alive_too() -> None:
    assert lapsed(bought("old", 15), bought("free", 8, net=0)) == {}


def test_the_last_purchase_is_the_one_of_the_latest_local_day() -> None:
    """Where clocks differ, an earlier instant may lie on a later day: it is the day that decides,
    as it does for the day announced to the shopper."""
    east = SaleRef("posabit", "venue-1", "east", "e", NOON - HOUR, counts=True, net=1_000)
    west = bought("west")
    given = terms(
        as_of=NOON + 11 * 24 * HOUR, zones={"e": "Pacific/Kiritimati"}, expire_after_days=10
    )
    amounts = earned_points([east, west], LONG_AGO, given)

    day = expiry_day({"posabit": TODAY + 1}, 2_000, given.rules.loyalty)

    assert day == given.today + 1
    assert expire(amounts, (), given).points == {}


def test_the_day_of_expiry_is_the_first_one_without_points() -> None:
    rules = Loyalty(enabled=True, expire_after_days=10)

    assert expiry_day({"posabit": TODAY - 3, "thsuite": TODAY - 1}, 100, rules) == TODAY + 10
    assert expiry_day({"posabit": TODAY}, 0, rules) is None
    assert expiry_day({"posabit": TODAY}, 100, DOLLAR_A_POINT) is None


rules_of_earning = st.builds(
    Loyalty,
    enabled=st.just(True),
    points_per_100=st.integers(0, 30_000),
    points_per_order=st.integers(0, 1_000),
    exclude_tax=st.booleans(),
    rounding=st.sampled_from(["up", "down", "nearest", "none"]),
)
refs = st.builds(
    bought,
    st.sampled_from("abcdef"),
    st.integers(0, 40).map(lambda n: n / 4),
    platform=st.sampled_from(["posabit", "thsuite"]),
    net=st.integers(-500, 5_000),
    tax=st.integers(0, 600),
    returned=st.integers(0, 6_000),
)
returns = st.builds(
    brought_back,
    st.sampled_from("xyz"),
    st.integers(0, 40).map(lambda n: n / 4),
    net=st.integers(0, 6_000),
)
histories = st.lists(
    st.one_of(refs, refs, returns), max_size=12, unique_by=lambda ref: (ref.platform, ref.ext_id)
)


@given(ref=refs, returned=st.integers(0, 9_000), loyalty=rules_of_earning)
def test_a_sale_is_never_worth_less_than_nothing_nor_more_than_before_its_return(
    ref: SaleRef, returned: int, loyalty: Loyalty
) -> None:
    whole = sale_points(ref, 0, loyalty)

    assert 0 <= sale_points(ref, returned, loyalty) <= whole


@given(ref=refs, returned=st.integers(0, 9_000), loyalty=rules_of_earning)
def test_what_is_left_of_a_sale_is_its_share_to_within_one_rounding(
    ref: SaleRef, returned: int, loyalty: Loyalty
) -> None:
    base = ref.net - ref.tax if loyalty.exclude_tax else ref.net
    exact = Fraction(0)
    if base > 0 and ref.net > 0:
        left = max(0, ref.net - returned)
        exact = Fraction(base * loyalty.points_per_100 * left, 10_000 * ref.net)
        exact += loyalty.points_per_order if left else 0

    found = sale_points(ref, returned, loyalty)

    unit = 1 if loyalty.rounding == "none" else 100
    assert abs(found - exact) < unit
    assert found % unit == 0


@given(known=histories, cap=st.integers(1, 4))
def test_a_higher_cap_never_takes_points_away(known: list[SaleRef], cap: int) -> None:
    sales = [ref for ref in known if not ref.unlinked]

    lower = earned_points(sales, LONG_AGO, terms(max_orders_per_day=cap))
    higher = earned_points(sales, LONG_AGO, terms(max_orders_per_day=cap + 1))

    assert all(lower[ref] <= higher[ref] for ref in sales)


@given(known=histories, order=st.randoms(use_true_random=False), cap=st.sampled_from([None, 1, 2]))
def test_the_order_of_hearing_decides_nothing(
    known: list[SaleRef], order: object, cap: int | None
) -> None:
    given_terms = terms(max_orders_per_day=cap, expire_after_days=2)
    shuffled = list(known)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    amounts = earned_points(known, LONG_AGO, given_terms)

    again = earned_points(shuffled, LONG_AGO, given_terms)
    assert again == amounts
    assert expire(again, (), given_terms) == expire(amounts, (), given_terms)


@given(known=histories)
def test_returns_without_a_sale_take_no_more_than_they_gave_back(known: list[SaleRef]) -> None:
    plain = terms(rounding="none")
    sales = [ref for ref in known if not ref.unlinked]
    given_back = sum(ref.net for ref in known if ref.unlinked)

    with_returns, without = (
        earned_points(known, LONG_AGO, plain),
        earned_points(sales, LONG_AGO, plain),
    )

    taken = sum(without.values()) - sum(with_returns.values())
    assert 0 <= taken <= given_back  # one hundredth of a point for a cent


@given(known=histories, after=st.integers(1, 12))
def test_no_more_expires_than_was_earned(known: list[SaleRef], after: int) -> None:
    given_terms = terms(expire_after_days=after)

    amounts = earned_points(known, LONG_AGO, given_terms)
    lost = expire(amounts, (), given_terms).points

    assert all(amount < 0 for amount in lost.values())
    assert -sum(amounts.values()) <= sum(lost.values()) <= 0


def told_as(how: str, net: int, given_back: int, another: bool) -> list[SaleRef]:
    """A sale of which an amount was given back, told in one of the ways a POS has for it."""
    tax = net // 10
    sale = bought("s", 0.2, net=net, tax=tax)
    left = replace(sale, net=net - given_back, tax=tax * (net - given_back) // net)
    others = [bought("later", 0.1, scope="venue-2")] if another else []
    told = {
        "linked": [replace(sale, returned=given_back)],
        "linked twice": [replace(sale, returned=given_back // 2 + -(-given_back // 2))],
        "unlinked": [sale, brought_back("r", 0.15, net=given_back)],
        "unlinked, at once": [sale, brought_back("a", 0.2, net=given_back)],
        "unlinked, in another shop": [sale, brought_back("r", 0.15, net=given_back, scope="v-3")],
        "unlinked, in two": [
            sale,
            brought_back("r1", 0.15, net=given_back // 2),
            brought_back("r2", 0.14, net=-(-given_back // 2)),
        ],
        "marked in place or total lowered": [left],
    }
    return [*told[how], *others]


WAYS = (
    "linked",
    "linked twice",
    "unlinked",
    "unlinked, at once",
    "unlinked, in another shop",
    "unlinked, in two",
    "marked in place or total lowered",
)


@given(
    dollars=st.integers(1, 300),
    share=st.sampled_from([0, 1, 3, 5, 7, 9, 10]),
    loyalty=rules_of_earning,
    cap=st.sampled_from([None, 1, 2]),
    another=st.booleans(),
)
def test_one_refund_gives_equal_points_however_it_is_told(
    dollars: int, share: int, loyalty: Loyalty, cap: int | None, another: bool
) -> None:
    net, given_back = dollars * 100, dollars * 10 * share
    rules = replace(loyalty, max_orders_per_day=cap)

    found = []
    for how in WAYS:
        refs = told_as(how, net, given_back, another)
        amounts = earned_points(refs, LONG_AGO, Terms(NOON, Rules(rules)))
        found.append({ref.ext_id: amount for ref, amount in amounts.items() if amount})

    assert all(each == found[0] for each in found)


def test_where_one_source_has_no_start_nothing_holds_its_first_sales_back() -> None:
    one_starts = Rules(DOLLAR_A_POINT, {"thsuite": Source(accrual_start=TODAY)})

    assert first_earning_day(BEFORE_ANY_DAY, ["posabit", "thsuite"], one_starts) == BEFORE_ANY_DAY
    assert first_earning_day(BEFORE_ANY_DAY, [], one_starts) == BEFORE_ANY_DAY


def test_the_smallest_rest_expires_too_and_nothing_does_not() -> None:
    expiring = Loyalty(enabled=True, expire_after_days=30)

    assert expiry_day({"posabit": TODAY, "thsuite": TODAY - 9}, 1, expiring) == TODAY + 31
    assert expiry_day({"posabit": TODAY}, 0, expiring) is None
    assert expiry_day({}, 1, expiring) is None
