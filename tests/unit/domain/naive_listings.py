"""Which tellings of a listing of customers count at once, and which wait, told the slow way.

Written from product.md §6 without the code under test: a listing that blanks the contacts of more
than 10 % (>= 20) of its shoppers changes none of them until a person takes it over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from chalicelib.domain.records import Customer
from tests.unit.domain.naive import Shopper
from tests.unit.domain.naive_loyalty import GivenFacts, latest_shoppers

Who = tuple[str, str, str]


@dataclass
class Waiting:
    """What was told last of a shopper whose contacts wait, and whether a person dismissed it."""

    shopper: Shopper
    dismissed: bool = False


@dataclass
class Listings:
    """Hears listings and single tellings, and adds to the given facts what counts of them."""

    given: GivenFacts
    waiting: dict[Who, Waiting] = field(default_factory=dict)

    def hear_listing(self, listing: list[Shopper]) -> None:
        held = {who(shopper): shopper.customer for shopper in latest_shoppers(self.given)}
        blanked = [s for s in listing if who(s) in held and _lacks(s.customer, held[who(s)])]
        counted = [s for s in blanked if not self._is_dismissed(s)]
        too_many = len(counted) >= 20 and Fraction(len(counted), len(listing)) > Fraction(1, 10)
        for shopper in listing:
            if shopper not in blanked:
                self.hear(shopper)
            elif who(shopper) in self.waiting:
                self.waiting[who(shopper)].shopper = shopper
            elif too_many:
                self.waiting[who(shopper)] = Waiting(shopper)
            else:
                self.hear(shopper)

    def hear(self, shopper: Shopper) -> None:
        """A telling that counts, unless a later one waits or it says that one again."""
        later = self.waiting.get(who(shopper))
        if later is not None:
            last, told = later.shopper.customer, shopper.customer
            older = None not in (last.updated_at, told.updated_at)
            if told == last or (older and told.updated_at < last.updated_at):  # type: ignore[operator]
                return
            del self.waiting[who(shopper)]
        self.given.shoppers.append(shopper)

    def pending(self, platform: str) -> list[Shopper]:
        return [
            w.shopper for w in self.waiting.values()
            if w.shopper.platform == platform and not w.dismissed
        ]  # fmt: skip

    def take_over(self, platform: str) -> None:
        for shopper in self.pending(platform):
            del self.waiting[who(shopper)]
            self.given.shoppers.append(shopper)

    def dismiss(self, platform: str) -> None:
        for shopper in self.pending(platform):
            self.waiting[who(shopper)].dismissed = True

    def _is_dismissed(self, shopper: Shopper) -> bool:
        waiting = self.waiting.get(who(shopper))
        return waiting is not None and waiting.dismissed


def who(shopper: Shopper) -> Who:
    return shopper.platform, shopper.scope, shopper.customer.ext_id


def _lacks(told: Customer, held: Customer) -> bool:
    return any(
        had is not None and has is None
        for had, has in ((held.phone, told.phone), (held.email, told.email))
    )
