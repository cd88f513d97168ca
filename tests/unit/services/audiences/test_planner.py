"""The planner starts one audience run a night, and finds those that lost their worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.audience_nights import night_of
from chalicelib.domain.times import HOUR, MINUTE, from_text
from tests.worlds.audiences import ALWAYS, AudienceRoom
from tests.worlds.backroom import UID

LA = "America/Los_Angeles"


@pytest.fixture
def audience() -> AudienceRoom:
    made = AudienceRoom()
    made.clock.at = from_text("2026-03-06T20:00:00Z")
    return made


def tick_until(audience: AudienceRoom, end: str) -> list[int]:
    """Ticks every 5 minutes; when nightly runs were started."""
    started = []
    while audience.clock.now() < from_text(end):
        before = len(audience.rows.rows)
        audience.planner.plan(ALWAYS)
        if len(audience.rows.rows) > before:
            started.append(audience.clock.now())
        audience.work_off()
        audience.clock.move(300)
    return started


def test_one_run_a_night_also_where_the_clocks_change(audience: AudienceRoom) -> None:
    audience.room.integrations.rows.clear()  # no source: nothing is waited for
    audience.starter.enlist(UID)

    started = tick_until(audience, "2026-03-10T20:00:00Z")

    nights = [night_of(at, LA) for at in started]
    assert len({night.day for night in nights}) == len(started) == 4
    for at, night in zip(started, nights, strict=True):
        assert night.opens_at <= at < night.opens_at + 5 * MINUTE


def test_one_run_a_night_where_the_clocks_show_two_twice(audience: AudienceRoom) -> None:
    audience.room.integrations.rows.clear()
    account = audience.room.accounts.get(UID)
    audience.room.accounts.update(replace(account, time_zone="Europe/Berlin"))
    audience.clock.at = from_text("2026-10-24T12:00:00Z")
    audience.starter.enlist(UID)

    assert len(tick_until(audience, "2026-10-27T12:00:00Z")) == 3


def test_a_night_waits_for_a_failing_source_until_five(audience: AudienceRoom) -> None:
    credentials = audience.room.credentials
    credentials.set_due(UID, "posabit", "crd_1", audience.clock.now())
    account = audience.room.accounts.get(UID)
    audience.room.accounts.update(replace(account, sync_hour=2))
    audience.starter.enlist(UID)

    [started] = tick_until(audience, "2026-03-07T20:00:00Z")

    assert started == night_of(started, LA).closes_at


def test_an_account_that_is_new_at_noon_has_its_first_run_at_night(
    audience: AudienceRoom,
) -> None:
    audience.starter.enlist(UID)

    assert audience.planner.plan(ALWAYS) == 0
    assert audience.rows.rows == {}
    [look] = audience.rows.looks
    assert look.at <= audience.clock.now() + 3 * HOUR


def test_nothing_is_read_of_accounts_that_are_not_due(audience: AudienceRoom) -> None:
    audience.starter.enlist(UID)
    head_reads: list[str] = []
    audience.rows.head = head_reads.append  # type: ignore[assignment,method-assign]

    assert audience.planner.plan(ALWAYS) == 0
    assert head_reads == []


def test_a_run_whose_message_was_lost_is_pushed_on(audience: AudienceRoom) -> None:
    run = audience.starter.request(UID, "now")
    audience.jobs.take()

    for _ in range(5):
        audience.clock.move(300)
        audience.planner.plan(ALWAYS)
    audience.work_off()

    assert audience.rows.run(UID, run.id).state == "done"


def test_two_planners_at_once_start_one_run(audience: AudienceRoom) -> None:
    audience.room.integrations.rows.clear()
    audience.starter.enlist(UID)
    audience.clock.at = from_text("2026-03-07T10:01:00Z")
    [look] = audience.rows.looks
    head = audience.rows.head(UID)
    audience.rows.head = {UID: head}.__getitem__  # type: ignore[method-assign]  # both read it before

    assert [audience.planner._look(look) for _ in range(2)] == [True, False]
    assert len(audience.rows.rows) == 1


def test_a_look_at_an_account_that_is_gone_is_dropped(audience: AudienceRoom) -> None:
    audience.starter.enlist(UID)
    audience.room.accounts.accounts.clear()
    audience.clock.move(6 * 3_600)

    audience.planner.plan(ALWAYS)

    assert audience.rows.looks == set()
