"""How to map a store, step by step (articles, "How to Map a Store")."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints import wiring
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.common import NOON
from tests.functional.gateway import OURS, Gateway
from tests.requirements.cards import PLATFORMS

STORES = f"/api/accounts/{OURS}/stores"
KEYS = f"/api/accounts/{OURS}/store-keys"


def create(api: Gateway, name: str) -> int:
    got = api.post(STORES, {"name": name})
    assert got.status == 201, got.text
    return int(got.json["id"])


def see(platform: str, *names: str) -> None:
    """The POS's data named these shops."""
    wiring.outside.stores().see_keys(
        OURS, [StoreKeySighting(platform, "scope", name, None, NOON, 10) for name in names]
    )


def choices(api: Gateway, platform: str) -> list[Any]:
    """What the drop-down beside the platform's symbol offers: keys that no store has."""
    return [
        key
        for key in api.get(KEYS).json["items"]
        if key["platform"] == platform and key["store"] is None
    ]


def test_a_store_has_the_number_that_the_data_field_asks_for(api: Gateway) -> None:
    """This can be found in AIQ under your Retail Stores Settings"""
    ballard, fremont = create(api, "Ballard"), create(api, "Fremont")

    numbers = {store["name"]: store["id"] for store in api.get(STORES).json["items"]}

    assert numbers == {"Ballard": ballard, "Fremont": fremont}
    assert ballard != fremont
    assert api.get(f"{STORES}/{fremont}").json["name"] == "Fremont"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_key_is_chosen_for_the_store_and_saved(api: Gateway, platform: str) -> None:
    """Click Edit on the store you wish you map

    Click on the empty field to the right of the symbol and a dropdown will appear to "map" the key

    Click Save settings and you are done mapping the store.
    """
    store = create(api, "Ballard")
    see(platform, "Ballard", "Fremont")
    edited = api.get(f"{STORES}/{store}/mappings")
    offered = choices(api, platform)
    ballard = next(key for key in offered if key["name"] == "Ballard")

    saved = api.put(
        f"{STORES}/{store}/mappings", {"keys": [ballard["id"]]}, if_match=edited.headers["ETag"]
    )

    assert edited.json["keys"] == []
    assert [key["name"] for key in offered] == ["Ballard", "Fremont"]
    assert saved.status == 200
    shown = api.get(f"{STORES}/{store}/mappings").json["keys"]
    assert [(key["platform"], key["name"]) for key in shown] == [(platform, "Ballard")]
    assert [key["name"] for key in choices(api, platform)] == ["Fremont"]


def test_mapping_one_store_maps_no_other(api: Gateway) -> None:
    """Keep in mind this must be repeated for any additional stores that you add to the account."""
    see("posabit", "Ballard", "Fremont")
    first = create(api, "Ballard")
    for key in choices(api, "posabit")[:1]:
        api.put(f"{STORES}/{first}/mappings", {"keys": [key["id"]]}, if_match='"1"')

    second = create(api, "Fremont")

    assert api.get(f"{STORES}/{second}/mappings").json["keys"] == []
    [left] = choices(api, "posabit")
    api.put(f"{STORES}/{second}/mappings", {"keys": [left["id"]]}, if_match='"1"')
    assert choices(api, "posabit") == []
    mapped = {key["name"]: key["store"] for key in api.get(KEYS).json["items"]}
    assert mapped == {"Ballard": first, "Fremont": second}
