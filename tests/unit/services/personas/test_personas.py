"""Personas as people look them up (product.md §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.domain.consent import Consent
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.records import Customer, LineItem, Sale
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.personas.personas import PersonaService
from chalicelib.services.ports.personas import PersonaFilter, PersonaRow
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.rules import MemoryRuleBook, memory_commits
from tests.fakes.stores import MemoryStores
from tests.fakes.texting import MemoryTexts

UID, OTHER = "1000", "2000"
PHONE, EMAIL = "+12065550001", "ana@example.com"


def read_phone(typed: str) -> str | None:
    digits = "".join(c for c in typed if c.isdigit())[-10:]
    return f"+1{digits}" if len(digits) == 10 else None


@dataclass
class Desk:
    facts: MemoryFacts = field(default_factory=MemoryFacts)
    stores: MemoryStores = field(default_factory=MemoryStores)
    clock: FakeClock = field(default_factory=FakeClock)
    texts: MemoryTexts = field(default_factory=MemoryTexts)

    def __post_init__(self) -> None:
        accounts = MemoryAccounts(an_account(UID), an_account(OTHER))
        self.commits = memory_commits(self.facts, self.stores, accounts, self.clock)
        directory = MemoryPersonaList(self.facts)
        terms = TermsReader(accounts, self.stores, MemoryRuleBook(), self.clock)
        self.service = PersonaService(
            self.facts,
            directory,
            self.stores,
            PersonaLookup(self.facts, terms),
            lambda: {"posabit": "POSaBIT"},
            read_phone,
            self.texts,
        )

    def tell(self, *customers: Customer, scope: str = "north", uid: str = UID) -> None:
        """Each is seen a second after the one before."""
        sighting = StoreKeySighting("posabit", scope, "Main", None, NOON)
        self.stores.see_keys(uid, [sighting])
        for customer in customers:
            self.clock.move(1)
            self.commits.commit(uid, "posabit", scope, customers=[customer])

    def sell(self, *sales: Sale, scope: str = "north") -> None:
        self.commits.commit(UID, "posabit", scope, sales=sales)

    def found(self, limit: int = 50, **wanted: Any) -> list[str]:
        """The shown names, over all pages."""
        asked = PersonaFilter(**wanted)
        return [
            row.first
            for row in all_of(lambda after: self.service.search(UID, asked, limit, after), limit)
        ]


def all_of(page: Callable[[str | None], tuple[list[PersonaRow], str | None]], limit: int) -> list:
    found, after = page(None)
    for _ in range(300):
        if after is None:
            return found
        more, after = page(after)
        assert len(more) <= limit
        found = [*found, *more]
    raise AssertionError("the pages never end")


def rid(ext_id: str, scope: str = "north", uid: str = UID) -> str:
    return record_id(uid, "posabit", scope, ext_id)


def ana_bo_and_cy() -> Desk:
    desk = Desk()
    desk.tell(
        Customer("1", "Ana", "Ruiz", phone=PHONE, email=EMAIL),
        Customer("2", "Bo", "Li", phone="+12065550002"),
        Customer("3", "Cy", "Ruiz", email="cy@example.com"),
    )
    return desk


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_without_a_filter_the_newest_come_first(limit: int) -> None:
    assert ana_bo_and_cy().found(limit) == ["Cy", "Bo", "Ana"]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_the_list_goes_either_way_and_by_name(limit: int) -> None:
    desk = ana_bo_and_cy()

    assert desk.found(limit, descending=False) == ["Ana", "Bo", "Cy"]
    assert desk.found(limit, sort="name", descending=False) == ["Ana", "Bo", "Cy"]
    assert desk.found(limit, sort="name", descending=True) == ["Cy", "Bo", "Ana"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"phone": "(206) 555-0001"}, ["Ana"]),
        ({"phone": "206"}, []),
        ({"phone": "(206) 555-0099"}, []),
        ({"email": " ANA@example.com "}, ["Ana"]),
        ({"email": ""}, []),
        ({"source_id": "2"}, ["Bo"]),
        ({"source_id": "99"}, []),
        ({"contact_id": rid("3")}, ["Cy"]),
        ({"contact_id": "0" * 32}, []),
        ({"contact_id": "x" * 5_000}, []),
        ({"name": "ána r"}, ["Ana"]),
        ({"name": "ruiz"}, []),
        ({"source": "posabit"}, ["Cy", "Bo", "Ana"]),
        ({"source": "thsuite"}, []),
        ({"phone": "2065550001", "name": "an"}, ["Ana"]),
        ({"phone": "2065550001", "name": "bo"}, []),
        ({"phone": "2065550001", "source": "thsuite"}, []),
        ({"phone": "2065550001", "email": "cy@example.com"}, []),
        ({"phone": "2065550001", "source_id": "1", "email": EMAIL}, ["Ana"]),
        ({"member": True}, []),
    ],
)
def test_a_search_finds_who_matches_all_of_it(wanted: dict[str, Any], names: list[str]) -> None:
    assert ana_bo_and_cy().found(**wanted) == names


def test_exact_filters_may_name_different_records_of_one_persona() -> None:
    desk = Desk()
    desk.tell(Customer("1", "Ana", phone=PHONE))
    desk.tell(Customer("2", "Ana", phone=PHONE, email=EMAIL), scope="south")

    assert desk.found(source_id="1", email=EMAIL) == ["Ana"]
    assert desk.found(contact_id=rid("1"), source_id="2") == ["Ana"]


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_everybody_on_a_shared_phone_is_found_page_by_page(limit: int) -> None:
    desk = Desk()
    crowd = [Customer(str(n), f"P{n:02d}", phone=PHONE) for n in range(45)]
    desk.tell(*crowd)

    newest_first = desk.found(limit, phone=PHONE)
    by_name = desk.found(limit, phone=PHONE, sort="name", descending=False)

    assert newest_first == [f"P{n:02d}" for n in range(44, -1, -1)]
    assert by_name == newest_first[::-1]


def test_one_of_a_crowd_too_large_to_show_is_still_found_by_a_second_key() -> None:
    desk = Desk()
    crowd = [Customer(str(n), phone=PHONE) for n in range(150)]
    desk.commits.commit(UID, "posabit", "north", customers=crowd)
    desk.tell(*(Customer(str(n), f"E{n}", phone=PHONE, email=f"{n}@x.example") for n in range(150)))

    assert all(
        desk.found(phone=PHONE, email=f"{n}@x.example") == [f"E{n}"] for n in range(0, 150, 9)
    )
    assert len(desk.found(phone=PHONE)) == 100


def test_any_id_ever_given_answers_with_the_persona_that_holds_its_record() -> None:
    desk = Desk()
    desk.tell(Customer("1", "Ana", phone=PHONE), Customer("2", "Ann", email=EMAIL))
    desk.tell(Customer("3", "Ana", phone=PHONE, email=EMAIL))

    views = [desk.service.get(UID, rid(ext_id)) for ext_id in "123"]

    assert {view.row.id for view in views} == {rid("1")}
    assert set(views[0].merged_ids) == {rid("2"), rid("3")}
    assert {member.ext_id for member in views[0].members} == {"1", "2", "3"}


def test_an_id_follows_its_record_when_a_persona_parts() -> None:
    desk = Desk()
    desk.tell(Customer("1", "Ana", phone=PHONE), Customer("2", "Bea", phone=PHONE))

    desk.tell(Customer("2", "Bea", phone="+12065550002"))

    assert desk.service.get(UID, rid("1")).row.first == "Ana"
    assert desk.service.get(UID, rid("2")).row.first == "Bea"
    assert desk.service.get(UID, rid("2")).merged_ids == ()


@pytest.mark.parametrize("contact_id", ["", "0" * 32, "x#y", "é" * 4_000, rid("1", uid=OTHER)])
def test_an_id_that_leads_to_nobody_is_not_found(contact_id: str) -> None:
    desk = Desk()
    desk.tell(Customer("1", phone=PHONE))
    desk.tell(Customer("1", phone=PHONE), uid=OTHER)

    with pytest.raises(NotFound):
        desk.service.get(UID, contact_id)
    with pytest.raises(NotFound):
        desk.service.sales(UID, contact_id, 5, None)


def test_a_shopper_without_contact_is_no_persona() -> None:
    desk = Desk()
    desk.tell(Customer("1", "Ana"))

    with pytest.raises(NotFound):
        desk.service.get(UID, rid("1"))
    assert desk.found(source_id="1") == []


def a_sale(number: int, customer: str, at: int) -> Sale:
    line = LineItem("Jar", "1", 500, category="Flower", brand="Leaf")
    return Sale(
        f"s{number}", "Main", at, "text", "USD", 500, customer_ext_id=customer, items=(line,)
    )


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_sales_of_all_members_are_listed_newest_first_each_once(limit: int) -> None:
    desk = Desk()
    desk.tell(Customer("1", phone=PHONE))
    desk.tell(Customer("1", phone=PHONE), scope="south")
    desk.sell(*(a_sale(n, "1", NOON + n // 2) for n in range(0, 12, 2)))
    desk.sell(*(a_sale(n, "1", NOON + n // 2) for n in range(1, 12, 2)), scope="south")

    found: list[Any] = []
    after = None
    for _ in range(20):
        page, after = desk.service.sales(UID, rid("1", "south"), limit, after)
        assert len(page) <= limit
        found += page
        if after is None:
            break

    assert sorted(sale.ext_id for sale in found) == sorted(f"s{n}" for n in range(12))
    assert [sale.ordered_at for sale in found] == sorted(
        (NOON + n // 2 for n in range(12)), reverse=True
    )
    assert {sale.record for sale in found} == {rid("1"), rid("1", "south")}


def test_a_sale_shows_its_mapped_store_and_lines() -> None:
    desk = Desk()
    desk.tell(Customer("1", phone=PHONE))
    desk.sell(a_sale(1, "1", NOON))
    desk.stores.mapping = lambda _uid: {store_key_id("posabit", "north", "Main"): 7}  # type: ignore[method-assign]

    [sale], more = desk.service.sales(UID, rid("1"), 5, None)

    assert (sale.store, sale.store_key, sale.total, more) == (7, "Main", 500, None)
    assert [(line.name, line.category) for line in sale.items] == [("Jar", "Flower")]


def word(desk: Desk, number: str, state: Any, since: int) -> None:
    consent = Consent(state, since)
    desk.texts.rows[UID, "sms", number] = ContactState(number, consent=consent, version=1)


def test_a_line_shows_the_consent_of_the_number_at_which_the_person_may_be_texted() -> None:
    desk = ana_bo_and_cy()
    word(desk, PHONE, "opted_in", NOON)
    word(desk, "+12065550002", "requested", NOON)

    rows, _ = desk.service.search(UID, PersonaFilter(), 50, None)

    assert {row.first: row.consent for row in rows} == {
        "Ana": "opted_in",
        "Bo": "requested",
        "Cy": "unknown",
    }
    assert desk.service.get(UID, rid("1")).row.consent == "opted_in"


def test_another_number_of_the_person_that_opted_out_later_takes_consent_back() -> None:
    desk = Desk()
    desk.tell(
        Customer("1", "Ana", phone="+12065550003", email=EMAIL, updated_at=NOON),
        Customer("2", "Ana", phone=PHONE, email=EMAIL, updated_at=NOON + 1),
    )
    word(desk, PHONE, "opted_in", NOON)
    word(desk, "+12065550003", "opted_out", NOON + 1)

    listed, _ = desk.service.search(UID, PersonaFilter(), 50, None)
    found, _ = desk.service.search(UID, PersonaFilter(phone="2065550001"), 50, None)

    assert [row.consent for row in (*listed, *found)] == ["opted_out", "opted_out"]
    assert desk.service.get(UID, rid("1")).row.consent == "opted_out"


def test_a_persona_says_what_joins_its_records_and_where_each_field_comes_from() -> None:
    desk = Desk()
    desk.tell(
        Customer("1", "Ana", "Ruiz", phone=PHONE, updated_at=NOON),
        Customer("2", "Anita", "", phone=PHONE, email=EMAIL, updated_at=NOON + 2),
        Customer("3", "An", "", email=EMAIL, birth_date="1990-12-31", updated_at=NOON + 1),
    )

    view = desk.service.get(UID, rid("3"))

    assert view.joins == ((rid("1"), rid("2"), "phone"), (rid("2"), rid("3"), "email"))
    assert view.won == {
        "first": rid("2"),
        "last": rid("1"),
        "phone": rid("2"),
        "email": rid("2"),
        "birth_date": rid("3"),
    }
    assert (view.row.first, view.row.last, view.birth_date) == ("Anita", "Ruiz", "1990-12-31")
