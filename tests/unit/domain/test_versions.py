"""Which version of a record counts, by clocks that are not ours (product.md §5)."""

from __future__ import annotations

from chalicelib.domain.records import Customer
from chalicelib.domain.times import DAY, HOUR, MINUTE, from_text
from chalicelib.domain.versions import is_newer, latest_versions, with_told_update

FETCHED = from_text("2026-05-01T12:00:00Z")
NEW_YORK = "America/New_York"


def ana(updated_at: int | None, last: str = "") -> Customer:
    return Customer("1", last=last, updated_at=updated_at)


def test_an_update_told_for_years_ahead_counts_as_not_told() -> None:
    far = ana(from_text("2099-01-01T00:00:00Z"))

    assert with_told_update(far, FETCHED).updated_at is None
    assert with_told_update(ana(FETCHED + DAY), FETCHED).updated_at == FETCHED + DAY
    assert with_told_update(ana(FETCHED + DAY + 1), FETCHED).updated_at is None
    assert is_newer(ana(FETCHED, "Reyes"), with_told_update(far, FETCHED))


def test_the_hour_shown_twice_in_autumn_drops_no_edit() -> None:
    """New York's clocks go from 02:00 back to 01:00 on 2026-11-01; a POS without zones tells both
    hours alike."""
    at_0150 = ana(from_text("2026-11-01T01:50:00-04:00"))
    at_0110_again = ana(from_text("2026-11-01T01:10:00-04:00"), "Reyes")

    assert is_newer(at_0110_again, at_0150, (NEW_YORK,))
    assert not is_newer(at_0110_again, at_0150, ("UTC",))
    assert latest_versions([("1", at_0150), ("1", at_0110_again)], [NEW_YORK]) == {
        "1": at_0110_again
    }


def test_outside_that_hour_an_older_version_replaces_nothing() -> None:
    at = from_text("2026-11-01T03:30:00-05:00")

    assert not is_newer(ana(at - 20 * MINUTE, "Reyes"), ana(at), (NEW_YORK,))
    assert not is_newer(ana(at - 3 * HOUR, "Reyes"), ana(at), (NEW_YORK,))
    assert is_newer(ana(None, "Reyes"), ana(at), (NEW_YORK,))


def test_what_is_told_again_replaces_nothing() -> None:
    for updated_at in (None, FETCHED):
        assert not is_newer(ana(updated_at), ana(updated_at))
