"""*Sync to relevant market* leaves pulled contacts of other markets out (product.md §7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.records import Customer
from chalicelib.services.changes.wording import sentence
from chalicelib.services.derivation.compare import PersonaComparison
from chalicelib.services.integrations.markets import Markets
from chalicelib.services.integrations.settings import SettingsService
from chalicelib.services.ports.stores import StoreKeySighting
from tests.worlds.backroom import CREDENTIAL, PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import ago, apply, bought, in_force, members, points, preview, sell

ANA, BEN, CAL = "+12065550001", "+12065550002", "+12065550003"


def shopper(ext_id: str, first: str, phone: str, state: str | None, **more: Any) -> Customer:
    return Customer(ext_id, first=first, last="Reyes", phone=phone, state=state, **more)


def tell(room: Backroom, *customers: Customer) -> None:
    room.commits.commit(UID, PLATFORM, SCOPE, customers=customers)


def market(room: Backroom, name: str | None) -> None:
    held = room.credentials.get(UID, PLATFORM, CREDENTIAL)
    room.credentials.save(replace(held, market=name))


@pytest.fixture
def room() -> Backroom:
    """Ana of Washington, Ben of Oregon and Cal who tells no state bought; each earns 10 points."""
    made = Backroom()
    in_force(made, points_per_100=10_000, accrual_start=None)
    market(made, "WA")
    tell(
        made,
        shopper("1", "Ana", ANA, "Washington"),
        shopper("2", "Ben", BEN, "OR"),
        shopper("3", "Cal", CAL, None),
    )
    sell(made, *(bought(made, who, 1) for who in "123"))
    apply(made, enroll_after=ago(made, 5))
    return made


def test_who_is_of_another_market_is_no_persona_and_comes_back_when_it_is_turned_off(
    room: Backroom,
) -> None:
    """When enabled, AIQ will only sync contacts that belong to the region or state associated with
    the given credential."""
    assert points(room) == {"Ana": 1_000, "Ben": 1_000, "Cal": 1_000}
    before = {p.id: p for p in room.facts.shown(UID)}

    job = apply(room, sync_to_market=True)

    assert points(room) == {"Ana": 1_000, "Cal": 1_000}
    assert (job.state, job.left) == ("done", 1)
    assert len(room.facts.sale_rows) == 3, "their sales are kept"
    apply(room, sync_to_market=None)
    assert {p.id: p for p in room.facts.shown(UID)} == before


def test_its_preview_counts_whom_it_leaves_out_and_whom_it_takes_up_again(room: Backroom) -> None:
    on = preview(room, sync_to_market=True).counts
    apply(room, sync_to_market=True)
    off = preview(room, sync_to_market=None).counts

    assert (on.personas, on.lost, on.out_of_market, on.balances, on.points) == (3, 1, 1, 1, -1_000)
    assert (off.personas, off.enrolled, off.back_in_market, off.points) == (2, 1, 1, 1_000)


def test_the_preview_says_it_in_words(room: Backroom) -> None:
    made = preview(room, sync_to_market=True)

    assert sentence(made) == (
        "0 personas would be enrolled, 0 messages would be sent, 1 member would be lost;"
        " 1 balance would change, by -10 points in total; 1 contact of other markets would be left"
        " out"
    )


def test_it_is_only_changed_by_a_preview(room: Backroom) -> None:
    settings = SettingsService(
        pos=room.gateway,
        integrations=room.integrations,
        accounts=room.accounts,
        rules=room.rules,
        audit=room.audit,
        clock=room.clock,
    )
    version = room.integrations.get(UID, PLATFORM).version

    with pytest.raises(Conflict, match="Preview the change"):
        settings.change(UID, PLATFORM, version, {"sync_to_market": True}, actor="user:ann")


def test_what_is_pulled_later_is_filtered_too_and_who_moves_in_becomes_somebody(
    room: Backroom,
) -> None:
    apply(room, sync_to_market=True)
    tell(room, shopper("4", "Dee", "+12065550004", "Oregon"))
    outside = members(room)
    done = room.commits.commit(UID, PLATFORM, SCOPE, sales=[bought(room, "4", 1)])

    tell(room, shopper("4", "Dee", "+12065550004", "WA", updated_at=room.clock.now()))

    assert outside == {"Ana", "Cal"}
    assert done.out_of_market == 1
    assert members(room) == {"Ana", "Cal", "Dee"}
    assert points(room)["Dee"] == 1_000


def test_who_moves_out_leaves_and_is_counted_as_leaving(room: Backroom) -> None:
    apply(room, sync_to_market=True)
    moved = shopper("1", "Ana", ANA, "OR", updated_at=room.clock.now())

    done = room.commits.commit(UID, PLATFORM, SCOPE, customers=[moved])

    assert members(room) == {"Cal"}
    assert done.left == 1


def test_a_contact_without_a_state_is_of_its_stores(room: Backroom) -> None:
    apply(room, sync_to_market=True)
    store = room.store_service.create(UID, {"name": "Portland", "state": "Oregon"}, actor="ann")
    key = f"{PLATFORM}:{SCOPE}:{SCOPE}"
    room.stores.see_keys(UID, [StoreKeySighting(PLATFORM, SCOPE, SCOPE, "North", room.clock.now())])
    room.store_service.map_keys(UID, store.id, [key], store.version, actor="ann")
    room.work_off()
    in_oregon = members(room)
    held = room.stores.get(UID, store.id)
    room.store_service.change(UID, store.id, held.version, {"state": "WA"}, actor="ann")
    room.work_off()

    assert in_oregon == {"Ana"}
    assert members(room) == {"Ana", "Cal"}


def test_a_credential_without_a_market_takes_everyone(room: Backroom) -> None:
    market(room, None)

    apply(room, sync_to_market=True)

    assert members(room) == {"Ana", "Ben", "Cal"}


def test_another_market_of_the_credential_is_followed(room: Backroom) -> None:
    apply(room, sync_to_market=True)
    market(room, "Oregon")
    markets = Markets(room.rules, room.credentials, room.jobs)

    markets.refresh(UID, PLATFORM)
    markets.refresh(UID, PLATFORM)

    assert len(room.jobs.bodies) == 1
    room.work_off()
    assert members(room) == {"Ben", "Cal"}


def test_a_shopper_with_records_in_and_out_of_market_is_who_the_one_in_market_says(
    room: Backroom,
) -> None:
    room.commits.commit(
        UID, PLATFORM, "south", customers=[shopper("7", "Annie", ANA, "OR", updated_at=1)]
    )
    [both] = [p for p in room.facts.shown(UID) if p.phone == ANA]

    made = preview(room, sync_to_market=True).counts
    apply(room, sync_to_market=True)

    [ana] = [p for p in room.facts.shown(UID) if p.phone == ANA]
    assert len(both.members) == len(ana.members) == 2, "the scope south has no market"
    assert made.lost == 1


def test_an_opt_out_of_a_contact_that_is_left_out_still_counts(room: Backroom) -> None:
    apply(room, sync_to_market=True)
    tell(room, shopper("2", "Ben", BEN, "OR", sms_consent="no", updated_at=room.clock.now()))

    flags = room.effects.flags.values()
    assert [(flag.contact, flag.value) for flag in flags] == [(BEN, "no")]


def test_the_nightly_comparison_finds_no_drift(room: Backroom) -> None:
    apply(room, sync_to_market=True)
    ids, _ = room.personas.in_turn(UID, 100, None)

    compared = PersonaComparison(room.facts, room.terms).compare(UID, ids)

    assert len(ids) == 3, "the two personas, and who is out of market"
    assert compared.differing == frozenset()
