"""Lets a tick go on past what is stored of one account and cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.words import Uid
from chalicelib.observability import count, logger

T = TypeVar("T")


def pass_over(act: Callable[[], T], *, otherwise: T, uid: Uid) -> T:
    """The `PassOver` of the schedules."""
    try:
        return act()
    except Exception as error:
        from chalicelib.adapters.aws.outages import is_outage  # only failures pay for the import

        if is_outage(error):
            raise
        logger().exception("tick.passed_over", uid=uid)
        count("UnreadableRows")
        return otherwise
