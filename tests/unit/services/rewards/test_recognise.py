"""In THSuite sales a mirrored discount first settles an open redemption of the same discount and
person within a day; only without one does it deduct, once per sale and discount (§11)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.mirrors import find_mirror
from chalicelib.domain.records import Customer, LineItem, NamedDiscount, Sale
from chalicelib.domain.times import DAY, HOUR
from chalicelib.domain.words import POINT, Uid
from tests.fakes.facts import Crash
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import UID, a_sale, on

SOLD = "2026-06-02"


@pytest.fixture
def shop() -> RewardedShop:
    made = RewardedShop(platform="thsuite")
    made.give(300)
    made.clock.at = on(SOLD)
    return made


def a_sale_with(*names: str, ext_id: str = "s1", at: str = SOLD, **fields: Any) -> Sale:
    items = (LineItem("Blue Dream", "1", 4_500, discounts=names), LineItem("Papers", "1", 500))
    return a_sale(ext_id, at, 5_000, items=items, **fields)


def redeemed(shop: RewardedShop) -> float:
    """What redemptions took in all."""
    held = shop.held()
    return sum(
        -posting.amount / POINT
        for record in held.records
        for row in shop.facts.ledger(UID, record.id).values()
        if row.redemption is not None
        for posting in row.postings
    )


def test_a_mirrored_discount_in_a_sale_takes_its_points_once(shop: RewardedShop) -> None:
    shop.tell(a_sale_with("TEN  off (AIQ)", "Staff"))
    assert shop.recognise() == 1

    shop.tell(a_sale_with("Ten off", status="again", updated_at=on(SOLD) + 1))
    assert shop.recognise() == 0

    assert redeemed(shop) == 100
    [entry] = shop.entries("redemption").values()
    assert entry.why.code == "recognised_in_sale"
    assert shop.points() == shop.ledger_sum() == 205, "300 - 100 + 5 earned"
    assert shop.discounts.redeemed(UID)[shop.ten.id] == 1


def test_a_redemption_of_the_day_is_settled_and_nothing_is_taken_again(
    shop: RewardedShop,
) -> None:
    done = shop.redeem(shop.ten)
    shop.clock.at += 23 * HOUR

    shop.tell(a_sale_with("Ten off"))
    assert shop.recognise() == 1
    assert redeemed(shop) == 100

    # It is settled: another sale of the day takes points of its own.
    shop.tell(a_sale_with("Ten off", ext_id="s2"))
    shop.recognise()
    assert redeemed(shop) == 200
    assert shop.refund(done).refunded_at is not None
    assert redeemed(shop) == 100


def test_a_redemption_longer_ago_or_of_another_discount_settles_nothing(
    shop: RewardedShop,
) -> None:
    shop.redeem(shop.gift)
    shop.redeem(shop.ten)
    shop.clock.at += 25 * HOUR

    shop.tell(a_sale_with("Ten off", at="2026-06-04"))
    shop.recognise()

    assert redeemed(shop) == 250


def test_a_void_or_a_whole_return_gives_the_points_back_and_a_part_does_not(
    shop: RewardedShop,
) -> None:
    shop.tell(a_sale_with("Ten off"))
    shop.recognise()

    part = a_sale("r1", SOLD, -2_500, kind="return", original_ext_id="s1")
    shop.tell(part)
    assert (shop.recognise(), redeemed(shop)) == (0, 100)
    rest = a_sale("r2", SOLD, -2_500, kind="return", original_ext_id="s1")
    shop.tell(rest)
    assert (shop.recognise(), redeemed(shop)) == (1, 0)
    assert shop.points() == shop.ledger_sum() == 300

    shop.tell(a_sale_with("Gift", ext_id="s2"))
    shop.recognise()
    assert redeemed(shop) == 50
    shop.tell(a_sale_with("Gift", ext_id="s2", kind="void", status="void", is_final=False))
    assert (shop.recognise(), redeemed(shop)) == (1, 0)
    shop.tell(a_sale_with("Gift", ext_id="s2", status="paid"))
    assert (shop.recognise(), redeemed(shop)) == (1, 50), "the void was a mistake"


def test_a_void_gives_the_points_back_whatever_became_of_the_discount(shop: RewardedShop) -> None:
    shop.tell(a_sale_with("Ten off"), a_sale_with("Gift", ext_id="s2"))
    shop.recognise()
    assert redeemed(shop) == 150
    shop.edit(shop.ten, name="Ten dollars off")
    shop.discount_service.delete(Uid(UID), shop.gift.id, shop.gift.version, actor="user:ann")

    void: dict[str, Any] = {"kind": "void", "status": "void", "is_final": False}
    shop.tell(a_sale_with("Ten off", **void), a_sale_with("Gift", ext_id="s2", **void))
    shop.recognise()

    assert redeemed(shop) == 0
    assert shop.points() == shop.ledger_sum() == 300


def test_a_sale_that_moves_to_another_shopper_takes_its_redemption_along(
    shop: RewardedShop,
) -> None:
    shop.tell(Customer("2", first="Bob", phone="+12065550002"))
    shop.form("2")
    shop.give(300, "to bob", of="2")
    shop.tell(a_sale_with("Ten off"))
    shop.recognise()
    assert redeemed(shop) == 100

    shop.tell(a_sale_with("Ten off", customer_ext_id="2", updated_at=on(SOLD) + 1))
    shop.recognise()
    assert (shop.points(), shop.points("2")) == (300, 205)

    shop.tell(a_sale_with("Ten off", customer_ext_id=None, updated_at=on(SOLD) + 2))
    shop.recognise()
    assert (shop.points(), shop.points("2")) == (300, 300)

    shop.tell(a_sale_with("Ten off", updated_at=on(SOLD) + 3))
    shop.recognise()
    assert (shop.points(), shop.points("2")) == (205, 300)


def test_a_redemption_at_the_till_is_open_again_when_its_sale_is_anothers(
    shop: RewardedShop,
) -> None:
    shop.tell(Customer("2", first="Bob", phone="+12065550002"))
    shop.form("2")
    shop.give(300, "to bob", of="2")
    shop.redeem(shop.ten)
    shop.tell(a_sale_with("Ten off"))
    shop.recognise()
    shop.tell(a_sale_with("Ten off", customer_ext_id="2", updated_at=on(SOLD) + 1))
    shop.recognise()
    assert (shop.points(), shop.points("2")) == (200, 205)

    shop.tell(a_sale_with("Ten off", ext_id="s2"))
    shop.recognise()
    assert shop.points() == 205, "it settles the next sale that shows it"


def test_what_a_person_gave_back_stays_given_back(shop: RewardedShop) -> None:
    done = shop.redeem(shop.ten)
    shop.tell(a_sale_with("Ten off"))
    shop.recognise()
    shop.refund(done)

    shop.tell(a_sale_with("Ten off", status="again"))
    shop.recognise()

    assert redeemed(shop) == 0


def test_sales_of_before_the_discount_of_no_member_and_of_nobody_take_nothing(
    shop: RewardedShop,
) -> None:
    bob = Customer("2", first="Bob", phone="+12065550002")
    shop.tell(bob)
    shop.tell(
        a_sale_with("Ten off", at="2026-05-01"),
        a_sale_with("Ten off", ext_id="s2", customer_ext_id="2"),
        a_sale_with("Ten off", ext_id="s3", customer_ext_id=None),
        a_sale_with("Half off", ext_id="s4"),
    )

    assert shop.recognise() == 0
    assert redeemed(shop) == 0


def test_another_person_redeemed_the_same_discount(shop: RewardedShop) -> None:
    shop.tell(Customer("2", first="Bob", phone="+12065550002"))
    shop.form("2")
    shop.give(300, "to bob", of="2")
    shop.redeem(shop.ten, shop.url(shop.ten, "+12065550002"))

    shop.tell(a_sale_with("Ten off"))
    shop.recognise()

    assert (redeemed(shop), shop.points("2")) == (100, 200)


def test_what_expires_counts_a_redemption_that_is_recognised_late(shop: RewardedShop) -> None:
    from dataclasses import replace

    shop.rule(replace(shop.loyalty, expire_after_days=30))
    shop.tell(a_sale("old", SOLD, 120_000))
    shop.tell(a_sale_with("Ten off", ext_id="s2", at="2026-06-03"))
    shop.clock.at = on(SOLD) + 40 * DAY
    shop.again()

    shop.recognise()

    assert shop.points() == shop.ledger_sum() == 300 + 0, "25 earned points expired, not 125"


@pytest.mark.parametrize("rows", range(0, 14, 2))
def test_a_crash_of_the_commit_or_the_worker_takes_nothing_twice(
    shop: RewardedShop, rows: int
) -> None:
    sale = a_sale_with("Ten off")
    shop.facts.crash_in = rows
    try:
        shop.tell(sale)
        shop.recognise()
    except Crash:
        shop.facts.crash_in = None
    shop.facts.crash_in = None

    shop.tell(sale)
    shop.commits.catch_up(Uid(UID))
    shop.recognise()

    assert redeemed(shop) == 100
    assert shop.points() == shop.ledger_sum() == 205


def test_names_in_sales_tell_how_each_discount_is_mirrored(shop: RewardedShop) -> None:
    """Please make sure that all discounts/rewards are created in AIQ first and then mirrored
    accordingly in {title}. Mirror the discount in {title} ensuring you use the same name

    Discounts must be created in AIQ first and then mirrored in {title}.
    """
    shop.tell(a_sale_with("Ten off", "gift", "Tenn of"))
    shop.recognise()

    ten, gift = shop.discount_service.all_discounts(Uid(UID))

    assert ten.mirrors["thsuite"] == ("mirrored", None)
    assert gift.mirrors["thsuite"] == ("mirrored", "gift")
    assert ten.mirrors["posabit"] == gift.mirrors["posabit"] == ("missing", None)


@pytest.mark.parametrize(
    ("there", "mirror"),
    [
        (["$5 off"], ("mirrored", None)),
        (["$5  OFF (AIQ)"], ("mirrored", "$5  OFF (AIQ)")),
        (["$5 off", "$5 OFF"], ("ambiguous", "$5 OFF, $5 off")),
        (["$5 of"], ("name_differs", "$5 of")),
        (["$15 off"], ("missing", None)),
        (["Happy hour"], ("missing", None)),
        ([], ("missing", None)),
    ],
)
def test_a_twin_is_found_by_its_folded_name_and_never_guessed(
    there: list[str], mirror: tuple[str, str | None]
) -> None:
    seen, others = map(NamedDiscount, there), [NamedDiscount("$15 off")]

    assert find_mirror(NamedDiscount("$5 off"), seen, others) == mirror


FIVE, RENAMED = NamedDiscount("$5 off", "47370"), NamedDiscount("Happy hour", "47370")


@pytest.mark.parametrize(
    ("set_id", "there", "mirror"),
    [
        ("47370", [FIVE], ("mirrored", None)),
        ("47370", [RENAMED, NamedDiscount("$5 off", "2")], ("mirrored", "Happy hour")),
        ("47370", [NamedDiscount("", "47370")], ("mirrored", None)),
        ("47370", [NamedDiscount("$5 off", "2")], ("missing", None)),
        ("47370", [NamedDiscount("$5 of", "2"), NamedDiscount("$5 off")], ("missing", None)),
        ("47370", [NamedDiscount("$5 off")], ("mirrored", None)),
        ("47370", [], ("missing", None)),
        ("", [FIVE], ("mirrored", None)),
        ("", [RENAMED], ("missing", None)),
        ("", [NamedDiscount("$5 of", "15")], ("missing", None)),
    ],
)
def test_a_twin_is_found_by_the_id_that_is_set_before_any_name(
    set_id: str, there: list[NamedDiscount], mirror: tuple[str, str | None]
) -> None:
    """A POS that tells no ids is known by names; the twin of another's id is not taken."""
    others = [NamedDiscount("$15 off", "15")]

    assert find_mirror(NamedDiscount("$5 off", set_id), there, others) == mirror


