"""The hourly limits of an account and of each of its users (product.md §15)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import TooManyRequests
from chalicelib.domain.limits import DEFAULT_LIMITS, per_user
from chalicelib.domain.words import Uid
from chalicelib.services.limits.throttle import HourlyThrottle
from tests.fakes.limits import FreeThrottle, MemoryRaisedLimits

OURS, THEIRS = Uid("3912"), Uid("4000")


@pytest.fixture
def throttle() -> HourlyThrottle:
    return HourlyThrottle(FreeThrottle(), MemoryRaisedLimits())


def passes(throttle: HourlyThrottle, times: int, user: str = "ann", uid: Uid = OURS) -> int:
    """How many of so many checks are let through."""
    through = 0
    for _ in range(times):
        try:
            throttle.count(uid, "checks", user)
        except TooManyRequests:
            continue
        through += 1
    return through


def test_a_user_may_use_a_fifth_of_the_accounts_limit_and_at_least_five() -> None:
    assert [per_user(most) for most in (120, 60, 30, 12, 5)] == [24, 12, 6, 5, 5]


def test_one_user_takes_nothing_from_the_others_by_asking_too_often(
    throttle: HourlyThrottle,
) -> None:
    assert passes(throttle, 100, "ann") == 12

    assert [passes(throttle, 100, f"user {n}") for n in range(6)] == [12, 12, 12, 12, 0, 0]
    assert passes(throttle, 100, "ann", THEIRS) == 12


def test_what_is_too_much_says_when_to_come_back_and_which_limit_it_was(
    throttle: HourlyThrottle,
) -> None:
    passes(throttle, 12)

    with pytest.raises(TooManyRequests) as refused:
        throttle.count(OURS, "checks", "ann")

    assert refused.value.details == {"retry_after": 3600, "limit": "checks"}
    assert "60 minutes" in refused.value.message


def test_a_raised_limit_is_read_only_once_the_default_is_used_up() -> None:
    raised = MemoryRaisedLimits()
    raised.put(OURS, "checks", 100)
    throttle = HourlyThrottle(FreeThrottle(), raised)

    passes(throttle, 12)
    assert raised.reads == 0

    assert passes(throttle, 100) == 20 - 12
    assert passes(throttle, 100, "ann", THEIRS) == 12
    assert sum(passes(throttle, 100, f"user {n}") for n in range(9)) == 80


@given(
    st.lists(st.integers(0, 9), max_size=200),
    st.sampled_from([None, 13, 61, 90]),
)
def test_no_account_and_no_user_ever_gets_more_than_their_limit(
    users: list[int], most: int | None
) -> None:
    raised = MemoryRaisedLimits()
    raised.put(OURS, "checks", most)
    throttle, through = HourlyThrottle(FreeThrottle(), raised), dict.fromkeys(range(10), 0)
    limit = max(DEFAULT_LIMITS["checks"], most or 0)

    for user in users:
        through[user] += passes(throttle, 1, f"user {user}")

    expected, left = dict.fromkeys(range(10), 0), limit
    for user in users:
        if expected[user] < per_user(limit) and left:
            expected[user], left = expected[user] + 1, left - 1
    assert through == expected
