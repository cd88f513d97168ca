"""Builds the services of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside

if TYPE_CHECKING:
    from chalicelib.services.limits.slots import AccountSlots
    from chalicelib.services.limits.throttle import HourlyThrottle


@once
def hourly_throttle() -> HourlyThrottle:
    from chalicelib.services.limits.throttle import HourlyThrottle

    return HourlyThrottle(outside.throttle(), outside.raised_limits())


@once
def account_slots() -> AccountSlots:
    from chalicelib.adapters.dynamo.slots import DynamoSlotRows
    from chalicelib.services.limits.slots import AccountSlots

    rows = DynamoSlotRows(config().table_accounts)
    return AccountSlots(rows, outside.raised_limits(), outside.clock(), config().worker_slots)
