"""A discount: what it costs in points, what it is worth, and who may redeem it when (product.md
§11)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from chalicelib.domain.errors import Conflict
from chalicelib.domain.redemptions import RedemptionSum
from chalicelib.domain.times import HOUR, start_of_day, to_text
from chalicelib.domain.words import POINT, Instant, Minor, Platform, Points, Uid

MOST_DISCOUNTS = 200
"""Live discounts of an account: a wallet reads all of them."""

RefusalReason = Literal[
    "not_a_member",
    "employee",
    "not_started",
    "ended",
    "other_store",
    "spend_more",
    "already_redeemed",
    "too_soon",
    "not_enough_points",
    "price_changed",
    "no_such_discount",
]

LASTING: frozenset[RefusalReason] = frozenset(
    {"not_a_member", "employee", "not_started", "ended", "other_store", "no_such_discount"}
)
"""Why a wallet does not even list a discount."""


class RedemptionRefused(Conflict):
    """A rule of the discount or of the shopper's points refuses it; nothing was deducted.

    `details['reason']`: a `RefusalReason`.
    """

    code = "redemption_refused"

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message, reason=reason)
        self.reason: RefusalReason = reason


@dataclass(frozen=True, slots=True)
class Discount:
    """`price`: the points it takes. One of `amount_off` (minor units) and `percent_off` (hundredths
    of a percent) is 0. `stores`: their numbers; empty: all. `starts_on`, `ends_on`: local days, the
    last one included. `reusable`: more than once per shopper, each `cooldown_hours` after the one
    before. `min_spend`: the order's least subtotal. `pos_ids`: the id of its twin in each POS.
    """

    uid: Uid
    id: str
    name: str
    price: Points
    amount_off: Minor = 0
    percent_off: int = 0
    stores: tuple[int, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    reusable: bool = True
    cooldown_hours: int = 0
    min_spend: Minor = 0
    pos_ids: Mapping[Platform, str] = field(default_factory=dict)
    active: bool = True
    created_at: Instant = 0
    version: int = 1

    def begins(self, zone: str) -> Instant | None:
        return None if self.starts_on is None else start_of_day(self.starts_on, zone)

    def ends(self, zone: str) -> Instant | None:
        """Return the first instant after its last day; None for one that never ends."""
        return None if self.ends_on is None else start_of_day(self.ends_on + timedelta(1), zone)


@dataclass(frozen=True, slots=True)
class Offer:
    """A discount as a shopper may have it at one till at `now`.

    `zone`: of the till's store, else the account's. `points`: the balance. `store`, `subtotal`: as
    far as the till says them.
    """

    discount: Discount
    now: Instant
    zone: str
    points: Points
    price: Points
    redeemed: Iterable[RedemptionSum] = ()
    store: int | None = None
    subtotal: Minor | None = None

    def refusal(self) -> RedemptionRefused | None:
        """Return why it cannot be redeemed; None where it can."""
        refusal = self._lasting_refusal()
        return refusal or self._reuse_refusal() or self._points_refusal()

    def _lasting_refusal(self) -> RedemptionRefused | None:
        discount = self.discount
        begins, ends = discount.begins(self.zone), discount.ends(self.zone)
        if begins is not None and self.now < begins:
            return RedemptionRefused("not_started", "This discount has not started yet.")
        if not discount.active or (ends is not None and self.now >= ends):
            return RedemptionRefused("ended", "This discount has ended.")
        if self.store is not None and discount.stores and self.store not in discount.stores:
            return RedemptionRefused("other_store", "This discount is not for this store.")
        if self.subtotal is not None and self.subtotal < discount.min_spend:
            return RedemptionRefused("spend_more", "The order is below this discount's least sum.")
        return None

    def _reuse_refusal(self) -> RedemptionRefused | None:
        held = [each for each in self.redeemed if each.discount == self.discount.id and each.times]
        if held and not self.discount.reusable:
            return RedemptionRefused("already_redeemed", "This discount is already redeemed.")
        again_at = max((each.last_at for each in held), default=self.now)
        again_at += self.discount.cooldown_hours * HOUR
        if held and self.now < again_at:
            message = f"This discount is already redeemed; again from {to_text(again_at)}."
            return RedemptionRefused("too_soon", message)
        return None

    def _points_refusal(self) -> RedemptionRefused | None:
        if self.points >= self.price:
            return None
        lacking = shown_points(self.price - max(0, self.points))
        return RedemptionRefused("not_enough_points", f"{lacking} more points are needed.")


def wallet_points(balance: Points) -> Points:
    """Return the balance as a wallet shows it: never below zero (product.md §8)."""
    return max(0, balance)


def shown_points(points: Points) -> str:
    """Return points as people read them, without zeros at the end."""
    return f"{points / POINT:.2f}".rstrip("0").rstrip(".")


def folded_name(name: str) -> str:
    """Return the name by which twins are found: case, accents, blanks and "(AIQ)" aside (S11)."""
    plain = unicodedata.normalize("NFKD", name)
    text = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return " ".join(text.replace("(aiq)", " ").split())
