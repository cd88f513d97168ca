"""Waiting for what happens by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, seconds: float = 180, every: float = 0.2) -> T:
    """What `ask` answers as soon as that is true-ish, else its last answer after `seconds`: as long
    as a busy machine may take, since only a failure waits for it."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(every)
    return answer
