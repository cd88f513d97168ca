"""Random histories of tills, refunds and sales of one shopper: points are spent once, whatever
comes in between (product.md §8, §11)."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from chalicelib.domain.discounts import Discount, RedemptionRefused
from chalicelib.domain.errors import Gone
from chalicelib.domain.records import Customer
from chalicelib.domain.redemptions import Redemption, record_of
from chalicelib.domain.times import HOUR, local_day
from chalicelib.domain.words import POINT, Uid
from tests.fakes.facts import Crash
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import ANA, TEN_PER_100, UID, ZONE, a_sale

TWIN = Customer("9", first="Ana", phone="+12065550009", email=ANA.email)
STEPS = 14
PARTS = 4


class History:
    """What several tills of one shop do, in an order drawn by lot."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.shop = RewardedShop()
        self.shop.tell(TWIN)
        self.shop.give(self.chance.choice([60, 260, 900]))
        if self.chance.random() < 0.5:
            self.shop.rule(replace(TEN_PER_100, expire_after_days=20))
        self.urls: list[tuple[Discount, str]] = []
        self.done: dict[str, Redemption] = {}
        self.sales = 0
        self.mint()

    def play(self) -> None:
        acts = [self.mint, self.mint, self.redeem, self.redeem, self.redeem, self.refund]
        acts += [self.buy, self.void, self.wait, self.split, self.edit, self.crash]
        for _ in range(STEPS):
            self.chance.choice(acts)()
            self.check()

    def mint(self) -> None:
        phone = self.chance.choice([ANA.phone, TWIN.phone])
        for offer in self.shop.wallet(str(phone)).offers:
            self.urls.append((offer.discount, str(offer.token)))

    def redeem(self) -> None:
        if not self.urls:
            return
        discount, url = self.chance.choice(self.urls)
        before = self.points()
        try:
            done = self.shop.redeem(discount, url)
        except (RedemptionRefused, Gone):
            assert self.points() <= before, "nothing but what had expired was taken"
            return
        if url in self.done:
            assert done.id == self.done[url].id
            assert self.points() == before
        else:
            assert self.left_of_who_redeemed(done) >= 0
            self.done[url] = done

    def left_of_who_redeemed(self, done: Redemption) -> int:
        record = record_of(done.id)
        return next(p.points for p in self.shop.facts.shown(UID) if record in p.members)

    def refund(self) -> None:
        if self.done:
            url = self.chance.choice(sorted(self.done))
            one = self.done[url]
            self.done[url] = self.shop.refund(one, contact=one.contact)

    def buy(self) -> None:
        self.sales += 1
        total = self.chance.choice([2_000, 60_000, 90_000])
        sold = a_sale(f"s{self.sales}", local_day(self.shop.clock.at, ZONE).isoformat(), total)
        self.shop.tell(sold)

    def void(self) -> None:
        if self.sales:
            number = self.chance.randint(1, self.sales)
            told = self.shop.facts.sale_rows
            [sale] = [row.sale for (_, sid), row in told.items() if sid.ext_id == f"s{number}"]
            self.shop.tell(replace(sale, kind="void", status="void"))

    def wait(self) -> None:
        self.shop.clock.at += self.chance.choice([1, 25, 24 * 9, 24 * 21]) * HOUR
        if self.chance.random() < 0.5:
            self.shop.again()

    def split(self) -> None:
        email = self.chance.choice([ANA.email, "other@example.com"])
        self.shop.tell(replace(TWIN, email=email, updated_at=self.shop.clock.at))

    def edit(self) -> None:
        cooldown = self.chance.choice([0, 48])
        self.shop.edit(self.shop.ten, cooldown_hours=cooldown, active=self.chance.random() < 0.9)

    def crash(self) -> None:
        """The next commit dies; whoever waited tries again."""
        if not self.urls:
            return
        discount, url = self.chance.choice(self.urls)
        self.shop.facts.crash_in = self.chance.randrange(10)
        with suppress(Crash, RedemptionRefused, Gone):
            self.shop.redeem(discount, url)
        self.shop.facts.crash_in = None
        self.shop.commits.rederive(Uid(UID), [])
        with suppress(RedemptionRefused, Gone):
            self.done[url] = self.shop.redeem(discount, url)

    def points(self) -> float:
        """Both records', together or apart."""
        return sum(
            self.shop.facts.summaries[UID, self.shop.rid(ext_id)].points.total / POINT
            for ext_id in ("1", "9")
            if (UID, self.shop.rid(ext_id)) in self.shop.facts.summaries
        )

    def check(self) -> None:
        shop, records = self.shop, [self.shop.rid("1"), self.shop.rid("9")]
        assert self.points() == shop.ledger_sum(*records)
        facts = [
            row.redemption
            for rid in records
            for row in shop.facts.ledger(UID, rid).values()
            if row.redemption is not None
        ]
        assert len({each.id for each in facts}) == len(facts)
        counted = Counter(each.discount for each in facts if each.counts)
        assert shop.discounts.redeemed(UID) == {one: counted[one] for _, one in shop.discounts.rows}
        assert {each.id for each in self.done.values()} <= {each.id for each in facts}
        for persona in shop.facts.shown(UID):
            gifts = [
                each
                for rid in persona.members
                for row in shop.facts.ledger(UID, rid).values()
                if (each := row.redemption) is not None
                and each.counts
                and each.discount == shop.gift.id
            ]
            assert len(gifts) <= 2, "one each, where two people became one"
            if len(persona.members) == 1 or not self.was_split:
                assert len(gifts) <= 1

    @property
    def was_split(self) -> bool:
        told = self.shop.facts.records[UID, self.shop.rid("9")]
        return told.record.customer.updated_at is not None


@pytest.mark.parametrize("part", range(PARTS))
def test_points_are_spent_once_whatever_comes_in_between(part: int) -> None:
    for seed in range(part, 600, PARTS):
        History(seed).play()


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_points_are_spent_once_in_ten_thousand_histories(part: int) -> None:
    for seed in range(part, 10_000, PARTS):
        History(seed).play()
