"""Builds the services of privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import derivation, freezing, outside, queues, signups

if TYPE_CHECKING:
    from chalicelib.services.ports.audiences import PersonaFile
    from chalicelib.services.ports.privacy import Erasures, Offboardings, PersonalRows
    from chalicelib.services.privacy.erase import EraseService
    from chalicelib.services.privacy.erase_sources import EraseSources
    from chalicelib.services.privacy.erase_worker import EraseWorker
    from chalicelib.services.privacy.export import RequestPersonaExport
    from chalicelib.services.privacy.offboard import OffboardService, OffboardWorker
    from chalicelib.services.privacy.remove_source import PurgeWorker, RemoveSource


@once
def erasures() -> Erasures:
    from chalicelib.adapters.dynamo.erasures import DynamoErasures

    return DynamoErasures(config().table_accounts)


@once
def personal_rows() -> PersonalRows:
    from chalicelib.adapters.dynamo.personal_rows import DynamoPersonalRows

    settings = config()
    return DynamoPersonalRows(outside.batch_table(), settings.table_accounts, settings.table_sync)


@once
def erase_service() -> EraseService:
    from chalicelib.services.privacy.erase import EraseService

    return EraseService(
        derivation.persona_lookup(),
        outside.facts(),
        outside.consent_log(),
        erasures(),
        outside.audit(),
        queues.jobs_queue(),
        outside.ids(),
        outside.clock(),
    )


@once
def erase_worker() -> EraseWorker:
    from chalicelib.services.derivation.erase import EraseFacts
    from chalicelib.services.privacy.erase_lists import EraseLists
    from chalicelib.services.privacy.erase_worker import EraseWorker

    return EraseWorker(
        erase_facts=EraseFacts(derivation.commits()),
        tombstones=outside.facts(),
        log=outside.consent_log(),
        rows=personal_rows(),
        sources=_sources(),
        lists=EraseLists(outside.audience_runs(), outside.exports(), outside.objects()),
        erasures=erasures(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def persona_file() -> PersonaFile:
    from chalicelib.services.privacy.export import PersonaExport

    return PersonaExport(
        derivation.persona_lookup(),
        outside.facts(),
        outside.consent_log(),
        personal_rows(),
        _sources(),
        outside.clock(),
    )


@once
def _sources() -> EraseSources:
    from chalicelib.services.privacy.erase_sources import EraseSources

    return EraseSources(freezing.take_backup(), outside.integrations(), signups.waiting_pushes())


@once
def request_persona_export() -> RequestPersonaExport:
    from chalicelib.entrypoints.wiring import audiences
    from chalicelib.services.privacy.export import RequestPersonaExport

    return RequestPersonaExport(derivation.persona_lookup(), audiences.exports())


@once
def remove_source() -> RemoveSource:
    from chalicelib.services.privacy.remove_source import RemoveSource

    return RemoveSource(freezing.freeze_service(), freezing.count_roll_back())


@once
def purge_worker() -> PurgeWorker:
    from chalicelib.services.derivation.erase import EraseFacts
    from chalicelib.services.privacy.remove_source import PurgeWorker

    return PurgeWorker(
        freezing.freeze_service(),
        freezing.take_backup(),
        EraseFacts(derivation.commits()),
        personal_rows(),
        outside.sync_states(),
        queues.jobs_queue(),
    )


@once
def offboardings() -> Offboardings:
    from chalicelib.adapters.dynamo.offboarding import DynamoOffboardings

    return DynamoOffboardings(config().table_accounts)


@once
def offboard_service() -> OffboardService:
    from chalicelib.services.privacy.offboard import OffboardService

    return OffboardService(
        outside.accounts(),
        offboardings(),
        outside.objects(),
        outside.audit(),
        queues.jobs_queue(),
        outside.clock(),
    )


@once
def offboard_worker() -> OffboardWorker:
    from chalicelib.adapters.aws.client import client
    from chalicelib.adapters.dynamo.offboarding import DynamoAccountRows
    from chalicelib.services.privacy.offboard import OffboardWorker

    settings = config()
    tables = (
        settings.table_integrations,
        settings.table_accounts,
        settings.table_stores,
        settings.table_personas,
        settings.table_sync,
    )
    return OffboardWorker(
        DynamoAccountRows(client("dynamodb"), tables),
        offboardings(),
        outside.objects(),
        queues.jobs_queue(),
        outside.clock(),
    )
