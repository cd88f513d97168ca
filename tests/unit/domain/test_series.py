"""Series of charts: sums by day or week, gaps where nobody knows (product.md §13)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.series import MOST_BUCKETS, buckets, first_day
from chalicelib.domain.times import day_from_text, day_text

MONDAY = day_from_text("2026-06-01")


def test_every_day_has_a_bucket_with_what_each_source_had() -> None:
    counts = {MONDAY: {"posabit": 3}, MONDAY + 2: {"posabit": 1, "webjoint": 2}}

    made = buckets(counts, MONDAY, MONDAY + 2, "day", {})

    assert [(bucket.day - MONDAY, bucket.values) for bucket in made] == [
        (0, {"posabit": 3}),
        (1, {}),
        (2, {"posabit": 1, "webjoint": 2}),
    ]


def test_weeks_begin_on_mondays_and_hold_only_the_days_asked_for() -> None:
    counts = {MONDAY + n: {"posabit": 1} for n in range(14)}

    made = buckets(counts, MONDAY + 2, MONDAY + 8, "week", {})

    assert [(bucket.day, bucket.values) for bucket in made] == [
        (MONDAY, {"posabit": 5}),
        (MONDAY + 7, {"posabit": 2}),
    ]


def test_a_day_that_was_not_read_is_no_zero() -> None:
    read_until = {"posabit": MONDAY + 1, "webjoint": None}

    made = buckets({}, MONDAY, MONDAY + 2, "day", read_until)

    assert [bucket.unread for bucket in made] == [
        ("webjoint",),
        ("webjoint",),
        ("posabit", "webjoint"),
    ]


@given(st.integers(0, 40_000), st.integers(0, 3_000), st.sampled_from(["day", "week"]))
def test_there_are_never_more_buckets_than_a_chart_shows(first: int, span: int, by: str) -> None:
    made = buckets({}, first, first + span, by, {})  # type: ignore[arg-type]

    assert 1 <= len(made) <= MOST_BUCKETS
    assert made[-1].day == first_day(first + span, by)  # type: ignore[arg-type]


def test_the_first_day_of_a_week_is_its_monday() -> None:
    assert {day_text(first_day(MONDAY + n, "week")) for n in range(7)} == {"2026-06-01"}
