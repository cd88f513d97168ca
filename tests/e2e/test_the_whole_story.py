"""The main job, as a retailer does it over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.e2e.stage import Stage, differences, prepare
from tests.waiting import eventually
from tools.demo.comparison import count_set_aside
from tools.demo.retailer import Retailer


def test_a_retailer_connects_posabit_and_sees_its_shoppers_as_personas(stage: Stage) -> None:
    first = stage.finish(stage.open())

    assert {run["state"] for run in first} == {"succeeded"}
    assert stage.differences() == []
    sources = {tuple(persona["sources"]) for persona in stage.retailer.personas()}
    assert sources == {("posabit",)}


def test_a_second_sync_writes_no_persona(stage: Stage) -> None:
    stage.finish(stage.open())

    second = stage.sync()

    assert {run["state"] for run in second} == {"succeeded"}
    assert sum(run["persona_writes"] for run in second) == 0
    assert sum(totals["new"] for run in second for totals in run["streams"].values()) == 0
    assert stage.differences(every=10) == []


def test_broken_records_are_set_aside_with_the_reason_and_can_be_seen(stage: Stage) -> None:
    stage.posabit.reset(shoppers=300, sales=400)

    runs = stage.finish(stage.open())

    right = stage.posabit.oracle(stage.retailer.card()["credentials"][0]["history_from"])
    seen: Counter[str] = Counter()
    for run in runs:
        path = f"/integrations/posabit/runs/{run['id']}/set-aside"
        seen.update(f"{row['stream']} {row['reason']}" for row in stage.retailer.all(path))
    assert seen == {
        f"{stream} {reason}": count
        for stream, counts in right["set_aside"].items()
        for reason, count in counts["by_reason"].items()
    }
    assert count_set_aside(runs) == {s: counts["count"] for s, counts in right["set_aside"].items()}
    assert stage.differences(every=20, every_of_several=5) == []


def test_unmapped_stores_need_a_person_and_mapping_them_is_retroactive(stage: Stage) -> None:
    stage.finish(stage.open())
    retailer = stage.retailer

    [notification] = [n for n in retailer.notifications() if n["kind"] == "unmapped_stores"]
    assert all(venue["name"] in notification["title"] for venue in stage.posabit.venues)
    assert {persona["favourite_store"] for persona in retailer.personas()} == {None}

    stores = {}
    for key in retailer.store_keys():
        store = retailer.call("POST", "/stores", {"name": key["name"]})
        path = f"/stores/{store['id']}/mappings"
        version = {"If-Match": f'"{retailer.get(path)["version"]}"'}
        retailer.call("PUT", path, {"keys": [key["id"]]}, headers=version)
        stores[key["key"]] = store["id"]

    assert [n for n in retailer.notifications() if n["kind"] == "unmapped_stores"] == []
    oracle = stage.posabit.oracle(retailer.card()["credentials"][0]["history_from"])
    right = Counter(stores.get(group["favourite"]) for group in oracle["groups"])

    def favourites() -> Counter[int | None]:
        return Counter(persona["favourite_store"] for persona in retailer.personas())

    assert eventually(lambda: favourites() == right, every=1), favourites()


def test_what_changes_in_the_pos_changes_here(stage: Stage) -> None:
    stage.finish(stage.open())
    by_phone = [p for p in stage.retailer.personas() if p["phone"]]
    persona = stage.retailer.get(f"/personas/{by_phone[0]['id']}")
    member = persona["members"][0]

    stage.posabit.control(
        "POST",
        "edits",
        [
            {
                "do": "update",
                "resource": "customers",
                "id": int(member["ext_id"]),
                "set": {"telephone": "2065550187", "email": "new-address@example.com"},
            },
            {"do": "touch", "resource": "customers", "percent": 5},
            {"do": "add_sales", "count": 12, "venue": member["scope"]},
        ],
    )
    runs = stage.sync()

    asked = {"email": "new-address@example.com"}
    [persona] = stage.retailer.call("POST", "/personas/search", asked)["items"]
    members = stage.retailer.get(f"/personas/{persona['id']}")["members"]
    assert member["ext_id"] in {each["ext_id"] for each in members}
    assert sum(run["streams"]["sales"]["new"] for run in runs) == 12
    assert stage.differences(every=3) == []


def test_two_retailers_with_the_same_shoppers_never_mix(
    stage: Stage, retailers: Callable[[], Retailer]
) -> None:
    other = retailers()
    prepare(other, stage.posabit)
    other.connect()
    runs = stage.open()

    stage.finish(runs)
    other.finish(other.runs(), seconds=60)

    mine = {persona["id"] for persona in stage.retailer.personas()}
    theirs = {persona["id"] for persona in other.personas()}
    assert not mine & theirs
    assert stage.differences(20, 3) == []
    assert differences(other, stage.posabit, 20, 3) == []
    path = f"/api/accounts/{stage.retailer.uid}/personas/{min(mine)}"
    assert other.ask("GET", path).status_code == 404
    assert other.ask("GET", f"/personas/{min(mine)}").status_code == 404
