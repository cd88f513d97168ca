"""Random histories with erasures end as if the erased had never been told of (product.md §14).

The second opinion is a shop that is told the same facts without the erased shoppers' records, and
with their sales without a shopper.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Source
from tests.fakes.facts import Crash
from tests.worlds.erasing import ErasingShop
from tests.worlds.seeded_histories import seed_of_this_run
from tests.worlds.shop import PLATFORM, UID, a_sale, day

PEOPLE = 6
STEPS = 25
ENROLLED = Source(enroll_after=day("2026-01-01"))
Shown = dict[frozenset[str], tuple[str, float, bool]]


def phone(number: int) -> str:
    return f"+1206555{number:04d}"


def shopper(number: int, told: int = 0) -> Customer:
    first, email = f"Person{number}", f"person{number}@example.com"
    return Customer(str(number), first, str(told), phone=phone(number), email=email)


@dataclass
class History:
    chance: random.Random
    shop: ErasingShop = field(default_factory=lambda: ErasingShop(sources={PLATFORM: ENROLLED}))
    people: dict[int, Customer] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)
    ever_erased: set[int] = field(default_factory=set)
    unlinked: set[str] = field(default_factory=set)
    frozen: bool = False
    signups: int = 0

    def play(self) -> None:
        acts = [self.tell, self.tell, self.sell, self.sell, self.erase, self.night, self.turn]
        acts += [self.tell_all_again, self.retry, self.sign_up]
        for _ in range(STEPS):
            self.chance.choice(acts)()
            self.shop.clock.move(60)
            self.nobody_erased_is_left()
        if self.frozen:
            self.turn()
        self.tell_all_again()
        self.nobody_erased_is_left()
        assert shown(self.shop) == shown(self.never_told())

    def tell(self) -> None:
        if self.frozen:
            return
        number = self.chance.randrange(PEOPLE)
        told = replace(shopper(number, self.chance.randrange(9)), updated_at=self.shop.clock.now())
        self.people[number] = told
        self.surviving(lambda: self.shop.tell(told))

    def sell(self) -> None:
        if self.frozen:
            return
        number, name = self.chance.randrange(PEOPLE), f"s{self.chance.randrange(12)}"
        at = f"2026-05-{1 + int(name[1:]):02d}"
        if name in self.sales:
            return
        self.sales[name] = a_sale(name, at, 1_000 + number, customer_ext_id=str(number))
        self.surviving(lambda: self.shop.tell(self.sales[name]))
        if number in self.ever_erased:  # what they bought before the erasure, told late
            self.unlinked.add(name)

    def tell_all_again(self) -> None:
        """A full resync: it brings nobody back."""
        if not self.frozen:
            people, sales = list(self.people.values()), list(self.sales.values())
            self.surviving(lambda: self.shop.tell(*people, *sales))

    def erase(self) -> None:
        number = self.chance.randrange(PEOPLE)
        known = {persona.first for persona in self.shop.facts.shown(UID)}
        if f"Person{number}" not in known:
            return
        of_shop = next(p for p in self.shop.facts.shown(UID) if p.first == f"Person{number}")
        preview = self.shop.erasing.preview(UID, of_shop.id)
        typed = phone(number)[-4:]
        self.shop.erasing.erase(UID, of_shop.id, preview.token, typed, actor="user:olga")
        self.surviving(self.shop.work)
        self.erased.add(number)
        self.ever_erased.add(number)
        buyer = str(number)
        self.unlinked |= {n for n, s in self.sales.items() if s.customer_ext_id == buyer}

    def retry(self) -> None:
        """A signup from before everything, told again: it lifts nothing."""
        number = self.chance.randrange(PEOPLE)
        if number in self.erased and not self.frozen:
            self.shop.sign_up(replace(shopper(number), ext_id=f"form{number}"), 1)

    def sign_up(self) -> None:
        number = self.chance.randrange(PEOPLE)
        if number not in self.erased or self.signups > 1:
            return
        self.signups += 1
        self.erased.discard(number)
        now = self.shop.clock.now()
        told = replace(shopper(number), ext_id=f"form{number}", updated_at=now)
        if self.frozen:
            self.turn()
        self.shop.sign_up(told, now)

    def night(self) -> None:
        if not self.frozen:
            self.surviving(lambda: self.shop.take(f"run_{self.chance.random()}"))

    def turn(self) -> None:
        """*Use AIQ's last backup* on or off."""
        if self.frozen:
            self.shop.unfreeze()
        elif any(b.state == "verified" for b in self.shop.backups.of_source(UID, PLATFORM)):
            self.shop.freeze()
        else:
            return
        self.frozen = not self.frozen

    def surviving(self, act: object) -> None:
        """The act, and again where the process dies in the middle of it."""
        if self.chance.random() < 0.5:
            self.shop.facts.crash_in = self.chance.randrange(60)
        messages = list(self.shop.jobs.sent)
        try:
            act()  # type: ignore[operator]
        except Crash:
            self.shop.facts.crash_in = None
            self.shop.jobs.sent = messages
            act()  # type: ignore[operator]
        self.shop.facts.crash_in = None

    def nobody_erased_is_left(self) -> None:
        for number in self.erased:
            wanted = (phone(number), f"person{number}@example.com", f"Person{number}'")
            assert self.shop.mentions(*wanted) == [], number

    def never_told(self) -> ErasingShop:
        shop = ErasingShop(sources={PLATFORM: ENROLLED})
        shop.clock.at = self.shop.clock.at
        shop.tell(*(told for number, told in self.people.items() if number not in self.erased))
        shop.tell(
            *(
                replace(sale, customer_ext_id=None) if name in self.unlinked else sale
                for name, sale in self.sales.items()
            )
        )
        signed = {rid: row for (_, rid), row in self.shop.facts.records.items()}
        for row in signed.values():
            if row.record.scope == "pushed":
                [join] = row.record.acts.joins
                shop.sign_up(row.record.customer, join.at)
        return shop


def shown(shop: ErasingShop) -> Shown:
    return {
        frozenset(persona.members): (persona.first, persona.points, persona.member)
        for persona in shop.facts.shown(UID)
    }


@pytest.mark.parametrize("number", range(25))
def test_a_random_history_ends_as_if_the_erased_had_never_been_told_of(number: int) -> None:
    History(random.Random(number)).play()


@pytest.mark.full
@pytest.mark.parametrize("part", range(300))
def test_other_random_histories_end_so_too(part: int) -> None:
    History(random.Random(seed_of_this_run(part))).play()
