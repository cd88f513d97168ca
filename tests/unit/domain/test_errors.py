"""Errors that say where the fault is."""

from __future__ import annotations

from chalicelib.domain.errors import (
    NOTHING_STORED,
    BadPosition,
    NewerMessage,
    field_fault,
    invalid_fields,
)


def test_a_refusal_of_fields_names_each_with_what_would_be_accepted() -> None:
    zone = field_fault("zone", "no IANA zone", "America/Los_Angeles")
    error = invalid_fields(zone, field_fault("name", "too long"))

    assert error.message == NOTHING_STORED
    assert error.details["errors"] == [
        {"field": "zone", "reason": "no IANA zone", "example": "America/Los_Angeles"},
        {"field": "name", "reason": "too long", "example": None},
    ]


def test_a_cursor_of_another_list_is_said_to_be_one() -> None:
    error = BadPosition()

    [fault] = error.details["errors"]
    assert error.message == NOTHING_STORED
    assert fault == field_fault(
        "cursor", "not a cursor of this list with these filters; begin again without it"
    )


def test_a_newer_message_keeps_its_version_and_kind() -> None:
    error = NewerMessage(3, "dance")

    assert (error.version, error.kind) == (3, "dance")
    assert error.message == "the message is of a newer version or kind"
