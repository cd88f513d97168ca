"""How to connect: credentials, the box, Connect (articles, "How to connect")."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.times import DAY, from_text
from chalicelib.entrypoints import wiring
from chalicelib.pos.gateway import Gateway as PosGateway
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess
from tests.fakes.common import FakeClock
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.functional.gateway import OURS, Gateway
from tests.requirements.cards import (
    INTEGRATIONS,
    OPTIONAL,
    PLATFORMS,
    REQUIRED,
    add_credential,
    card,
    tick_the_box,
)


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
    access = CredentialAccess(platform, REQUIRED[platform] | blank, permit=do_nothing)

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
    assert from_text(due) <= wiring.outside.clock().now() + DAY
