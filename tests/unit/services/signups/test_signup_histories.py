"""The same signups give the same personas, in any order and however often they are told."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.words import Platform, Uid
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from chalicelib.services.ports.stores import StoreKeySighting
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.webhook_events import WebhookWorker
from tests.fakes.facts import Crash
from tests.worlds.shop import PLATFORM, SCOPE, UID
from tests.worlds.tills import Tills

NOON = 1_780_000_000_000
PHONES = ("", "+12065550101", "+12065550102", "12345")
EMAILS = ("", "ana@example.com", "ben@example.com", "no address")
NAMES = ("", "Ana", "Ben")

told = st.tuples(
    st.sampled_from(PHONES), st.sampled_from(EMAILS), st.sampled_from(NAMES), st.booleans()
).filter(lambda one: one[0] or one[1])


def people(signups: list[tuple[int, Any]]) -> set[tuple[object, ...]]:
    """Who is there after these signups, each told at its minute."""
    tills = Tills()
    for minute, (phone, email, first, joins) in signups:
        at = NOON + minute * 60_000
        tills.sign_up(phone, email=email, first=first, joins=joins, at=at, id=str(minute))
    shown = tills.shop.facts.shown(UID)
    return {
        (frozenset(p.members), p.first, p.phone, p.email, tuple(r.name for r in p.reasons))
        for p in shown
    }


@given(signups=st.lists(told, min_size=1, max_size=6), chance=st.randoms())
def test_signups_in_any_order_and_told_twice_make_the_same_people(
    signups: list[Any], chance: Any
) -> None:
    in_turn = list(enumerate(signups))
    shuffled = [*in_turn, *in_turn]
    chance.shuffle(shuffled)

    assert people(shuffled) == people(in_turn)


class Hour:
    """What comes in within an hour of one POS: signups at its tills and events of
    its webhook; late, twice, in any order, by workers that die."""

    def __init__(self, seed: int) -> None:
        self.chance, self.tills = Random(seed), Tills()
        shop = self.tills.shop
        self.webhooks = WebhookWorker(
            self.tills.service,
            shop.commits,
            shop.clock,
            self.tills.service.phone,
            self.tills.service.email,
            PosScopes(shop.facts, shop.stores, shop.book),
        )
        shop.stores.see_keys(UID, [StoreKeySighting(PLATFORM, SCOPE, SCOPE, "North", NOON)])
        self.told: list[Callable[[], object]] = [self._told(minute) for minute in range(6)]

    def _told(self, minute: int) -> Callable[[], object]:
        at, first = NOON + minute * 60_000, f"Name{minute}"
        phone = self.chance.choice(PHONES[1:3])
        kind = self.chance.choice(["signup", "event", "profile", "profile"])
        if kind == "signup":
            return lambda: self.tills.sign_up(phone, first=first, at=at, id=str(minute))
        event, pos_id = ("signup", "") if kind == "event" else ("profile.changed", "7")
        fields = {"phone": phone, "first": first}
        message = WebhookMessage(UID, Platform(PLATFORM), event, str(minute), at, pos_id, fields)
        return lambda: self.webhooks.handle(message)

    def play(self, *, calmly: bool) -> None:
        """In order and once, or by chance: each at least once until it has ended well."""
        if calmly:
            for tell in self.told:
                tell()
            return
        waiting = [*self.told, *self.chance.sample(self.told, 3)]
        self.chance.shuffle(waiting)
        while waiting:
            tell, facts = waiting.pop(), self.tills.shop.facts
            facts.crash_in = self.chance.randrange(12) if self.chance.random() < 0.3 else None
            try:
                tell()
            except Crash:
                waiting.insert(self.chance.randint(0, len(waiting)), tell)
            facts.crash_in = None

    def people(self) -> set[tuple[object, ...]]:
        shop = self.tills.shop
        shop.commits.rederive(Uid(UID), [])  # whoever commits next repairs what a crash left
        return {
            (frozenset(p.members), p.first, p.phone, tuple(r.name for r in p.reasons), p.points)
            for p in shop.facts.shown(UID)
        }


def check_hour(seed: int) -> None:
    calm, wild = Hour(seed), Hour(seed)

    calm.play(calmly=True)
    wild.play(calmly=False)

    assert wild.people() == calm.people()


def test_signups_and_webhooks_with_workers_that_die_make_the_same_people() -> None:
    for seed in range(150):
        check_hour(seed)


@pytest.mark.full
def test_signups_and_webhooks_in_many_more_histories() -> None:
    for seed in range(150, 5_000):
        check_hour(seed)
