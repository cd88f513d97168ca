"""What a retailer types on each card, and where."""

from __future__ import annotations

from typing import Any

from tests.functional.gateway import OURS, Gateway
from tools.articles import TITLES, read_all

PLATFORMS = tuple(TITLES)
INTEGRATIONS = f"/api/accounts/{OURS}/integrations"

REQUIRED: dict[str, dict[str, str]] = {
    "posabit": {"store_name": "Green Leaf Ballard", "key": "vt_8d20e6c1f3aa77"},
    "thsuite": {"api_key": "th_8d20e6c1f3aa77"},
    "webjoint": {"api_key": "wj_8d20e6c1f3aa77", "company_id": "12"},
    "auphan": {"api_key": "ak_8d20e6c1f3aa77"},
    "profitek": {"store_name": "Kitsilano", "auth_key": "pk_8d20e6c1f3aa77"},
}
OPTIONAL: dict[str, dict[str, str]] = {
    "posabit": {"market": "WA"},
    "thsuite": {},
    "webjoint": {"facility_ids": "51, 52"},
    "auphan": {"host": "192.101.102.103:25565"},
    "profitek": {"host": "192.101.102.103:25565"},
}

ARTICLES = {article.platform: article for article in read_all()}


def card(api: Gateway, platform: str) -> Any:
    got = api.get(f"{INTEGRATIONS}/{platform}")
    assert got.status == 200, got.text
    return got.json


def add_credential(api: Gateway, platform: str, **fields: str) -> Any:
    body = {"fields": REQUIRED[platform] | fields}
    got = api.post(f"{INTEGRATIONS}/{platform}/credentials", body)
    assert got.status == 201, got.text
    return got.json


def tick_the_box(api: Gateway, platform: str) -> None:
    assert api.put(f"{INTEGRATIONS}/{platform}/age-gate", {"passed": True}).status == 200
