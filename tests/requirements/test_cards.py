"""What each card says and asks for, in the words of its article (articles, "How to connect")."""

from __future__ import annotations

import pytest

from chalicelib.pos.profile import registry
from tests.functional.gateway import Gateway
from tests.requirements.cards import ARTICLES, INTEGRATIONS, PLATFORMS, card
from tools.articles import generic, named, split

LOG_IN = (
    "Log into your THSuite dashboard and head to Store > Integrations and click on the AIQ"
    " integration card"
)
IN_THE_POS = {
    "posabit": (
        "Once in POSaBIT, navigate to Settings in the top nav and click Integrations",
        "This is not available in your POSaBIT settings until enabled by your account rep.",
    ),
    "thsuite": (LOG_IN, "Copy the INTEGRATION TOKEN"),
    "webjoint": ("Obtain your API Key, CompanyID, and FacilityIDs from Webjoint",) * 2,
    "auphan": ("Contact your rep at Auphan to obtain the credentials you need.",) * 2,
    "profitek": ("Contact your rep at Profitek to obtain the needed credentials.",) * 2,
}
"""The first and the last sentence of the steps that are taken in the POS."""

STREAMS = ["stores", "customers", "sales", "inventory"]


def asked(api: Gateway, platform: str) -> dict[str, tuple[str, bool]]:
    """Label → help, and whether it must be given."""
    fields = card(api, platform)["credential_fields"]
    return {field["label"]: (field["help"], field["required"]) for field in fields}


