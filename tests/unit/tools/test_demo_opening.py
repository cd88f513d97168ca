"""The demo shows texts at any hour: one shop stands where it is day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tools.demo.opening import day_zone


@pytest.mark.parametrize("start", ["2026-01-15", "2026-03-08", "2026-07-01", "2026-11-01"])
def test_at_any_moment_it_is_day_at_the_shop_for_a_while(start: str) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    moments = [first + timedelta(minutes=5 * n) for n in range(2 * 24 * 12)]

    for now in moments:
        there = ZoneInfo(day_zone(now))
        for later in (now, now + timedelta(minutes=40)):
            assert 8 <= later.astimezone(there).hour < 21
