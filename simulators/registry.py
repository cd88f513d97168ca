"""The platforms that have a simulator: every package in here that says `PLATFORM` and `SERVER`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import simulators
from simulators.retailer.platforms import Platform
from simulators.serving.server import SimServer

APIS = "*/api.py"
"""The file that every platform has, and no other package in here."""


def platform_names() -> list[str]:
    apis = (path for folder in simulators.__path__ for path in Path(folder).glob(APIS))
    return sorted(path.parent.name for path in apis)


def platform_of(name: str) -> Platform:
    """Raises ModuleNotFoundError for a platform without a simulator."""
    platform: Platform = import_module(f"simulators.{name}").PLATFORM
    return platform


def server_of(name: str) -> Callable[..., SimServer[Any]]:
    """Raises ModuleNotFoundError for a platform without a simulator."""
    server: Callable[..., SimServer[Any]] = import_module(f"simulators.{name}").SERVER
    return server
