"""Checks of list positions, which callers send back: a forged one must not reach DynamoDB."""

from __future__ import annotations

import re

from chalicelib.domain.errors import BadPosition

AT_AND_ID = re.compile(r"-?\d{14,15}#.+", re.DOTALL)
"""An instant, and the id that distinguishes rows of one instant."""


def checked_position(position: str, form: re.Pattern[str]) -> str:
    """Return the position. Raises BadPosition when it does not have the form of this list."""
    if form.fullmatch(position) is None:
        raise BadPosition
    return position
