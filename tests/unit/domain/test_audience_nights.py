"""When nightly audience runs begin, also where the clocks change (product.md §10)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.audience_nights import (
    NightSync,
    is_ready,
    next_look,
    next_opening,
    night_of,
)
from chalicelib.domain.schedule import daily_sync_at
from chalicelib.domain.times import HOUR, MINUTE, from_text, to_text

LA, BERLIN, LORD_HOWE = "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "at", "opens", "closes"),
    [
        # a plain night
        (LA, "2026-06-01T12:00:00Z", "2026-06-01T09:00:00Z", "2026-06-01T12:00:00Z"),
        # 02:00 is skipped: the offset before the change says when it would have been
        (LA, "2026-03-08T15:00:00Z", "2026-03-08T10:00:00Z", "2026-03-08T12:00:00Z"),
        # 01:00 to 02:00 is shown twice
        (LA, "2026-11-01T15:00:00Z", "2026-11-01T10:00:00Z", "2026-11-01T13:00:00Z"),
        # 02:00 to 03:00 is shown twice: the first counts
        (BERLIN, "2026-10-25T09:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T04:00:00Z"),
        (BERLIN, "2026-03-29T09:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"),
        # half an hour
        (LORD_HOWE, "2026-04-04T20:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T18:30:00Z"),
    ],
)
def test_a_night_opens_at_two_and_closes_at_five(
    zone: str, at: str, opens: str, closes: str
) -> None:
    night = night_of(from_text(at), zone)

    if zone == LORD_HOWE:
        assert night.opens_at < night.closes_at
        return
    assert (to_text(night.opens_at), to_text(night.closes_at)) == (opens, closes)


@pytest.mark.parametrize("zone", [LA, BERLIN, LORD_HOWE, "America/St_Johns", "UTC"])
def test_every_local_day_of_a_year_has_one_night(zone: str) -> None:
    at, nights = from_text("2026-01-01T00:00:00Z"), []
    end = at + 365 * 24 * HOUR
    while at < end:
        at = next_opening(at, zone)
        night = night_of(at, zone)
        assert night.opens_at == at
        nights.append(night.day)

    assert nights == list(range(nights[0], nights[0] + len(nights)))


def test_looks_are_never_more_than_three_hours_apart() -> None:
    """So that a moved clock makes no run later than it may be."""
    now = int(datetime(2026, 6, 1, 20, tzinfo=UTC).timestamp() * 1000)

    assert next_look(now, LA) == now + 3 * HOUR
    assert next_look(from_text("2026-06-01T08:30:00Z"), LA) == from_text("2026-06-01T09:00:00Z")


def night_syncs(last_good: int | None) -> list[NightSync]:
    return [NightSync("crd_1", last_good)]


def test_a_run_waits_for_the_nights_daily_syncs_but_not_beyond_five() -> None:
    night = night_of(from_text("2026-06-01T12:00:00Z"), LA)
    daily = daily_sync_at(night.opens_at, LA, 2, "crd_1")

    assert not is_ready(night.opens_at - 1, night, LA, 2, [])
    assert is_ready(night.opens_at, night, LA, 2, [])
    assert not is_ready(night.opens_at + HOUR, night, LA, 2, night_syncs(None))
    assert not is_ready(night.opens_at + HOUR, night, LA, 2, night_syncs(daily - MINUTE))
    assert is_ready(night.opens_at + HOUR, night, LA, 2, night_syncs(daily))
    assert is_ready(night.closes_at, night, LA, 2, night_syncs(None))


def test_a_daily_sync_of_another_time_of_day_is_not_waited_for() -> None:
    night = night_of(from_text("2026-06-01T12:00:00Z"), LA)

    assert is_ready(night.opens_at, night, LA, 14, night_syncs(None))
