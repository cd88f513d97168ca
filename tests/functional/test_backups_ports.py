"""Backups, their objects and switches: the fakes and AWS keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.aws.backups import S3BackupObjects
from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.audit import DynamoAudit
from chalicelib.adapters.dynamo.backups import BackupRow, DynamoBackups, DynamoSourceSwitches
from chalicelib.adapters.dynamo.credential_rows import CredentialRow
from chalicelib.adapters.dynamo.credentials import DynamoCredentials
from chalicelib.adapters.dynamo.integrations import DynamoIntegrations
from chalicelib.adapters.dynamo.rules import DynamoRuleBook
from chalicelib.domain.backups import Backup, Shard, backup_id
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.rules import Rules, Source
from chalicelib.domain.standing import Standing
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.backups import ObjectBad, SourceSwitch
from chalicelib.services.ports.integrations import Frozen, Integration
from tests.fakes.aws import set_aws_environment
from tests.fakes.backups import MemoryBackups, MemoryObjects, MemorySwitches
from tests.fakes.common import NOON, FakeIds
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook

OURS, THEIRS = "3912", "4000"
ACCOUNTS, INTEGRATIONS, BUCKET = "accounts-under-test", "integrations-under-test", "backups"


@dataclass
class Ports:
    backups: Any
    switches: Any
    objects: Any
    rules: Any
    integrations: Any
    audit: Any


@pytest.fixture(params=["fake", "aws"])
def ports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ports]:
    if request.param == "fake":
        rules, cards, audit = MemoryRuleBook(), MemoryIntegrations(), MemoryAudit()
        backups = MemoryBackups()
        switches = MemorySwitches(rules, cards, backups, audit)
        yield Ports(backups, switches, MemoryObjects(), rules, cards, audit)
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        DynamoAccounts(ACCOUNTS)
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        DynamoCredentials(INTEGRATIONS)
        CredentialRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Ports(
            DynamoBackups(ACCOUNTS),
            DynamoSourceSwitches(ACCOUNTS, INTEGRATIONS, FakeIds()),
            S3BackupObjects(client, BUCKET),
            DynamoRuleBook(ACCOUNTS),
            DynamoIntegrations(INTEGRATIONS),
            DynamoAudit(ACCOUNTS, FakeIds()),
        )


def a_backup(fence: int = 7, **changes: Any) -> Backup:
    base = Backup(
        OURS,
        "posabit",
        backup_id(fence),
        fence,
        "nightly",
        "run_1",
        NOON,
        shards=(Shard(0, "ab" * 32, 120, 3, 4), Shard(1)),
        watermarks={"crd_1": {"sales": NOON}},
    )
    return replace(base, **changes)


def a_switch(**changes: Any) -> SourceSwitch:
    standing = Standing("back", backup_id(7), 7, NOON)
    frozen = Frozen(backup_id(7), "user:ann", NOON, "connected", rolling="back", total=12)
    base = SourceSwitch(
        Rules(sources={"posabit": Source(standing=standing)}),
        Integration(OURS, "posabit", state="freezing", frozen=frozen),
        AuditEntry(NOON, "user:ann", "backup.used", "posabit", after={"backup": backup_id(7)}),
    )
    return replace(base, **changes)


def test_a_backup_is_read_as_it_was_saved(ports: Ports) -> None:
    saved = ports.backups.save(a_backup())

    assert saved.seq == 1
    assert ports.backups.get(OURS, "posabit", saved.id) == saved
    with pytest.raises(NotFound):
        ports.backups.get(THEIRS, "posabit", saved.id)


def test_a_backup_that_somebody_else_saved_is_not_saved_over(ports: Ports) -> None:
    saved = ports.backups.save(a_backup())
    ports.backups.save(replace(saved, state="verified"))

    with pytest.raises(StaleVersion):
        ports.backups.save(replace(saved, state="bad"))


def test_backups_of_a_source_come_newest_first(ports: Ports) -> None:
    for fence in (7, 1_000, 20):
        ports.backups.save(a_backup(fence))
    ports.backups.save(a_backup(30, platform="thsuite"))
    ports.backups.save(a_backup(40, uid=THEIRS))

    found = ports.backups.of_source(OURS, "posabit")

    assert [backup.fence for backup in found] == [1_000, 20, 7]
    ports.backups.delete(found[1:])
    assert [backup.fence for backup in ports.backups.of_source(OURS, "posabit")] == [1_000]


def test_a_switch_writes_rules_card_backups_and_audit_at_once(ports: Ports) -> None:
    backup = ports.backups.save(a_backup())

    card = ports.switches.apply(a_switch(pins=(replace(backup, pinned_by="ann"),)))

    assert (card.version, ports.integrations.get(OURS, "posabit")) == (1, card)
    assert card.frozen == a_switch().card.frozen
    standing = ports.rules.get(OURS).source("posabit").standing
    assert standing == Standing("back", backup_id(7), 7, NOON)
    assert ports.backups.get(OURS, "posabit", backup.id).pinned_by == "ann"
    [entry] = ports.audit.entries(OURS, 10, None)[0]
    assert entry.action == "backup.used"


@pytest.mark.parametrize("stale", ["rules", "card", "pins"])
def test_a_switch_whose_ground_moved_writes_nothing(ports: Ports, stale: str) -> None:
    backup = ports.backups.save(a_backup())
    if stale == "rules":
        ports.rules.save(OURS, Rules())
    elif stale == "card":
        ports.integrations.save(Integration(OURS, "posabit"))
    else:
        ports.backups.save(backup)

    with pytest.raises(StaleVersion):
        ports.switches.apply(a_switch(pins=(replace(backup, pinned_by="ann"),)))

    assert ports.rules.get(OURS).source("posabit").standing is None
    assert not ports.backups.get(OURS, "posabit", backup.id).pinned_by
    assert ports.audit.entries(OURS, 10, None)[0] == []


def test_objects_are_put_read_listed_and_deleted(ports: Ports) -> None:
    names = [f"{OURS}/backups/posabit/shards/{n:04d}" for n in range(1_003)]
    for name in names:
        ports.objects.put(name, b"line")
    ports.objects.put(f"{THEIRS}/backups/posabit/shards/0000", b"theirs")

    assert ports.objects.get(names[0]) == b"line"
    assert ports.objects.size(names[1]) == 4
    assert ports.objects.keys(f"{OURS}/backups/") == names
    ports.objects.delete(names[1:])
    assert ports.objects.keys(f"{OURS}/") == names[:1]


def test_an_object_that_is_not_there_is_said_to_be_bad(ports: Ports) -> None:
    assert ports.objects.size("none") is None
    with pytest.raises(ObjectBad):
        ports.objects.get("none")


@pytest.mark.parametrize("ports", ["aws"], indirect=True)
def test_a_backup_of_newer_code_is_read_without_what_is_unknown(ports: Ports) -> None:
    ports.backups.save(a_backup())
    [row] = BackupRow.query(f"ACCOUNT#{OURS}")
    body = row.body.replace('"schema":1', '"schema":2,"colour":"blue"')
    row.body = body.replace('"size":120', '"size":120,"zone":"a"')
    row.save()

    read = ports.backups.get(OURS, "posabit", backup_id(7))

    assert (read.schema, read.shards) == (2, a_backup().shards)