def a_sale_with_ids(*shown: NamedDiscount, ext_id: str = "s1") -> Sale:
    names, ids = tuple(each.name for each in shown), tuple(each.id for each in shown)
    line = LineItem("Blue Dream", "1", 5_000, discounts=names, discount_ids=ids)
    return a_sale(ext_id, SOLD, 5_000, items=(line,))


@pytest.mark.parametrize(
    ("shown", "taken"),
    [
        ([NamedDiscount("Anything", "77")], 100),
        ([NamedDiscount("", "77")], 100),
        ([NamedDiscount("Ten off", "77"), NamedDiscount("Ten off")], 100),
        ([NamedDiscount("Ten off", "78")], 0),
        ([NamedDiscount("Ten off")], 100),
        ([NamedDiscount("Gift", "77")], 100),
        ([NamedDiscount("Gift", "78")], 50),
        ([NamedDiscount("Gift")], 50),
        ([NamedDiscount("Anything", "12")], 0),
    ],
)
def test_a_discount_is_recognised_by_the_id_that_is_set_and_by_name_where_none_is(
    shop: RewardedShop, shown: list[NamedDiscount], taken: float
) -> None:
    shop.edit(shop.ten, pos_ids={"thsuite": "77", "posabit": "12"})

    shop.tell(a_sale_with_ids(*shown))
    shop.recognise()

    assert redeemed(shop) == taken


