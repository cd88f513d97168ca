"""Builds the services of freezing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.domain.words import Platform
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import (
    derivation,
    gateways,
    integrations,
    notifications,
    outside,
    queues,
    signups,
    sync,
)

if TYPE_CHECKING:
    from chalicelib.adapters.dynamo.facts_log import DynamoFactsLog
    from chalicelib.services.freezing.count import CountRollBack
    from chalicelib.services.freezing.freeze import FreezeService
    from chalicelib.services.freezing.shards import ShardStore
    from chalicelib.services.freezing.standing_job import StandingJob
    from chalicelib.services.freezing.take_backup import TakeBackup
    from chalicelib.services.ports.backups import BackupObjects, Backups, SourceSwitches


@once
def backups() -> Backups:
    from chalicelib.adapters.dynamo.backups import DynamoBackups

    return DynamoBackups(config().table_accounts)


@once
def source_switches() -> SourceSwitches:
    from chalicelib.adapters.dynamo.backups import DynamoSourceSwitches

    return DynamoSourceSwitches(config().table_accounts, config().table_integrations, outside.ids())


@once
def backup_objects() -> BackupObjects:
    from chalicelib.adapters.aws.backups import S3BackupObjects
    from chalicelib.adapters.aws.client import client

    return S3BackupObjects(client("s3"), config().bucket_backups)


@once
def facts_log() -> DynamoFactsLog:
    from chalicelib.adapters.dynamo.facts_log import DynamoFactsLog

    return DynamoFactsLog(outside.batch_table())


@once
def shard_store() -> ShardStore:
    from chalicelib.adapters.dynamo.facts_log import LINES
    from chalicelib.services.freezing.shards import ShardStore

    return ShardStore(backup_objects(), LINES)


@once
def take_backup() -> TakeBackup:
    from chalicelib.adapters.dynamo.facts_log import LINES
    from chalicelib.services.freezing.take_backup import TakeBackup

    return TakeBackup(
        commits=derivation.commits(),
        log=facts_log(),
        lines=LINES,
        shards=shard_store(),
        objects=backup_objects(),
        backups=backups(),
        rules=outside.rule_book(),
        credentials=outside.credentials(),
        states=outside.sync_states(),
        notifier=notifications.notifier(),
        audit=outside.audit(),
        clock=outside.clock(),
        title=_title,
    )


@once
def freeze_service() -> FreezeService:
    from chalicelib.services.freezing.freeze import FreezeService

    return FreezeService(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        rules=outside.rule_book(),
        backups=backups(),
        objects=backup_objects(),
        switches=source_switches(),
        jobs=queues.jobs_queue(),
        notifications=outside.notifications(),
        clock=outside.clock(),
    )


@once
def count_roll_back() -> CountRollBack:
    from chalicelib.adapters.dynamo.facts_log import LINES
    from chalicelib.services.freezing.count import CountRollBack

    return CountRollBack(
        commits=derivation.commits(),
        log=facts_log(),
        lines=LINES,
        shards=shard_store(),
        rules=outside.rule_book(),
        clock=outside.clock(),
    )


@once
def standing_job() -> StandingJob:
    from chalicelib.services.freezing.standing_job import StandingJob

    return StandingJob(
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        sync=sync.sync_control(),
        states=outside.sync_states(),
        switches=source_switches(),
        taking=take_backup(),
        commits=derivation.commits(),
        derive_again=integrations.derive_again,
        pushes=signups.pushes(),
        jobs=queues.jobs_queue(),
    )


def _title(platform: Platform) -> str:
    return gateways.pos_gateway().platform(platform).title
