"""Stores, store keys and mappings through the API (product.md §4, §15)."""

from __future__ import annotations

from typing import Any

import boto3
import orjson
import pytest

from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.entrypoints import wiring
from chalicelib.services.job_messages.account_jobs import account_job
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.common import NOON
from tests.functional.gateway import OURS, THEIRS, Gateway, Got, World

ACCOUNT = f"/api/accounts/{OURS}"
STORES, KEYS = f"{ACCOUNT}/stores", f"{ACCOUNT}/store-keys"
BALLARD, FREMONT = "posabit:venue:Ballard", "posabit:venue:Fremont"
WAREHOUSE = "posabit:venue:Warehouse"


@pytest.fixture(autouse=True)
def table(jobs: str) -> None:
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)


def create(api: Gateway, name: str = "Ballard", **fields: object) -> Any:
    got = api.post(STORES, {"name": name, **fields})
    assert got.status == 201, got.text
    return got.json


def see(*names: str, uid: str = OURS) -> None:
    wiring.outside.stores().see_keys(
        uid, [StoreKeySighting("posabit", "venue", name, None, NOON, 10) for name in names]
    )
    wiring.stores.store_service().refresh_unmapped(uid)


def queued(url: str) -> list[Any]:
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [orjson.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_store_keys_come_in_pages(api: Gateway) -> None:
    see(*(f"key {n}" for n in range(5)))

    first = api.get(KEYS, limit=3).json
    rest = api.get(KEYS, limit=3, cursor=first["next_cursor"]).json

    assert [key["key"] for key in first["items"] + rest["items"]] == [f"key {n}" for n in range(5)]
    assert rest["next_cursor"] is None


def test_a_store_is_created_read_listed_and_changed(api: Gateway) -> None:
    fields = {
        "nickname": "Bal",
        "address": "5400 Ballard Ave NW",
        "state": "WA",
        "country": "US",
        "time_zone": "America/Los_Angeles",
        "phone": "+1 206 555 0100",
    }
    created = create(api, **fields)

    changed = api.patch(f"{STORES}/1", {"nickname": "", "phone": ""}, if_match='"1"')
    stale = api.patch(f"{STORES}/1", {"nickname": "x"}, if_match='"1"')

    assert created == {"id": 1, "name": "Ballard", "version": 1, **fields}
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json == created | {"nickname": "", "phone": "", "version": 2}
    assert stale.status == 412
    assert api.get(f"{STORES}/1").json == changed.json
    assert api.get(STORES).json["items"] == [changed.json]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u0007b"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "x", "nickname": "a\u200bb"}, "nickname"),
        ({"name": "x", "state": "W\u2066A"}, "state"),
        ({"name": "x", "address": "5400 Ballard\u2028Ave"}, "address"),
        ({"name": 5}, "name"),
        ({"name": "x", "time_zone": "Pacific Time (US & Canada)"}, "time_zone"),
        ({"name": "x", "country": "USA"}, "country"),
        ({"name": "x", "phone": "call me"}, "phone"),
        ({"name": "x", "id": 9}, "id"),
    ],
)
def test_a_bad_store_is_422_with_field_reason_and_example(
    api: Gateway, body: object, field: str
) -> None:
    got = api.post(STORES, body)

    assert got.status == 422
    assert (got.json["errors"][0]["field"], bool(got.json["errors"][0]["reason"])) == (field, True)
    assert api.get(STORES).json["items"] == []


@pytest.mark.parametrize("store", ["7", "x", "0", "-1", "99999999999999999999"])
def test_an_unknown_store_is_404(api: Gateway, store: str) -> None:
    assert api.get(f"{STORES}/{store}").status == 404
    assert api.get(f"{STORES}/{store}/mappings").status == 404
    got = api.put(f"{STORES}/{store}/mappings", {"keys": []}, if_match='"1"')
    assert got.status == 404


def test_store_keys_are_listed_with_the_store_they_likely_mean(api: Gateway) -> None:
    create(api, "Ballard")
    see("Ballard", "Warehouse")

    ballard, warehouse = api.get(KEYS).json["items"]

    assert (ballard["id"], ballard["sales"], ballard["store"]) == (BALLARD, 10, None)
    assert (ballard["suggested_store"], warehouse["suggested_store"]) == (1, None)
    assert ballard["first_seen"] == ballard["last_seen"] == "2026-01-01T12:00:00Z"


