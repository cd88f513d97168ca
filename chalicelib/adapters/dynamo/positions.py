"""Positions in lists, as callers bring them back: a forged one must not reach DynamoDB."""

from __future__ import annotations

import re

from chalicelib.domain.errors import BadPosition

AT_AND_ID = re.compile(r"-?\d{14,15}#.+", re.DOTALL)
"""An instant and what tells rows of one instant apart."""


def known(position: str, form: re.Pattern[str]) -> str:
    """The position. Raises BadPosition where it has not the form that this list gives."""
    if form.fullmatch(position) is None:
        raise BadPosition
    return position
