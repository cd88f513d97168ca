"""The API over the cards as they are, with POS servers that say yes to any key."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.stores import DynamoStores, StoreRow
from chalicelib.entrypoints import wiring
from chalicelib.pos.profile import registry
from tests.fakes.common import FakeClock
from tests.fakes.pos import FakePosGateway
from tests.fakes.sync_control import RecordingSync
from tests.fakes.sync_state import MemorySyncStates
from tests.functional.gateway import Gateway, World, a_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two accounts in an AWS with all that cards and stores need."""
    with a_world(monkeypatch) as made:
        monkeypatch.setenv("KMS_KEY_ID", boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
        queue = boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        monkeypatch.setenv("QUEUE_JOBS_URL", queue)
        DynamoCredentials("integrations-under-test")
        CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        DynamoStores("stores-under-test")
        StoreRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield made


@pytest.fixture
def pos(monkeypatch: pytest.MonkeyPatch) -> FakePosGateway:
    """The five platforms by their profiles."""
    states = MemorySyncStates(FakeClock())
    monkeypatch.setattr(wiring.outside, "sync_states", lambda: states)
    gateway = FakePosGateway(infos=[registry.info(name) for name in registry.names()])
    monkeypatch.setattr(wiring.gateways, "pos_gateway", lambda: gateway)
    return gateway


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch) -> RecordingSync:
    recording = RecordingSync()
    monkeypatch.setattr(wiring.sync, "sync_control", lambda: recording)
    return recording


@pytest.fixture
def api(world: World, pos: FakePosGateway, sync: RecordingSync) -> Gateway:
    """The API as the Owner of our account calls it."""
    return world.gateway("Owner")
