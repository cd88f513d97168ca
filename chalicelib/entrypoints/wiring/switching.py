"""Builds the services of switches from one POS to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.domain.words import Uid
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import derivation, gateways, outside, queues

if TYPE_CHECKING:
    from chalicelib.services.ports.switching import PosSwitches
    from chalicelib.services.switching.check import StartSwitchCheck, SwitchCheckWorker
    from chalicelib.services.switching.decide import DecideAllWorker, DecideDoubled
    from chalicelib.services.switching.switch import SwitchService


@once
def switches() -> PosSwitches:
    from chalicelib.adapters.dynamo.switching import DynamoPosSwitches

    return DynamoPosSwitches(config().table_accounts, outside.ids())


@once
def switch_service() -> SwitchService:
    from chalicelib.services.switching.switch import SwitchService

    return SwitchService(
        pos=gateways.pos_gateway(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        accounts=outside.accounts(),
        rules=outside.rule_book(),
        switches=switches(),
        derive_again=_derive_after_the_request,
        clock=outside.clock(),
        ids=outside.ids(),
    )


@once
def start_check() -> StartSwitchCheck:
    from chalicelib.services.switching.check import StartSwitchCheck

    return StartSwitchCheck(
        switches=switches(),
        rules=outside.rule_book(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def check_worker() -> SwitchCheckWorker:
    from chalicelib.services.switching.check import SwitchCheckWorker

    return SwitchCheckWorker(
        switches=switches(),
        commits=derivation.commits(),
        terms=derivation.terms(),
        personas=outside.persona_list(),
        reads=outside.preview_reads(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def decide_doubled() -> DecideDoubled:
    from chalicelib.services.switching.decide import DecideDoubled

    return DecideDoubled(
        switches=switches(),
        commits=derivation.commits(),
        terms=derivation.terms(),
        reads=outside.preview_reads(),
        audit=outside.audit(),
        clock=outside.clock(),
    )


@once
def decide_all() -> DecideAllWorker:
    from chalicelib.services.switching.decide import DecideAllWorker

    return DecideAllWorker(
        deciding=decide_doubled(), checks=start_check(), jobs=queues.jobs_queue()
    )


def _derive_after_the_request(uid: Uid, reason: str) -> None:
    """The message goes before the rules are written: it arrives after that."""
    from chalicelib.services.job_messages.account_jobs import RemapMessage
    from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS

    message = RemapMessage(uid, reason=reason)
    queues.jobs_queue().send(message.body(), delay_seconds=AFTER_THE_REQUEST_SECONDS)
