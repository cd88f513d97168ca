"""What a shop has in stock, through the API (product.md §5)."""

from __future__ import annotations

import pytest

from chalicelib.adapters.dynamo.inventories import DynamoInventories, InventoryRow
from chalicelib.domain.records import InventoryItem
from chalicelib.entrypoints import wiring
from tests.functional.gateway import OURS, THEIRS, Gateway, World

STOCK = f"/api/accounts/{OURS}/integrations/posabit/inventory"
KEY = "posabit:north:Main"


@pytest.fixture(autouse=True)
def stock(world: World) -> None:
    DynamoInventories("stores-under-test")
    InventoryRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    items = [
        InventoryItem(f"i{n}", "Main", f"Jar {n}", "1.5", "USD", price=450, flags=frozenset({"x"}))
        for n in range(5)
    ]
    wiring.outside.inventories().put(OURS, "posabit", "north", items)
    wiring.outside.inventories().deactivate(OURS, "posabit", "north", [("Main", "i4")])


def test_the_stock_of_a_shop_comes_in_pages(api: Gateway) -> None:
    first = api.get(STOCK, key=KEY, limit=3).json
    rest = api.get(STOCK, key=KEY, limit=3, cursor=first["next_cursor"]).json

    items = first["items"] + rest["items"]
    assert [item["ext_id"] for item in items] == ["i0", "i1", "i2", "i3", "i4"]
    assert [item["active"] for item in items] == [True] * 4 + [False]
    assert items[0] == {
        "ext_id": "i0",
        "name": "Jar 0",
        "quantity": "1.5",
        "currency": "USD",
        "product_ext_id": None,
        "sku": None,
        "brand": None,
        "category": None,
        "strain": None,
        "price": 450,
        "cost": None,
        "unit": None,
        "active": True,
        "updated_at": None,
        "flags": ["x"],
    }
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"key": ""}, 422),
        ({"key": "webjoint:north:Main"}, 404),
        ({"key": "x" * 1001}, 422),
        ({"key": "posabit:" + "\u00e9" * 900}, 422),
    ],
)
def test_a_key_of_no_shop_of_the_platform_is_refused(
    api: Gateway, query: dict[str, str], status: int
) -> None:
    assert api.get(STOCK, **query).status == status


def test_a_cursor_opens_its_own_shop_alone(world: World, api: Gateway) -> None:
    cursor = api.get(STOCK, key=KEY, limit=1).json["next_cursor"]
    theirs = f"/api/accounts/{THEIRS}/integrations/posabit/inventory"

    assert api.get(STOCK, key="posabit:north:Other", cursor=cursor).status == 422
    assert world.gateway("Owner", THEIRS).get(theirs, key=KEY, cursor=cursor).status == 422
    assert world.gateway("Owner", THEIRS).get(theirs, key=KEY).json["items"] == []


def test_stock_is_searched_by_words_and_by_whether_the_pos_still_lists_it(api: Gateway) -> None:
    more = [
        InventoryItem("g1", "Main", "Gummies Açaí", "3", "USD", brand="Wyld", sku="WY-10"),
        InventoryItem("g2", "Main", "Gummies Pear", "0", "USD", brand="Wyld"),
    ]
    wiring.outside.inventories().put(OURS, "posabit", "north", more)

    def found(**query: object) -> list[str]:
        return [item["ext_id"] for item in api.get(STOCK, key=KEY, **query).json["items"]]

    assert found(q="WYLD gummies") == ["g1", "g2"]
    assert found(q="acai") == found(q="wy-10") == ["g1"]
    assert found(q="jar", active="false") == ["i4"]
    assert found(active="true") == ["g1", "g2", "i0", "i1", "i2", "i3"]
    assert found(q="nothing of the kind") == []


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_a_search_finds_each_product_once_over_its_pages(api: Gateway, limit: int) -> None:
    wiring.outside.inventories().put(
        OURS,
        "posabit",
        "north",
        [InventoryItem(f"j{n:02}", "Main", f"Tin {n}", "1", "USD") for n in range(30)],
    )
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(40):
        page = api.get(STOCK, key=KEY, q="2", limit=limit, **cursor).json
        assert len(page["items"]) <= limit
        seen += [item["ext_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["i2", "j02", "j12", *(f"j{n}" for n in range(20, 30))]


def test_a_cursor_of_one_search_does_not_open_another(api: Gateway) -> None:
    cursor = api.get(STOCK, key=KEY, q="jar", limit=1).json["next_cursor"]

    assert api.get(STOCK, key=KEY, q="jar", limit=1, cursor=cursor).status == 200
    assert api.get(STOCK, key=KEY, q="tin", limit=1, cursor=cursor).status == 422


@pytest.mark.parametrize(("role", "status"), [("Marketing", 200), ("Manager", 403), ("Staff", 403)])
def test_who_may_see_stock(world: World, role: str, status: int) -> None:
    assert world.gateway(role).get(STOCK, key=KEY).status == status  # type: ignore[arg-type]
