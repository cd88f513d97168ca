"""The services of previews, changes and their jobs built from their adapters; see `wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.wiring import once

if TYPE_CHECKING:
    from chalicelib.services.adjust import Adjuster
    from chalicelib.services.changing import Changing
    from chalicelib.services.expiry import ExpiryPlanner, ExpiryWorker
    from chalicelib.services.import_locks import ImportLocks
    from chalicelib.services.jobs import JobWorker
    from chalicelib.services.leaving import LeaverChoice
    from chalicelib.services.ports.changes import Askable, Changes, Expiries, Glimpses, Leavers
    from chalicelib.services.previews import Previews
    from chalicelib.services.proposals import Proposals
    from chalicelib.services.sms_plans import SmsControl


@once
def glimpses() -> Glimpses:
    from chalicelib.adapters.glimpses import DynamoGlimpses

    return DynamoGlimpses(wiring.batch_table())


@once
def changes() -> Changes:
    from chalicelib.adapters.changes import DynamoChanges

    return DynamoChanges(config().table_accounts, config().table_integrations, wiring.ids())


@once
def expiries() -> Expiries:
    from chalicelib.adapters.daily import DynamoExpiries

    return DynamoExpiries(config().table_accounts)


@once
def leavers() -> Leavers:
    from chalicelib.adapters.daily import DynamoLeavers

    return DynamoLeavers(config().table_accounts)


@once
def askable() -> Askable:
    from chalicelib.entrypoints import wiring_texts
    from chalicelib.services.askable import LoggedAskable

    return LoggedAskable(wiring_texts.consent_log(), wiring_texts.can_be_mobile)


@once
def import_locks() -> ImportLocks:
    from chalicelib.services.import_locks import ImportLocks

    return ImportLocks(wiring.rule_book(), wiring.jobs_queue())


@once
def proposals() -> Proposals:
    from chalicelib.services.proposals import Proposals

    return Proposals(
        pos=wiring.pos_gateway(),
        integrations=wiring.integrations(),
        credentials=wiring.credentials(),
        accounts=wiring.accounts(),
        rules=wiring.rule_book(),
        clock=wiring.clock(),
    )


@once
def previews() -> Previews:
    from chalicelib.services.previews import Previews

    return Previews(
        changes=changes(),
        proposals=proposals(),
        glimpses=glimpses(),
        personas=wiring.persona_list(),
        askable=askable(),
        terms=wiring.terms(),
        jobs=wiring.jobs_queue(),
        ids=wiring.ids(),
        clock=wiring.clock(),
    )


@once
def change_service() -> Changing:
    from chalicelib.entrypoints import wiring_texts
    from chalicelib.services.changing import Changing

    return Changing(
        changes=changes(),
        previews=previews(),
        texting=wiring_texts.texting_settings(),
        jobs=wiring.jobs_queue(),
        clock=wiring.clock(),
    )


@once
def job_worker() -> JobWorker:
    from chalicelib.services.jobs import Aftermath, JobWorker

    aftermath = Aftermath(
        accounts=wiring.accounts(),
        credentials=wiring.credentials(),
        gateway=wiring.pos_gateway(),
        notifier=wiring.notifier(),
        expiries=expiries(),
        clock=wiring.clock(),
    )
    return JobWorker(
        changes=changes(),
        rules=wiring.rule_book(),
        commits=wiring.commits(),
        personas=wiring.persona_list(),
        aftermath=aftermath,
        jobs=wiring.jobs_queue(),
        clock=wiring.clock(),
    )


@once
def expiry_planner() -> ExpiryPlanner:
    from chalicelib.services.expiry import ExpiryPlanner

    return ExpiryPlanner(expiries(), wiring.accounts(), wiring.jobs_queue(), wiring.clock())


@once
def expiry_worker() -> ExpiryWorker:
    from chalicelib.services.expiry import ExpiryWorker

    return ExpiryWorker(
        accounts=wiring.accounts(),
        glimpses=glimpses(),
        personas=wiring.persona_list(),
        commits=wiring.commits(),
        jobs=wiring.jobs_queue(),
        clock=wiring.clock(),
    )


@once
def sms_control() -> SmsControl:
    from chalicelib.services.sms_plans import SmsControl

    return SmsControl(
        integrations=wiring.integrations(),
        proposals=proposals(),
        changing=change_service(),
        audit=wiring.audit(),
        clock=wiring.clock(),
    )


@once
def leaver_choice() -> LeaverChoice:
    from chalicelib.services.leaving import LeaverChoice

    return LeaverChoice(
        leavers(),
        wiring.commits(),
        wiring.rule_book(),
        wiring.accounts(),
        wiring.notifier(),
        wiring.audit(),
        wiring.clock(),
    )


@once
def adjuster() -> Adjuster:
    from chalicelib.adapters.daily import DynamoAdjustments
    from chalicelib.services.adjust import Adjuster

    adjustments = DynamoAdjustments(config().table_accounts, wiring.clock())
    return Adjuster(
        wiring.personas(),
        wiring.commits(),
        adjustments,
        wiring.accounts(),
        wiring.audit(),
        wiring.clock(),
    )
