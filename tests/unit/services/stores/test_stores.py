"""Stores, mapping, and the one notification about unmapped keys (product.md §4)."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound, StaleVersion
from chalicelib.domain.mapping import MOST_KEYS_PER_STORE
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.ports.notifications import Notification
from chalicelib.services.ports.stores import StoreKeySighting
from chalicelib.services.stores.stores import SuggestedKey
from tests.fakes.common import NOON
from tests.fakes.retailer import ANN, OTHERS, OURS, Retailer

BALLARD, FREMONT = "posabit:venue:Ballard", "posabit:venue:Fremont"


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def see(shop: Retailer, *names: str, sales: int = 10, uid: str = OURS) -> None:
    shop.stores.see_keys(
        uid, [StoreKeySighting("posabit", "venue", name, None, NOON, sales) for name in names]
    )
    shop.store_service.refresh_unmapped(uid)


def create(shop: Retailer, name: str = "Green Leaf Ballard", **fields: object) -> int:
    return shop.store_service.create(OURS, {"name": name, **fields}, actor=ANN).id


def notice(shop: Retailer, uid: str = OURS) -> Notification | None:
    return next(iter(shop.notifications.open_for(uid)), None)


def test_a_store_is_created_with_the_next_number_and_audited(shop: Retailer) -> None:
    numbers = [create(shop, "Ballard", time_zone="America/Los_Angeles"), create(shop, "Fremont")]

    assert numbers == [1, 2]
    entry = shop.audited()[0]
    assert (entry.actor, entry.action, entry.subject) == (ANN, "store.created", "store:1")
    assert entry.after is not None
    assert entry.after["name"] == "Ballard"


@pytest.mark.parametrize("zone", ["Pacific Time (US & Canada)", "", "Mars/Olympus", "../etc"])
def test_an_unknown_time_zone_is_refused(shop: Retailer, zone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(shop, time_zone=zone)
    store = create(shop)
    with pytest.raises(InvalidInput):
        shop.store_service.change(OURS, store, 1, {"time_zone": zone}, actor=ANN)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert (fault["field"], fault["example"]) == ("time_zone", "America/Los_Angeles")


def test_a_change_is_audited_with_what_changed_only(shop: Retailer) -> None:
    store = create(shop, "Ballard")

    shop.store_service.change(OURS, store, 1, {"name": "Ballard", "state": "WA"}, actor=ANN)

    assert shop.audited()[-1].before == {"state": ""}
    assert shop.audited()[-1].after == {"state": "WA"}


def test_a_stale_change_is_refused(shop: Retailer) -> None:
    store = create(shop)
    shop.store_service.change(OURS, store, 1, {"state": "WA"}, actor=ANN)

    with pytest.raises(StaleVersion):
        shop.store_service.change(OURS, store, 1, {"state": "OR"}, actor=ANN)


def key_page(shop: Retailer) -> list[SuggestedKey]:
    return shop.store_service.key_page(OURS, 50, None)[0]


def test_the_likely_store_of_an_unmapped_key_is_suggested(shop: Retailer) -> None:
    ballard, fremont = create(shop, "Ballard"), create(shop, "Fremont")
    see(shop, "Ballard", "Fremont", "Warehouse")
    shop.store_service.map_keys(OURS, fremont, [FREMONT], 1, actor=ANN)

    suggested = {one.key.key: one.suggested_store for one in key_page(shop)}

    assert key_page(shop) == shop.store_service.keys(OURS)
    assert suggested == {"Ballard": ballard, "Fremont": None, "Warehouse": None}


def test_unmapped_keys_raise_one_notification_that_names_them(shop: Retailer) -> None:
    see(shop, "Ballard", sales=3)
    see(shop, "Fremont", sales=9)

    [raised] = shop.notifications.open_for(OURS)

    assert (raised.kind, raised.subject, raised.link) == (
        "unmapped_stores",
        "account",
        "/settings/stores",
    )
    assert raised.title == "You have unmapped stores: Fremont, Ballard. 12 sales wait for a store."
    assert raised.data == {"names": ["Fremont", "Ballard"], "sales": 12}
    assert notice(shop, OTHERS) is None


def test_the_notification_follows_the_mapping_and_clears_itself(shop: Retailer) -> None:
    store = create(shop)
    see(shop, "Ballard", "Fremont")

    shop.store_service.map_keys(OURS, store, [BALLARD], 1, actor=ANN)
    half = notice(shop)
    shop.store_service.map_keys(OURS, store, [BALLARD, FREMONT], 2, actor=ANN)
    none = notice(shop)
    shop.store_service.map_keys(OURS, store, [BALLARD], 3, actor=ANN)

    assert half is not None
    assert half.data == {"names": ["Fremont"], "sales": 10}
    assert none is None
    assert notice(shop) is not None


def test_mapping_queues_the_account_s_personas_and_is_audited(shop: Retailer) -> None:
    store = create(shop)
    see(shop, "Ballard", "Fremont")
    shop.store_service.map_keys(OURS, store, [BALLARD], 1, actor=ANN)
    shop.jobs.take()

    shop.store_service.map_keys(OURS, store, [FREMONT], 2, actor=ANN)

    assert [account_job(job).uid for job in shop.jobs.take()] == [OURS]
    assert shop.audited()[-1].before == {"keys": [BALLARD]}
    assert shop.audited()[-1].after == {"keys": [FREMONT]}


def test_saving_the_same_mapping_again_queues_again_and_audits_nothing(shop: Retailer) -> None:
    store = create(shop)
    see(shop, "Ballard")
    shop.store_service.map_keys(OURS, store, [BALLARD], 1, actor=ANN)
    entries = len(shop.audited())
    shop.jobs.take()

    shop.store_service.map_keys(OURS, store, [BALLARD], 2, actor=ANN)

    assert len(shop.jobs.take()) == 1
    assert len(shop.audited()) == entries


def test_a_key_of_another_store_is_refused_with_its_name(shop: Retailer) -> None:
    one, other = create(shop, "Ballard"), create(shop, "Fremont")
    see(shop, "Ballard")
    shop.store_service.map_keys(OURS, one, [BALLARD], 1, actor=ANN)
    shop.jobs.take()

    with pytest.raises(Conflict) as refused:
        shop.store_service.map_keys(OURS, other, [BALLARD], 1, actor=ANN)

    assert refused.value.message == (
        "This key is mapped to store 1, Ballard. Remove it there first."
    )
    assert refused.value.details == {"store_key": BALLARD, "store": one}
    assert shop.jobs.take() == []


def test_a_key_never_seen_is_not_found(shop: Retailer) -> None:
    store = create(shop)
    see(shop, "Ballard", uid=OTHERS)

    with pytest.raises(NotFound) as refused:
        shop.store_service.map_keys(OURS, store, [BALLARD], 1, actor=ANN)

    assert refused.value.details == {"store_key": BALLARD}


def test_a_store_takes_no_more_keys_than_one_transaction_holds(shop: Retailer) -> None:
    store = create(shop)

    with pytest.raises(InvalidInput):
        shop.store_service.map_keys(
            OURS, store, [str(n) for n in range(MOST_KEYS_PER_STORE + 1)], 1, actor=ANN
        )


def test_more_keys_than_may_come_and_go_at_once_are_refused_with_what_to_do(
    shop: Retailer,
) -> None:
    store = create(shop)
    see(shop, *(f"k{n:03d}" for n in range(120)))
    ids = [key.id for key in shop.stores.keys(OURS)]
    shop.store_service.map_keys(OURS, store, ids[:60], 1, actor=ANN)

    with pytest.raises(InvalidInput) as refused:
        shop.store_service.map_keys(OURS, store, ids[60:], 2, actor=ANN)
    shop.store_service.map_keys(OURS, store, ids[60:99], 2, actor=ANN)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert "first" in fault["reason"]


def test_another_time_zone_of_a_store_derives_everybody_again(shop: Retailer) -> None:
    """Sales have other local days; another name changes none."""
    store = shop.store_service.create(OURS, {"name": "Ballard"}, actor=ANN)
    shop.store_service.change(OURS, store.id, 1, {"name": "Ballard 2"}, actor=ANN)
    before = shop.jobs.take()

    shop.store_service.change(OURS, store.id, 2, {"time_zone": "America/New_York"}, actor=ANN)

    assert before == []
    [body] = shop.jobs.take()
    assert account_job(body).reason == "zone"
