"""Points of a shopper whose purchases two POS tell, in any order and with crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.domain.rules import Rules, Terms
from chalicelib.domain.switches import SwitchRule
from chalicelib.services.derivation.compare import digest_of
from chalicelib.services.ports.stored_facts import SaleId
from tests.fakes.facts import Crash
from tests.worlds.shop import ANA, PLATFORM, SCOPE, UID, Shop, a_sale, day, rid

NEW = "thsuite"
SWITCH = SwitchRule(PLATFORM, NEW, day("2026-05-02"))
B = SaleId(NEW, SCOPE, "b")


def a_switching_shop(*switches: SwitchRule) -> Shop:
    """Ana bought for $50 on 05-01, as the old POS tells."""
    shop = Shop()
    shop.tell(ANA, a_sale("a", "2026-05-01", 5_000))
    shop.form()
    switch(shop, *(switches or (SWITCH,)))
    return shop


def switch(shop: Shop, *switches: SwitchRule) -> None:
    shop.book.set(UID, Rules(shop.loyalty, dict(shop.sources), switches=switches))


def tell_new(shop: Shop, *facts: object) -> None:
    shop.platform = NEW
    try:
        shop.tell(*facts)  # type: ignore[arg-type]
    finally:
        shop.platform = PLATFORM


ANA_THERE = replace(ANA, ext_id="77", email=None)


def there(ext_id: str, at: str, total: int, **more: object) -> object:
    return a_sale(ext_id, at, total, customer_ext_id="77", **more)


def test_a_purchase_that_the_new_pos_tells_too_earns_nothing_until_somebody_says() -> None:
    shop = a_switching_shop()
    tell_new(shop, ANA_THERE, there("b", "2026-05-01", 5_000), there("c", "2026-05-03", 1_200))
    assert shop.points() == 6.0

    assert shop.commits.say_double(UID, B, "own")
    assert shop.points() == 11.0
    shop.commits.say_double(UID, B, "left_out")
    assert shop.points() == 6.0
    shop.commits.say_double(UID, B, "")
    assert shop.points() == 6.0
    assert not shop.commits.say_double(UID, B._replace(ext_id="?"), "own")


def test_points_are_the_same_whichever_pos_tells_first_and_however_it_is_split() -> None:
    sales = [there("b", "2026-05-01", 5_000), there("c", "2026-05-03", 1_200)]
    first = Shop()
    switch(first, SWITCH)
    tell_new(first, ANA_THERE, *sales)
    first.commits.join(UID, rid("77", SCOPE, NEW), "form", 0)
    assert first.lookup.by_record(UID, rid("77", SCOPE, NEW)).persona.points == 600
    first.tell(a_sale("a", "2026-05-01", 5_000))
    first.tell(ANA)
    assert first.points() == 6.0

    second = a_switching_shop()
    for sale in sales:
        tell_new(second, sale)
    tell_new(second, ANA_THERE)
    assert second.points() == 6.0


def test_what_was_said_stays_through_later_versions_of_the_sale() -> None:
    shop = a_switching_shop()
    tell_new(shop, ANA_THERE, there("b", "2026-05-01", 5_000))
    shop.commits.say_double(UID, B, "own")

    tell_new(shop, there("b", "2026-05-01", 6_000))
    tell_new(shop, there("b", "2026-05-01", 5_000))

    assert shop.points() == 10.0
    shop.again()
    assert shop.points() == 10.0


def test_a_purchase_that_is_voided_in_the_old_pos_earns_in_the_new() -> None:
    shop = a_switching_shop()
    tell_new(shop, ANA_THERE, there("b", "2026-05-01", 5_000))

    shop.tell(a_sale("a", "2026-05-01", 5_000, kind="void"))

    assert shop.points() == 5.0


def test_who_turn_out_to_be_one_person_earn_once_and_apart_again_twice() -> None:
    shop = a_switching_shop()
    other = replace(ANA_THERE, phone="+12065550999")
    tell_new(shop, other, there("b", "2026-05-01", 5_000))
    shop.commits.join(UID, rid("77", SCOPE, NEW), "form", 0)
    there_alone = lambda: shop.lookup.by_record(UID, rid("77", SCOPE, NEW)).persona.points  # noqa: E731
    assert (shop.points(), there_alone()) == (5.0, 500)

    tell_new(shop, ANA_THERE)
    assert shop.points() == 5.0
    tell_new(shop, replace(other, updated_at=shop.clock.now() + 1))
    assert (shop.points(), there_alone()) == (5.0, 500)


@pytest.mark.parametrize(
    "act",
    [
        lambda shop: tell_new(shop, there("d", "2026-05-01", 5_000)),
        lambda shop: shop.commits.say_double(UID, B, "own"),
        lambda shop: shop.commits.say_double(UID, B, "left_out"),
    ],
)
def test_a_crash_between_any_two_rows_costs_nothing(act: Callable[[Shop], object]) -> None:
    whole = a_switching_shop()
    tell_new(whole, ANA_THERE, there("b", "2026-05-01", 5_000))
    act(whole)
    for rows in range(40):
        shop = a_switching_shop()
        tell_new(shop, ANA_THERE, there("b", "2026-05-01", 5_000))
        shop.facts.crash_in = rows
        try:
            act(shop)
        except Crash:
            shop.facts.crash_in = None
            act(shop)
            assert shop.points() == whole.points()
        else:
            break
    else:
        pytest.fail("it never ends")


def test_what_a_switch_changes_has_not_drifted() -> None:
    """An audience run asks whether the terms are those of the run before."""
    rules = Rules()
    ended = replace(SWITCH, until=day("2026-05-09"))

    digests = {
        digest_of(Terms(0, replace(rules, switches=switches)))
        for switches in ((), (SWITCH,), (ended,))
    }

    assert len(digests) == 3
