"""The time zones that people give to an account or a store."""

from __future__ import annotations

from chalicelib.domain.errors import field_fault, invalid_fields
from chalicelib.domain.times import is_zone


def check_time_zone(name: str) -> None:
    """Raises InvalidInput unless it is the name of an IANA time zone."""
    if not is_zone(name):
        raise invalid_fields(
            field_fault("time_zone", "not an IANA time zone", "America/Los_Angeles")
        )
