"""Build once: a process has one of each collaborator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from chalicelib.config import config

F = TypeVar("F", bound=Callable[..., Any])


_made: list[Any] = []


def once(build: F) -> F:
    """Cache a builder; `reset` empties all of them."""
    cached = cache(build)
    _made.append(cached)
    return cached  # type: ignore[return-value]  # same call, remembered


def reset() -> None:
    """Forget everything built and read, so that tests start clean."""
    config.cache_clear()
    for cached in _made:
        cached.cache_clear()
