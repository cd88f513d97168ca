"""Builds each collaborator once per process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from chalicelib.config import config

Builder = TypeVar("Builder", bound=Callable[..., Any])

_cached_builders: list[Any] = []


def once(build: Builder) -> Builder:
    """Decorate a builder so that it builds once per process and then returns what it built."""
    cached = cache(build)
    _cached_builders.append(cached)
    return cached  # type: ignore[return-value]  # same call, remembered


def reset() -> None:
    """Forget the configuration and everything built, so that the next test starts clean."""
    config.cache_clear()
    for cached in _cached_builders:
        cached.cache_clear()
