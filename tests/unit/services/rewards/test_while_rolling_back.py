"""The till while a source rolls back to AIQ's last backup (partner-api.md S27)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from chalicelib.domain.discounts import RedemptionRefused
from chalicelib.domain.words import POINT
from chalicelib.services.job_messages.account_jobs import StandingMessage
from tests.fakes.facts import Crash
from tests.worlds.freezing import ANN, FreezingShop
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import PLATFORM, UID, a_sale


class RollingShop(RewardedShop, FreezingShop):
    """Ana bought for 100 points before the backup, and for 200 after it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tell(a_sale("s1", "2026-05-01", 100_000))
        self.night()
        self.tell(a_sale("s2", "2026-05-02", 200_000))


@pytest.mark.parametrize("rows", [*range(0, 24, 3), 60])
def test_the_till_is_served_from_the_last_complete_derivation_and_its_redemptions_stay(
    rows: int,
) -> None:
    """Whichever row the roll back is at when its worker dies, and the till asks."""
    shop = RollingShop()
    shop.freezing.freeze(UID, PLATFORM, "last", actor=ANN)
    with suppress(Crash):
        shop.facts.crash_in = rows
        shop.work()
    shop.facts.crash_in = None

    shown = shop.wallet().points / POINT
    assert shown in (300, 100), "before or after, never between"
    done = shop.redeem(shop.ten)
    spent = 100
    with suppress(RedemptionRefused):  # the commit before has ended what the worker left half done
        shop.redeem(shop.ten)
        spent = 200
    left = shop.wallet()
    assert left.balance / POINT == shop.points() == shop.ledger_sum()
    assert left.balance >= 0

    card = shop.card
    assert card.frozen is not None
    shop.jobs.send(StandingMessage(UID, PLATFORM, card.frozen.at).body())
    shop.work()
    assert (shop.points(), shop.ledger_sum()) == (100 - spent, 100 - spent)
    assert shop.wallet().points == 0, "below zero is zero in a wallet"
    held = shop.facts.ledger(UID, shop.rid())
    assert {row.redemption for row in held.values()} >= {done}

    shop.unfreeze()
    assert shop.points() == shop.ledger_sum() == 300 - spent
    assert shop.refund(done).refunded_at is not None
    assert shop.points() == 400 - spent
