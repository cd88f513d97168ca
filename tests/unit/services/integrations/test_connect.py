"""The box, *Connect*, *Disconnect*, and what the cards show (product.md §3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.integration_states import AGE_GATE_LABEL
from chalicelib.services.ports.integrations import AgeGate, Integration
from tests.fakes.common import NOON
from tests.fakes.retailer import ANN, OTHERS, OURS, Retailer


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def state(shop: Retailer, uid: str = OURS) -> str:
    return shop.cards.get(uid, "posabit").integration.state


def test_the_box_has_the_seed_s_label() -> None:
    assert AGE_GATE_LABEL == (
        "Required All users from this source have passed an age gate compliant with my industry"
    )


def test_who_ticked_the_box_and_when_is_kept(shop: Retailer) -> None:
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)
    shop.clock.move(60)
    shop.connecting.tick_age_gate(OURS, "posabit", actor="user:bob")

    assert shop.integrations.get(OURS, "posabit") == Integration(
        OURS, "posabit", age_gate=AgeGate(ANN, NOON), version=1
    )
    assert [(entry.actor, entry.action) for entry in shop.audited()] == [(ANN, "age_gate.ticked")]


def test_unticking_does_nothing_else(shop: Retailer) -> None:
    shop.add_credential()
    shop.connect()

    integration = shop.connecting.untick_age_gate(OURS, "posabit", actor=ANN)

    assert (integration.age_gate, integration.state) == (None, "connected")
    assert shop.sync.stopped == []
    assert shop.audited()[-1].action == "age_gate.unticked"


def test_connecting_needs_a_credential(shop: Retailer) -> None:
    with pytest.raises(Conflict, match="Add Credential"):
        shop.connect()

    assert state(shop) == "draft"


def test_connecting_needs_the_box_where_the_grid_says_so(shop: Retailer) -> None:
    shop.add_credential()

    with pytest.raises(Conflict, match="Scroll down to the Loyalty section"):
        shop.connecting.connect(OURS, "posabit", actor=ANN)

    assert state(shop) == "draft"
    assert shop.sync.started == []


def test_connecting_needs_no_box_where_the_grid_says_before_any_sms(shop: Retailer) -> None:
    given = {"store_name": "Kitsilano", "auth_key": "a1b2c3d4e5f6"}
    shop.credential_service.add(OURS, "profitek", given, None, actor=ANN)

    integration = shop.connecting.connect(OURS, "profitek", actor=ANN)

    assert integration.state == "connected"


def test_connecting_starts_every_credential_at_once(shop: Retailer) -> None:
    ids = [shop.add_credential("Ballard"), shop.add_credential("Fremont")]

    shop.connect()

    assert state(shop) == "connected"
    assert shop.sync.started == [(OURS, "posabit", credential, "connect") for credential in ids]
    assert [shop.credentials.get(OURS, "posabit", c).next_sync_at for c in ids] == [NOON, NOON]
    assert shop.audited()[-1].after == {"state": "connected", "age_gate": True}


def test_a_credential_added_in_the_moment_of_connecting_is_started_too(
    shop: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add_credential()
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)
    save, added = shop.integrations.save, []

    def slow(integration: Integration) -> Integration:
        added.append(shop.add_credential("Fremont", "vt_another"))
        return save(integration)

    monkeypatch.setattr(shop.integrations, "save", slow)
    shop.connecting.connect(OURS, "posabit", actor=ANN)

    assert shop.credentials.get(OURS, "posabit", added[0]).next_sync_at == NOON
    assert added[0] in str(shop.sync.started)


def test_connecting_again_is_harmless(shop: Retailer) -> None:
    shop.add_credential()
    shop.connect()
    entries = len(shop.audited())
    shop.clock.move(60)

    again = shop.connecting.connect(OURS, "posabit", actor=ANN)

    assert (again.state, again.version, again.connected_at) == ("connected", 2, NOON)
    assert len(shop.sync.started) == 1
    assert len(shop.audited()) == entries


def test_when_queueing_fails_the_schedule_finds_the_credential(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.sync.broken = ConnectionError("no queue")

    with pytest.raises(ConnectionError):
        shop.connect()

    assert shop.credentials.get(OURS, "posabit", credential).next_sync_at == NOON


def test_disconnecting_keeps_data_and_stops_calls(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.connect()

    shop.connecting.disconnect(OURS, "posabit", actor=ANN)

    held = shop.credentials.get(OURS, "posabit", credential)
    assert state(shop) == "disconnected"
    assert (held.next_sync_at, held.scope) == (None, "venue-Ballard")
    assert held.sealed
    assert shop.sync.stopped == [(OURS, "posabit", credential)]


def test_reconnecting_goes_on_where_it_stopped(shop: Retailer) -> None:
    credential = shop.add_credential()
    shop.connect()
    shop.connecting.disconnect(OURS, "posabit", actor=ANN)
    shop.clock.move(3600)

    shop.connecting.connect(OURS, "posabit", actor=ANN)

    held = shop.credentials.get(OURS, "posabit", credential)
    assert held.next_sync_at == NOON + 3_600_000
    assert len(shop.sync.started) == 2


def test_a_frozen_source_cannot_be_connected_over(shop: Retailer) -> None:
    shop.add_credential()
    shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN)
    held = shop.integrations.rows[OURS, "posabit"]
    shop.integrations.save(replace(held, state="frozen"))

    with pytest.raises(Conflict, match="last backup"):
        shop.connecting.connect(OURS, "posabit", actor=ANN)


def test_a_draft_cannot_be_disconnected(shop: Retailer) -> None:
    with pytest.raises(Conflict, match="never connected"):
        shop.connecting.disconnect(OURS, "posabit", actor=ANN)


def test_a_write_in_between_is_read_again(shop: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    save, refusals = shop.integrations.save, [1, 1]

    def refuse_twice(integration: Integration) -> Integration:
        if refusals:
            refusals.pop()
            raise StaleVersion("somebody was first")
        return save(integration)

    monkeypatch.setattr(shop.integrations, "save", refuse_twice)

    assert shop.connecting.tick_age_gate(OURS, "posabit", actor=ANN).version == 1


def test_an_unknown_platform_is_not_found(shop: Retailer) -> None:
    for act in (shop.connecting.connect, shop.connecting.disconnect, shop.connecting.tick_age_gate):
        with pytest.raises(NotFound):
            act(OURS, "sixth-pos", actor=ANN)


def test_a_card_says_what_is_left_to_do(shop: Retailer) -> None:
    empty = shop.cards.get(OURS, "posabit").to_do
    shop.add_credential()
    half = shop.cards.get(OURS, "posabit").to_do
    shop.connect()

    assert [len(empty), len(half), len(shop.cards.get(OURS, "posabit").to_do)] == [2, 1, 0]


def test_a_card_shows_the_latest_good_run_and_the_next_sync(shop: Retailer) -> None:
    for name, good_at, next_at in (("Ballard", NOON, NOON + 9), ("Fremont", NOON + 1, NOON + 5)):
        shop.credentials.record_run(
            OURS,
            "posabit",
            shop.add_credential(name),
            run_id="run_1",
            good_at=good_at,
            error=None,
            failures_in_a_row=0,
            stopped=None,
            next_sync_at=next_at,
        )

    card = shop.cards.get(OURS, "posabit")

    assert (card.last_sync_at, card.next_sync_at) == (NOON + 1, NOON + 5)


def test_every_platform_has_a_card_and_other_accounts_show_on_none(shop: Retailer) -> None:
    shop.add_credential(uid=OTHERS)
    shop.connect(OTHERS)

    cards = shop.cards.all(OURS)

    assert [card.info.title for card in cards] == ["POSaBIT", "Profitek"]
    assert [card.integration.state for card in cards] == ["draft", "draft"]
    assert all(card.credentials == () for card in cards)
    assert cards[0].last_sync_at is None
