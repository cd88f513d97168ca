"""Builds the services of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import (
    accounts,
    consent,
    derivation,
    gateways,
    notifications,
    outside,
    queues,
    stores,
)

if TYPE_CHECKING:
    from chalicelib.services.changes.apply import ApplyChange
    from chalicelib.services.changes.preview import PreviewChange
    from chalicelib.services.changes.propose import Proposals
    from chalicelib.services.changes.propose_terms import TermsChanges, TermsProposals
    from chalicelib.services.changes.sms_start import SmsControl
    from chalicelib.services.changes.work_off import WorkOffChange


@once
def proposals() -> Proposals:
    from chalicelib.services.changes.propose import Proposals

    return Proposals(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        accounts=outside.accounts(),
        rules=outside.rule_book(),
        clock=outside.clock(),
    )


@once
def terms_proposals() -> TermsProposals:
    from chalicelib.services.changes.propose_terms import TermsProposals

    return TermsProposals(accounts.account_service(), outside.stores(), outside.rule_book())


@once
def terms_changes() -> TermsChanges:
    from chalicelib.services.changes.propose_terms import TermsChanges

    service, shops = accounts.account_service(), stores.store_service()
    return TermsChanges(terms_proposals(), apply_change(), service, shops)


@once
def preview_change() -> PreviewChange:
    from chalicelib.services.changes.preview import PreviewChange

    return PreviewChange(
        changes=outside.changes(),
        proposals=proposals(),
        terms_proposals=terms_proposals(),
        facts=outside.eventual_facts(),
        tells_zone=derivation.tells_instants,
        preview_reads=outside.preview_reads(),
        personas=outside.persona_list(),
        askable=consent.askable(),
        terms=derivation.terms(),
        jobs=queues.jobs_queue(),
        ids=outside.ids(),
        clock=outside.clock(),
    )


@once
def apply_change() -> ApplyChange:
    from chalicelib.services.changes.apply import ApplyChange

    return ApplyChange(
        changes=outside.changes(),
        previews=preview_change(),
        texting=outside.texting_settings(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def work_off_change() -> WorkOffChange:
    from chalicelib.services.changes.work_off import Aftermath, WorkOffChange

    aftermath = Aftermath(
        accounts=outside.accounts(),
        credentials=outside.credentials(),
        gateway=gateways.pos_gateway(),
        notifier=notifications.notifier(),
        expiries=outside.expiries(),
        clock=outside.clock(),
    )
    return WorkOffChange(
        changes=outside.changes(),
        rules=outside.rule_book(),
        commits=derivation.commits(),
        personas=outside.persona_list(),
        aftermath=aftermath,
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def sms_control() -> SmsControl:
    from chalicelib.services.changes.sms_start import SmsControl

    return SmsControl(
        integrations=outside.integrations(),
        proposals=proposals(),
        changing=apply_change(),
        audit=outside.audit(),
        clock=outside.clock(),
    )
