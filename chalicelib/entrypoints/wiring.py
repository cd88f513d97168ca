"""Services built from their adapters, once per process and only when first asked for.

One function per collaborator, cached and typed by its protocol. Imports stand inside the functions:
every Lambda imports `app.py`, and most need few of these.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.config import config

if TYPE_CHECKING:
    from chalicelib.adapters.dynamo import BatchTable
    from chalicelib.adapters.facts import DynamoFacts
    from chalicelib.services.accounts import AccountService
    from chalicelib.services.cards import Cards
    from chalicelib.services.commit import Commits
    from chalicelib.services.connect import ConnectService
    from chalicelib.services.credentials import CredentialService
    from chalicelib.services.dead_letters import DeadLetterQueue, DeadLetterWatch
    from chalicelib.services.key_ring import KeyRing
    from chalicelib.services.lookup import PersonaLookup
    from chalicelib.services.notify import Notifier
    from chalicelib.services.ports.accounts import Accounts, Audit, Notifications
    from chalicelib.services.ports.common import Clock, Ids, JobQueue, SyncQueue
    from chalicelib.services.ports.effects import Effects
    from chalicelib.services.ports.facts import PersonaList
    from chalicelib.services.ports.integrations import Credentials, Integrations
    from chalicelib.services.ports.people import OperatorTopic, People
    from chalicelib.services.ports.personas import LedgerViews, PersonaViews
    from chalicelib.services.ports.pos import PosGateway
    from chalicelib.services.ports.rules import RuleBook
    from chalicelib.services.ports.stores import Inventories, Stores
    from chalicelib.services.remap import Remapper
    from chalicelib.services.settings import SettingsService
    from chalicelib.services.stores import StoreService
    from chalicelib.services.terms import TermsReader


F = TypeVar("F", bound=Callable[..., Any])

_made: list[Any] = []


def once(build: F) -> F:
    """Cache a builder; `reset` empties all of them."""
    cached = cache(build)
    _made.append(cached)
    return cached  # type: ignore[return-value]  # same call, remembered


def reset() -> None:
    """Forget everything built and read, so that tests start clean."""
    config.cache_clear()
    for cached in _made:
        cached.cache_clear()


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
    from chalicelib.adapters.accounts import DynamoAccounts

    return DynamoAccounts(config().table_accounts)


@once
def notifications() -> Notifications:
    from chalicelib.adapters.notifications import DynamoNotifications

    return DynamoNotifications(config().table_accounts)


@once
def audit() -> Audit:
    from chalicelib.adapters.audit import DynamoAudit

    return DynamoAudit(config().table_accounts, ids())


@once
def people() -> People:
    from chalicelib.adapters.people import CognitoPeople

    return CognitoPeople(config().user_pool_id)


@once
def operator_topic() -> OperatorTopic:
    from chalicelib.adapters.people import SnsOperatorTopic

    return SnsOperatorTopic(config().topic_operator_arn)


@once
def account_service() -> AccountService:
    from chalicelib.services.accounts import AccountService

    return AccountService(accounts(), audit(), people(), clock(), draw_uid, jobs_queue())


def draw_uid() -> str:
    """Six digits, not the first zero."""
    return str(100_000 + secrets.randbelow(900_000))


@once
def notifier() -> Notifier:
    from chalicelib.services.notify import Notifier

    return Notifier(notifications(), operator_topic(), clock())


@once
def batch_table() -> BatchTable:
    from chalicelib.adapters.dynamo import BatchTable, commit_client

    return BatchTable(commit_client(), config().table_personas, clock())


@once
def facts() -> DynamoFacts:
    from chalicelib.adapters.facts import DynamoFacts

    return DynamoFacts(batch_table(), clock(), lock_seconds=config().commit_lock_seconds)


@once
def persona_list() -> PersonaList:
    from chalicelib.adapters.persona_list import DynamoPersonaList

    return DynamoPersonaList(batch_table().client, config().table_personas)


@once
def rule_book() -> RuleBook:
    from chalicelib.adapters.rule_book import DynamoRuleBook

    return DynamoRuleBook(config().table_accounts)


@once
def terms() -> TermsReader:
    from chalicelib.services.terms import TermsReader

    return TermsReader(accounts(), stores(), rule_book(), clock())


def effects() -> Effects:
    from chalicelib.entrypoints import wiring_texts

    return wiring_texts.consent_service()


@once
def commits() -> Commits:
    from chalicelib.services.commit import Commits

    return Commits(facts(), terms(), effects(), _tells_zone)


def _tells_zone(platform: str) -> bool:
    from chalicelib.domain.errors import NotFound

    try:
        return not pos_gateway().platform(platform).store_clock
    except NotFound:
        return True  # what is no POS tells instants


@once
def personas() -> PersonaViews:
    from chalicelib.services.personas import PersonaService

    return PersonaService(facts(), persona_list(), stores(), persona_lookup(), _titles, _read_phone)


@once
def persona_lookup() -> PersonaLookup:
    from chalicelib.services.lookup import PersonaLookup

    return PersonaLookup(facts(), terms())


@once
def ledgers() -> LedgerViews:
    from chalicelib.services.ledger import LedgerService

    return LedgerService(facts(), persona_list(), persona_lookup())


def _titles() -> dict[str, str]:
    return {info.platform: info.title.removesuffix(" API") for info in pos_gateway().platforms()}


def _read_phone(typed: str) -> str | None:
    from chalicelib.pos.contacts import phone

    return phone(typed, "US")[0]


@once
def remapper() -> Remapper:
    from chalicelib.services.remap import Remapper

    return Remapper(commits(), persona_list(), jobs_queue())


@once
def sync_dead_letters(name: SyncQueue) -> DeadLetterQueue:
    from chalicelib.adapters.dead_letters import SqsDeadLetters

    found = config()
    sync, own = found.queue_sync_dead_url, found.queue_sync_own_server_dead_url
    return SqsDeadLetters(name, sync if name == "sync" else own)


@once
def jobs_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.dead_letters import SqsDeadLetters

    return SqsDeadLetters("jobs", config().queue_jobs_dead_url)


@once
def texts_dead_letters() -> DeadLetterQueue:
    from chalicelib.adapters.dead_letters import SqsDeadLetters

    return SqsDeadLetters("texts", config().queue_texts_dead_url)


@once
def dead_letter_watch() -> DeadLetterWatch:
    from chalicelib.services.dead_letters import DeadLetterWatch

    syncs = [sync_dead_letters("sync"), sync_dead_letters("sync-own-server")]
    return DeadLetterWatch([*syncs, jobs_dead_letters(), texts_dead_letters()], notifier())


@once
def integrations() -> Integrations:
    from chalicelib.adapters.integrations import DynamoIntegrations

    return DynamoIntegrations(config().table_integrations)


@once
def credentials() -> Credentials:
    from chalicelib.adapters.credentials import DynamoCredentials

    return DynamoCredentials(config().table_integrations)


@once
def stores() -> Stores:
    from chalicelib.adapters.stores import DynamoStores

    return DynamoStores(config().table_stores)


@once
def inventories() -> Inventories:
    from chalicelib.adapters.inventories import DynamoInventories

    return DynamoInventories(config().table_stores)


@once
def key_ring() -> KeyRing:
    from chalicelib.adapters.crypto import KmsBox
    from chalicelib.services.key_ring import KeyRing

    return KeyRing(KmsBox(config().kms_key_id))


@once
def jobs_queue() -> JobQueue:
    from chalicelib.adapters.queues import SqsQueue

    return SqsQueue(config().queue_jobs_url)


@once
def pos_gateway() -> PosGateway:
    from chalicelib.pos.connector import Gateway
    from chalicelib.pos.egress import Guard, Ranges

    found = config()
    guard = Guard(Ranges.of(found.egress_allowed_ranges, found.egress_denied_ranges))
    return Gateway(clock(), found.pos_base_urls, _integrator_token, guard)


def _integrator_token(platform: str) -> str | None:
    """The deployment's own token with a POS: an SSM SecureString, cached for 5 minutes."""
    name = config().integrator_parameters.get(platform)
    if not name:
        return None
    from aws_lambda_powertools.utilities import parameters

    return str(parameters.get_parameter(name, decrypt=True, max_age=300))


