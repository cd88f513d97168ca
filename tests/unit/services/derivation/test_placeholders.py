"""What an account takes for nobody's contact joins nobody, makes nobody a persona, and is not
texted (product.md §6)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.rules import MemoryRuleBook, RecordedEffects, memory_commits
from tests.fakes.stores import MemoryStores

UID, PLATFORM, SCOPE = "1000", "posabit", "north"
COUNTER = "+12065550100"
ANA = Customer("1", "Ana", "Lee", phone=COUNTER, email="ana@example.org")
BO = Customer("2", "Bo", "Ruiz", phone=COUNTER, email="bo@example.org")
CY = Customer("3", "Cy", "Ng", phone=COUNTER, sms_consent="no")


class Counter:
    """A shop whose counter types its own number for whoever gives none."""

    def __init__(self) -> None:
        self.facts, self.accounts = MemoryFacts(), MemoryAccounts(an_account(UID))
        self.effects = RecordedEffects()
        self.commits = memory_commits(
            self.facts,
            MemoryStores(),
            self.accounts,
            FakeClock(),
            rules=MemoryRuleBook(),
            effects=self.effects,
        )

    def take_for_nobodys(self, *contacts: str) -> None:
        self.accounts.accounts[UID] = replace(self.accounts.get(UID), placeholders=contacts)
        self.commits.rederive(UID, [rid(c) for c in (ANA, BO, CY)])

    def people(self) -> set[frozenset[str]]:
        return {frozenset(persona.members) for persona in self.facts.shown(UID)}


def rid(customer: Customer) -> str:
    return record_id(UID, PLATFORM, SCOPE, customer.ext_id)


def test_a_number_that_the_account_takes_for_nobodys_keeps_people_apart() -> None:
    shop = Counter()
    shop.commits.commit(UID, PLATFORM, SCOPE, customers=[ANA, BO, CY])
    assert shop.people() == {frozenset(map(rid, (ANA, BO, CY)))}

    shop.take_for_nobodys(COUNTER)

    assert shop.people() == {frozenset([rid(ANA)]), frozenset([rid(BO)])}
    assert {persona.phone for persona in shop.facts.shown(UID)} == {None}


def test_what_the_pos_told_stays_and_joins_again_once_it_is_derived_without_the_placeholder() -> (
    None
):
    shop = Counter()
    shop.take_for_nobodys(COUNTER)
    shop.commits.commit(UID, PLATFORM, SCOPE, customers=[ANA, BO, CY])
    assert shop.facts.records[UID, rid(CY)].record.customer == CY
    assert len(shop.people()) == 2

    shop.take_for_nobodys()

    assert shop.people() == {frozenset(map(rid, (ANA, BO, CY)))}


def test_a_flag_on_nobodys_number_opts_nobody_out() -> None:
    shop = Counter()
    shop.take_for_nobodys(COUNTER)

    shop.commits.commit(UID, PLATFORM, SCOPE, customers=[CY])

    assert shop.effects.flags == {}
