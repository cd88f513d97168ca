"""Builds what stands outside the services: every adapter behind its port, and the POS gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once

if TYPE_CHECKING:
    from chalicelib.adapters.dynamo.batch import BatchTable
    from chalicelib.adapters.dynamo.facts import DynamoFacts
    from chalicelib.services.credentials.key_ring import KeyRing
    from chalicelib.services.ports.accounts import Accounts, People
    from chalicelib.services.ports.audiences import AudienceRuns, Exports, Objects
    from chalicelib.services.ports.audit import Audit
    from chalicelib.services.ports.changes import Changes, PreviewReads
    from chalicelib.services.ports.common import Clock, Ids, SecretBox
    from chalicelib.services.ports.consent import ConsentLog
    from chalicelib.services.ports.contact_sync import ShopperIntents
    from chalicelib.services.ports.contacts_withdrawn import Withdrawals
    from chalicelib.services.ports.digests import Digests, Mailer
    from chalicelib.services.ports.facts import FactStore
    from chalicelib.services.ports.integrations import Credentials, Integrations
    from chalicelib.services.ports.join_form import Proofs
    from chalicelib.services.ports.limits import RaisedLimits, Throttle
    from chalicelib.services.ports.loyalty import Expiries, Leavers
    from chalicelib.services.ports.notifications import Notifications, OperatorTopic
    from chalicelib.services.ports.persona_list import PersonaList
    from chalicelib.services.ports.rules import RuleBook
    from chalicelib.services.ports.runs import Sources, SyncStates
    from chalicelib.services.ports.stores import Inventories, Stores
    from chalicelib.services.ports.texting import (
        KillSwitch,
        TextingSettings,
        TextLog,
        TextSender,
        UnclearReplies,
    )


@once
def clock() -> Clock:
    from chalicelib.adapters.clock import SystemClock

    return SystemClock()


@once
def ids() -> Ids:
    from chalicelib.adapters.ids import UlidIds

    return UlidIds(clock())


@once
def accounts() -> Accounts:
    from chalicelib.adapters.dynamo.accounts import DynamoAccounts

    return DynamoAccounts(config().table_accounts)


@once
def notifications() -> Notifications:
    from chalicelib.adapters.dynamo.notifications import DynamoNotifications

    return DynamoNotifications(config().table_accounts)


@once
def audit() -> Audit:
    from chalicelib.adapters.dynamo.audit import DynamoAudit

    return DynamoAudit(config().table_accounts, ids())


@once
def throttle() -> Throttle:
    from chalicelib.adapters.dynamo.limits import DynamoThrottle

    return DynamoThrottle(config().table_accounts, clock())


@once
def raised_limits() -> RaisedLimits:
    from chalicelib.adapters.dynamo.limits import DynamoRaisedLimits

    return DynamoRaisedLimits(config().table_accounts)


@once
def people() -> People:
    from chalicelib.adapters.aws.people import CognitoPeople

    return CognitoPeople(config().user_pool_id)


@once
def operator_topic() -> OperatorTopic:
    from chalicelib.adapters.aws.operator_topic import SnsOperatorTopic

    return SnsOperatorTopic(config().topic_operator_arn)


@once
def batch_table() -> BatchTable:
    from chalicelib.adapters.dynamo.batch import BatchTable, commit_client

    return BatchTable(commit_client(), config().table_personas, clock())


@once
def facts() -> DynamoFacts:
    from chalicelib.adapters.dynamo.commit_locks import CommitLocks
    from chalicelib.adapters.dynamo.facts import DynamoFacts

    table = batch_table()
    locks = CommitLocks(table, clock(), lock_seconds=config().commit_lock_seconds)
    return DynamoFacts(table, locks, config().table_accounts)


@once
def eventual_facts() -> FactStore:
    """The facts by reads that cost half, for whoever holds no lock and writes nothing."""
    from chalicelib.adapters.dynamo.batch import EventualTable
    from chalicelib.adapters.dynamo.commit_locks import CommitLocks
    from chalicelib.adapters.dynamo.facts import DynamoFacts

    table = batch_table()
    locks = CommitLocks(table, clock(), lock_seconds=config().commit_lock_seconds)
    return DynamoFacts(EventualTable(table.client, table.name, table.clock), locks)


@once
def persona_list() -> PersonaList:
    from chalicelib.adapters.dynamo.persona_list import DynamoPersonaList

    return DynamoPersonaList(batch_table())


@once
def rule_book() -> RuleBook:
    from chalicelib.adapters.dynamo.rules import DynamoRuleBook

    return DynamoRuleBook(config().table_accounts)


@once
def integrations() -> Integrations:
    from chalicelib.adapters.dynamo.integrations import DynamoIntegrations

    return DynamoIntegrations(config().table_integrations)


@once
def sources() -> Sources:
    from chalicelib.adapters.dynamo.sources import DynamoSources

    return DynamoSources(config().table_accounts, config().table_integrations)


@once
def credentials() -> Credentials:
    from chalicelib.adapters.dynamo.credentials import DynamoCredentials

    return DynamoCredentials(config().table_integrations)


@once
def join_proofs() -> Proofs:
    from chalicelib.adapters.dynamo.join_proofs import DynamoProofs

    return DynamoProofs(config().table_accounts)


@once
def stores() -> Stores:
    from chalicelib.adapters.dynamo.stores import DynamoStores

    return DynamoStores(config().table_stores)


@once
def inventories() -> Inventories:
    from chalicelib.adapters.dynamo.inventories import DynamoInventories

    return DynamoInventories(config().table_stores)


@once
def key_ring() -> KeyRing:
    from chalicelib.adapters.aws.crypto import KmsBox
    from chalicelib.services.credentials.key_ring import KeyRing

    return KeyRing(KmsBox(config().kms_key_id))


@once
def cursor_box() -> SecretBox:
    from chalicelib.adapters.aws.crypto import KmsBox

    return KmsBox(config().kms_key_id)


@once
def shopper_intents() -> ShopperIntents:
    from chalicelib.adapters.dynamo.contact_sync import DynamoShopperIntents

    return DynamoShopperIntents(config().table_accounts)


@once
def sync_states() -> SyncStates:
    from chalicelib.adapters.dynamo.sync_states import DynamoSyncStates

    return DynamoSyncStates(config().table_sync, clock())


@once
def preview_reads() -> PreviewReads:
    from chalicelib.adapters.dynamo.preview_reads import DynamoPreviewReads

    return DynamoPreviewReads(batch_table())


@once
def changes() -> Changes:
    from chalicelib.adapters.dynamo.changes import DynamoChanges

    return DynamoChanges(config().table_accounts, config().table_integrations, ids())


@once
def audience_runs() -> AudienceRuns:
    from chalicelib.adapters.dynamo.audiences import DynamoAudienceRuns

    return DynamoAudienceRuns(config().table_accounts)


@once
def exports() -> Exports:
    from chalicelib.adapters.dynamo.audiences import DynamoExports

    return DynamoExports(config().table_accounts)


@once
def objects() -> Objects:
    from chalicelib.adapters.aws.objects import S3Objects

    return S3Objects(config().bucket_backups)


@once
def expiries() -> Expiries:
    from chalicelib.adapters.dynamo.loyalty import DynamoExpiries

    return DynamoExpiries(config().table_accounts)


@once
def leavers() -> Leavers:
    from chalicelib.adapters.dynamo.loyalty import DynamoLeavers

    return DynamoLeavers(config().table_accounts)


@once
def withdrawals() -> Withdrawals:
    from chalicelib.adapters.dynamo.contacts_withdrawn import DynamoWithdrawals

    return DynamoWithdrawals(config().table_accounts)


@once
def consent_log() -> ConsentLog:
    from chalicelib.adapters.dynamo.consent import DynamoConsent

    return DynamoConsent(batch_table())


@once
def texts() -> TextLog:
    from chalicelib.adapters.dynamo.texts import DynamoTexts

    return DynamoTexts(batch_table())


@once
def unclear_replies() -> UnclearReplies:
    from chalicelib.adapters.dynamo.unclear_replies import DynamoUnclearReplies

    return DynamoUnclearReplies(batch_table())


@once
def texting_settings() -> TextingSettings:
    from chalicelib.adapters.dynamo.texting import DynamoTextingSettings

    return DynamoTextingSettings(config().table_accounts)


@once
def kill_switch() -> KillSwitch:
    from chalicelib.adapters.dynamo.kill_switch import DynamoKillSwitch

    return DynamoKillSwitch(config().table_accounts, clock())


@once
def text_sender() -> TextSender:
    from chalicelib.adapters.aws.sms import SnsTexts

    return SnsTexts()


@once
def digests() -> Digests:
    from chalicelib.adapters.dynamo.digests import DynamoDigests

    return DynamoDigests(config().table_accounts)


@once
def mailer() -> Mailer:
    from chalicelib.adapters.aws.mail import SesMailer

    return SesMailer(config().digest_sender)
