"""Which listing locks the points taken from a POS (product.md §7)."""

from __future__ import annotations

import pytest

from chalicelib.domain.points_import import (
    NEVER,
    accrual_mismatch,
    end_of_day,
    is_locked,
    latecomer_locks,
    listing_due_at,
    may_lock_points,
)
from chalicelib.domain.rules import Source
from chalicelib.domain.times import DAY, HOUR, MINUTE

DATE = 20_000
ZONE = "America/Los_Angeles"
END = (DATE + 1) * DAY + 7 * HOUR
"""2024-10-05T00:00 in Los Angeles, in summer."""


def test_a_day_ends_on_the_clock_of_the_account() -> None:
    assert end_of_day(DATE, ZONE) == END
    assert end_of_day(DATE, "UTC") == (DATE + 1) * DAY


@pytest.mark.parametrize(
    ("locks", "expected"),
    [({}, False), ({"north": NEVER}, False), ({"north": NEVER, "south": "run_1"}, True)],
)
def test_a_source_is_locked_by_the_run_of_any_scope(locks: dict[str, str], expected: bool) -> None:
    assert is_locked(Source(imported_on=DATE, import_locks=locks)) is expected


def test_the_first_complete_listing_begun_after_the_day_locks_its_scope_alone() -> None:
    source = Source(imported_on=DATE, import_locks={"south": "run_1"})

    assert may_lock_points(source, "north", END, ZONE)
    assert not may_lock_points(source, "north", END - 1, ZONE)
    assert not may_lock_points(source, "south", END, ZONE)
    assert not may_lock_points(Source(), "north", END, ZONE)


def test_that_listing_is_due_five_minutes_after_the_day() -> None:
    source = Source(imported_on=DATE, import_locks={"south": NEVER})

    assert listing_due_at(source, "north", ZONE) == END + 5 * MINUTE
    assert listing_due_at(source, "south", ZONE) is None
    assert listing_due_at(Source(), "north", ZONE) is None


def test_a_credential_added_after_the_day_imports_nothing() -> None:
    scopes = [("early", END - 1), ("late", END), ("", END + DAY)]

    assert latecomer_locks(scopes, DATE, ZONE) == {"late": "never"}


@pytest.mark.parametrize(
    ("imported_on", "accrual_start", "expected"),
    [
        (None, DATE, None),
        (DATE, DATE + 1, None),
        (DATE, DATE, DATE + 1),
        (DATE, DATE + 2, DATE + 1),
        (DATE, None, DATE + 1),
    ],
)
def test_points_should_start_to_accrue_the_day_after(
    imported_on: int | None, accrual_start: int | None, expected: int | None
) -> None:
    assert accrual_mismatch(Source(imported_on=imported_on), accrual_start) == expected
