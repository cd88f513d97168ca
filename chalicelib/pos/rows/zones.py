"""Translates names of time zones that are not IANA's."""

from __future__ import annotations

from typing import Literal

from chalicelib.domain.times import is_zone

RAILS: dict[str, str] = {
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Tijuana": "America/Tijuana",
    "Arizona": "America/Phoenix",
    "Mountain Time (US & Canada)": "America/Denver",
    "Saskatchewan": "America/Regina",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "Puerto Rico": "America/Puerto_Rico",
    "Guam": "Pacific/Guam",
    "American Samoa": "Pacific/Pago_Pago",
    "UTC": "Etc/UTC",
}
"""Rails' own names, as POSaBIT's `info` sends them (reference/pos.md §1.10), for North America and
the US territories. Rails also accepts IANA names, so those pass as they are."""


def iana_zone(name: str | None, names: Literal["iana", "rails"]) -> str | None:
    """The IANA zone a POS means, or None when nobody can say: a guessed zone is a lie."""
    if not name:
        return None
    if names == "rails" and name in RAILS:
        return RAILS[name]
    return name if is_zone(name) else None
