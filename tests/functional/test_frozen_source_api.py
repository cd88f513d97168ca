"""What may be done with a source that uses AIQ's last backup (product.md §10, §15; freezing.md,
rule 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.domain.integration_states import FROZEN, IntegrationState
from chalicelib.domain.words import CredentialId, Platform, Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.integrations import Frozen, Rolling
from tests.fakes.aws import create_personas_table, create_table
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway
from tests.functional.gateway import OURS, Gateway, Got, World

POSABIT = f"/api/accounts/{OURS}/integrations/posabit"
KEY = "vt_8d20e6c1f3aa77"
FIELDS = {"store_name": "Ballard", "key": KEY}


@pytest.fixture(autouse=True)
def pos(world: World, monkeypatch: pytest.MonkeyPatch) -> FakePosGateway:
    gateway = FakePosGateway()
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    monkeypatch.setattr(wiring.queues, "jobs_queue", MemoryQueue)
    monkeypatch.setattr(wiring.queues, "sync_queue", lambda _name: MemoryQueue())
    monkeypatch.setenv("KMS_KEY_ID", boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    DynamoCredentials("integrations-under-test")
    CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    DynamoStores("stores-under-test")
    StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    create_table(boto3.client("dynamodb"), "sync-under-test")
    create_personas_table(boto3.client("dynamodb"))
    return gateway


@pytest.fixture
def credential(api: Gateway, pos: FakePosGateway) -> str:
    """Of a source that is connected; what was asked of its POS until then is forgotten."""
    made = str(api.post(f"{POSABIT}/credentials", {"fields": FIELDS}).json["id"])
    api.put(f"{POSABIT}/age-gate", {"passed": True})
    assert api.post(f"{POSABIT}/connect").status == 200
    pos.checked.clear()
    return made


def becomes(state: IntegrationState, rolling: Rolling | None = None) -> None:
    cards = wiring.outside.integrations()
    card = cards.get(Uid(OURS), Platform("posabit"))
    assert card is not None
    frozen = Frozen("bak_1", "user:ann", at=1, before="connected", rolling=rolling)
    cards.save(replace(card, state=state, frozen=None if state == "connected" else frozen))


def etag(api: Gateway, path: str) -> str:
    return str(api.get(path).headers["ETag"])


def replace_key(api: Gateway, credential: str) -> Got:
    path = f"{POSABIT}/credentials/{credential}"
    return api.patch(path, {"fields": {"key": "vt_another_key_99"}}, if_match=etag(api, path))


CALLS: dict[str, Callable[[Gateway, str], Got]] = {
    "Sync now": lambda api, crd: api.post(f"{POSABIT}/credentials/{crd}/sync"),
    "Re-read": lambda api, crd: api.post(
        f"{POSABIT}/credentials/{crd}/reread", {"from": "2026-01-01"}
    ),
    "Check": lambda api, crd: api.post(f"{POSABIT}/credentials/{crd}/check"),
    "Check what was typed": lambda api, _crd: api.post(
        f"{POSABIT}/credentials/check", {"fields": FIELDS}
    ),
    "Add credential": lambda api, _crd: api.post(
        f"{POSABIT}/credentials", {"fields": FIELDS | {"store_name": "Fremont"}}
    ),
    "a new key on the old one": replace_key,
    "Connect": lambda api, _crd: api.post(f"{POSABIT}/connect"),
    "Disconnect": lambda api, _crd: api.post(f"{POSABIT}/disconnect"),
}


@pytest.mark.parametrize("state", sorted(FROZEN))
def test_what_would_call_or_connect_a_frozen_source_is_409_and_says_what_to_do(
    api: Gateway, credential: str, pos: FakePosGateway, state: IntegrationState
) -> None:
    becomes(state)
    before = api.get(POSABIT).json

    got = {act: call(api, credential) for act, call in CALLS.items()}

    assert {act: answer.status for act, answer in got.items()} == dict.fromkeys(CALLS, 409)
    silent = [act for act in CALLS if "Use AIQ's last backup" not in got[act].json["detail"]]
    assert silent == []
    assert (pos.checked, api.get(POSABIT).json) == ([], before)


def stored(credential: str) -> Any:
    held = wiring.outside.credentials()
    return held.get(Uid(OURS), Platform("posabit"), CredentialId(credential))


def set_a_date(api: Gateway, _credential: str) -> Got:
    changes = {"enroll_after": "2026-01-01"}
    made = api.post(f"{POSABIT}/settings/preview", changes)
    if made.status != 201:
        return made
    body = {"token": made.json["token"], "changes": changes}
    return api.post(f"{POSABIT}/settings/apply", body, if_match=etag(api, f"{POSABIT}/settings"))


CHANGES: dict[str, Callable[[Gateway, str], Got]] = {
    "a date": set_a_date,
    "a switch": lambda api, _crd: api.patch(
        f"{POSABIT}/settings", {"sync_personas": True}, if_match=etag(api, f"{POSABIT}/settings")
    ),
    "the age gate": lambda api, _crd: api.put(f"{POSABIT}/age-gate", {"passed": False}),
    "the start of history": lambda api, crd: api.patch(
        f"{POSABIT}/credentials/{crd}",
        {"history_from": "2025-06-01"},
        if_match=etag(api, f"{POSABIT}/credentials/{crd}"),
    ),
    "the removal of a credential": lambda api, crd: api.delete(f"{POSABIT}/credentials/{crd}"),
}


def test_once_frozen_what_calls_nobody_may_be_changed(
    api: Gateway, credential: str, pos: FakePosGateway
) -> None:
    becomes("frozen")

    got = {name: change(api, credential).status for name, change in CHANGES.items()}

    assert got == {
        "a date": 202,
        "a switch": 200,
        "the age gate": 200,
        "the start of history": 200,
        "the removal of a credential": 204,
    }
    assert (api.get(POSABIT).json["state"], pos.checked) == ("frozen", [])


@pytest.mark.parametrize(
    ("state", "rolling"), [("freezing", "back"), ("frozen", "back"), ("unfreezing", "forth")]
)
def test_while_it_is_put_back_or_forth_nothing_is_changed(
    api: Gateway, credential: str, state: IntegrationState, rolling: Rolling
) -> None:
    becomes(state, rolling)
    before = api.get(POSABIT).json

    got = {name: change(api, credential) for name, change in CHANGES.items()}

    assert {name: answer.status for name, answer in got.items()} == dict.fromkeys(CHANGES, 409)
    silent = [name for name in CHANGES if "Use AIQ's last backup" not in got[name].json["detail"]]
    assert silent == []
    assert api.get(POSABIT).json == before


def test_the_card_of_a_frozen_source_is_read_without_a_call(
    api: Gateway, credential: str, pos: FakePosGateway
) -> None:
    becomes("frozen")

    for _ in range(10):
        assert api.get(POSABIT).json["state"] == "frozen"

    assert (pos.checked, pos.opened) == ([], [])


def test_a_key_that_is_replaced_after_the_thaw_is_checked_and_synced(
    api: Gateway, credential: str, pos: FakePosGateway
) -> None:
    """The one tried while it was frozen left nothing behind."""
    becomes("frozen")
    assert replace_key(api, credential).status == 409
    becomes("connected")

    got = replace_key(api, credential)

    assert (got.status, len(pos.checked)) == (200, 1)
    assert stored(credential).next_sync_at is not None
    assert wiring.outside.sync_states().live(Uid(OURS), CredentialId(credential)) is not None
