"""Discounts and what proves a wallet, as the services see them (product.md §11)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from chalicelib.domain.discounts import Discount
from chalicelib.domain.pins import PinState, WrongPins
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.pos import CredentialAccess


class Discounts(Protocol):
    """Keeps the discounts of each account."""

    def get(self, uid: Uid, discount: str) -> Discount | None: ...

    def for_account(self, uid: Uid) -> list[Discount]:
        """Return all of an account's discounts, the first created first."""
        ...

    def redeemed(self, uid: Uid) -> dict[str, int]:
        """Return how often each discount was redeemed and not given back, by its id."""
        ...

    def create(self, discount: Discount) -> Discount: ...

    def save(self, discount: Discount) -> Discount:
        """Save at `discount.version` + 1. Raises StaleVersion."""
        ...

    def delete(self, discount: Discount) -> None:
        """Remove it as it was at its version. Raises StaleVersion."""
        ...


class SigningKeys(Protocol):
    def get(self, uid: Uid) -> bytes:
        """Return the account's secret that signs what its wallets hand out: the same for ever."""
        ...


class Pins(Protocol):
    """Keeps what is known of PINs, by a tag that does not tell the contact."""

    def get(self, uid: Uid, tag: str) -> PinState: ...

    def save(self, uid: Uid, tag: str, state: PinState) -> bool:
        """Save at `state.version` + 1; False when somebody else saved meanwhile."""
        ...

    def wrong_of(self, uid: Uid, actor: str) -> WrongPins: ...

    def save_wrong(self, uid: Uid, actor: str, wrong: WrongPins) -> bool: ...


class DiscountSession(Protocol):
    """One credential's conversation about the discounts of its POS."""

    def discounts(self) -> tuple[NamedDiscount, ...]:
        """Return its active discounts. Raises CallsStopped, and what a POS raises that rejects the
        key or answers nothing usable."""
        ...

    def close(self) -> None: ...


class DiscountGateway(Protocol):
    def open_discounts(self, access: CredentialAccess) -> DiscountSession | None:
        """Begin a conversation; None for a POS that lists no discounts. Raises HostRefused."""
        ...


class NamesSeen(Protocol):
    """Keeps the names and ids under which each POS showed discounts."""

    def see(self, uid: Uid, platform: Platform, seen: Collection[NamedDiscount]) -> None:
        """Keep these too; the last seen of many stay, and of an id the name that it was last seen
        with."""
        ...

    def discounts(self, uid: Uid) -> dict[Platform, tuple[NamedDiscount, ...]]:
        """Return each id once, with its name, and each name that no id has now."""
        ...
