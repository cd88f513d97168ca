"""The services of changes, built from what stands outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.wiring import consent, derivation, notifications, outside
from chalicelib.entrypoints.wiring.once import once

if TYPE_CHECKING:
    from chalicelib.entrypoints.wiring.once import once
    from chalicelib.services.changes.apply import Changing
    from chalicelib.services.changes.preview import Previews
    from chalicelib.services.changes.propose import Proposals
    from chalicelib.services.changes.sms_start import SmsControl
    from chalicelib.services.changes.work_off import JobWorker


@once
def proposals() -> Proposals:
    from chalicelib.services.changes.propose import Proposals

    return Proposals(
        pos=outside.pos_gateway(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        accounts=outside.accounts(),
        rules=outside.rule_book(),
        clock=outside.clock(),
    )


@once
def previews() -> Previews:
    from chalicelib.services.changes.preview import Previews

    return Previews(
        changes=outside.changes(),
        proposals=proposals(),
        glimpses=outside.glimpses(),
        personas=outside.persona_list(),
        askable=consent.askable(),
        terms=derivation.terms(),
        jobs=outside.jobs_queue(),
        ids=outside.ids(),
        clock=outside.clock(),
    )


@once
def change_service() -> Changing:
    from chalicelib.services.changes.apply import Changing

    return Changing(
        changes=outside.changes(),
        previews=previews(),
        texting=outside.texting_settings(),
        jobs=outside.jobs_queue(),
        clock=outside.clock(),
    )


@once
def job_worker() -> JobWorker:
    from chalicelib.services.changes.work_off import Aftermath, JobWorker

    aftermath = Aftermath(
        accounts=outside.accounts(),
        credentials=outside.credentials(),
        gateway=outside.pos_gateway(),
        notifier=notifications.notifier(),
        expiries=outside.expiries(),
        clock=outside.clock(),
    )
    return JobWorker(
        changes=outside.changes(),
        rules=outside.rule_book(),
        commits=derivation.commits(),
        personas=outside.persona_list(),
        aftermath=aftermath,
        jobs=outside.jobs_queue(),
        clock=outside.clock(),
    )


@once
def sms_control() -> SmsControl:
    from chalicelib.services.changes.sms_start import SmsControl

    return SmsControl(
        integrations=outside.integrations(),
        proposals=proposals(),
        changing=change_service(),
        audit=outside.audit(),
        clock=outside.clock(),
    )