def test_a_mapping_is_replaced_at_its_version_and_past_sales_follow(
    api: Gateway, jobs: str
) -> None:
    create(api)
    see("Ballard", "Fremont")

    mapped = api.put(f"{STORES}/1/mappings", {"keys": [BALLARD, FREMONT]}, if_match='"1"')
    stale = api.put(f"{STORES}/1/mappings", {"keys": []}, if_match='"1"')

    assert (mapped.status, mapped.headers["ETag"]) == (200, '"2"')
    assert [key["id"] for key in mapped.json["keys"]] == [BALLARD, FREMONT]
    assert stale.status == 412
    assert api.get(f"{STORES}/1/mappings").json == mapped.json | {"job": None}
    job = mapped.json["job"]
    assert (job["state"], job["subject"]) == ("queued", "store:1")
    assert api.get(f"{ACCOUNT}/jobs/{job['id']}").json == job
    assert [account_job(job).uid for job in queued(jobs)] == [OURS]


def test_a_key_of_another_store_is_409_and_names_it(api: Gateway) -> None:
    create(api, "Ballard")
    create(api, "Fremont")
    see("Ballard")
    api.put(f"{STORES}/1/mappings", {"keys": [BALLARD]}, if_match='"1"')

    got = api.put(f"{STORES}/2/mappings", {"keys": [BALLARD]}, if_match='"1"')

    assert (got.status, got.json["store"], got.json["store_key"]) == (409, 1, BALLARD)
    assert got.json["detail"] == "This key is mapped to store 1, Ballard. Remove it there first."


def test_a_key_never_seen_is_404_and_nothing_is_mapped(api: Gateway) -> None:
    create(api)
    see("Ballard")

    got = api.put(f"{STORES}/1/mappings", {"keys": [BALLARD, FREMONT]}, if_match='"1"')

    assert (got.status, got.json["store_key"]) == (404, FREMONT)
    assert api.get(f"{STORES}/1/mappings").json["keys"] == []


def test_the_notification_names_unmapped_keys_until_all_are_mapped(api: Gateway) -> None:
    create(api)
    see("Ballard", "Fremont")

    def open_notices() -> list[str]:
        return [notice.title for notice in wiring.outside.notifications().open_for(OURS)]

    both = open_notices()
    api.put(f"{STORES}/1/mappings", {"keys": [BALLARD]}, if_match='"1"')
    one = open_notices()
    api.put(f"{STORES}/1/mappings", {"keys": [BALLARD, FREMONT]}, if_match='"2"')

    assert both == ["You have unmapped stores: Ballard, Fremont. 20 sales wait for a store."]
    assert one == ["You have unmapped stores: Fremont. 10 sales wait for a store."]
    assert open_notices() == []


def test_a_second_tenant_sees_and_touches_nothing(world: World, api: Gateway) -> None:
    create(api)
    see("Ballard")
    theirs = world.gateway("Owner", THEIRS)
    elsewhere = f"/api/accounts/{THEIRS}"

    assert theirs.get(f"{STORES}/1").status == 404
    assert theirs.get(f"{elsewhere}/stores/1").status == 404
    assert theirs.get(f"{elsewhere}/stores").json["items"] == []
    assert theirs.get(f"{elsewhere}/store-keys").json["items"] == []
    theirs.post(f"{elsewhere}/stores", {"name": "Theirs"})
    got = theirs.put(f"{elsewhere}/stores/1/mappings", {"keys": [BALLARD]}, if_match='"1"')
    assert (got.status, got.json["store_key"]) == (404, BALLARD)


def map_many(api: Gateway, *items: tuple[str, int | None], **versions: int) -> Got:
    body = {
        "items": [{"key": key, "store": store} for key, store in items],
        "versions": {name.removeprefix("of_"): number for name, number in versions.items()},
    }
    return api.put(f"{ACCOUNT}/mappings", body)


def mapped_to(api: Gateway) -> dict[str, int | None]:
    return {key["id"]: key["store"] for key in api.get(KEYS).json["items"]}


def test_many_keys_are_mapped_at_once_and_the_others_stay(api: Gateway, jobs: str) -> None:
    create(api, "Ballard")
    create(api, "Fremont")
    see("Ballard", "Fremont", "Warehouse")
    api.put(f"{STORES}/1/mappings", {"keys": [WAREHOUSE]}, if_match='"1"')

    got = map_many(api, (BALLARD, 1), (FREMONT, 2), of_1=2, of_2=1)

    assert got.status == 200, got.text
    assert [(store["id"], store["version"]) for store in got.json["stores"]] == [(1, 3), (2, 2)]
    assert mapped_to(api) == {BALLARD: 1, FREMONT: 2, WAREHOUSE: 1}
    assert wiring.outside.notifications().open_for(OURS) == []
    assert api.get(f"{ACCOUNT}/jobs/{got.json['job']['id']}").json["state"] == "queued"
    assert [account_job(job).work for job in queued(jobs)][-1] == got.json["job"]["id"]
    kept = [line for line in api.get(f"{ACCOUNT}/audit").json["items"] if line["before"]]
    assert {(line["subject"], tuple(line["after"]["keys"])) for line in kept[:2]} == {
        ("store:1", (BALLARD, WAREHOUSE)),
        ("store:2", (FREMONT,)),
    }


