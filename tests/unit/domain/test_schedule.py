"""When a credential is synced: daily at a local hour, between, and after failures."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.schedule import (
    PassKind,
    jitter_minutes,
    look_back_from,
    next_due,
    pass_kind,
    read_again_from,
    retry_at,
)
from chalicelib.domain.times import (
    DAY,
    HOUR,
    MINUTE,
    from_datetime,
    from_text,
    local_day,
    to_datetime,
)

SEATTLE = "America/Los_Angeles"
ZONES = [SEATTLE, "UTC", "America/St_Johns", "Australia/Lord_Howe", "America/Havana"]
CREDENTIAL = "crd_01"
JITTER = jitter_minutes(CREDENTIAL) * MINUTE

moments = st.integers(from_text("2025-06-01T00:00:00Z"), from_text("2027-06-01T00:00:00Z"))
hours = st.integers(0, 23)
everies = st.integers(1, 12)
zones = st.sampled_from(ZONES)


def local(text: str, zone: str = SEATTLE) -> int:
    """The instant at which the clocks of a zone show `text`."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def dues(start: int, end: int, *, sync_hour: int = 4, every: int = 6) -> list[int]:
    """All dues after `start` and before `end` of a planner that is never late."""
    found: list[int] = []
    while (start := next_due(start, SEATTLE, sync_hour, every, CREDENTIAL)) < end:
        found.append(start)
    return found


def daily_passes(start: int, end: int, zone: str, sync_hour: int, every: int) -> list[int]:
    """The dues with the full look-back, each of which ends well."""
    found: list[int] = []
    at = previous = start
    while (at := next_due(at, zone, sync_hour, every, CREDENTIAL)) < end:
        if pass_kind(previous, at, zone, sync_hour, CREDENTIAL) != "between":
            found.append(at)
            previous = at
    return found


def test_a_day_has_the_daily_sync_and_a_pass_every_six_hours_after_it() -> None:
    daily = local("2026-01-09T04:00") + JITTER

    found = dues(daily - 1, daily + DAY)

    assert found == [daily + n * 6 * HOUR for n in range(4)]


def test_when_the_hours_do_not_divide_the_day_the_daily_sync_cuts_the_last_pass_short() -> None:
    daily = local("2026-01-09T04:00") + JITTER

    found = dues(daily - 1, daily + DAY + 1, every=7)

    assert found == [daily, *(daily + n * 7 * HOUR for n in (1, 2, 3)), daily + DAY]


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_the_local_hour_holds_when_the_clocks_change(day: str) -> None:
    noon = local(f"{day}T12:00")

    found = dues(noon - DAY, noon + DAY)

    at_four = [at for at in found if to_datetime(at, SEATTLE).hour == 4]
    assert local(f"{day}T04:00") + JITTER in at_four


@pytest.mark.parametrize(
    ("start", "sync_hour", "expected"),
    [
        ("2026-03-07T12:00", 2, ["2026-03-08T10:00:00Z", "2026-03-09T09:00:00Z"]),
        ("2026-10-31T12:00", 1, ["2026-11-01T08:00:00Z", "2026-11-02T09:00:00Z"]),
    ],
)
def test_an_hour_that_is_skipped_or_repeated_still_has_one_daily_sync(
    start: str, sync_hour: int, expected: list[str]
) -> None:
    found = daily_passes(local(start), local(start) + 2 * DAY, SEATTLE, sync_hour, 12)

    assert found == [from_text(text) + JITTER for text in expected]


@given(moments, zones, hours, everies, st.text(max_size=8))
def test_the_next_sync_is_later_and_never_further_than_the_chosen_hours(
    now: int, zone: str, sync_hour: int, every: int, credential: str
) -> None:
    due = next_due(now, zone, sync_hour, every, credential)

    assert now < due <= now + every * HOUR


