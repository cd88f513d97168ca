"""Strangers stay strangers, and nobody loses by another's record (product.md §6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.services.texting.held_personas import DerivedHeldPersonas
from tests.worlds.shop import ANA, UID, Shop, a_sale, day

DESK = "front.desk@greenleafshop.com"
TILL = "+12065559999"


def an_asking_shop() -> Shop:
    return Shop(sources={"posabit": Source(sms_opt_in_after=day("2026-01-01"))})


def customer(number: int, **fields: object) -> Customer:
    base = Customer(str(number), "ABCDEFGHIJKL"[number], f"R{number}", phone=own_number(number))
    return replace(base, **fields)  # type: ignore[arg-type]


def own_number(number: int) -> str:
    return f"+1206555{1000 + number}"


def buys(number: int) -> object:
    return a_sale(f"s{number}", "2026-03-01", customer_ext_id=str(number))


def asked(shop: Shop) -> set[str]:
    return {number for _, number in shop.effects.asks}


def test_a_shops_own_email_typed_in_for_many_stops_no_text_to_their_own_numbers() -> None:
    shop = an_asking_shop()

    for n in range(12):
        shop.tell(customer(n, email=DESK if n < 9 else f"p{n}@x.com"), buys(n))

    assert asked(shop) == {own_number(n) for n in range(12)}
    assert sum("shared_key" in p.flags for p in shop.facts.shown(UID)) == 9


def test_no_text_goes_to_a_number_that_too_many_share() -> None:
    shop = an_asking_shop()

    shop.tell(*(customer(n, phone=TILL) for n in range(9)), *(buys(n) for n in range(9)))

    assert asked(shop) == set()
    [held, *_] = DerivedHeldPersonas(shop.lookup).of_number(UID, TILL)
    assert held.shares(TILL)


def test_a_person_with_the_tills_number_on_the_latest_record_is_asked_at_another_number() -> None:
    shop = an_asking_shop()
    shop.tell(*(customer(n, phone=TILL) for n in range(1, 9)))

    shop.tell(ANA, replace(ANA, ext_id="0", phone=TILL, updated_at=9), a_sale("s", "2026-03-01"))

    assert asked(shop) == {ANA.phone}
    [held] = DerivedHeldPersonas(shop.lookup).of_number(UID, str(ANA.phone))
    assert held.numbers == (ANA.phone, TILL)
    assert (held.shares(str(ANA.phone)), held.shares(TILL)) == (False, True)


@pytest.mark.parametrize("guest_first", [False, True])
def test_a_guest_record_with_a_members_phone_typed_in_takes_nothing_from_her(
    guest_first: bool,
) -> None:
    shop = Shop(sources={"posabit": Source(enroll_after=day("2026-01-01"))})
    guest = Customer("99", first="Guest", email="guest@shop.com", flags=frozenset({"test"}))
    facts = [(guest,), (ANA, a_sale("s1", "2026-03-01"))]
    for page in facts if guest_first else reversed(facts):
        shop.tell(*page)
    before = shop.member(), shop.points()

    shop.tell(replace(guest, phone=ANA.phone))

    assert (shop.member(), shop.points()) == before


def test_members_whose_contacts_the_pos_blanks_are_counted_as_leaving() -> None:
    shop = Shop(sources={"posabit": Source(enroll_after=day("2026-01-01"))})
    shop.tell(ANA, a_sale("s1", "2026-03-01"))
    shop.form()

    assert shop.tell(replace(ANA, phone=None, email=None)).left == 1
