"""What a commit does with facts that come late, twice, or under another rule."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import pytest

from chalicelib.domain import identity
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.services.ports import stored_facts
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import memory_commits
from tests.fakes.stores import MemoryStores

UID, OTHER = "1000", "2000"
PHONE, EMAIL = "+12065550001", "ana@example.com"


@dataclass
class Books:
    """One table of facts for two accounts."""

    facts: MemoryFacts = field(default_factory=MemoryFacts)
    stores: MemoryStores = field(default_factory=MemoryStores)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.accounts = MemoryAccounts(an_account(UID), an_account(OTHER))
        self.commits = memory_commits(self.facts, self.stores, self.accounts, self.clock)

    def tell(self, *customers: Customer, uid: str = UID, scope: str = "north") -> None:
        self.clock.move(1)
        self.commits.commit(uid, "posabit", scope, customers=customers)

    def sell(self, *sales: Sale, uid: str = UID, scope: str = "north") -> None:
        self.commits.commit(uid, "posabit", scope, sales=sales)

    def merge_by_name(self, *, on: bool) -> None:
        account = self.accounts.get(UID)
        self.accounts.accounts[UID] = replace(account, merge_on_name_and_birth_date=on)

    def personas(self, uid: str = UID) -> list[Persona]:
        return [persona for (owner, _), persona in self.facts.personas.items() if owner == uid]

    def groups(self) -> set[frozenset[str]]:
        """The POS's ids of those who are one persona."""
        names = {
            rid: stored.record.customer.ext_id for (_, rid), stored in self.facts.records.items()
        }
        return {frozenset(names[rid] for rid in persona.members) for persona in self.personas()}


def rid(ext_id: str, scope: str = "north", uid: str = UID) -> str:
    return record_id(uid, "posabit", scope, ext_id)


def a_sale(ext_id: str, customer: str | None = "1", **changes: object) -> Sale:
    base = Sale(ext_id, "Main", FakeClock().now(), "", "USD", 100, customer_ext_id=customer)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_an_older_version_that_arrives_late_changes_nothing() -> None:
    books = Books()
    books.tell(Customer("1", phone=PHONE, updated_at=10))

    books.tell(Customer("1", email=EMAIL, updated_at=5))

    [persona] = books.personas()
    assert (persona.phone, persona.email) == (PHONE, None)


def test_of_two_versions_on_one_page_the_newer_stands() -> None:
    books = Books()

    books.tell(Customer("1", first="New", phone=PHONE, updated_at=10), Customer("1", updated_at=5))
    books.sell(a_sale("s", total=7, updated_at=10), a_sale("s", total=5, updated_at=5))

    [persona] = books.personas()
    [stored] = books.facts.sale_rows.values()
    assert (persona.first, stored.sale.total) == ("New", 7)


def test_of_two_versions_without_a_time_the_later_one_stands() -> None:
    books = Books()

    books.tell(Customer("1", first="Old", phone=PHONE), Customer("1", first="New", phone=PHONE))

    assert books.personas()[0].first == "New"


def test_saying_the_same_again_writes_no_row() -> None:
    books = Books()
    page = (Customer("1", phone=PHONE), Customer("2", email=EMAIL))
    books.tell(*page)
    books.sell(a_sale("s"))
    written = books.facts.rows_written

    books.tell(*page)
    books.sell(a_sale("s"))

    assert books.facts.rows_written == written


def test_a_crowd_splits_even_when_its_key_outgrows_one_row_in_the_same_page() -> None:
    books = Books()
    books.tell(*(Customer(str(n), phone=PHONE) for n in range(8)))
    assert len(books.personas()) == 1

    books.tell(*(Customer(str(n), phone=PHONE) for n in range(8, 60)))

    assert [persona.members for persona in books.personas() if len(persona.members) > 1] == []
    assert len(books.personas()) == 60
    assert all("shared_key" in persona.flags for persona in books.personas())


def test_a_crowd_that_leaves_its_key_joins_again_at_eight() -> None:
    books = Books()
    books.tell(*(Customer(str(n), phone=PHONE) for n in range(60)))

    books.tell(*(Customer(str(n), email=f"{n}@x.example") for n in range(8, 60)))

    assert frozenset(str(n) for n in range(8)) in books.groups()
    assert books.facts.shared_keys(UID) == []


def six_people(count: int = 6) -> list[tuple[str, Customer]]:
    """People of as many shops, with phones of their own; the shop's own e-mail was typed in."""
    return [
        (f"v{n}", Customer(str(n), "ABCDEF"[n], f"R{n}", phone=f"+1206555000{n}", email=EMAIL))
        for n in range(count)
    ]


def test_the_sixth_person_of_a_key_splits_it_and_a_name_corrected_to_one_of_five_rejoins_it() -> (
    None
):
    books = Books()
    for scope, customer in six_people(5):
        books.tell(customer, scope=scope)
    assert len(books.personas()) == 1

    [*_, (scope, sixth)] = six_people()
    books.tell(sixth, scope=scope)

    assert len(books.personas()) == 6
    assert books.facts.shared_keys(UID) == [("email", EMAIL)]

    books.tell(replace(sixth, first="Al", last="R0"), scope=scope)

    assert len(books.personas()) == 1
    assert books.facts.shared_keys(UID) == []


