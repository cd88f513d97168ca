"""Integrations, credentials and settings through the API (product.md §3, §7, §15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import orjson
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.domain.errors import HostRefused
from chalicelib.domain.records import StoreFact
from chalicelib.domain.times import to_text
from chalicelib.domain.words import CheckOutcome
from chalicelib.entrypoints import wiring
from chalicelib.pos.profile import registry
from chalicelib.services.job_messages.sync_messages import sync_message
from chalicelib.services.ports.pos import CheckResult
from tests.fakes.aws import create_table
from tests.fakes.common import FakeClock
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.fakes.sync_state import MemorySyncStates
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.unit.pos.made_up import a_field as a_made_up_field
from tests.unit.pos.made_up import a_profile
from tests.unit.pos.made_up import a_secret as a_made_up_secret

INTEGRATIONS = f"/api/accounts/{OURS}/integrations"
POSABIT = f"{INTEGRATIONS}/posabit"
KEY = "vt_8d20e6c1f3aa77"
FIELDS = {"store_name": "Ballard", "key": KEY, "market": "WA"}


@pytest.fixture
def pos(world: World, monkeypatch: pytest.MonkeyPatch) -> FakePosGateway:
    gateway = FakePosGateway()
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    monkeypatch.setenv("KMS_KEY_ID", boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    states = MemorySyncStates(FakeClock())
    monkeypatch.setattr(wiring.outside, "sync_states", lambda: states)
    return gateway


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch) -> RecordingSync:
    recording = RecordingSync()
    monkeypatch.setattr(wiring.sync, "sync_control", lambda: recording)
    return recording


@pytest.fixture(autouse=True)
def around(pos: FakePosGateway, sync: RecordingSync) -> None:
    """Every test here has a POS and something to queue syncs with."""


def add(api: Gateway, **fields: str) -> Any:
    got = api.post(f"{POSABIT}/credentials", {"fields": FIELDS | fields})
    assert got.status == 201, got.text
    return got.json


def fault_of(got: Any) -> dict[str, Any]:
    assert got.status == 422, got.text
    assert got.headers["Content-Type"] == "application/problem+json"
    [fault] = got.json["errors"]
    return dict(fault)


def test_the_page_lists_every_platform_with_its_grid_column(api: Gateway) -> None:
    got = api.get(INTEGRATIONS)

    posabit, profitek = got.json["items"]
    assert (posabit["title"], posabit["state"]) == ("POSaBIT", "draft")
    assert posabit["capabilities"]["writable"] is True
    assert profitek["contract"] == {
        "status": "unconfirmed",
        "note": "wire contract not confirmed by the vendor",
        "inferred": [],
    }
    assert profitek["capabilities"]["own_server"] is True
    assert profitek["capabilities"]["age_gate_to_connect"] is False


def test_a_card_has_fields_box_settings_and_its_version(api: Gateway) -> None:
    got = api.get(POSABIT)

    assert got.headers["ETag"] == '"0"'
    assert [field["label"] for field in got.json["credential_fields"]] == [
        "Store Name",
        "Key",
        "Relevant market",
    ]
    assert got.json["age_gate"] == {
        "label": "Required All users from this source have passed an age gate compliant with my"
        " industry",
        "ticked": False,
        "ticked_by": None,
        "ticked_by_name": None,
        "ticked_at": None,
    }
    applied = {setting["key"]: setting["applied"] for setting in got.json["settings"]}
    assert applied == {
        "enroll_after": True,
        "sms_opt_in_after": True,
        "sync_personas": True,
        "sync_to_market": True,
        "points_imported_on": True,
        "points_accrual_start": True,
        "use_last_backup": True,
    }
    assert got.json["sms"] == {"starts_at": None, "stopped": False, "version": 0}
    assert got.json["job"] is None
    assert len(got.json["to_do"]) == 2


def test_an_unknown_platform_is_404(api: Gateway) -> None:
    for path in ("", "/settings", "/credentials/crd_1"):
        assert api.get(f"{INTEGRATIONS}/sixth-pos{path}").status == 404
    assert api.post(f"{INTEGRATIONS}/sixth-pos/connect").status == 404


def test_a_credential_is_stored_and_no_answer_ever_holds_its_secret(api: Gateway) -> None:
    added = add(api)

    answers = [
        added,
        api.get(POSABIT).json,
        api.get(f"{POSABIT}/credentials/{added['id']}").json,
        api.get(INTEGRATIONS).json,
    ]
    assert KEY not in str(answers)
    assert added["fields"] == {"store_name": "Ballard", "market": "WA"}
    [secret] = added["secrets"]
    assert (secret["field"], secret["last_four"], len(secret["fingerprint"])) == ("key", "aa77", 12)
    assert (added["check"]["outcome"], added["scope"]) == ("ok", "venue-Ballard")


def test_a_secret_rests_encrypted_for_this_credential_only(api: Gateway) -> None:
    added = add(api)

    row = CredentialRow.get(
        account_keys.account(OURS), integration_keys.credential("posabit", added["id"])
    )
    held = wiring.outside.credentials().get(OURS, "posabit", added["id"])

    assert KEY not in str(row.to_simple_dict())
    assert wiring.outside.key_ring().secrets(held) == {"key": KEY}


def test_a_secret_that_was_sealed_for_another_credential_is_asked_for_again(api: Gateway) -> None:
    one, two = add(api), add(api, store_name="Fremont", key="vt_another_key_01")
    credentials = wiring.outside.credentials()
    other = credentials.get(OURS, "posabit", two["id"])
    held = credentials.get(OURS, "posabit", one["id"])
    credentials.save(replace(held, sealed=other.sealed))

    got = api.post(f"{POSABIT}/credentials/{one['id']}/check")

    assert (got.json["code"], fault_of(got)["field"]) == ("secret_unreadable", "fields.key")
    fresh = {"fields": {"key": KEY}}
    assert api.patch(f"{POSABIT}/credentials/{one['id']}", fresh, if_match='"2"').status == 200


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"store_name": " "}, "fields.store_name", "required"),
        ({"key": "a b"}, "fields.key", "does not look like a Key"),
        ({"key": KEY + "\u0000"}, "fields.key", "cannot be typed"),
        ({"store_name": "North\u3164"}, "fields.store_name", "or seen"),
        ({"store_name": "B" * 201}, "fields.store_name", "at most 200 characters"),
        ({"password": "x"}, "fields.password", "unknown field"),
    ],
)
def test_a_bad_field_is_422_with_field_reason_and_example(
    api: Gateway, pos: FakePosGateway, fields: dict[str, str], field: str, reason: str
) -> None:
    for path in ("credentials", "credentials/check"):
        fault = fault_of(api.post(f"{POSABIT}/{path}", {"fields": FIELDS | fields}))

        assert fault["field"] == field
        assert reason in fault["reason"]
        assert fault["example"]
    assert pos.checked == []
    assert api.get(POSABIT).json["credentials"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"fields": "x"},
        {"fields": {"store_name": 5}},
        {"fields": {"store_name": None}},
        {"fields": FIELDS, "history_from": "yesterday"},
        {"fields": FIELDS, "history_from": "2999-01-01"},
        {"fields": FIELDS, "surprise": 1},
        {"fields": {f"f{n}": "x" for n in range(21)}},
        {"fields": {"key": "k" * 4001}},
    ],
)
def test_a_body_of_the_wrong_shape_stores_nothing(api: Gateway, body: object) -> None:
    got = api.post(f"{POSABIT}/credentials", body)

    assert (got.status, got.json["code"]) == (422, "invalid_input")
    assert got.json["errors"][0]["reason"]
    assert api.get(POSABIT).json["credentials"] == []


def test_a_rejected_key_is_422_and_not_stored(api: Gateway, pos: FakePosGateway) -> None:
    pos.answers[KEY] = CheckResult("key_rejected", "POSaBIT rejected this key.")

    got = api.post(f"{POSABIT}/credentials", {"fields": FIELDS})

    assert (got.status, got.json["code"], got.json["actor"]) == (422, "key_rejected", "you")
    assert got.json["outcome"] == "key_rejected"
    assert got.json["detail"] == "POSaBIT rejected this key."
    assert api.get(POSABIT).json["credentials"] == []


def test_a_refused_host_is_422(api: Gateway, pos: FakePosGateway) -> None:
    pos.answers[KEY] = HostRefused("This host cannot be used.")

    got = api.post(f"{POSABIT}/credentials/check", {"fields": FIELDS})

    assert (got.status, got.json["code"]) == (422, "host_refused")


def test_a_refused_address_is_422_at_its_field_with_an_example(
    api: Gateway, pos: FakePosGateway
) -> None:
    fields = {"custom_ip": "http://10.0.0.1", "store_name": "Gastown", "auth_key": "a1b2c3d4e5f6"}
    pos.answers["http://10.0.0.1"] = HostRefused("That address cannot be used.")

    got = api.post(f"{INTEGRATIONS}/profitek/credentials", {"fields": fields})

    assert got.json["code"] == "host_refused"
    assert fault_of(got) == {
        "field": "fields.custom_ip",
        "reason": "That address cannot be used.",
        "example": "192.101.102.103:25565",
    }


def test_a_certificate_is_shown_accepted_and_pinned(api: Gateway, pos: FakePosGateway) -> None:
    url = f"{INTEGRATIONS}/profitek/credentials"
    fields = {"custom_ip": "8.8.8.8:25565", "store_name": "Gastown", "auth_key": "a1b2c3d4e5f6"}
    pos.answers["8.8.8.8:25565"] = CheckResult(
        "server_unreachable", "Accept it.", certificate="AB:CD"
    )
    added = api.post(url, {"fields": fields}).json
    pos.answers["8.8.8.8:25565"] = CheckResult("ok", "ok", "Gastown", certificate="AB:CD")

    accept: dict[str, Any] = {"trust": {"accept_certificate": True}}
    without = api.patch(f"{url}/{added['id']}", accept, if_match='"1"')
    accept["fields"] = {"auth_key": fields["auth_key"]}
    got = api.patch(f"{url}/{added['id']}", accept, if_match='"1"')

    assert added["check"]["certificate"] == "AB:CD"
    assert added["trust"] == {
        "allow_http": False,
        "accept_certificate": False,
        "certificate": None,
    }
    assert (without.status, fault_of(without)["field"]) == (422, "fields.auth_key")
    assert got.json["trust"] == {
        "allow_http": False,
        "accept_certificate": True,
        "certificate": "AB:CD",
    }


@pytest.mark.parametrize(
    "trust", [{"allow_http": "yes"}, {"allow_http": 1}, {"certificate": "AB:CD"}, [], None]
)
def test_trust_is_said_in_so_many_words(api: Gateway, trust: Any) -> None:
    fields = {"store_name": "Gastown", "auth_key": "a1b2c3d4e5f6"}

    got = api.post(f"{INTEGRATIONS}/profitek/credentials", {"fields": fields, "trust": trust})

    assert got.status == 422
    assert got.json["errors"][0]["field"].startswith("trust")


def test_a_missing_permission_is_stored_and_said(api: Gateway, pos: FakePosGateway) -> None:
    missing = ("Enhanced Customer Data Access",)
    pos.answers[KEY] = CheckResult("permission_missing", "Grant it.", "v", (), missing)

    added = add(api)

    assert added["check"]["outcome"] == "permission_missing"
    assert added["check"]["missing_permissions"] == list(missing)


@pytest.mark.parametrize(
    ("outcome", "code", "actor"),
    [
        ("key_rejected", "login_expired", "you"),
        ("key_rejected", "", "you"),
        ("permission_missing", "", "you"),
        ("server_unreachable", "server_untrusted", "you"),
        ("unexpected_answer", "rate_limited", "the POS"),
        ("unexpected_answer", "internal", "us"),
        ("ok", "", None),
    ],
)
def test_a_check_says_who_must_act(
    api: Gateway, pos: FakePosGateway, outcome: CheckOutcome, code: str, actor: str | None
) -> None:
    pos.answers[KEY] = CheckResult(outcome, "So it is.", code=code)

    got = api.post(f"{POSABIT}/credentials/check", {"fields": FIELDS}).json

    assert got["actor"] == actor
    assert got["code"] == (code or ("" if outcome == "ok" else outcome))


def test_a_card_says_what_is_true_of_its_pos_alone(api: Gateway, pos: FakePosGateway) -> None:
    """AIQ currently only has a read-only integration with THSuite."""
    pos.infos = [registry.info(name) for name in registry.names()]
    cards = {name: api.get(f"{INTEGRATIONS}/{name}").json for name in registry.names()}

    told = {name: card["read_only"] for name, card in cards.items() if card["read_only"]}
    assert told == {"thsuite": "AIQ only reads from THSuite."}
    assert all(card["rejected_key"] for card in cards.values())
    [lacking] = [each for each in cards["posabit"]["permissions"] if each["note"]]
    assert lacking["name"] == "Enhanced Customer Data Access"
    assert "Reach out to POSaBIT to enable" in lacking["note"]


def test_a_check_of_a_chain_names_its_first_shops_and_counts_all(
    api: Gateway, pos: FakePosGateway
) -> None:
    shops = tuple(StoreFact(f"s{n:05}", f"Shop {n}") for n in range(20_000))
    pos.answers[KEY] = CheckResult("ok", "ok", "chain", shops)

    got = api.post(f"{POSABIT}/credentials/check", {"fields": FIELDS})

    assert [shop["key"] for shop in got.json["stores"]] == [f"s{n:05}" for n in range(50)]
    assert got.json["store_count"] == 20_000
    assert len(got.text) < 10_000


def test_an_unreachable_host_is_stored_without_a_scope(api: Gateway, pos: FakePosGateway) -> None:
    pos.answers[KEY] = CheckResult("server_unreachable", "No answer within 8 s.")

    added = add(api)

    assert (added["scope"], added["check"]["outcome"]) == (None, "server_unreachable")


def test_checking_answers_and_stores_nothing(api: Gateway) -> None:
    got = api.post(f"{POSABIT}/credentials/check", {"fields": FIELDS})

    assert (got.status, got.json["outcome"]) == (200, "ok")
    assert api.get(POSABIT).json["credentials"] == []


def test_a_second_credential_for_a_scope_is_409_with_what_to_do(api: Gateway) -> None:
    first = add(api)

    got = api.post(f"{POSABIT}/credentials", {"fields": FIELDS | {"key": "vt_another_one"}})

    assert (got.status, got.json["code"]) == (409, "conflict")
    assert "remove it first" in got.json["detail"]
    assert got.json["credential"] == first["id"]


def test_a_credential_is_changed_at_its_version_only(api: Gateway) -> None:
    path = f"{POSABIT}/credentials/{add(api)['id']}"
    body = {"fields": {"market": "OR"}, "history_from": "2020-01-01"}

    changed = api.patch(path, body, if_match='"1"')
    stale = api.patch(path, body, if_match='"1"')

    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json["market"], changed.json["history_from"]) == ("OR", "2020-01-01T08:00:00Z")
    assert changed.json["check"] is None
    assert (stale.status, stale.json["code"]) == (412, "stale_version")


def test_a_store_name_that_never_changes_is_409_with_the_reason(api: Gateway) -> None:
    fields = {"store_name": "Kitsilano", "auth_key": "a1b2c3d4e5f6"}
    profitek = f"{INTEGRATIONS}/profitek/credentials"
    added = api.post(profitek, {"fields": fields}).json

    got = api.patch(
        f"{profitek}/{added['id']}", {"fields": {"store_name": "Gastown"}}, if_match='"1"'
    )

    assert got.status == 409
    assert got.json["detail"].startswith("Store Name cannot be changed")


def test_a_removed_credential_is_gone_and_may_come_back(api: Gateway, sync: RecordingSync) -> None:
    path = f"{POSABIT}/credentials/{add(api)['id']}"

    removed = api.delete(path)

    assert (removed.status, removed.text) == (204, "")
    assert api.get(path).status == 404
    assert api.delete(path).status == 404
    assert len(sync.stopped) == 1
    assert add(api)["scope"] == "venue-Ballard"


@pytest.mark.usefixtures("jobs")
def test_connecting_needs_credential_and_box_then_syncs_at_once(
    api: Gateway, sync: RecordingSync
) -> None:
    without_credential = api.post(f"{POSABIT}/connect")
    credential = add(api)["id"]
    without_box = api.post(f"{POSABIT}/connect")
    ticked = api.put(f"{POSABIT}/age-gate", {"passed": True})
    connected = api.post(f"{POSABIT}/connect")

    assert (without_credential.status, without_box.status) == (409, 409)
    assert "Add Credential" in without_credential.json["detail"]
    assert "Scroll down to the Loyalty section" in without_box.json["detail"]
    assert ticked.json["age_gate"]["ticked_by"] == f"user:sub-{OURS}-Owner"
    assert (connected.status, connected.json["state"]) == (200, "connected")
    assert sync.started == [(OURS, "posabit", credential, "connect")]
    assert api.get(POSABIT).json["next_sync_at"] is not None


@pytest.mark.usefixtures("jobs")
def test_connecting_puts_the_first_sync_on_the_queue(
    api: Gateway, monkeypatch: pytest.MonkeyPatch, pos: FakePosGateway
) -> None:
    url = boto3.client("sqs").create_queue(QueueName="sync")["QueueUrl"]
    monkeypatch.setenv("QUEUE_SYNC_URL", url)
    create_table(boto3.client("dynamodb"), "sync-under-test")
    monkeypatch.setattr(wiring.sync, "sync_control", wiring.sync.run_service)
    credential = add(api)["id"]
    api.put(f"{POSABIT}/age-gate", {"passed": True})

    connected = api.post(f"{POSABIT}/connect")
    again = api.post(f"{POSABIT}/connect")

    assert (connected.status, again.status) == (200, 200)
    received = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    [message] = [sync_message(orjson.loads(m["Body"])) for m in received["Messages"]]
    assert (message.uid, message.platform, message.credential) == (OURS, "posabit", credential)
    [run] = api.get(f"{POSABIT}/runs").json["items"]
    assert (run["id"], run["state"], run["trigger"]) == (message.run, "queued", "connect")


def test_disconnecting_stops_calls_and_keeps_the_credential(
    api: Gateway, sync: RecordingSync
) -> None:
    credential = add(api)["id"]
    api.put(f"{POSABIT}/age-gate", {"passed": True})
    api.post(f"{POSABIT}/connect")

    got = api.post(f"{POSABIT}/disconnect")

    card = api.get(POSABIT).json
    assert got.json["state"] == card["state"] == "disconnected"
    assert (card["next_sync_at"], len(card["credentials"])) == (None, 1)
    assert sync.stopped == [(OURS, "posabit", credential)]
    due = [
        wiring.outside.credentials().due(shard, 2**50, 10)
        for shard in range(integration_keys.DUE_SHARDS)
    ]
    assert not any(due)


def test_settings_are_kept_at_their_version_and_audited(api: Gateway) -> None:
    path = f"{POSABIT}/settings"

    changed = api.patch(path, {"sync_personas": True}, if_match='"0"')
    stale = api.patch(path, {"sync_personas": None}, if_match='"0"')
    read = api.get(path)

    assert (changed.status, changed.headers["ETag"]) == (200, '"1"')
    assert stale.status == 412
    setting = next(s for s in read.json["settings"] if s["key"] == "sync_personas")
    assert (setting["key"], setting["value"]) == ("sync_personas", True)
    assert (setting["applied"], setting["status"]) == (True, "In effect.")
    [entry] = wiring.outside.audit().entries(OURS, 10, None)[0]
    assert (entry.actor, entry.after) == (
        f"user:sub-{OURS}-Owner",
        {"sync_personas": True},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"enroll_after": "31.1.2026"}, "enroll_after"),
        ({"enroll_after": True}, "enroll_after"),
        ({"sync_personas": "yes"}, "sync_personas"),
        ({"surprise": 1}, "surprise"),
        ({"enroll_after": "1989-12-31"}, "enroll_after"),
    ],
)
def test_a_bad_setting_is_422_by_name(api: Gateway, body: object, field: str) -> None:
    fault = fault_of(api.patch(f"{POSABIT}/settings", body, if_match='"0"'))

    assert fault["field"] == field
    assert api.get(f"{POSABIT}/settings").json["version"] == 0


def test_a_setting_of_another_platform_is_422(api: Gateway) -> None:
    got = api.patch(f"{INTEGRATIONS}/profitek/settings", {"sync_to_market": True}, if_match='"0"')

    assert fault_of(got)["reason"] == "Profitek has no such setting"


def test_texting_before_the_box_is_409(api: Gateway) -> None:
    got = api.patch(f"{POSABIT}/settings", {"sms_opt_in_after": "2026-01-31"}, if_match='"0"')

    assert (got.status, got.json["detail"]) == (409, "Tick the age-gate box first")


def test_a_second_tenant_sees_and_touches_nothing(world: World, api: Gateway) -> None:
    credential = add(api)["id"]
    theirs = world.gateway("Owner", THEIRS)
    elsewhere = f"/api/accounts/{THEIRS}/integrations/posabit"

    assert theirs.get(f"{POSABIT}/credentials/{credential}").status == 404
    assert theirs.get(f"{elsewhere}/credentials/{credential}").status == 404
    assert theirs.delete(f"{elsewhere}/credentials/{credential}").status == 404
    assert theirs.post(f"{elsewhere}/credentials/{credential}/check").status == 404
    assert theirs.get(elsewhere).json["credentials"] == []
    assert theirs.post(f"{elsewhere}/credentials", {"fields": FIELDS}).status == 201
    assert api.get(f"{POSABIT}/credentials/{credential}").status == 200


@pytest.mark.usefixtures("jobs")
def test_a_card_says_how_its_source_is_and_how_old_its_data_may_be(api: Gateway) -> None:
    draft = api.get(POSABIT).json
    assert draft["health"]["code"] == "not_connected"
    assert (draft["oldest_good_sync_at"], draft["last_shopper_at"]) == (None, None)
    north, south = add(api)["id"], add(api, store_name="Fremont")["id"]
    api.put(f"{POSABIT}/age-gate", {"passed": True})
    api.post(f"{POSABIT}/connect")
    now = wiring.outside.clock().now()
    a_good_run(north, now - 60_000, shopper_at=now - 60_000)
    a_good_run(south, now - 3 * 86_400_000)

    card = api.get(POSABIT).json
    summary = api.get(INTEGRATIONS).json["items"][0]

    assert card["health"] == {
        "level": "warn",
        "code": "stale",
        "actor": "us",
        "credential": south,
        "since": to_text(now - 3 * 86_400_000),
    }
    assert card["last_sync_at"] == card["last_shopper_at"] == to_text(now - 60_000)
    assert card["oldest_good_sync_at"] == to_text(now - 3 * 86_400_000)
    assert summary["health"] == card["health"]


def a_good_run(credential: str, at: int, shopper_at: int | None = None) -> None:
    wiring.outside.credentials().record_run(
        OURS,
        "posabit",
        credential,
        run_id="run_1",
        good_at=at,
        error=None,
        failures_in_a_row=0,
        stopped=None,
        next_sync_at=at + 10**10,
        shopper_at=shopper_at,
    )


def test_a_key_that_does_not_tell_its_store_is_asked_about_and_said(
    api: Gateway, pos: FakePosGateway
) -> None:
    known = add(api)["id"]
    pos.answers["vt_silent_key"] = CheckResult("ok", "ok", None)
    url = f"{POSABIT}/credentials"
    body: dict[str, Any] = {"fields": FIELDS | {"key": "vt_silent_key"}}

    asked = api.post(url, body)
    replaced = api.post(url, {**body, "same_store_as": known})
    new = api.post(url, {**body, "same_store_as": None})
    strange = api.post(url, {**body, "same_store_as": "crd_nobody"})

    assert (asked.status, asked.json["code"], asked.json["credentials"]) == (
        409,
        "which_store",
        [known],
    )
    assert (replaced.status, replaced.json["id"]) == (201, known)
    assert (new.status, new.json["scope"]) == (201, None)
    assert strange.status == 404
    assert len(api.get(POSABIT).json["credentials"]) == 2


def test_a_card_asks_for_whatever_fields_a_profile_names(api: Gateway, pos: FakePosGateway) -> None:
    profile = a_profile(
        credential={
            "per": "store",
            "steps": [],
            "fields": [
                a_made_up_field("tenant", pattern="[a-z-]{2,40}", example="acme"),
                a_made_up_secret("login", label="Login Token"),
            ],
        },
        base_url="https://{tenant}.example.com/api",
        auth=[{"name": "login", "headers": {"Authorization": "Token {login}"}}],
    )
    pos.infos = (replace(profile.info(), platform="posabit"),)

    fields = api.get(POSABIT).json["credential_fields"]
    refused = api.post(f"{POSABIT}/credentials/check", {"fields": {"tenant": "a/b"}})

    told = [(field["label"], field["secret"], field["pattern"]) for field in fields]
    assert told == [
        ("Tenant", False, "[a-z-]{2,40}"),
        ("Login Token", True, "[!-~]{4,512}"),
    ]
    assert refused.status == 422
    assert "has a slash in it" in refused.json["errors"][0]["reason"]
