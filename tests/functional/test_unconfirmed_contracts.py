"""What no vendor has confirmed is said: on the card and in the docs (product.md §2)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.pos.profile import registry
from tests.functional.gateway import OURS, Gateway
from tools.paths import ROOT

INTEGRATIONS = f"/api/accounts/{OURS}/integrations"
SAID = {
    "posabit": ("partly public", "endpoints.sales_histories.paths.basic"),
    "thsuite": ("unconfirmed", "endpoints.customers.paths"),
    "webjoint": ("partly public", "auth.api_key"),
    "auphan": ("unconfirmed", "sale_words"),
    "profitek": ("unconfirmed", "sale_words"),
}
"""The grid's last row, and one of the things that are inferred."""


@pytest.fixture
def cards(api: Gateway) -> Gateway:
    """The API with the platforms there really are."""
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    return api


def contract(card: Any) -> dict[str, Any]:
    found: dict[str, Any] = card["contract"]
    return found


@pytest.mark.parametrize("platform", SAID)
def test_a_card_says_what_of_its_contract_is_not_confirmed(cards: Gateway, platform: str) -> None:
    status, inferred = SAID[platform]

    said = contract(cards.get(f"{INTEGRATIONS}/{platform}").json)

    assert said["status"] == status
    assert "not confirmed by the vendor" in said["note"]
    assert inferred in said["inferred"]


def test_the_page_of_all_cards_says_it_too(cards: Gateway) -> None:
    listed = cards.get(INTEGRATIONS).json["items"]

    told = {card["platform"]: contract(card)["status"] for card in listed}
    assert told == {name: registry.info(name).contract_status for name in registry.names()}
    assert {platform: told[platform] for platform in SAID} == {
        platform: status for platform, (status, _) in SAID.items()
    }


@pytest.mark.parametrize("platform", sorted(SAID))
def test_the_docs_say_what_somebody_should_confirm(platform: str) -> None:
    page = (ROOT / "docs" / "reference" / "pos-profiles.md").read_text(encoding="utf-8")

    asked = re.findall("^## (.*): what .* should confirm$", page, re.MULTILINE)

    assert registry.info(platform).contract_status != "confirmed"
    assert platform in " ".join(asked).lower()