def test_a_key_stored_before_people_were_counted_splits_with_the_next_change_behind_it() -> None:
    books = Books()
    with (
        patch.object(identity, "PEOPLE_PER_KEY", 99),
        patch.object(stored_facts, "PEOPLE_PER_KEY", 99),
    ):
        for scope, customer in six_people():
            books.tell(customer, scope=scope)
    assert len(books.personas()) == 1

    books.sell(a_sale("s", "3"), scope="v3")

    assert len(books.personas()) == 6
    assert books.facts.shared_keys(UID) == [("email", EMAIL)]
    assert {len(persona.members) for persona in books.personas()} == {1}


@pytest.mark.parametrize("rows", range(0, 24, 2))
def test_a_crash_while_a_key_is_split_by_names_is_repaired(rows: int) -> None:
    books = Books()
    with (
        patch.object(identity, "PEOPLE_PER_KEY", 99),
        patch.object(stored_facts, "PEOPLE_PER_KEY", 99),
    ):
        for scope, customer in six_people():
            books.tell(customer, scope=scope)
    books.facts.crash_in = rows
    with suppress(Crash):
        books.sell(a_sale("s", "3"), scope="v3")
    books.facts.crash_in = None

    books.sell(a_sale("t", "2"), scope="v2")

    assert {len(persona.members) for persona in books.personas()} == {1}
    assert books.facts.shared_keys(UID) == [("email", EMAIL)]


def test_a_merge_rule_reaches_members_that_do_not_lead_their_persona() -> None:
    books = Books()
    books.tell(Customer("lead", "Jo", "Cruz", phone=PHONE))
    books.tell(Customer("member", "Ana", "Ruiz", phone=PHONE, birth_date="1990-01-02"))
    books.tell(Customer("other", "ana", "ruiz", email=EMAIL, birth_date="1990-01-02"))
    books.merge_by_name(on=True)

    books.commits.rederive(UID, [persona.id for persona in books.personas()])

    assert books.groups() == {frozenset({"lead", "member", "other"})}


def test_a_merge_rule_taken_back_parts_whom_it_joined() -> None:
    books = Books()
    books.merge_by_name(on=True)
    books.tell(Customer("1", "Ana", "Ruiz", phone=PHONE, birth_date="1990-01-02"))
    books.tell(Customer("2", "Ana", "Ruiz", email=EMAIL, birth_date="1990-01-02"))
    assert books.groups() == {frozenset({"1", "2"})}
    books.merge_by_name(on=False)

    books.commits.rederive(UID, [persona.id for persona in books.personas()])

    assert books.groups() == {frozenset({"1"}), frozenset({"2"})}


def test_deriving_again_writes_only_personas_that_change() -> None:
    books = Books()
    books.tell(Customer("1", phone=PHONE), Customer("2", email=EMAIL))
    books.sell(a_sale("s", "1"))
    books.stores.mapping = lambda _uid: {store_key_id("posabit", "north", "Main"): 7}  # type: ignore[method-assign]

    done = books.commits.rederive(UID, [rid("1"), rid("2")])

    assert done.personas == 1
    assert {persona.favourite_store for persona in books.personas()} == {7, None}


def test_a_sale_that_moves_to_another_shopper_leaves_nothing_behind() -> None:
    books = Books()
    books.tell(Customer("1", phone=PHONE), Customer("2", email=EMAIL))
    books.sell(a_sale("s", "1"), a_sale("t", "1", ordered_at=5))

    books.sell(a_sale("s", "2", ordered_at=9))

    totals = {owner: row.summary.total for (_, owner), row in books.facts.summaries.items()}
    assert totals == {rid("1"): 1, rid("2"): 1}
    assert [ref.ext_id for ref in books.facts.pointers(UID, rid("2"))] == ["s"]


def test_a_shopper_without_contact_joins_with_past_sales_when_a_contact_appears() -> None:
    books = Books()
    books.stores.mapping = lambda _uid: {store_key_id("posabit", "north", "Main"): 7}  # type: ignore[method-assign]
    books.sell(a_sale("s", "1"))
    books.tell(Customer("1", first="Ana"))
    assert books.personas() == []

    books.tell(Customer("1", first="Ana", phone=PHONE))

    assert books.personas()[0].favourite_store == 7


def test_two_accounts_with_the_same_shoppers_share_nothing() -> None:
    books = Books()
    books.tell(Customer("1", phone=PHONE))
    before = dict(books.facts.personas)

    books.tell(*(Customer(str(n), phone=PHONE) for n in range(9)), uid=OTHER)

    assert {place: books.facts.personas[place] for place in before} == before
    assert books.facts.shared_keys(UID) == []
    assert len(books.facts.shared_keys(OTHER)) == 1
