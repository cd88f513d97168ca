"""The platforms that have a simulator: every package in here that says `PLATFORM` and `SERVER`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import simulators

from .platforms import Platform
from .server import SimServer


def platform_names() -> list[str]:
    return sorted(each.name for each in pkgutil.iter_modules(simulators.__path__) if each.ispkg)


def platform_of(name: str) -> Platform:
    """Raises ModuleNotFoundError for a platform without a simulator."""
    found: Platform = import_module(f"simulators.{name}").PLATFORM
    return found


def server_of(name: str) -> Callable[..., SimServer[Any]]:
    """Raises ModuleNotFoundError for a platform without a simulator."""
    found: Callable[..., SimServer[Any]] = import_module(f"simulators.{name}").SERVER
    return found
