"""Redeeming takes points once, and a refund gives them back once (product.md §11, partner-api.md
S5, S6, S8, S15, S16, S25 to S27)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from chalicelib.domain.discounts import RedemptionRefused
from chalicelib.domain.errors import Gone, NotFound
from chalicelib.domain.records import Customer
from chalicelib.domain.redemptions import redemption_id
from chalicelib.domain.times import DAY, HOUR, MINUTE
from chalicelib.domain.words import POINT, Uid
from tests.fakes.facts import Crash
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import ANA, TEN_PER_100, UID, a_sale, on


@pytest.fixture
def shop() -> RewardedShop:
    return RewardedShop()


def refused(shop: RewardedShop, discount: object, url: str | None = None, **order: object) -> str:
    before = shop.points()
    with pytest.raises(RedemptionRefused) as refusal:
        shop.redeem(discount, url, **order)  # type: ignore[arg-type]
    assert shop.points() == before
    return refusal.value.reason


def test_the_same_url_again_gives_the_first_answer_and_a_fresh_one_redeems_again(
    shop: RewardedShop,
) -> None:
    """Double press redeems twice (e-valuation/EvaP/issues/1785)."""
    shop.give(300)
    url = shop.url(shop.ten)

    first, again = shop.redeem(shop.ten, url), shop.redeem(shop.ten, url)
    shop.clock.at += HOUR
    assert first == again == shop.redeem(shop.ten, url)
    assert shop.points() == 200

    assert shop.redeem(shop.ten).id != first.id
    assert shop.points() == shop.ledger_sum() == 100


def test_a_one_time_discount_is_redeemed_once_whatever_tills_hold_its_urls(
    shop: RewardedShop,
) -> None:
    """One-time code at two tills (magento/magento2/issues/31798)."""
    shop.give(500)
    one, other = shop.url(shop.gift), shop.url(shop.gift)

    shop.redeem(shop.gift, one)

    assert refused(shop, shop.gift, other) == "already_redeemed"
    assert shop.points() == 450


def test_a_refund_gives_the_points_back_once_and_the_discount_too(shop: RewardedShop) -> None:
    """Order declined, reward gone (magento/magento2/issues/19545)."""
    shop.give(100)
    url = shop.url(shop.gift)
    done = shop.redeem(shop.gift, url)

    first = shop.refund(done)
    assert [shop.refund(done) for _ in range(10)] == [first] * 10
    assert shop.points() == shop.ledger_sum() == 100

    offer = next(o for o in shop.wallet().offers if o.discount.id == shop.gift.id)
    assert offer.refusal is None
    assert shop.redeem(shop.gift, url) == first, "its URL redeems nothing any more"
    assert shop.points() == 100


def test_a_refund_is_found_by_the_right_discount_and_shopper_alone(shop: RewardedShop) -> None:
    shop.give(200)
    done = shop.redeem(shop.ten)

    for wrong in (
        replace(done, discount=shop.gift.id),
        replace(done, id="f" * 48),
        replace(done, id="nonsense"),
    ):
        with pytest.raises(NotFound):
            shop.refund(wrong)
    with pytest.raises(NotFound):
        shop.refund(done, contact="e" * 32)
    assert shop.points() == 100


def test_points_come_back_into_a_hole_that_a_void_made(shop: RewardedShop) -> None:
    """Points come back into a hole (nopSolutions/nopCommerce/issues/5595)."""
    shop.give(50)
    done = shop.redeem(shop.gift)
    shop.tell(a_sale("s", "2026-03-01", 21_000))
    assert shop.points() == 21

    shop.tell(a_sale("s", "2026-03-01", 21_000, kind="void", status="void"))
    assert (shop.points(), shop.wallet().points, shop.wallet().balance) == (0, 0, 0)
    shop.give(-21, "taken")
    assert (shop.wallet().points, shop.wallet().balance) == (0, -21 * POINT)
    assert all(offer.refusal for offer in shop.wallet().offers)

    shop.refund(done)
    assert shop.points() == shop.ledger_sum() == 29


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_returned_order_and_its_refund_give_back_their_own_points_each_once(
    shop: RewardedShop, refund_first: bool
) -> None:
    """Refund of a redeeming order takes the points again (odoo/odoo/pull/212922)."""
    shop.give(100)
    sold = a_sale("s", "2026-03-01", 40_000)
    shop.tell(sold)
    done = shop.redeem(shop.ten)
    assert shop.points() == 40

    acts = [lambda: shop.refund(done), lambda: shop.tell(replace(sold, total=0, updated_at=1))]
    for act in acts if refund_first else reversed(acts):
        act()
        act()

    assert shop.points() == shop.ledger_sum() == 100


def test_half_of_an_order_that_comes_back_gives_no_reward_back(shop: RewardedShop) -> None:
    shop.give(100)
    sold = a_sale("s", "2026-03-01", 40_000)
    shop.tell(sold)
    shop.redeem(shop.ten)

    shop.tell(replace(sold, total=20_000, updated_at=1))

    assert shop.points() == shop.ledger_sum() == 20


def test_points_of_every_kind_pay_alike(shop: RewardedShop) -> None:
    """Points earned one way cannot be paid another way (frappe/erpnext/issues/59050)."""
    shop.give(90)
    shop.tell(a_sale("s", "2026-03-01", 30_000))

    shop.redeem(shop.ten)

    assert shop.points() == shop.ledger_sum() == 20
    assert refused(shop, shop.ten) == "not_enough_points"


def test_a_balance_is_cut_and_never_rounded_up(shop: RewardedShop) -> None:
    """Shown 100, has 99.6 (PrestaShop/PrestaShop/pull/4034)."""
    for number in range(3):
        shop.give(33.2, f"third {number}")
    assert shop.wallet().points == 9_960
    assert refused(shop, shop.ten) == "not_enough_points"

    for number in range(4):
        shop.give(0.1, f"tenth {number}")
    shop.redeem(shop.ten)
    assert shop.wallet().points == 0


def test_two_discounts_of_an_order_leave_both_and_come_back_by_themselves(
    shop: RewardedShop,
) -> None:
    """Two rewards, one counted (stephenmcd/cartridge/issues/132)."""
    shop.give(150)

    ten, gift = shop.redeem(shop.ten, order="o1"), shop.redeem(shop.gift, order="o1")
    assert shop.points() == 0
    shop.refund(gift)
    assert shop.points() == 50
    shop.refund(ten)
    assert shop.points() == 150


def test_a_discount_is_redeemed_once_for_an_order_that_the_till_names(shop: RewardedShop) -> None:
    """`orderID` is kept and makes a second redemption of the same discount for the same order the
    first one (S5)."""
    shop.give(300)

    first = shop.redeem(shop.ten, order="o1")

    assert shop.redeem(shop.ten, order="o1") == first
    assert shop.redeem(shop.ten, order="o2") != first
    assert shop.points() == 100


def test_a_url_that_got_an_orders_first_answer_gets_it_without_the_order_too(
    shop: RewardedShop,
) -> None:
    shop.give(300)
    first = shop.redeem(shop.ten, order="R-1001")
    second = shop.url(shop.ten)

    assert shop.redeem(shop.ten, second, order="R-1001") == first
    assert shop.redeem(shop.ten, second) == first
    shop.refund(first)
    assert shop.redeem(shop.ten, second).refunded_at is not None, "its first answer, given back"

    assert shop.points() == shop.ledger_sum() == 300
    assert shop.discounts.redeemed(UID)[shop.ten.id] == 0
    used = shop.redeemer.tokens.read(Uid(UID), second)
    with pytest.raises(NotFound):
        shop.redeemer.refund(
            Uid(UID), shop.rid(), shop.ten.id, redemption_id(used.record, used.nonce), "key:till"
        )


def test_a_url_keeps_its_price_for_a_day_but_not_an_ended_discount(shop: RewardedShop) -> None:
    """Coupon that ended while it lay in the cart (medusajs/medusa/issues/6551)."""
    shop.give(500)
    shop.edit(shop.ten, ends_on=date(2026, 6, 1))
    shop.clock.at = on("2026-06-01", 21)
    early, late, third = (shop.url(shop.ten) for _ in range(3))
    shop.edit(shop.ten, price=150 * POINT)

    shop.clock.at = on("2026-06-01", 23) + 59 * MINUTE
    assert shop.redeem(shop.ten, early).price == 100 * POINT
    shop.clock.at = on("2026-06-02", 0) + 10 * MINUTE
    assert refused(shop, shop.ten, late) == "ended"

    shop.edit(shop.ten, ends_on=None)
    shop.clock.at = on("2026-06-02", 22)
    with pytest.raises(Gone, match="show the wallet again"):
        shop.redeem(shop.ten, third)
    assert shop.redeem(shop.ten, early).price == 100 * POINT, "a used one is answered for 90 days"
    shop.clock.at += 90 * DAY
    with pytest.raises(Gone):
        shop.redeem(shop.ten, early)
    assert shop.points() == 400


def test_a_last_day_is_the_tills_own_to_its_last_hour(shop: RewardedShop) -> None:
    """ "Until 5 December" ended on the 4th (wpsharks/s2member/issues/612)."""
    shop.give(500)
    day = date(2026, 11, 1)  # 25 hours in Los Angeles
    shop.edit(shop.ten, starts_on=day, ends_on=day)
    east = shop.store("East", "America/New_York")

    def listed(at: int, store: int | None = None) -> bool:
        shop.clock.at = at
        offers = shop.wallet(store=store).offers
        return any(offer.discount.id == shop.ten.id for offer in offers)

    first, last = on("2026-11-01", 0), on("2026-11-02", 0) - 1
    assert [listed(first - 1), listed(first), listed(last), listed(last + 1)] == [
        False,
        True,
        True,
        False,
    ]
    assert last + 1 - first == 25 * HOUR
    assert (listed(last, east), listed(first - HOUR, east)) == (False, True)
    shop.clock.at = last
    [offer] = [o for o in shop.wallet().offers if o.discount.id == shop.ten.id]
    assert offer.ends_at == last + 1


def test_stores_floor_and_cooldown_refuse_where_the_till_tells_enough(shop: RewardedShop) -> None:
    shop.give(500)
    here, there = shop.store("Here"), shop.store("There")
    shop.edit(shop.ten, stores=(here,), min_spend=5_000, cooldown_hours=24)
    url = shop.url(shop.ten)

    assert refused(shop, shop.ten, url, store=there) == "other_store"
    assert refused(shop, shop.ten, url, store=here, subtotal=4_999) == "spend_more"
    with pytest.raises(NotFound):
        shop.redeem(shop.ten, url, store=99)
    shop.redeem(shop.ten, url, store=here, subtotal=5_000)

    shop.clock.at += 24 * HOUR - 1
    assert refused(shop, shop.ten) == "too_soon"
    shop.clock.at += 1
    shop.redeem(shop.ten)
    assert [o.discount.id for o in shop.wallet(store=there).offers] == [shop.gift.id]


def test_deleted_foreign_and_forged_urls_redeem_nothing(shop: RewardedShop) -> None:
    shop.give(500)
    url, gift = shop.url(shop.ten), shop.url(shop.gift)

    for text in ("", "nonsense", url[:-2], "A" + url[1:], gift):
        with pytest.raises(NotFound):
            shop.redeem(shop.ten, text)
    with pytest.raises(NotFound):
        shop.redeemer.by_token(Uid("2000"), shop.ten.id, url, None)  # type: ignore[arg-type]
    shop.discount_service.delete(Uid(UID), shop.gift.id, 1, actor="user:ann")
    assert refused(shop, shop.gift, gift) == "no_such_discount"
    assert shop.points() == 500


def test_who_is_no_member_and_who_works_here_may_not_redeem(shop: RewardedShop) -> None:
    """A persona that is no member: 200, 0 points, no templates (S15)."""
    shop.give(500)
    url = shop.url(shop.ten)
    bob = Customer("2", first="Bob", phone="+12065550002")
    shop.tell(bob)
    assert (shop.wallet("+12065550002").points, shop.wallet("+12065550002").offers) == (0, ())
    with pytest.raises(NotFound):
        shop.wallet("+12065550099")

    shop.tell(replace(ANA, flags=frozenset({"employee"}), updated_at=on("2026-06-01")))

    assert shop.wallet().points == 500 * POINT
    assert shop.wallet().offers == ()
    assert refused(shop, shop.ten, url) == "employee"


def test_the_phone_decides_whose_wallet_it_is(shop: RewardedShop) -> None:
    """phone of A with e-mail of B: the answer is the phone's with a warning (S15)."""
    shop.tell(Customer("2", first="Bob", phone="+12065550002", email="bob@example.com"))

    both = shop.wallet(email="BOB@example.com")
    by_email = shop.wallet("no phone", email="bob@example.com")

    assert (both.contact_id, [field for field, _ in both.warnings]) == (shop.rid(), ["email"])
    assert (by_email.contact_id, by_email.warnings) == (shop.rid("2"), ())
    assert shop.wallet(email="ana@example.com").warnings == ()


