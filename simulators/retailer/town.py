"""The shoppers that the platforms of one retailer have in common.

Person `n` of a town is the same human being in every world: name, birthday, phone, e-mail follow
from the town's seed and `n` alone. Each world meets some of them, and writes down the phone, the
e-mail or both; which, follows from the platform too. So worlds overlap without knowing each other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from simulators.retailer import names

AREA_CODES = (250, 458, 503, 541, 778, 971)  # none of those of the worlds' own shoppers
KNOWN_TO = 0.6  # share of the platforms that know a person
# Parts of a phone number behind the area code: no N11, no 555.
EXCHANGES = [e for e in range(200, 1000) if e % 100 != 11 and e != 555]


class Neighbour(NamedTuple):
    """A person of the town, whom several of the retailer's platforms may know."""

    first: str
    last: str
    birthday: str
    phone: str
    email: str

    def known_as(self, dice: random.Random) -> dict[str, Any]:
        """The fields of a shopper row, with the contact that this world wrote down."""
        both, phone_only = dice.random(), dice.random() < 0.6
        phone: str | None = self.phone
        email: str | None = self.email.upper() if dice.random() < 0.2 else self.email
        if both >= 0.5:
            phone, email = (phone, None) if phone_only else (None, email)
        elif dice.random() < 0.3:
            phone = f"({self.phone[:3]}) {self.phone[3:6]}-{self.phone[6:]}"
        return {
            "first": self.first,
            "last": self.last,
            "birthday": self.birthday,
            "birth_year": int(self.birthday[:4]),
            "phone": phone,
            "email": email,
        }


def make_neighbour(town: int, number: int) -> Neighbour:
    dice = random.Random(f"{town}:town:{number}")
    first, last = dice.choice(names.FIRST), dice.choice(names.LAST)
    area = AREA_CODES[number % len(AREA_CODES)]
    spot = (number // len(AREA_CODES) * 1_299_709 + town * 7919) % (len(EXCHANGES) * 10_000)
    exchange, line = divmod(spot, 10_000)
    return Neighbour(
        first,
        last,
        f"{dice.randint(1945, 2002)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}",
        f"{area}{EXCHANGES[exchange]}{line:04d}",
        f"{first}.{last}.{town}.{number}@example.org".lower(),
    )


def neighbours_of(town: int, platform: str) -> Iterator[tuple[Neighbour, random.Random]]:
    """Endless: the people of the town whom this platform's retailer knows, lowest numbers first,
    each with the dice of how they are known there."""
    number = 0
    while True:
        dice = random.Random(f"{town}:{platform}:{number}")
        if dice.random() < KNOWN_TO:
            yield make_neighbour(town, number), dice
        number += 1
