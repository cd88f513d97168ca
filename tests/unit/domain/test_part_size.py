"""How many facts one commit takes: as many as hold the account's lock for a moment only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.part_size import (
    FIRST_PART,
    LARGEST_PART,
    LONGEST_HOLD_SECONDS,
    SMALLEST_PART,
    PartSize,
)


def test_a_fast_part_lets_the_next_be_twice_as_large_at_most() -> None:
    size = PartSize()

    size.learn(250, held_seconds=0.01)

    assert size.facts == 500


def test_a_slow_part_makes_the_next_as_small_as_it_has_to_be() -> None:
    size = PartSize()

    size.learn(250, held_seconds=1.5)

    assert size.facts == 50


def test_a_few_facts_on_a_last_page_say_nothing_about_many() -> None:
    size = PartSize()

    size.learn(3, held_seconds=0.05)

    assert size.facts == FIRST_PART


def test_where_nothing_was_measured_the_size_stays() -> None:
    size = PartSize()

    size.learn(250, held_seconds=0.0)

    assert size.facts == FIRST_PART


@given(
    each=st.floats(0.00005, 0.01),
    once=st.floats(0.0, 0.1),
    pages=st.lists(st.integers(1, 1_000), min_size=8, max_size=20),
)
def test_at_a_steady_cost_no_part_after_the_first_full_one_holds_the_lock_too_long(
    each: float, once: float, pages: list[int]
) -> None:
    size, is_first = PartSize(), True
    for page in pages:
        left = page
        while left > 0:
            most = size.facts
            part = min(left, most)
            held = once + each * part
            assert SMALLEST_PART <= most <= LARGEST_PART
            if not is_first:
                assert held <= LONGEST_HOLD_SECONDS or most == SMALLEST_PART
            is_first = is_first and part < most
            size.learn(part, held)
            left -= part


def test_a_small_part_that_took_just_the_time_aimed_at_makes_no_part_smaller() -> None:
    size = PartSize(500)

    size.learn(100, LONGEST_HOLD_SECONDS * 0.75)

    assert size.facts == 500
