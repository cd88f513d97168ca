"""Opens a shop whose shoppers may be texted at this hour.

Requests for SMS consent go between 08:00 and 21:00 on the clock of the shopper's store, whatever
anybody wishes. So that the demo shows texts at any hour, one of the retailer's shops is where it
is day; elsewhere requests may wait for the morning, and are counted as waiting.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from datetime import time as clock
from typing import Any
from zoneinfo import ZoneInfo

from tools.demo.retailer import Retailer

ZONES = ("America/Los_Angeles", "America/New_York", "Europe/London", "Asia/Kolkata")
"""At any moment it is day in one of them."""

DAY = (clock(8, 5), clock(20, 15))
"""The lawful hours that leave a demo the time to send."""

NAME = "Summit Supply"
KEY = ("posabit", "summit-02")
"""POSaBIT sends the zone of its shops, so the day of a sale does not depend on where we put it."""

_LOOK_SECONDS = 60


def day_zone(now: datetime) -> str:
    """The first of the zones where shops are open at `now`."""
    return next(z for z in ZONES if DAY[0] <= now.astimezone(ZoneInfo(z)).time() < DAY[1])


def open_shop(retailer: Retailer) -> dict[tuple[str, str], int]:
    """Create the store where it is day, or move it there, and map its key; safe to repeat.

    Returns the mapping as the oracle takes it.
    """
    zone = day_zone(datetime.now(UTC))
    stores = {store["name"]: store for store in retailer.get("/stores")["items"]}
    store = stores.get(NAME)
    if store is None:
        store = retailer.call("POST", "/stores", {"name": NAME, "time_zone": zone})
    elif store["time_zone"] != zone:
        store = _move(retailer, store, zone)
    keys = [each for each in retailer.store_keys() if (each["platform"], each["key"]) == KEY]
    if any(each["store"] != store["id"] for each in keys):
        path, mapped = f"/stores/{store['id']}/mappings", {"keys": [each["id"] for each in keys]}
        retailer.change("PUT", path, mapped, version=store["version"])
    return {KEY: int(store["id"])}


def _move(retailer: Retailer, store: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Give the store another zone, as a person would: by the token of its preview."""
    path, body = f"/stores/{store['id']}", {"time_zone": zone}
    seen = retailer.call("POST", f"{path}/preview", body)
    deadline = time.monotonic() + _LOOK_SECONDS
    while seen["token"] is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the zone of a store was not counted in {_LOOK_SECONDS} s")
        time.sleep(0.5)
        seen = retailer.get(f"/previews/{seen['id']}")
    applied = {**body, "token": seen["token"]}
    return retailer.change("PATCH", path, applied, version=store["version"])


def wait_for_favourites(retailer: Retailer, right: Mapping[str, Any]) -> None:
    """Wait until the mapping of the store has changed favourites, which is done in the background.

    They are more where the demo was started before: its till named the store for who signed up.
    Raises TimeoutError.
    """
    wanted = right["personas"]["by_favourite"]
    deadline = time.monotonic() + _LOOK_SECONDS
    while _count_favourites(retailer) < wanted.get("1", 0):
        if time.monotonic() > deadline:
            raise TimeoutError(f"favourites are not {wanted} after {_LOOK_SECONDS} s")
        time.sleep(1)


def _count_favourites(retailer: Retailer) -> int:
    return sum(persona["favourite_store"] == 1 for persona in retailer.personas())
