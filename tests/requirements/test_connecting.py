"""How to connect: what each card asks for, the box, Connect (articles, "How to connect")."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.times import DAY, from_text
from chalicelib.entrypoints import wiring
from chalicelib.pos.connector import Gateway as PosGateway
from chalicelib.services.ports.pos import CredentialAccess
from tests.fakes.common import FakeClock
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.functional.gateway import OURS, Gateway
from tests.requirements.cards import (
    ARTICLES,
    INTEGRATIONS,
    OPTIONAL,
    PLATFORMS,
    REQUIRED,
    add_credential,
    card,
    tick_the_box,
)
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
    assert said == {
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


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("with_optional", [False, True])
def test_filled_out_fields_become_a_credential(
    api: Gateway, pos: FakePosGateway, platform: str, *, with_optional: bool
) -> None:
    """Fill out the credentials / Enter Credentials / Add your credentials

    After these are filled in, click the Add Credential button. / Click "Add Credential".
    """
    given = REQUIRED[platform] | (OPTIONAL[platform] if with_optional else {})

    add_credential(api, platform, **given)

    [kept] = card(api, platform)["credentials"]
    secrets = {
        field["key"] for field in card(api, platform)["credential_fields"] if field["secret"]
    }
    assert kept["fields"] == {key: text for key, text in given.items() if key not in secrets}
    assert {secret["field"] for secret in kept["secrets"]} == secrets
    assert [dict(access.fields) for access in pos.checked] == [given]


@pytest.mark.parametrize(
    ("platform", "missing"), [(p, field) for p, fields in REQUIRED.items() for field in fields]
)
def test_what_is_not_optional_is_asked_for(api: Gateway, platform: str, missing: str) -> None:
    fields = {key: text for key, text in REQUIRED[platform].items() if key != missing}

    got = api.post(f"{INTEGRATIONS}/{platform}/credentials", {"fields": fields})

    [fault] = got.json["errors"]
    assert (got.status, fault["field"]) == (422, f"fields.{missing}")
    assert card(api, platform)["credentials"] == []


@pytest.mark.parametrize(("platform", "blank"), [("auphan", {}), ("profitek", {"host": ""})])
def test_an_address_left_blank_is_not_guessed(platform: str, blank: dict[str, str]) -> None:
    """A server on the premises is reached at its address only: "IP: IP:port of your server, if
    hosted on-premises. Leave blank otherwise." and "Custom IP: Required if your server is hosted
    on-premises. Otherwise, leave blank."
    """
    nowhere = PosGateway(FakeClock(), {}, lambda _platform: None)
    hosted = PosGateway(FakeClock(), {platform: "http://127.0.0.1:9"}, lambda _platform: None)
    access = CredentialAccess(platform, REQUIRED[platform] | blank)

    refused, tried = nowhere.check(access), hosted.check(access)

    assert (refused.outcome, tried.outcome) == ("server_unreachable", "server_unreachable")
    assert "never guessed" in refused.message
    assert "never guessed" not in tried.message


def test_profitek_keeps_the_store_name_it_was_given(api: Gateway) -> None:
    """Once set, do not change it."""
    kept = add_credential(api, "profitek")
    path = f"{INTEGRATIONS}/profitek/credentials/{kept['id']}"

    got = api.patch(path, {"fields": {"store_name": "Gastown"}}, if_match='"1"')

    assert got.status == 409
    assert got.json["detail"].startswith("Store Name cannot be changed")
    assert api.get(path).json["fields"]["store_name"] == "Kitsilano"


def test_each_store_of_posabit_has_a_credential_of_its_own(
    api: Gateway, sync: RecordingSync
) -> None:
    """You will need to complete this for each set of credentials recieved from POSaBIT"""
    ballard = add_credential(api, "posabit", store_name="Ballard", key="vt_8d20e6c1f3aa77")
    fremont = add_credential(api, "posabit", store_name="Fremont", key="vt_1c9a2b7d4f0011")
    tick_the_box(api, "posabit")

    api.post(f"{INTEGRATIONS}/posabit/connect")

    assert (ballard["scope"], fremont["scope"]) == ("venue-Ballard", "venue-Fremont")
    assert {credential for _, _, credential, _ in sync.started} == {ballard["id"], fremont["id"]}


@pytest.mark.parametrize("platform", ["posabit", "thsuite", "webjoint"])
def test_credential_box_and_connect_are_all_it_takes(
    api: Gateway, sync: RecordingSync, platform: str
) -> None:
    """Scroll down to the Loyalty section and check off the box next to Required All users from this
    source have passed an age gate compliant with my industry.

    Lastly, click the purple Connect button in the top right. You have now completed the minimum
    settings needed to connect your integration!
    """
    credential = add_credential(api, platform)["id"]
    unticked = api.post(f"{INTEGRATIONS}/{platform}/connect")
    tick_the_box(api, platform)
    connected = api.post(f"{INTEGRATIONS}/{platform}/connect")

    shown = card(api, platform)
    label = "Required All users from this source have passed an age gate compliant with my industry"
    assert unticked.status == 409
    assert unticked.json["detail"] == (
        "Scroll down to the Loyalty section and check off the box next to"
        f' "{label}", then click Connect.'
    )
    assert shown["age_gate"]["label"] == label
    assert shown["age_gate"]["ticked"] is True
    assert (connected.status, connected.json["state"], shown["state"]) == (
        200,
        "connected",
        "connected",
    )
    assert shown["to_do"] == []
    assert not any(setting["value"] for setting in shown["settings"])
    assert sync.started == [(OURS, platform, credential, "connect")]


@pytest.mark.parametrize("platform", ["auphan", "profitek"])
def test_a_card_whose_article_speaks_of_no_box_connects_without_it(
    api: Gateway, platform: str
) -> None:
    add_credential(api, platform)

    got = api.post(f"{INTEGRATIONS}/{platform}/connect")

    assert (got.status, got.json["state"]) == (200, "connected")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_first_sync_starts_at_once_and_the_next_within_the_day(
    api: Gateway, sync: RecordingSync, platform: str
) -> None:
    """How long does it take before I start to see my POS data in AIQ?

    Within 24 hours, you should see data populating in AIQ
    """
    credential = add_credential(api, platform)["id"]
    tick_the_box(api, platform)

    api.post(f"{INTEGRATIONS}/{platform}/connect")

    due: Any = card(api, platform)["next_sync_at"]
    assert sync.started == [(OURS, platform, credential, "connect")]
    assert from_text(due) <= wiring.clock().now() + DAY
