"""A reward that goes once, redeemed at several tills at once: whichever way their calls of the
table interleave, one of them has it (product.md §11)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from threading import Condition, Thread, current_thread
from typing import Any

import pytest

from chalicelib.domain.discounts import RedemptionRefused
from chalicelib.domain.errors import CommitBusy, LeaseLost
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import UID

TILLS = 3
PARTS = 4


class Turns:
    """Lets one of several threads run, and draws anew who goes on at every call of the table."""

    def __init__(self, chance: Random) -> None:
        self._chance, self._changed = chance, Condition()
        self._alive: list[str] = []
        self._turn = ""

    def run(self, acts: dict[str, Callable[[], None]]) -> None:
        self._alive = sorted(acts)
        threads = [Thread(target=self._live, args=(name, acts[name]), name=name) for name in acts]
        for thread in threads:
            thread.start()
        with self._changed:
            self._draw()
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive()

    def give_way(self) -> None:
        with self._changed:
            self._draw()
            self._wait(current_thread().name)

    def _live(self, name: str, act: Callable[[], None]) -> None:
        with self._changed:
            self._wait(name)
        try:
            act()
        finally:
            with self._changed:
                self._alive.remove(name)
                self._draw()

    def _wait(self, name: str) -> None:
        self._changed.wait_for(lambda: self._turn == name, timeout=30)

    def _draw(self) -> None:
        self._turn = self._chance.choice(self._alive) if self._alive else ""
        self._changed.notify_all()


class SharedTable:
    """The facts, as several tills call them. A lock that is held is waited for, or taken over where
    it has expired: then whoever had it writes nothing any more."""

    def __init__(self, facts: Any, turns: Turns, chance: Random) -> None:
        self._facts, self._turns, self._chance = facts, turns, chance

    def lock(self, uid: str, **how: Any) -> Any:
        self._turns.give_way()
        if uid in self._facts.holders and self._chance.random() < 0.8:
            raise CommitBusy("another till", retry_after=1)
        return self._facts.lock(uid, **how)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._facts, name)
        if not callable(value):
            return value

        def call(*given: Any, **named: Any) -> Any:
            self._turns.give_way()
            return value(*given, **named)

        return call


def redeem_at_once(seed: int) -> None:
    chance, shop = Random(seed), RewardedShop()
    shop.give(500)
    urls = {f"till-{n}": shop.url(shop.gift) for n in range(TILLS)}
    turns = Turns(chance)
    shop.commits.facts = SharedTable(shop.facts, turns, chance)
    done: dict[str, str] = {}

    def at(till: str) -> Callable[[], None]:
        def act() -> None:
            while till not in done:
                with suppress(CommitBusy, LeaseLost):  # 503: the till tries again
                    try:
                        done[till] = shop.redeem(shop.gift, urls[till]).id
                    except RedemptionRefused as refused:
                        done[till] = refused.reason

        return act

    turns.run({till: at(till) for till in urls})

    shop.commits.facts = shop.facts
    redeemed = [each for each in done.values() if each != "already_redeemed"]
    assert len(done) == TILLS
    assert len(redeemed) == 1
    assert shop.points() == shop.ledger_sum() == 450
    assert shop.discounts.redeemed(UID)[shop.gift.id] == 1


@pytest.mark.parametrize("part", range(PARTS))
def test_one_till_has_the_reward_and_the_others_are_told(part: int) -> None:
    for seed in range(part, 200, PARTS):
        redeem_at_once(seed)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_ways_to_press_at_once(part: int) -> None:
    for seed in range(part, 10_000, PARTS):
        redeem_at_once(seed)
