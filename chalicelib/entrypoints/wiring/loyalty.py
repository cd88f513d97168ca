"""Builds the services of loyalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import (
    derivation,
    gateways,
    notifications,
    outside,
    personas,
    queues,
)

if TYPE_CHECKING:
    from chalicelib.services.integrations.markets import Markets
    from chalicelib.services.loyalty.adjust import Adjuster
    from chalicelib.services.loyalty.contacts_withdrawn import (
        ContactJudge,
        TakeOverWorker,
        WithdrawalChoice,
        WithdrawalNotice,
    )
    from chalicelib.services.loyalty.expiry import ExpiryPlanner, ExpiryWorker
    from chalicelib.services.loyalty.members_left import KeepWorker, LeaverChoice, LeaverNotes
    from chalicelib.services.loyalty.points_import import ImportLocks


@once
def import_locks() -> ImportLocks:
    from chalicelib.services.loyalty.points_import import ImportLocks

    return ImportLocks(outside.rule_book(), queues.jobs_queue())


@once
def markets() -> Markets:
    from chalicelib.services.integrations.markets import Markets

    return Markets(outside.rule_book(), outside.credentials(), queues.jobs_queue())


@once
def expiry_planner() -> ExpiryPlanner:
    from chalicelib.services.loyalty.expiry import ExpiryPlanner

    return ExpiryPlanner(
        outside.expiries(), outside.accounts(), queues.jobs_queue(), outside.clock(), pass_over
    )


@once
def expiry_worker() -> ExpiryWorker:
    from chalicelib.services.loyalty.expiry import ExpiryWorker

    return ExpiryWorker(
        accounts=outside.accounts(),
        preview_reads=outside.preview_reads(),
        personas=outside.persona_list(),
        commits=derivation.commits(),
        jobs=queues.jobs_queue(),
        clock=outside.clock(),
    )


@once
def leaver_choice() -> LeaverChoice:
    from chalicelib.services.loyalty.members_left import LeaverChoice

    return LeaverChoice(
        outside.leavers(),
        derivation.commits(),
        outside.rule_book(),
        outside.accounts(),
        notifications.notifier(),
        outside.audit(),
        queues.jobs_queue(),
        outside.clock(),
    )


@once
def keep_worker() -> KeepWorker:
    from chalicelib.services.loyalty.members_left import KeepWorker

    return KeepWorker(
        outside.leavers(),
        derivation.commits(),
        notifications.notifier(),
        queues.jobs_queue(),
        outside.clock(),
    )


@once
def leaver_notes() -> LeaverNotes:
    from chalicelib.services.loyalty.members_left import LeaverNotes

    return LeaverNotes(
        outside.leavers(),
        outside.facts(),
        derivation.persona_lookup(),
        gateways.pos_gateway(),
        notifications.notifier(),
    )


@once
def contact_judge() -> ContactJudge:
    from chalicelib.services.loyalty.contacts_withdrawn import ContactJudge

    return ContactJudge(outside.withdrawals(), derivation.commits(), withdrawal_notice())


@once
def withdrawal_notice() -> WithdrawalNotice:
    from chalicelib.services.loyalty.contacts_withdrawn import WithdrawalNotice

    return WithdrawalNotice(outside.withdrawals(), gateways.pos_gateway(), notifications.notifier())


@once
def withdrawal_choice() -> WithdrawalChoice:
    from chalicelib.services.loyalty.contacts_withdrawn import WithdrawalChoice

    return WithdrawalChoice(
        outside.withdrawals(),
        withdrawal_notice(),
        queues.jobs_queue(),
        outside.audit(),
        outside.clock(),
    )


@once
def take_over_worker() -> TakeOverWorker:
    from chalicelib.services.loyalty.contacts_withdrawn import TakeOverWorker

    return TakeOverWorker(
        outside.withdrawals(), derivation.commits(), leaver_notes(), queues.jobs_queue()
    )


@once
def adjuster() -> Adjuster:
    from chalicelib.adapters.dynamo.loyalty import DynamoAdjustments
    from chalicelib.services.loyalty.adjust import Adjuster

    adjustments = DynamoAdjustments(config().table_accounts, outside.clock())
    return Adjuster(
        personas.personas(),
        derivation.commits(),
        outside.facts(),
        adjustments,
        outside.accounts(),
        outside.audit(),
        outside.clock(),
    )