@once
def cards() -> Cards:
    from chalicelib.services.cards import Cards

    return Cards(pos_gateway(), integrations(), credentials(), rule_book())


@once
def connect_service() -> ConnectService:
    from chalicelib.entrypoints import wiring_syncs
    from chalicelib.services.connect import ConnectService

    return ConnectService(
        pos=pos_gateway(),
        integrations=integrations(),
        credentials=credentials(),
        sync=wiring_syncs.sync_control(),
        derive_again=_derive_again,
        audit=audit(),
        clock=clock(),
    )


def _derive_again(uid: str, reason: str) -> None:
    from chalicelib.services.messages import RemapMessage

    jobs_queue().send(RemapMessage(uid, reason=reason).body())


@once
def credential_service() -> CredentialService:
    from chalicelib.entrypoints import wiring_syncs
    from chalicelib.services.credentials import CredentialService

    return CredentialService(
        pos=pos_gateway(),
        integrations=integrations(),
        credentials=credentials(),
        stores=stores(),
        accounts=accounts(),
        key_ring=key_ring(),
        sync=wiring_syncs.sync_control(),
        audit=audit(),
        notifier=notifier(),
        clock=clock(),
        ids=ids(),
    )


@once
def settings_service() -> SettingsService:
    from chalicelib.services.settings import SettingsService

    return SettingsService(
        pos=pos_gateway(),
        integrations=integrations(),
        accounts=accounts(),
        rules=rule_book(),
        audit=audit(),
        clock=clock(),
    )


@once
def store_service() -> StoreService:
    from chalicelib.services.stores import StoreService

    return StoreService(stores(), jobs_queue(), audit(), notifier(), clock())
