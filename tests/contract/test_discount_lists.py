"""POSaBIT's own list of discounts, read as its profile says (reference: coupons, DOC)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.discounts import Discount
from chalicelib.domain.errors import AiqError, CallsStopped
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.words import Uid
from chalicelib.pos.gateway import Gateway
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.job_messages.account_jobs import DiscountListsMessage
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.pos import CredentialAccess
from chalicelib.services.rewards.pos_lists import ReadDiscountLists
from simulators.posabit import PosabitServer
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from simulators.retailer.zones import HOUR, parse_instant
from tests.fakes.common import FakeClock, PlainBox
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations
from tests.worlds.rewards import RewardedShop
from tests.worlds.shop import UID

NOW = parse_instant("2026-11-22T00:00:00Z") or 0


@pytest.fixture
def server() -> Iterator[PosabitServer]:
    world = World(WorldSpec(now=NOW, shoppers=30, sales=10, products=5, old_lots=5))
    with PosabitServer(world, clock=lambda: NOW + HOUR) as running:
        yield running


def gateway(server: PosabitServer) -> Gateway:
    token = server.world.integrator_token
    return Gateway(FakeClock(), {"posabit": server.base_url}, lambda _: token)


def access(server: PosabitServer, permit: Any = do_nothing) -> CredentialAccess:
    venue = server.world.venues[0]
    fields = {"store_name": venue.name, "key": venue.token}
    return CredentialAccess("posabit", fields, venue.code, permit=permit)


def active_discounts(server: PosabitServer) -> set[NamedDiscount]:
    rows = server.world.shops[0].coupons.rows()
    return {NamedDiscount(row.name, str(row.id)) for row in rows if row.active}


def test_the_active_ones_are_listed_by_id_and_name_over_all_pages(server: PosabitServer) -> None:
    reader = gateway(server).open_discounts(access(server))
    assert reader is not None

    found = reader.discounts()
    reader._listing = reader._listing.model_copy(update={"params": {"per_page": "1"}})
    by_ones = reader.discounts()
    reader.close()

    assert set(found) == active_discounts(server) != set()
    assert set(by_ones) <= set(found)
    assert len(by_ones) == min(20, len(found)) or set(by_ones) == set(found)


def test_a_pos_without_a_list_has_none_and_a_stopped_source_is_not_asked(
    server: PosabitServer,
) -> None:
    def stop() -> None:
        raise CallsStopped("frozen")

    other = replace(access(server), platform="profitek", fields={"host": "127.0.0.1"})
    with_list = gateway(server).open_discounts(access(server, stop))

    assert gateway(server).open_discounts(other) is None
    assert with_list is not None
    with pytest.raises(AiqError):
        with_list.discounts()


def reading(shop: RewardedShop, server: PosabitServer, state: str) -> ReadDiscountLists:
    integrations, credentials, ring = MemoryIntegrations(), MemoryCredentials(), KeyRing(PlainBox())
    integrations.save(Integration(UID, "posabit", state=state))
    told = access(server)
    sealed = ring.seal(UID, "crd_1", {"key": told.fields["key"]}).sealed
    fields = {"store_name": told.fields["store_name"]}
    credentials.add(Credential(UID, "posabit", "crd_1", told.scope, fields, sealed))
    return ReadDiscountLists(
        discounts=shop.discounts,
        names=shop.names,
        pos=gateway(server),
        gateway=gateway(server),
        credentials=credentials,
        accounts=shop.accounts,
        permits=SourcePermits(integrations, shop.clock),
        key_ring=ring,
        clock=shop.clock,
    )


def test_a_discount_is_mirrored_before_any_sale_shows_it(server: PosabitServer) -> None:
    shop, name = RewardedShop(), min(active_discounts(server)).name
    made = shop.discount(name.upper(), 70, amount_off=500)

    def state() -> tuple[str, str | None]:
        return mirror(shop, made)

    before = state()
    message = DiscountListsMessage(Uid(UID))
    assert shop.list_jobs.bodies[-1] == message.body(), "it is looked for at once"

    assert reading(shop, server, "connected").handle(message, lambda: True) == 1

    assert (before[0], state()[0]) == ("missing", "mirrored")


def mirror(shop: RewardedShop, made: Discount) -> tuple[str, str | None]:
    listed = {each.discount.id: each for each in shop.discount_service.all_discounts(Uid(UID))}
    return listed[made.id].mirrors["posabit"]


def test_the_list_finds_a_twin_by_the_id_that_is_set_whatever_its_name(
    server: PosabitServer,
) -> None:
    shop, (twin, other, *_) = RewardedShop(), sorted(active_discounts(server))
    linked = shop.discount("Five dollars less", 70, amount_off=500, pos_ids={"posabit": twin.id})
    wrong = shop.discount(other.name, 80, amount_off=600, pos_ids={"posabit": "1"})

    reading(shop, server, "connected").handle(DiscountListsMessage(Uid(UID)), lambda: True)

    assert mirror(shop, linked) == ("mirrored", twin.name)
    assert mirror(shop, wrong) == ("missing", None), "another of the same name is not its twin"


def test_a_frozen_source_is_not_asked(server: PosabitServer) -> None:
    shop = RewardedShop()
    message = DiscountListsMessage(Uid(UID))

    assert reading(shop, server, "frozen").handle(message, lambda: True) == 0
    assert shop.names.discounts(Uid(UID)) == {}