@given(moments, zones, hours, everies)
def test_asking_earlier_never_gives_a_later_due(
    now: int, zone: str, sync_hour: int, every: int
) -> None:
    due = next_due(now, zone, sync_hour, every, CREDENTIAL)

    assert next_due(due - 1, zone, sync_hour, every, CREDENTIAL) == due
    assert next_due((now + due) // 2, zone, sync_hour, every, CREDENTIAL) == due


@settings(max_examples=50)
@given(moments, zones, hours, everies)
def test_every_local_day_has_one_daily_pass(
    start: int, zone: str, sync_hour: int, every: int
) -> None:
    found = daily_passes(start, start + 5 * DAY, zone, sync_hour, every)

    days = [local_day(at, zone).toordinal() for at in found]
    assert days == list(range(days[0], days[0] + len(days)))
    assert 4 <= len(days) <= 6


def test_a_missed_daily_sync_is_made_up_for_by_the_next_pass() -> None:
    daily = local("2026-01-09T04:00") + JITTER

    def kind(previous: int, now: int) -> PassKind:
        return pass_kind(previous, now, SEATTLE, 4, CREDENTIAL)

    assert kind(daily - DAY, daily) == "daily"
    assert kind(daily - DAY, daily + 6 * HOUR) == "daily"
    assert kind(daily, daily + 6 * HOUR) == "between"
    assert kind(daily - DAY, daily - 1) == "between"


@pytest.mark.parametrize(
    ("previous", "now", "expected"),
    [
        ("2026-01-10T04:59", "2026-01-11T05:00", "daily"),  # Saturday → Sunday
        ("2026-01-11T05:00", "2026-01-12T03:59", "between"),
        ("2026-01-11T05:00", "2026-01-12T05:00", "weekly"),  # Sunday → Monday
        ("2026-01-12T03:59", "2026-01-12T05:00", "weekly"),
        ("2026-01-12T05:00", "2026-01-13T05:00", "daily"),
        ("2026-01-09T05:00", "2026-01-14T05:00", "weekly"),  # Monday's failed
        ("2025-12-31T05:00", "2026-01-01T05:00", "daily"),  # one week, two years
    ],
)
def test_the_first_daily_sync_of_a_week_looks_back_further(
    previous: str, now: str, expected: PassKind
) -> None:
    assert pass_kind(local(previous), local(now), SEATTLE, 4, CREDENTIAL) == expected


def test_a_dead_server_is_left_alone_for_15_minutes_doubling_to_6_hours() -> None:
    waits = [(retry_at(1_000, failures) - 1_000) // MINUTE for failures in range(1, 8)]

    assert waits == [15, 30, 60, 120, 240, 360, 360]
    assert retry_at(0, 10**6) == 6 * HOUR


def test_the_jitter_is_fixed_per_credential_and_spreads_over_the_hour() -> None:
    minutes = [jitter_minutes(f"crd_{n}") for n in range(2_000)]

    assert minutes == [jitter_minutes(f"crd_{n}") for n in range(2_000)]
    assert set(minutes) == set(range(60))


@pytest.mark.parametrize(("sync_hour", "every"), [(24, 6), (-1, 6), (4, 0), (4, 13)])
def test_hours_that_do_not_exist_are_refused(sync_hour: int, every: int) -> None:
    with pytest.raises(ValueError, match="hour"):
        next_due(0, SEATTLE, sync_hour, every, CREDENTIAL)


def test_changes_are_asked_for_from_an_overlap_before_the_watermark_or_a_day_where_unsure() -> None:
    assert look_back_from(DAY * 9, 900, unsure_clock=False) == DAY * 9 - 15 * MINUTE
    assert look_back_from(DAY * 9, 900, unsure_clock=True) == DAY * 9 - 26 * HOUR
    assert look_back_from(DAY * 9, 604_800, unsure_clock=True) == DAY * 2


def test_set_aside_records_are_read_again_back_to_the_oldest_but_not_over_35_days() -> None:
    assert read_again_from(DAY * 70, DAY * 100) == DAY * 70
    assert read_again_from(DAY * 64, DAY * 100) == DAY * 65


@pytest.mark.parametrize("sync_hour", [-1, 24])
def test_an_hour_that_no_day_has_is_refused(sync_hour: int) -> None:
    with pytest.raises(ValueError, match="0 to 23"):
        next_due(0, SEATTLE, sync_hour, 6, CREDENTIAL)
    with pytest.raises(ValueError, match="0 to 23"):
        pass_kind(0, 1, SEATTLE, sync_hour, CREDENTIAL)