def test_a_redemption_goes_with_the_record_that_owned_the_contact(shop: RewardedShop) -> None:
    """A redemption belongs to the record that owned the contact the wallet was opened with (S26):
    what a split leaves below zero is shown as zero and redeems nothing."""
    twin = Customer("9", first="Ana", email="ana@example.com", phone="+12065550009")
    shop.tell(twin)
    shop.give(100)
    url = shop.url(shop.ten, "+12065550009")
    done = shop.redeem(shop.ten, url)
    assert shop.points() == 0

    shop.tell(replace(twin, email="other@example.com", updated_at=on("2026-06-02")))
    assert (shop.points("1"), shop.points("9")) == (100, -100)
    assert shop.wallet("+12065550009").points == 0
    assert shop.redeem(shop.ten, url) == done, "its URL still answers the same"

    shop.refund(done, contact=done.contact)
    assert (shop.points("1"), shop.points("9")) == (100, 0)


def test_points_that_expired_since_midnight_pay_nothing(shop: RewardedShop) -> None:
    """Expired points are answered truthfully before the daily look has taken them."""
    shop.rule(replace(TEN_PER_100, expire_after_days=30))
    shop.tell(a_sale("s", "2026-05-20", 100_000))
    shop.clock.at = on("2026-06-19")
    url = shop.url(shop.ten)

    shop.clock.at = on("2026-06-20", 1)
    with pytest.raises(RedemptionRefused) as refusal:
        shop.redeem(shop.ten, url)
    assert refusal.value.reason == "not_enough_points"
    assert shop.wallet().points == shop.points() == 0