def test_keys_are_taken_from_their_store_and_given_to_another_in_two_steps(api: Gateway) -> None:
    create(api, "Ballard")
    create(api, "Fremont")
    see("Ballard")
    map_many(api, (BALLARD, 1), of_1=1)

    taken = map_many(api, (BALLARD, None), of_1=2)
    given = map_many(api, (BALLARD, 2), of_2=1)

    assert (taken.status, given.status) == (200, 200)
    assert mapped_to(api) == {BALLARD: 2}


def test_one_key_that_another_store_has_maps_none(api: Gateway) -> None:
    create(api, "Ballard")
    create(api, "Fremont")
    see("Ballard", "Fremont")
    map_many(api, (BALLARD, 1), of_1=1)

    got = map_many(api, (BALLARD, 2), (FREMONT, 2), of_1=2, of_2=1)

    assert (got.status, got.json["store"], got.json["store_key"]) == (409, 1, BALLARD)
    assert got.json["detail"] == "This key is mapped to store 1, Ballard. Remove it there first."
    assert mapped_to(api) == {BALLARD: 1, FREMONT: None}


def test_a_store_that_was_changed_meanwhile_maps_none(api: Gateway) -> None:
    create(api, "Ballard")
    create(api, "Fremont")
    see("Ballard", "Fremont")

    got = map_many(api, (BALLARD, 1), (FREMONT, 2), of_1=1, of_2=7)

    assert got.status == 412
    assert mapped_to(api) == {BALLARD: None, FREMONT: None}


def test_the_same_again_changes_nothing_and_repeats_the_work(api: Gateway) -> None:
    create(api)
    see("Ballard")
    map_many(api, (BALLARD, 1), of_1=1)

    again = map_many(api, (BALLARD, 1), of_1=1)

    assert (again.status, again.json["stores"]) == (200, [])
    assert api.get(f"{STORES}/1").json["version"] == 2


@pytest.mark.parametrize(
    ("items", "versions", "status"),
    [
        ([(BALLARD, 1)], {}, 422),
        ([(BALLARD, 1), (BALLARD, 2)], {"of_1": 1, "of_2": 1}, 422),
        ([(BALLARD, 9)], {"of_9": 1}, 404),
        ([("posabit:venue:Nowhere", 1)], {"of_1": 1}, 404),
        ([(BALLARD, 0)], {"of_0": 1}, 422),
        ([], {}, 422),
        ([(f"posabit:venue:{n}", 1) for n in range(91)], {"of_1": 1}, 422),
        ([(BALLARD, 1)], {"of_x": 1}, 422),
        ([(BALLARD, 1)], {"of_1": 10**40}, 422),
        ([(BALLARD, 10**40)], {"of_1": 1}, 422),
        ([("posabit:venue:" + "\u00e9" * 900, 1)], {"of_1": 1}, 422),
        ([("posabit:venue:\ud800", 1)], {"of_1": 1}, 400),
    ],
)
def test_mappings_that_cannot_be_are_refused_and_nothing_is_mapped(
    api: Gateway, items: list[tuple[str, int | None]], versions: dict[str, int], status: int
) -> None:
    create(api)
    see("Ballard")

    assert map_many(api, *items, **versions).status == status
    assert mapped_to(api) == {BALLARD: None}


def test_another_account_maps_none_of_ours(world: World, api: Gateway) -> None:
    create(api)
    see("Ballard")
    theirs = world.gateway("Owner", THEIRS)
    theirs.post(f"/api/accounts/{THEIRS}/stores", {"name": "Theirs"})
    body = {"items": [{"key": BALLARD, "store": 1}], "versions": {"1": 1}}

    assert theirs.put(f"/api/accounts/{THEIRS}/mappings", body).status == 404
    assert theirs.put(f"{ACCOUNT}/mappings", body).status == 404
    assert world.gateway("Manager").put(f"{ACCOUNT}/mappings", body).status == 403
    assert mapped_to(api) == {BALLARD: None}
