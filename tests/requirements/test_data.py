"""What a retailer asks once data flows (articles, "FAQs"): a simulated POS, synced in process."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints import wiring
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.derivation.rederive import Remapper
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.personas.personas import PersonaService
from simulators import oracle
from tests.contract.retailer import DAY, Retailer, a_retailer
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.pos import FakePosGateway
from tests.fakes.texting import MemoryTexts
from tests.functional.gateway import World
from tests.requirements.cards import PLATFORMS, card
from tests.worlds.backroom import UID

PERSONAS = f"/api/accounts/{UID}/personas"


def a_small_retailer(platform: str) -> Any:
    return a_retailer(platform=platform, shoppers=60, sales=150)


def shown(retailer: Retailer, world: World, monkeypatch: pytest.MonkeyPatch, **query: str) -> Any:
    """The Personas page of the retailer, through the API."""
    room = retailer.room
    listing = MemoryPersonaList(room.facts)
    terms = TermsReader(room.accounts, room.stores, room.rules, room.clock)
    lookup = PersonaLookup(room.facts, terms)
    service = PersonaService(
        room.facts, listing, room.stores, lookup, dict, lambda typed: typed, MemoryTexts()
    )
    monkeypatch.setattr(wiring.personas, "personas", lambda: service)
    got = world.gateway("Owner", UID).get(PERSONAS, limit=200, **query)
    assert got.status == 200, got.text
    return got.json["items"]


def notice(retailer: Retailer, kind: str) -> Any:
    """The one open notification of this kind, or None."""
    found = [n for n in retailer.room.notifications.open_for(UID) if n.kind == kind]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize("platform", PLATFORMS)
def test_after_the_first_sync_all_there_is_to_see_is_here(platform: str) -> None:
    """How long does it take before I start to see my POS data in AIQ?

    Within 24 hours, you should see data populating in AIQ
    """
    with a_small_retailer(platform) as retailer:
        begun = retailer.room.clock.now()

        retailer.sync()

        assert retailer.told() == retailer.truth()
        assert retailer.room.facts.personas
        assert retailer.room.clock.now() - begun < DAY


@pytest.mark.parametrize("platform", PLATFORMS)
def test_pulled_shoppers_are_sourced_from_their_platform(
    world: World, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """How can I confirm that the integration is active and signups are being sent?

    Look under your Personas page in AIQ. The integration is functioning properly if you see
    "{platform}" under the Sourced from column
    """
    with a_small_retailer(platform) as retailer:
        before = shown(retailer, world, monkeypatch)

        retailer.sync()

        after = shown(retailer, world, monkeypatch)
        others = {name for name in PLATFORMS if name != platform}
        assert before == []
        assert len(after) == len(retailer.room.facts.personas) > 0
        assert {tuple(persona["sources"]) for persona in after} == {(platform,)}
        assert shown(retailer, world, monkeypatch, source=platform) == after
        assert not any(shown(retailer, world, monkeypatch, source=name) for name in others)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_unmapped_stores_are_told_of_until_mapping_gives_shoppers_their_favourite(
    platform: str,
) -> None:
    """I am getting an account notification that I have unmapped stores, how can I fix this?

    Once you see data coming through AIQ, you must "map" the API key to the store(s) to assign a
    "favorite store" to the shopper. See How to Map a Store above for directions on how to
    accomplish this.
    """
    with a_small_retailer(platform) as retailer:
        room = retailer.room
        retailer.sync()
        told = notice(retailer, "unmapped_stores")
        unmapped = {persona.favourite_store for persona in room.facts.personas.values()}
        keys = room.stores.keys(UID)

        for key in keys:
            store = room.store_service.create(UID, {"name": key.name}, actor="user:ann")
            room.store_service.map_keys(UID, store.id, [key.id], 1, actor="user:ann")
        for body in room.jobs.take():
            remapper = Remapper(room.commits, MemoryPersonaList(room.facts), room.jobs)
            remapper.handle(account_job(body), lambda: True)

        assert all(key.name in told.title for key in keys)
        assert told.what_to_do.startswith(
            "Go to Settings -> Company Account > Retail Store, click Edit on the store, and choose"
            " its key under Store Mappings."
        )
        assert told.link == "/settings/stores"
        assert unmapped == {None}
        assert notice(retailer, "unmapped_stores") is None
        mapped = {store for _, store in favourites(retailer)} - {None}
        assert favourites(retailer) == right_favourites(retailer)
        assert mapped


def favourites(retailer: Retailer) -> set[tuple[frozenset[str], str | None]]:
    """Each persona's records with the POS's key of its favourite store."""
    room = retailer.room
    keys = {key.store: key.key for key in room.stores.keys(UID)}
    return {
        (
            frozenset(room.facts.records[UID, rid].record.customer.ext_id for rid in one.members),
            keys.get(one.favourite_store),
        )
        for one in room.facts.personas.values()
    }


def right_favourites(retailer: Retailer) -> set[tuple[frozenset[str], str | None]]:
    answer = oracle.answer(retailer.server.world, retailer.history_from)
    return {
        (frozenset(ext_id for _, ext_id in group["records"]), group["favourite"])
        for group in answer["groups"]
    }


def test_sales_that_name_nobody_are_kept_counted_and_explained() -> None:
    """Help! Shoppers sales are not appearing in their persona!

    Auphan may not have the data available to link a sale to a shopper.
    """
    with a_small_retailer("auphan") as retailer:
        [run] = retailer.sync()

        unlinked = [s for s in retailer.room.facts.sale_rows.values() if s.record is None]
        told = notice(retailer, "many_unlinked_sales")
        assert run.sales_unlinked == len(unlinked) == retailer.truth()["unlinked"] > 0
        assert f"{run.sales_unlinked} of " in told.title
        assert told.what_to_do.startswith(
            "Auphan may not have the data available to link a sale to a shopper."
        )


def test_thsuite_is_read_and_never_written_to(world: World, pos: FakePosGateway) -> None:
    """Why are the changes I am making in AIQ not being reflected in THSuite?

    AIQ currently only has a read-only integration with THSuite. This means that we can pull in
    transactional, shopper and inventory data into AIQ but we cannot push anything.
    """
    with a_small_retailer("thsuite") as retailer:
        retailer.sync()
        runs = retailer.sync()

        facts, asked = retailer.room.facts, retailer.server.stats.as_dict()
        items = [
            item for shelf in retailer.room.inventories.items.values() for item in shelf.values()
        ]
        assert {run.state for run in runs} == {"succeeded"}
        assert facts.records
        assert facts.sale_rows
        assert items
        assert set(asked["resources"]) == {"customers", "transactions", "inventory"}
        assert asked["writes"] == 0

    shown_card = card(world.gateway("Owner"), "thsuite")
    assert shown_card["capabilities"]["writable"] is False
    assert "sync_personas" not in {setting["key"] for setting in shown_card["settings"]}