def test_an_id_that_is_set_for_two_discounts_finds_neither(shop: RewardedShop) -> None:
    for one in (shop.ten, shop.gift):
        shop.edit(one, pos_ids={"thsuite": "77"})

    shop.tell(a_sale_with_ids(NamedDiscount("Ten off", "77")))

    assert (shop.recognise(), redeemed(shop)) == (0, 0)


def test_a_twin_that_was_renamed_stays_mirrored_by_its_id(shop: RewardedShop) -> None:
    shop.edit(shop.ten, pos_ids={"thsuite": "77"})
    for name in ("Ten off", "Happy hour"):
        shop.tell(a_sale_with_ids(NamedDiscount(name, "77"), ext_id=name))
        shop.recognise()

    ten, _ = shop.discount_service.all_discounts(Uid(UID))

    assert ten.mirrors["thsuite"] == ("mirrored", "Happy hour")


def test_an_id_too_long_to_be_set_is_not_half_of_one(shop: RewardedShop) -> None:
    shop.edit(shop.ten, pos_ids={"thsuite": "7" * 100})

    shop.tell(a_sale_with_ids(NamedDiscount("Other", "7" * 101)))

    assert shop.recognise() == 0
    ten, _ = shop.discount_service.all_discounts(Uid(UID))
    assert ten.mirrors["thsuite"] == ("missing", None)
