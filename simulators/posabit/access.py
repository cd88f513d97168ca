"""Decides who may see what: tokens, the permissions of a venue token, degraded answers."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulators.retailer.world import Shop, World

DEGRADED = frozenset(("forbidden", "null_identity", "null_links"))


@dataclass(frozen=True, slots=True)
class Permissions:
    """The permissions that are ticked on a venue token.

    Without Enhanced Customer Data Access `degraded` says what that looks like, any of: "forbidden"
    (403 on customers), "null_identity" (rows with identity fields null), "null_links" (sales
    without a customer).
    """

    menu_feed: bool = True
    incoming_orders: bool = True
    venue_data: bool = True
    enhanced_customer_data: bool = True
    degraded: frozenset[str] = frozenset(("forbidden", "null_links"))

    def shows(self, shape: str) -> bool:
        return not self.enhanced_customer_data and shape in self.degraded

    def with_changes(self, changes: dict[str, Any]) -> Permissions:
        """A copy with other ticks. Raises ValueError for an unknown permission or shape."""
        changes = {key: value for key, value in changes.items() if key != "venue"}
        unknown = set(changes) - {each.name for each in fields(self)}
        if "degraded" in changes:
            changes["degraded"] = frozenset(changes["degraded"])
            unknown |= changes["degraded"] - DEGRADED
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}")
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of an Authorization header. `shop` is None for a blank venue half."""

    scheme: str
    shop: Shop | None = field(default=None, repr=False)
    integrator: bool = False


def identify(world: World, header: str) -> Caller | None:
    """Read `Basic BASE64(INTEGRATOR:VENUE)` or `Bearer VENUE`; None when it opens nothing."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        shop = _by_token(world, value.strip())
        return Caller("bearer", shop) if shop else None
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    integrator, colon, venue = pair.partition(":")
    if not colon or integrator != world.integrator_token:
        return None
    shop = _by_token(world, venue)
    if venue and not shop:
        return None
    return Caller("basic", shop, integrator=True)


def _by_token(world: World, token: str) -> Shop | None:
    return next((shop for shop in world.shops if shop.venue.token == token), None)


def may_enter(caller: Caller | None, version: str, resource: str, accept: str) -> bool:
    """v3 takes Basic, v2 takes Bearer; menu feeds take either. `accept` narrows it further."""
    if caller is None or (caller.shop is None and (version, resource) != ("v3", "info")):
        return False
    if accept not in ("both", caller.scheme):
        return False
    if resource == "menu_feeds":
        return True
    return caller.scheme == ("basic" if version == "v3" else "bearer")


def is_permitted(permissions: Permissions, resource: str) -> bool:
    if resource == "menu_feeds":
        return permissions.menu_feed
    if resource == "incoming_orders":
        return permissions.incoming_orders
    if resource.startswith("customer"):
        return not permissions.shows("forbidden")
    return permissions.venue_data
