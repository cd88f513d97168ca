"""Builds what stands outside the services: every adapter behind its port, and the POS gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.domain.words import Platform
from chalicelib.entrypoints.once import once

if TYPE_CHECKING:
    from chalicelib.adapters.dynamo.batch import BatchTable
    from chalicelib.adapters.dynamo.facts import DynamoFacts
    from chalicelib.pos.gateway import Gateway
    from chalicelib.services.credentials.key_ring import KeyRing
    from chalicelib.services.ports.accounts import Accounts, People
    from chalicelib.services.ports.audiences import AudienceRuns, Exports, Objects
    from chalicelib.services.ports.audit import Audit
    from chalicelib.services.ports.changes import Changes, PreviewReads
    from chalicelib.services.ports.common import Clock, Ids, JobQueue, SecretBox, SyncQueue
    from chalicelib.services.ports.consent import ConsentLog
    from chalicelib.services.ports.contact_sync import ShopperGateway, ShopperIntents
    from chalicelib.services.ports.contacts_withdrawn import Withdrawals
    from chalicelib.services.ports.dead_letters import DeadLetterQueue
    from chalicelib.services.ports.digests import Digests, Mailer
    from chalicelib.services.ports.facts import FactStore
    from chalicelib.services.ports.integrations import Credentials, Integrations
    from chalicelib.services.ports.join_form import Proofs
    from chalicelib.services.ports.limits import RaisedLimits, Throttle
    from chalicelib.services.ports.loyalty import Expiries, Leavers
    from chalicelib.services.ports.notifications import Notifications, OperatorTopic
    from chalicelib.services.ports.persona_list import PersonaList
    from chalicelib.services.ports.pos import Permits, PosGateway
    from chalicelib.services.ports.rewards import DiscountGateway
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


def read_contact(typed: str) -> str | None:
    """Return a typed phone in E.164 or an e-mail in lower case, None if it can be neither."""
    from chalicelib.pos.rows.contacts import email

    if "@" not in typed:
        return read_phone(typed)
    address, flag = email(typed.strip(), frozenset())
    return typed.strip().lower() if flag == "placeholder_email" else address


def read_phone(typed: str) -> str | None:
    """Return a typed phone in E.164, None if it cannot be one."""
    from chalicelib.pos.rows.contacts import phone

    return phone(typed, "US")[0]


def read_typed_phone(typed: str) -> tuple[str | None, str | None]:
    """The `ReadContact` of phones."""
    from chalicelib.pos.rows.contacts import phone

    return phone(typed, "US")


def read_typed_email(typed: str) -> tuple[str | None, str | None]:
    """The `ReadContact` of e-mails."""
    from chalicelib.pos.rows.contacts import email

    return email(typed, frozenset())


@once
def sync_dead_letters(name: SyncQueue) -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    sync, own_server = config().queue_sync_dead_url, config().queue_sync_own_server_dead_url
    return SqsDeadLetters(name, sync if name == "sync" else own_server)


@once
def jobs_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("jobs", config().queue_jobs_dead_url)


@once
def texts_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("texts", config().queue_texts_dead_url)


@once
def webhooks_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.aws.dead_letters import SqsDeadLetters

    return SqsDeadLetters("webhooks", config().queue_webhooks_dead_url)


@once
def integrations() -> Integrations:
    from chalicelib.adapters.dynamo.integrations import DynamoIntegrations

    return DynamoIntegrations(config().table_integrations)


@once
def permits() -> Permits:
    from chalicelib.services.freezing.permit import SourcePermits

    return SourcePermits(integrations(), clock())


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
def jobs_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_jobs_url)


@once
def pos_gateway() -> PosGateway:
    return _gateway()


@once
def shopper_gateway() -> ShopperGateway:
    return _gateway()


@once
def discount_gateway() -> DiscountGateway:
    return _gateway()


@once
def _gateway() -> Gateway:
    from chalicelib.pos.gateway import Gateway
    from chalicelib.pos.transport.egress import AddressRanges, Guard

    settings = config()
    ranges = AddressRanges.of(settings.egress_allowed_ranges, settings.egress_denied_ranges)
    return Gateway(clock(), settings.pos_base_urls, integrator_token, Guard(ranges))


def integrator_token(platform: Platform) -> str | None:
    """Return the deployment's own token with a POS, None for none.

    It is an SSM SecureString, cached for 5 minutes.
    """
    name = config().integrator_parameters.get(platform)
    if not name:
        return None
    from aws_lambda_powertools.utilities import parameters

    return str(parameters.get_parameter(name, decrypt=True, max_age=300))


@once
def sync_states() -> SyncStates:
    from chalicelib.adapters.dynamo.sync_states import DynamoSyncStates

    return DynamoSyncStates(config().table_sync, clock())


@once
def sync_queue(name: SyncQueue) -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    sync, own_server = config().queue_sync_url, config().queue_sync_own_server_url
    return SqsQueue(sync if name == "sync" else own_server)


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
def texts_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_texts_url)


@once
def webhooks_queue() -> JobQueue:
    from chalicelib.adapters.aws.queues import SqsQueue

    return SqsQueue(config().queue_webhooks_url)


def can_be_mobile(number: str) -> bool:
    """Whether an E.164 number may be a mobile of the US or Canada."""
    from chalicelib.pos.rows.contacts import can_be_mobile as can

    return can(number)


def north_american(typed: str) -> str | None:
    """Return a typed number of the US or Canada in E.164, None if it cannot be one."""
    from chalicelib.pos.rows.contacts import north_american

    return north_american(typed)


@once
def digests() -> Digests:
    from chalicelib.adapters.dynamo.digests import DynamoDigests

    return DynamoDigests(config().table_accounts)


@once
def mailer() -> Mailer:
    from chalicelib.adapters.aws.mail import SesMailer

    return SesMailer(config().digest_sender)
