"""A POS that filters by a clock which is not ours: no shopper is missed (product.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.records import Customer
from chalicelib.domain.words import Instant
from chalicelib.services.ports.pos import Cursor, Page, PlatformInfo, StreamPlan
from tests.fakes.pos import a_platform
from tests.worlds.backroom import Backroom
from tests.worlds.syncing import DAY, HOUR, MINUTE, a_room, people

FARTHEST = 26 * HOUR
ON_SHOPS_CLOCK = a_platform(store_clock=True)
ON_SHOPS_PC = a_platform(own_server=True)
IN_THE_CLOUD = a_platform()


def room_with(platform: PlatformInfo) -> Backroom:
    room = a_room(customers=people(3))
    room.gateway.infos = (platform,)
    return room


def plans_of(room: Backroom) -> dict[str, StreamPlan]:
    """What the last run asked for, by stream."""
    return {plan.stream: plan for plan, _ in room.gateway.sessions[-1].plans}


def sync_on(room: Backroom, hours: float) -> dict[str, StreamPlan]:
    room.clock.move(hours * 3_600)
    room.sync()
    return plans_of(room)


@pytest.mark.parametrize("platform", [ON_SHOPS_CLOCK, ON_SHOPS_PC], ids=["no zone", "shop's PC"])
def test_changes_are_asked_for_from_a_day_and_two_hours_back(platform: PlatformInfo) -> None:
    room = room_with(platform)
    room.sync()
    began = plans_of(room)["sales"].now

    plans = sync_on(room, 1)

    assert {plan.since for plan in plans.values()} == {began - FARTHEST}


def test_a_pos_with_a_clock_of_its_own_is_asked_from_its_overlap_back() -> None:
    room = room_with(IN_THE_CLOUD)
    room.sync()
    began = plans_of(room)["sales"].now

    assert sync_on(room, 1)["customers"].since == began - 15 * MINUTE
    assert sync_on(room, 24)["customers"].since is not None


def test_an_overlap_that_is_longer_stays() -> None:
    room = room_with(replace(ON_SHOPS_PC, overlap_seconds=7 * 86_400))
    room.sync()
    began = plans_of(room)["sales"].now

    assert sync_on(room, 1)["sales"].since == began - 7 * DAY


@pytest.mark.parametrize("platform", [ON_SHOPS_CLOCK, ON_SHOPS_PC], ids=["no zone", "shop's PC"])
def test_the_daily_pass_lists_every_customer(platform: PlatformInfo) -> None:
    room = room_with(platform)
    room.sync()

    daily = sync_on(room, 24)
    between = sync_on(room, 1)

    assert daily["sales"].kind == "daily"
    assert (daily["customers"].since, daily["customers"].history_from) == (None, None)
    assert daily["sales"].since is not None
    assert between["customers"].since is not None


def test_customers_are_listed_again_once_the_zone_of_their_shop_is_known() -> None:
    """`reading` says in which zone a session reads."""
    room = room_with(ON_SHOPS_CLOCK)
    room.sync()

    assert sync_on(room, 1)["customers"].since is not None
    moved(room, "2")
    assert sync_on(room, 1)["customers"].since is None


def moved(room: Backroom, reading: str) -> None:
    usual = room.gateway.open

    def opened(access: Any) -> Any:
        session = usual(access)
        session.reading = reading
        return session

    room.gateway.open = opened


class Till:
    """Lists the customers whose last change, as its own clock showed it, is not before the time
    asked for. `ahead`: of the zone that AIQ takes its times to be in."""

    def __init__(self, ahead: Instant) -> None:
        self.ahead = ahead
        self.changed: dict[str, Instant] = {}

    def add(self, now: Instant) -> None:
        self.changed[str(len(self.changed))] = now + self.ahead

    def opened_by(self, usual: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def opened(access: Any) -> Any:
            session = usual(access)
            fetch = session.fetch

            def listed(plan: StreamPlan, cursor: Cursor | None, *rest: Any) -> Page:
                if plan.stream != "customers":
                    page: Page = fetch(plan, cursor, *rest)
                    return page
                found = [
                    Customer(ext_id, phone=f"+1604555{int(ext_id):04d}")
                    for ext_id, at in self.changed.items()
                    if plan.since is None or at >= plan.since
                ]
                return Page(tuple(found), (), len(found), None, full_listing=plan.since is None)

            session.fetch = listed
            return session

        return opened


@settings(deadline=None, max_examples=40)
@given(
    ahead=st.integers(-26 * 60, 26 * 60),
    hours=st.lists(st.integers(1, 12), min_size=1, max_size=12),
    news=st.lists(st.integers(0, 59), max_size=4),
)
def test_whatever_the_tills_clock_shows_every_pass_knows_every_shopper(
    ahead: int, hours: list[int], news: list[int]
) -> None:
    till, room = Till(ahead * MINUTE), room_with(ON_SHOPS_PC)
    room.gateway.open = till.opened_by(room.gateway.open)  # type: ignore[method-assign]
    till.add(room.clock.now())
    room.sync()

    for pause in hours:
        began = room.clock.now()
        for minute in news:
            room.clock.at = began + minute * MINUTE
            till.add(room.clock.now())
        room.clock.at = began + pause * HOUR
        room.sync()
        assert len(room.facts.records) == len(till.changed)


def test_shoppers_of_a_till_that_lives_in_another_year_are_met_by_the_daily_pass() -> None:
    till, room = Till(-400 * DAY), room_with(ON_SHOPS_PC)
    room.gateway.open = till.opened_by(room.gateway.open)  # type: ignore[method-assign]
    till.add(room.clock.now())
    room.sync()
    till.add(room.clock.now())

    room.clock.move(3_600)
    room.sync()
    assert len(room.facts.records) == 1

    room.clock.move(86_400)
    room.sync()
    assert len(room.facts.records) == 2
