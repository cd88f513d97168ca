"""Builds the services of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.wiring import outside
from chalicelib.entrypoints.wiring.once import once

if TYPE_CHECKING:
    from chalicelib.services.limits.throttle import HourlyThrottle


@once
def hourly_throttle() -> HourlyThrottle:
    from chalicelib.services.limits.throttle import HourlyThrottle

    return HourlyThrottle(outside.throttle(), outside.raised_limits())