def test_the_grid_says_what_each_platform_can_do(api: Gateway) -> None:
    """Review our Integration Grid for supported features."""
    grid = {
        each["platform"]: (each["title"], each["capabilities"])
        for each in api.get(INTEGRATIONS).json["items"]
    }

    said = {
        platform: (
            title,
            can["credential_per"],
            can["own_server"],
            can["age_gate_to_connect"],
            can["pushes_signups"],
            can["writable"],
            can["imports_points"],
            can["market_sync"],
        )
        for platform, (title, can) in grid.items()
    }
    assert set(said) == set(registry.names())
    assert {platform: said[platform] for platform in PLATFORMS} == {
        "posabit": ("POSaBIT", "store", False, True, True, True, True, True),
        "thsuite": ("THSuite API", "store", False, True, False, False, False, False),
        "webjoint": ("Webjoint", "company", False, True, False, False, False, False),
        "auphan": ("Auphan", "server", True, False, False, False, False, False),
        "profitek": ("Profitek", "store name", True, False, False, False, False, False),
    }
    assert all(sorted(can["streams"]) == sorted(STREAMS) for _, can in grid.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_card_speaks_in_the_words_of_its_article(api: Gateway, platform: str) -> None:
    sentences = {sentence.text for sentence in ARTICLES[platform].sentences}
    told = " ".join(sentences)

    for label, (help_, _) in asked(api, platform).items():
        assert label in told
        if label != "Relevant market of credential":  # its article says no more than that
            for part in split(help_):
                assert _said(generic(part, platform), label, sentences), part


def _said(part: str, label: str, sentences: set[str]) -> bool:
    """As a sentence, as what follows the label, or as a step and the list below it."""
    for step in (s for s in sentences if s.endswith("including") and part.startswith(s)):
        return set(part.removeprefix(step).strip().split(", ")) <= sentences
    return any(
        f"{lead}{part.rstrip('.')}{end}" in sentences
        for lead in ("", "Note: ", f"{label}: ")
        for end in ("", ".")
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_card_tells_the_steps_in_the_pos_first(api: Gateway, platform: str) -> None:
    """What is to be done in the POS, before anything is typed:

    - Once in POSaBIT, navigate to Settings in the top nav and click Integrations
    - Click the blue New Integration button and fill out "Alpine iq - Loyalty" in the Integration
      dropdown selector
    - Log into your THSuite dashboard and head to Store > Integrations and click on the AIQ
      integration card
    - Copy the INTEGRATION TOKEN
    - Obtain your API Key, CompanyID, and FacilityIDs from Webjoint
    - Contact your rep at Auphan to obtain the credentials you need.
    - Contact your rep at Profitek to obtain the needed credentials.
    """
    article = [named(sentence.text, platform) for sentence in ARTICLES[platform].sentences]
    first, last = IN_THE_POS[platform]
    expected = article[article.index(first) : article.index(last) + 1]

    told = [part for step in card(api, platform)["steps"] for part in split(step)]

    assert told == expected


def test_posabit_asks_for_store_key_and_market(api: Gateway) -> None:
    """The card of POSaBIT:

    - Store Name: Name of the store
    - Key: Obtained from POSaBIT
    - Relevant market of credential (optional)
    - While in POSaBIT, locate each API key provided per Storename and make sure to grant all of the
      Permissions including
    """
    key = (
        "Obtained from POSaBIT. While in POSaBIT, locate each API key provided per Storename and"
        " make sure to grant all of the Permissions including Menu Feed Access, Incoming Orders"
        " Access, Venue Data Access, Enhanced Customer Data Access"
    )

    assert asked(api, "posabit") == {
        "Store Name": ("Name of the store", True),
        "Key": (key, True),
        "Relevant market of credential": (
            "State or region whose contacts this credential is for (optional)",
            False,
        ),
    }


def test_thsuite_asks_for_its_token(api: Gateway) -> None:
    """The card of THSuite:

    - Log into your THSuite dashboard and head to Store > Integrations and click on the AIQ
      integration card
    - Copy the INTEGRATION TOKEN
    - APIKey: Integration Token in THSuite
    """
    token = (
        "Integration Token in THSuite. Log into your THSuite dashboard and head to Store >"
        " Integrations and click on the AIQ integration card. Copy the INTEGRATION TOKEN"
    )

    assert asked(api, "thsuite") == {"APIKey": (token, True)}


def test_webjoint_asks_for_key_company_and_facilities(api: Gateway) -> None:
    """Obtain your API Key, CompanyID, and FacilityIDs from Webjoint"""
    obtain = "Obtain your API Key, CompanyID, and FacilityIDs from Webjoint"
    facilities = (
        "Facility IDs are used to pull sales and inventory for particular locations. If empty,"
        " sales and inventory will be pulled for ALL available facilities."
    )

    assert asked(api, "webjoint") == {
        "API Key": (obtain, True),
        "CompanyID": (obtain, True),
        "FacilityIDs": (facilities, False),
    }


def test_auphan_asks_for_an_address_and_a_key(api: Gateway) -> None:
    """The card of Auphan:

    - IP: IP:port of your server, if hosted on-premises. Leave blank otherwise.
      Example: 192.101.102.103:25565
    - APIKey: Valid API Key
    """
    address = (
        "IP:port of your server, if hosted on-premises. Leave blank otherwise. Example:"
        " 192.101.102.103:25565"
    )

    assert asked(api, "auphan") == {"IP": (address, False), "APIKey": ("Valid API Key", True)}


def test_profitek_asks_for_address_store_and_key(api: Gateway) -> None:
    """The card of Profitek:

    - Custom IP: Required if your server is hosted on-premises. Otherwise, leave blank.
      IP:PORT (Example: 192.101.102.103:25565)
    - Store Name: Name of the store the AuthKey belongs to. Once set, do not change it.
    - AuthKey: The authorization key provided by your Profitek rep.
    """
    address = (
        "Required if your server is hosted on-premises. Otherwise, leave blank. IP:PORT (Example:"
        " 192.101.102.103:25565)"
    )
    name = "Name of the store the AuthKey belongs to. Once set, do not change it."

    assert asked(api, "profitek") == {
        "Custom IP": (address, False),
        "Store Name": (name, True),
        "AuthKey": ("The authorization key provided by your Profitek rep.", True),
    }
