"""Stores, store keys, mappings and inventory: the fake and the table keep the same promises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo import stores as stores_adapter
from chalicelib.adapters.dynamo.inventories import DynamoInventories
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreKeyRow, StoreRow
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.records import InventoryItem
from chalicelib.services.ports.stores import Inventories, Store, StoreKeySighting, Stores
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON
from tests.fakes.stores import MemoryInventories, MemoryStores

OURS, OTHERS = "3912", "4000"
TABLE = "stores-under-test"
BALLARD = store_key_id("posabit", "venue-1", "Ballard")
FREMONT = store_key_id("posabit", "venue-2", "Fremont")


@dataclass
class Repositories:
    stores: Stores
    inventories: Inventories


@pytest.fixture(params=["fake", "table"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    if request.param == "fake":
        yield Repositories(MemoryStores(), MemoryInventories())
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        repositories = Repositories(DynamoStores(TABLE), DynamoInventories(TABLE))
        StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield repositories


def a_store(name: str = "Ballard", **changes: object) -> Store:
    return replace(Store(uid=OURS, id=0, name=name), **changes)  # type: ignore[arg-type]


def seen(key: str = "Ballard", at: int = NOON, **changes: object) -> StoreKeySighting:
    scope = {"Ballard": "venue-1", "Fremont": "venue-2"}.get(key, "venue-9")
    base = StoreKeySighting("posabit", scope, key, None, at)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_an_endless_store_key_is_kept_and_mapped_like_any_other(rows: Repositories) -> None:
    endless = [seen(key="店" * 499 + end) for end in "ab"]
    rows.stores.see_keys(OURS, endless)
    store = rows.stores.create(a_store())

    ids = [store_key_id(s.platform, s.scope, s.key) for s in endless]
    rows.stores.map_keys(OURS, store.id, ids, version=store.version)

    assert {key.key: key.store for key in rows.stores.keys(OURS)} == {
        s.key: store.id for s in endless
    }


def test_keys_are_paged_by_id_without_loss_or_doubling(rows: Repositories) -> None:
    rows.stores.see_keys(OURS, [seen(f"key {n}") for n in range(7)])
    rows.stores.see_keys(OTHERS, [seen("Fremont")])
    rows.stores.create(a_store())

    shown: list[str] = []
    position: str | None = None
    for _ in range(3):
        page, position = rows.stores.key_page(OURS, 3, position)
        shown += [key.key for key in page]

    assert shown == [f"key {n}" for n in range(7)]
    assert position is None


def test_hundreds_of_keys_seen_at_once_are_all_recorded(rows: Repositories) -> None:
    many = [seen(f"till {n:03d}", sales=n) for n in range(100)]

    rows.stores.see_keys(OURS, many)
    rows.stores.see_keys(OURS, many)

    assert {key.key: key.sales for key in rows.stores.keys(OURS)} == {s.key: s.sales for s in many}


def test_the_keys_of_one_store_and_those_of_none_are_read_alone(rows: Repositories) -> None:
    rows.stores.see_keys(OURS, [seen("Ballard"), seen("Fremont"), seen("other")])
    store = rows.stores.create(a_store())
    rows.stores.map_keys(OURS, store.id, [BALLARD], version=1)

    assert [key.id for key in rows.stores.keys_of(OURS, store.id)] == [BALLARD]
    assert [key.key for key in rows.stores.keys_of(OURS, None)] == ["Fremont", "other"]


def test_stores_are_numbered_per_account_from_one(rows: Repositories) -> None:
    made = [rows.stores.create(a_store(uid=uid)).id for uid in (OURS, OURS, OTHERS, OURS)]

    assert made == [1, 2, 1, 3]


def test_a_store_is_read_as_it_was_created(rows: Repositories) -> None:
    store = a_store(
        nickname="Bal",
        address="1 Market St",
        state="WA",
        country="US",
        time_zone="America/Los_Angeles",
        phone="+12065550100",
    )

    created = rows.stores.create(store)

    assert created == replace(store, id=1, version=1)
    assert rows.stores.get(OURS, 1) == created
    assert rows.stores.for_account(OURS) == [created]


def test_a_store_is_listed_by_number_beyond_nine(rows: Repositories) -> None:
    for _ in range(11):
        rows.stores.create(a_store())

    assert [store.id for store in rows.stores.for_account(OURS)] == list(range(1, 12))


def test_a_stale_store_is_not_saved(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    renamed = rows.stores.save(replace(store, name="Ballard North", time_zone=None))

    with pytest.raises(StaleVersion):
        rows.stores.save(replace(store, name="Late"))

    assert renamed.version == 2
    assert rows.stores.get(OURS, store.id) == renamed


def test_a_store_of_another_account_is_not_there(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen()])

    with pytest.raises(NotFound):
        rows.stores.get(OTHERS, store.id)
    with pytest.raises(NotFound):
        rows.stores.save(replace(store, uid=OTHERS))
    with pytest.raises(NotFound):
        rows.stores.map_keys(OTHERS, store.id, [BALLARD], version=1)
    assert rows.stores.keys(OTHERS) == []
    assert rows.stores.for_account(OTHERS) == []


def test_a_key_is_recorded_when_first_seen(rows: Repositories) -> None:
    rows.stores.see_keys(OURS, [seen(sales=3, time_zone="America/Los_Angeles")])

    [key] = rows.stores.keys(OURS)

    assert (key.id, key.platform, key.scope, key.key) == (BALLARD, "posabit", "venue-1", "Ballard")
    assert (key.name, key.sales, key.store) == ("Ballard", 3, None)
    assert (key.first_seen, key.last_seen, key.time_zone) == (NOON, NOON, "America/Los_Angeles")


def test_a_name_once_known_stays(rows: Repositories) -> None:
    rows.stores.see_keys(OURS, [seen(name="Green Leaf Ballard")])
    rows.stores.see_keys(OURS, [seen(sales=1)])

    assert rows.stores.keys(OURS)[0].name == "Green Leaf Ballard"


@pytest.mark.parametrize("at_once", [True, False])
def test_first_and_last_seen_do_not_depend_on_the_order_of_sightings(
    rows: Repositories, at_once: bool
) -> None:
    sightings = [seen(at=NOON + o, sales=o) for o in (0, 5, -7, 2, -7, 9, 9, -1)]
    random.Random(7).shuffle(sightings)

    if at_once:
        rows.stores.see_keys(OURS, sightings)
    else:
        for sighting in sightings:
            rows.stores.see_keys(OURS, [sighting])

    [key] = rows.stores.keys(OURS)
    assert (key.first_seen, key.last_seen, key.sales) == (NOON - 7, NOON + 9, 9)


@pytest.mark.parametrize("rows", ["table"], indirect=True)
@pytest.mark.parametrize("between", range(1, 6))
def test_workers_that_see_a_key_at_the_same_time_lose_nothing(
    rows: Repositories, monkeypatch: pytest.MonkeyPatch, between: int
) -> None:
    rows.stores.see_keys(OURS, [seen(at=NOON, sales=1)])
    write, writes = stores_adapter.update_if, 0

    def write_after_another_worker(*arguments: Any) -> bool:
        nonlocal writes
        writes += 1
        if writes == between:
            rows.stores.see_keys(OURS, [seen(at=NOON - 9, sales=10), seen(at=NOON + 9)])
        return write(*arguments)

    monkeypatch.setattr(stores_adapter, "update_if", write_after_another_worker)
    rows.stores.see_keys(OURS, [seen(at=NOON - 5, sales=100), seen(at=NOON + 5)])
    rows.stores.see_keys(OURS, [seen(at=NOON - 7, sales=1000)])

    [key] = rows.stores.keys(OURS)
    assert (key.first_seen, key.last_seen, key.sales) == (NOON - 9, NOON + 9, 1000)


def test_a_key_seen_in_order_costs_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def count(row: StoreKeyRow, *_: object) -> bool:
        written.append(row.sk)
        return True

    monkeypatch.setattr(stores_adapter, "update_if", count)

    DynamoStores(TABLE).see_keys(OURS, [seen(at=NOON + n, sales=1) for n in range(500)])

    assert written == [f"STOREKEY#{BALLARD}"]


def test_a_mapping_is_replaced_as_a_whole(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen(), seen("Fremont")])
    both = rows.stores.map_keys(OURS, store.id, [BALLARD, FREMONT], version=store.version)

    one = rows.stores.map_keys(OURS, store.id, [FREMONT], version=both.version)

    assert (both.version, one.version) == (2, 3)
    assert rows.stores.mapping(OURS) == {FREMONT: store.id}
    assert [key.store for key in rows.stores.keys(OURS)] == [None, store.id]


def test_mapping_the_same_keys_again_changes_only_the_version(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen()])
    rows.stores.map_keys(OURS, store.id, [BALLARD], version=1)

    rows.stores.map_keys(OURS, store.id, [BALLARD], version=2)

    assert rows.stores.mapping(OURS) == {BALLARD: store.id}


def test_a_key_of_another_store_is_refused_by_name_and_nothing_changes(rows: Repositories) -> None:
    one, other = rows.stores.create(a_store()), rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen(), seen("Fremont")])
    rows.stores.map_keys(OURS, one.id, [BALLARD], version=1)

    with pytest.raises(Conflict) as refused:
        rows.stores.map_keys(OURS, other.id, [FREMONT, BALLARD], version=1)

    assert refused.value.details == {"store_key": BALLARD, "store": one.id}
    assert rows.stores.mapping(OURS) == {BALLARD: one.id}
    assert rows.stores.get(OURS, other.id).version == 1


def test_an_unseen_key_is_not_found_and_nothing_changes(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen()])

    with pytest.raises(NotFound) as refused:
        rows.stores.map_keys(OURS, store.id, [BALLARD, FREMONT], version=1)

    assert refused.value.details == {"store_key": FREMONT}
    assert rows.stores.mapping(OURS) == {}
    assert len(rows.stores.keys(OURS)) == 1


def test_a_mapping_at_a_stale_version_is_refused(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen()])
    rows.stores.save(store)

    with pytest.raises(StaleVersion):
        rows.stores.map_keys(OURS, store.id, [BALLARD], version=1)

    assert rows.stores.mapping(OURS) == {}


def test_seeing_a_mapped_key_again_keeps_its_store(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    rows.stores.see_keys(OURS, [seen()])
    rows.stores.map_keys(OURS, store.id, [BALLARD], version=1)

    rows.stores.see_keys(OURS, [seen(at=NOON + 1, sales=4)])

    assert rows.stores.mapping(OURS) == {BALLARD: store.id}


def test_fifty_keys_move_in_one_transaction(rows: Repositories) -> None:
    store = rows.stores.create(a_store())
    names = [f"Register {n}" for n in range(50)]
    rows.stores.see_keys(OURS, [seen(name) for name in names])

    rows.stores.map_keys(OURS, store.id, [key.id for key in rows.stores.keys(OURS)], version=1)

    assert len(rows.stores.mapping(OURS)) == 50


def an_item(number: int, **changes: object) -> InventoryItem:
    base = InventoryItem(
        f"item-{number:03d}", "Ballard", f"Product {number}", "3.5", "USD", price=1250
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_inventory_is_listed_page_by_page(rows: Repositories) -> None:
    items = [an_item(number) for number in range(60)]
    items[1] = replace(items[1], quantity="", flags=frozenset(("bad_quantity",)))
    rows.inventories.put(OURS, "posabit", "venue-1", [*items, an_item(0)])

    first, following = rows.inventories.page(OURS, BALLARD, 40, None)
    second, end = rows.inventories.page(OURS, BALLARD, 40, following)

    assert first + second == items
    assert end is None
    assert rows.inventories.page(OTHERS, BALLARD, 40, None) == ([], None)


def test_the_last_page_that_is_just_full_says_so(rows: Repositories) -> None:
    rows.inventories.put(OURS, "posabit", "venue-1", [an_item(1), an_item(2)])

    assert rows.inventories.page(OURS, BALLARD, 2, None)[1] is None


def test_an_item_gone_from_the_listing_turns_inactive_and_may_come_back(rows: Repositories) -> None:
    rows.inventories.put(OURS, "posabit", "venue-1", [an_item(1), an_item(2)])
    rows.inventories.deactivate(
        OURS, "posabit", "venue-1", [("Ballard", "item-001"), ("Ballard", "never-seen")]
    )

    gone, _ = rows.inventories.page(OURS, BALLARD, 10, None)
    rows.inventories.put(OURS, "posabit", "venue-1", [an_item(1)])
    back, _ = rows.inventories.page(OURS, BALLARD, 10, None)

    assert [item.active for item in gone] == [False, True]
    assert [item.active for item in back] == [True, True]
