"""Discounts and signing keys in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from chalicelib.domain.discounts import Discount
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.pins import PinState, WrongPins
from chalicelib.domain.records import NamedDiscount


class MemoryDiscounts:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Discount] = {}
        self.counted: dict[tuple[str, str], int] = {}

    def get(self, uid: str, discount: str) -> Discount | None:
        return self.rows.get((uid, discount))

    def for_account(self, uid: str) -> list[Discount]:
        return [row for (owner, _), row in sorted(self.rows.items()) if owner == uid]

    def redeemed(self, uid: str) -> dict[str, int]:
        return {each.id: self.counted.get((uid, each.id), 0) for each in self.for_account(uid)}

    def create(self, discount: Discount) -> Discount:
        self.rows[discount.uid, discount.id] = replace(discount, version=1)
        return self.rows[discount.uid, discount.id]

    def save(self, discount: Discount) -> Discount:
        self._check(discount)
        saved = replace(discount, version=discount.version + 1)
        self.rows[discount.uid, discount.id] = saved
        return saved

    def delete(self, discount: Discount) -> None:
        self._check(discount)
        del self.rows[discount.uid, discount.id]

    def count(self, uid: str, discount: str, difference: int) -> None:
        """What a commit says of it."""
        if (uid, discount) in self.rows:
            self.counted[uid, discount] = self.counted.get((uid, discount), 0) + difference

    def _check(self, discount: Discount) -> None:
        stored = self.rows.get((discount.uid, discount.id))
        if stored is None or stored.version != discount.version:
            raise StaleVersion("the discount was changed meanwhile")


class MemorySigningKeys:
    def get(self, uid: str) -> bytes:
        return f"the key of {uid}".encode()


class MemoryPins:
    def __init__(self) -> None:
        self.states: dict[tuple[str, str], PinState] = {}
        self.wrong: dict[tuple[str, str], WrongPins] = {}

    def get(self, uid: str, tag: str) -> PinState:
        return self.states.get((uid, tag), PinState())

    def save(self, uid: str, tag: str, state: PinState) -> bool:
        if self.get(uid, tag).version != state.version:
            return False
        self.states[uid, tag] = replace(state, version=state.version + 1)
        return True

    def wrong_of(self, uid: str, actor: str) -> WrongPins:
        return self.wrong.get((uid, actor), WrongPins())

    def save_wrong(self, uid: str, actor: str, wrong: WrongPins) -> bool:
        if self.wrong_of(uid, actor).version != wrong.version:
            return False
        self.wrong[uid, actor] = replace(wrong, version=wrong.version + 1)
        return True


class MemoryNamesSeen:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[NamedDiscount, ...]] = {}

    def see(self, uid: str, platform: str, seen: Collection[NamedDiscount]) -> None:
        known = self.rows.get((uid, platform), ())
        ids = {each.id: each for each in (*known, *sorted(seen)) if each.id}
        names = {each.name for each in (*known, *seen)} - {each.name for each in ids.values()}
        self.rows[uid, platform] = (*ids.values(), *map(NamedDiscount, sorted(names)))

    def discounts(self, uid: str) -> dict[str, tuple[NamedDiscount, ...]]:
        return {platform: seen for (owner, platform), seen in self.rows.items() if owner == uid}
