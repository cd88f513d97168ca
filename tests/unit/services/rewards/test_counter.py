"""Staff redeem for a shopper at the counter, and undo it within ten minutes (product.md §13)."""

from __future__ import annotations

import pytest

from chalicelib.domain.discounts import RedemptionRefused
from chalicelib.domain.errors import Conflict, NotFound, TooManyRequests
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import POINT, Uid
from chalicelib.services.rewards import counter as counters
from tests.fakes.facts import Crash
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import UID

SAM, KIM = "user:sam", "user:kim"


@pytest.fixture
def shop() -> RewardedShop:
    made = RewardedShop()
    made.give(300)
    return made


def redeem(shop: RewardedShop, key: str = "k1", actor: str = SAM, points: int = 100) -> Redemption:
    return shop.counter.redeem(Uid(UID), shop.rid(), shop.ten.id, points * POINT, key, actor=actor)


def test_the_counter_sees_no_more_than_a_name_and_four_digits(shop: RewardedShop) -> None:
    found = shop.counter.look_up(Uid(UID), phone="+12065550001", email=None)

    assert found is not None
    assert (found.name, found.last_four, found.member, found.points) == ("Ana", "0001", True, 30000)
    assert shop.counter.look_up(Uid(UID), phone="+12065550099", email=None) is None


def test_a_lost_answer_is_asked_again_with_the_same_key(shop: RewardedShop) -> None:
    first = redeem(shop)

    assert redeem(shop) == first
    assert shop.points() == 200
    assert [entry.action for _, entry in shop.audit.rows].count("points.redeemed") == 1
    with pytest.raises(Conflict, match="another redemption"):
        shop.counter.redeem(Uid(UID), shop.rid(), shop.gift.id, 5000, "k1", actor=SAM)
    assert redeem(shop, actor=KIM).id != first.id


def test_what_was_just_redeemed_is_undone_within_ten_minutes_by_who_did_it(
    shop: RewardedShop,
) -> None:
    done = redeem(shop)
    [recent] = shop.counter.wallet(Uid(UID), shop.rid(), None, actor=SAM).recent
    assert (recent.id, recent.undo_until) == (done.id, done.at + 10 * MINUTE)
    [others] = shop.counter.wallet(Uid(UID), shop.rid(), None, actor=KIM).recent
    assert others.undo_until is None

    with pytest.raises(Conflict, match="Somebody else"):
        shop.counter.undo(Uid(UID), done.id, actor=KIM)
    shop.clock.at += 10 * MINUTE
    undone = shop.counter.undo(Uid(UID), done.id, actor=SAM)
    shop.clock.at += MINUTE
    assert shop.counter.undo(Uid(UID), done.id, actor=SAM) == undone
    assert shop.points() == shop.ledger_sum() == 300

    late = redeem(shop, "k2")
    shop.clock.at += 10 * MINUTE + 1
    with pytest.raises(Conflict, match="within 10 minutes"):
        shop.counter.undo(Uid(UID), late.id, actor=SAM)
    with pytest.raises(NotFound):
        shop.counter.undo(Uid(UID), shop.redeem(shop.gift).id, actor=SAM)


def test_a_price_that_was_not_shown_is_not_taken(shop: RewardedShop) -> None:
    shop.edit(shop.ten, price=150 * POINT)

    with pytest.raises(RedemptionRefused) as refusal:
        redeem(shop)

    assert refusal.value.reason == "price_changed"
    assert shop.points() == 300


def test_one_user_redeems_so_much_a_day_and_what_was_undone_counts_not(
    shop: RewardedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "DAILY_LIMIT", 200 * POINT)
    first = redeem(shop, "k1")
    redeem(shop, "k2")

    with pytest.raises(TooManyRequests):
        redeem(shop, "k3")
    assert shop.points() == 100
    redeem(shop, "k3", actor=KIM)
    shop.counter.undo(Uid(UID), first.id, actor=SAM)
    redeem(shop, "k4")
    shop.give(100, "more")
    with pytest.raises(TooManyRequests):
        redeem(shop, "k5")
    shop.clock.at += DAY
    redeem(shop, "k5")
    assert shop.points() == shop.ledger_sum() == 0


def died_before_it_was_taken_off(*_: object) -> None:
    raise Crash


def test_what_was_undone_counts_not_though_the_undoing_died_before_it_was_taken_off(
    shop: RewardedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "DAILY_LIMIT", 100 * POINT)
    first = redeem(shop, "k1")
    with monkeypatch.context() as dying:
        dying.setattr(shop.counter.adjustments, "forget", died_before_it_was_taken_off)
        with pytest.raises(Crash):
            shop.counter.undo(Uid(UID), first.id, actor=SAM)

    again = redeem(shop, "k2")
    with pytest.raises(TooManyRequests):
        redeem(shop, "k3")
    shop.counter.undo(Uid(UID), again.id, actor=SAM)

    assert shop.points() == shop.ledger_sum() == 300


def test_an_undoing_that_died_is_ended_by_the_next_try(
    shop: RewardedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = redeem(shop)
    [day] = shop.counter.adjustments.rows  # type: ignore[attr-defined]  # of the fake
    with monkeypatch.context() as dying:
        dying.setattr(shop.counter.adjustments, "forget", died_before_it_was_taken_off)
        with pytest.raises(Crash):
            shop.counter.undo(Uid(UID), done.id, actor=SAM)

    shop.counter.undo(Uid(UID), done.id, actor=SAM)

    assert shop.counter.adjustments.rows[day] == []  # type: ignore[attr-defined]