def test_what_was_redeemed_of_earned_points_does_not_expire_again(shop: RewardedShop) -> None:
    shop.rule(replace(TEN_PER_100, expire_after_days=30))
    shop.tell(a_sale("s", "2026-05-20", 120_000))
    done = shop.redeem(shop.ten)

    shop.clock.at = on("2026-07-01")
    shop.again()
    assert shop.points() == shop.ledger_sum() == 0, "20 expired, not 120"

    shop.refund(done)
    assert shop.points() == shop.ledger_sum() == 0, "as if the points had stayed (S25)"


def test_points_that_never_expire_are_spent_last(shop: RewardedShop) -> None:
    shop.rule(replace(TEN_PER_100, expire_after_days=30))
    shop.give(100)
    shop.tell(a_sale("s", "2026-05-20", 80_000))
    shop.redeem(shop.ten)

    shop.clock.at = on("2026-07-01")
    shop.again()
    assert shop.points() == 80

    # A sale told of late, from before the redemption, was spendable then.
    shop.tell(a_sale("late", "2026-05-25", 50_000))
    shop.again()
    assert shop.points() == shop.ledger_sum() == 100


def test_a_purchase_dated_after_the_redemption_pays_nothing_of_it(shop: RewardedShop) -> None:
    """The POS's clock is ahead, or its zone is."""
    shop.rule(replace(TEN_PER_100, expire_after_days=30))
    shop.clock.at = on("2026-05-20", 9)
    shop.give(100)
    shop.tell(a_sale("s", "2026-05-20", 80_000))
    shop.redeem(shop.ten)
    [at_once] = shop.facts.shown(UID)

    shop.again()
    [derived_again] = shop.facts.shown(UID)
    assert at_once.figures == derived_again.figures
    assert derived_again.figures.expires_on is not None, "the points of the purchase are there"


@pytest.mark.parametrize("rows", range(12))
def test_a_crash_at_any_row_leaves_the_points_taken_once_or_not_at_all(
    shop: RewardedShop, rows: int
) -> None:
    shop.give(300)
    url = shop.url(shop.ten)
    shop.facts.crash_in = rows
    with suppress(Crash):
        shop.redeem(shop.ten, url)
    shop.facts.crash_in = None

    done = shop.redeem(shop.ten, url)

    assert shop.redeem(shop.ten, url) == done
    assert shop.points() == shop.ledger_sum() == 200
    [held] = shop.wallets.find(Uid(UID), phone=ANA.phone)[0].redeemed()
    assert (held.discount, held.times) == (shop.ten.id, 1)
    assert shop.discounts.redeemed(UID)[shop.ten.id] == 1
