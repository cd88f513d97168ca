"""A shopper whom a POS pushes is the one it lists under the same id (product.md §6, S3)."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.domain.words import Platform
from chalicelib.pos.rows.contacts import email, phone
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from chalicelib.services.ports.stores import StoreKeySighting
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.webhook_events import WebhookWorker
from tests.unit.services.signups.test_pushes import PushingShop, a_member
from tests.worlds.shop import PLATFORM, SCOPE, UID, a_sale, rid
from tests.worlds.tills import P1, P2

PULLED, PUSHED = rid("7"), rid("7", "pushed")
LISTED = Customer("7", first="Ana", last="Reyes")
"""As the POS lists her: without a contact."""


@pytest.fixture
def shop() -> PushingShop:
    made = PushingShop()
    made.rule(**{PLATFORM: Source(enroll_after=0)})
    return made


def pull(shop: PushingShop, customer: Customer = LISTED, scope: str = SCOPE) -> None:
    shop.tell(customer, scope=scope)


def push(shop: PushingShop, typed: str = P1) -> None:
    shop.clock.move(1)
    shop.service.members(UID, Platform(PLATFORM), [a_member(phone=typed)])


def buy(shop: PushingShop) -> None:
    shop.tell(a_sale("s7", "2026-05-30", customer_ext_id="7"))


@pytest.mark.parametrize("order", list(permutations((pull, push, buy))))
def test_pushed_and_pulled_are_one_by_the_id_alone_in_any_order_and_earn_once(
    shop: PushingShop, order: tuple
) -> None:
    for act in order:
        act(shop)

    [persona] = shop.facts.shown(UID)
    assert set(persona.members) == {PULLED, PUSHED}
    assert (persona.phone, persona.first, persona.points) == (P1, "Ana", 1_000)
    for act in order:  # the same again
        act(shop)
    [again] = shop.facts.shown(UID)
    assert replace(again, updated_at=persona.updated_at) == persona


def test_another_contact_of_the_same_id_is_the_same_person(shop: PushingShop) -> None:
    pull(shop, replace(LISTED, phone=P2))
    push(shop)

    [persona] = shop.facts.shown(UID)
    assert set(persona.members) == {PULLED, PUSHED}


def test_an_id_of_two_stores_is_whoever_it_was_pulled_as_or_nobody(shop: PushingShop) -> None:
    """Another store's shopper may have the same id."""
    now = shop.clock.now()
    shop.stores.see_keys(UID, [StoreKeySighting(PLATFORM, "south", "South", "South", now)])
    push(shop)
    pull(shop, replace(LISTED, phone=P2))
    unknown = {p.phone for p in shop.facts.shown(UID)}
    push(shop)
    only = [set(p.members) for p in shop.facts.shown(UID)]
    pull(shop, Customer("7", first="Bea", phone="+12065550177"), "south")

    assert unknown == {P1, P2}
    assert only == [{PULLED, PUSHED}]
    assert {p.first for p in shop.facts.shown(UID)} == {"Ana", "Bea"}


def test_the_location_of_a_sale_says_whose_id_it_is_and_another_one_moves_it(
    shop: PushingShop,
) -> None:
    now = shop.clock.now()
    shop.stores.see_keys(UID, [StoreKeySighting(PLATFORM, "south", "South", "South", now)])
    pull(shop)
    pull(shop, Customer("7", first="Bea"), "south")
    shop.push(pos_user="7", member=a_member(phone=P1), location="South")
    bea = {p.first for p in shop.facts.shown(UID)}

    shop.clock.move(1)
    shop.push(pos_user="7", member=a_member(phone=P1), location="Main", pos_id="s2")

    assert bea == {"Bea"}
    assert {p.first for p in shop.facts.shown(UID)} == {"Ana"}


def test_a_changed_profile_by_webhook_is_the_pulled_shoppers_too(shop: PushingShop) -> None:
    pull(shop)
    worker = WebhookWorker(
        None,
        shop.commits,
        shop.clock,
        lambda typed: phone(typed, "US"),
        lambda typed: email(typed, frozenset()),
        PosScopes(shop.facts, shop.stores, shop.book),
    )

    worker.handle(
        WebhookMessage(
            UID, Platform(PLATFORM), "profile.changed", "e1", shop.clock.now(), "7", {"phone": P1}
        )
    )

    [persona] = shop.facts.shown(UID)
    assert set(persona.members) == {PULLED, PUSHED}


def test_a_contact_that_the_market_leaves_out_makes_nobody_by_its_id(shop: PushingShop) -> None:
    shop.rule(
        **{PLATFORM: Source(enroll_after=0, pushes=True, to_market=True, markets={SCOPE: "WA"})}
    )
    pull(shop, replace(LISTED, phone=P2, state="OR"))
    buy(shop)

    push(shop)

    [persona] = shop.facts.shown(UID)
    assert (persona.members, persona.points) == ((PUSHED,), 0)
