"""What the activity log keeps of a change."""

from __future__ import annotations

from chalicelib.services.ports.audit import changed_fields


def test_of_a_change_the_named_fields_that_differ_are_kept_before_and_after() -> None:
    before = {"name": "Green", "hour": 3, "version": 1}
    after = {"name": "Greener", "hour": 3, "version": 2}

    assert changed_fields(before, after, ["name", "hour"]) == (
        {"name": "Green"},
        {"name": "Greener"},
    )


def test_a_change_to_the_same_values_leaves_nothing_to_keep() -> None:
    assert changed_fields({"hour": 3}, {"hour": 3}, ["hour"]) == ({}, {})


def test_a_field_that_came_or_went_has_none_on_its_other_side() -> None:
    was, now = changed_fields({"old": 1}, {"new": 2}, ["old", "new"])

    assert (was, now) == ({"old": 1, "new": None}, {"old": None, "new": 2})
