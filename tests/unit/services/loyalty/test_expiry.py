"""Points that expire as time passes (product.md §8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.services.job_messages.account_jobs import ExpiryMessage
from chalicelib.services.loyalty import expiry
from chalicelib.services.loyalty.expiry import ExpiryPlanner
from tests.unit.services.changes.test_previews import an_old_shop
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import (
    ago,
    apply,
    apply_loyalty,
    bought,
    in_force,
    never,
    points,
    sell,
    tick,
    today,
)
from tests.worlds.syncing import a_room, people

DAY_SECONDS = 86_400


def a_shop() -> Backroom:
    """Person n bought n days ago and has 10 points; points go 10 days after the last purchase."""
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 30))
    apply_loyalty(
        room,
        enabled=True,
        accrual_start=ago(room, 30),
        points_per_100=10_000,
        expire_after_days=10,
    )
    assert set(points(room).values()) == {1_000}
    return room


def planner(room: Backroom) -> ExpiryPlanner:
    return ExpiryPlanner(room.expiries, room.accounts, room.jobs, room.clock)


def always() -> bool:
    return True


def a_day_passes(room: Backroom, days: int = 1) -> int:
    """How many accounts were looked at."""
    room.clock.move(days * DAY_SECONDS)
    looked = planner(room).plan(always)
    room.work_off()
    return looked


def test_points_go_on_the_day_after_the_last_they_live() -> None:
    room = a_shop()

    a_day_passes(room, 3)
    before = points(room)
    a_day_passes(room)

    assert set(before.values()) == {1_000}
    assert {name for name, left in points(room).items() if left == 0} == {"7"}


def test_a_purchase_in_between_keeps_them() -> None:
    room = a_shop()
    a_day_passes(room, 2)
    sell(room, bought(room, "7", 0))

    a_day_passes(room, 2)

    assert points(room)["7"] == 2_000


def test_an_account_is_looked_at_once_a_local_day() -> None:
    room = a_shop()

    first = planner(room).plan(always)
    again = planner(room).plan(always)
    room.clock.move(DAY_SECONDS)

    assert (first, again, planner(room).plan(always)) == (1, 0, 1)


def test_an_account_without_expiry_is_never_looked_at() -> None:
    room = an_old_shop()
    apply_loyalty(room, enabled=True)

    assert a_day_passes(room, 30) == 0

    room = a_shop()
    apply_loyalty(room, expire_after_days=None)
    assert a_day_passes(room, 30) == 0


def test_only_those_whose_day_has_come_are_derived_again() -> None:
    room = a_shop()
    written = room.facts.rows_written
    read = room.facts.rows_read

    a_day_passes(room, 3)
    assert (room.facts.rows_written, room.facts.rows_read) == (written, read)
    a_day_passes(room)

    assert room.facts.rows_written - written == 2  # the entry, and the balance


def test_a_look_goes_on_where_its_time_was_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "PAGE", 3)
    room = a_shop()
    room.clock.move(30 * DAY_SECONDS)
    room.jobs.send(ExpiryMessage(UID).body())

    hops = room.work_off(never)

    assert hops == 3
    assert set(points(room).values()) == {0}


def test_who_comes_of_age_is_asked_from_the_birthday_on_without_any_news_of_them() -> None:
    room = a_room()
    young = replace(people(1)[0], birth_date="2005-01-03")
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[young])
    sell(room, bought(room, "0", 0))
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 5))
    assert str(today(room)) == "2026-01-01"

    a_day_passes(room)
    before = dict(room.effects.asks)
    a_day_passes(room)

    [persona] = room.facts.shown(UID)
    assert (before, persona.flags, persona.asked_by) == ({}, frozenset(), (PLATFORM,))
    assert [number for _, number in room.effects.asks] == [young.phone]


def test_who_is_under_age_still_is_not_derived_again() -> None:
    room = a_room()
    young = replace(people(1)[0], birth_date="2015-01-03")
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[young])
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 5))
    read = room.facts.rows_read

    assert a_day_passes(room) == 1
    assert room.facts.rows_read == read


def test_who_has_an_elder_at_the_same_number_is_not_derived_again_day_by_day() -> None:
    room = a_room()
    child = replace(people(1)[0], birth_date="2015-01-03")
    parent = replace(child, ext_id="elder", birth_date="1980-01-03", updated_at=1)
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[child, parent])
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 5))
    [persona] = room.facts.shown(UID)
    assert (persona.birth_date, persona.flags) == ("1980-01-03", frozenset({"minor"}))
    read = room.facts.rows_read

    assert a_day_passes(room) == 1
    assert room.facts.rows_read == read


def test_an_account_that_asks_nobody_any_more_is_not_looked_at() -> None:
    room = a_room()
    tick(room)
    apply(room, sms_opt_in_after=ago(room, 5))
    apply(room, sms_opt_in_after=None)

    assert a_day_passes(room) == 0


def test_a_sale_dated_ahead_counts_when_its_day_comes_though_nothing_else_waits_for_a_day() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 0))
    apply_loyalty(room, enabled=True, points_per_100=10_000)
    sell(room, bought(room, "7", -9))

    assert a_day_passes(room, 6) == 1
    before = points(room)["7"]
    a_day_passes(room)

    assert (before, points(room)["7"]) == (0, 1_000)


def test_an_account_that_is_gone_is_forgotten() -> None:
    room = a_shop()
    room.expiries.watch("9999", on=True)
    in_force(room)

    assert planner(room).plan(always) == 1
    assert "9999" not in room.expiries.rows
