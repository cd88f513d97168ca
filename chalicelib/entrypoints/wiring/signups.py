"""Builds the services of signups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import (
    consent,
    derivation,
    notifications,
    outside,
    queues,
    typed_contacts,
)

if TYPE_CHECKING:
    from chalicelib.domain.words import Channel
    from chalicelib.services.ports.signups import ReadContact
    from chalicelib.services.ports.waiting_pushes import WaitingPushes
    from chalicelib.services.signups.join_form import JoinForm
    from chalicelib.services.signups.opt_in import OptIns
    from chalicelib.services.signups.pos_scopes import PosScopes
    from chalicelib.services.signups.pushes_in_turn import PushesInTurn
    from chalicelib.services.signups.sign_up import SignUpService
    from chalicelib.services.signups.webhook_events import WebhookWorker


@once
def service() -> SignUpService:
    """The `SignUps` port."""
    from chalicelib.services.signups.sign_up import SignUpService
    from chalicelib.services.signups.signatures import SignatureStore

    return SignUpService(
        outside.facts(),
        derivation.commits(),
        outside.stores(),
        queues.texts_queue(),
        SignatureStore(outside.objects()),
        notifications.notifier(),
        outside.clock(),
        typed_contacts.read_typed_phone,
        typed_contacts.read_typed_email,
    )


@once
def join_form() -> JoinForm:
    from chalicelib.services.signups.join_form import JoinForm

    return JoinForm(
        accounts=outside.accounts(),
        stores=outside.stores(),
        settings=outside.texting_settings(),
        signups=service(),
        proofs=outside.join_proofs(),
        throttle=outside.throttle(),
        box=outside.cursor_box(),
        ids=outside.ids(),
        clock=outside.clock(),
        phone=typed_contacts.read_typed_phone,
        email=typed_contacts.read_typed_email,
    )


@once
def opt_ins() -> OptIns:
    from chalicelib.services.signups.opt_in import OptIns
    from chalicelib.services.signups.signatures import SignatureStore

    return OptIns(
        outside.consent_log(),
        consent.consent_service(),
        SignatureStore(outside.objects()),
        outside.clock(),
        _reader,
    )


def _reader(channel: Channel) -> ReadContact:
    return typed_contacts.read_typed_phone if channel == "sms" else typed_contacts.read_typed_email


@once
def webhook_worker() -> WebhookWorker:
    from chalicelib.services.signups.webhook_events import WebhookWorker

    return WebhookWorker(
        service(),
        derivation.commits(),
        outside.clock(),
        typed_contacts.read_typed_phone,
        typed_contacts.read_typed_email,
        _pos_scopes(),
    )


@once
def waiting_pushes() -> WaitingPushes:
    from chalicelib.adapters.dynamo.waiting_pushes import DynamoWaitingPushes

    return DynamoWaitingPushes(config().table_accounts)


@once
def pushes() -> PushesInTurn:
    from chalicelib.services.signups.pushes import PushService
    from chalicelib.services.signups.pushes_in_turn import PushesInTurn

    service = PushService(
        outside.facts(),
        derivation.commits(),
        derivation.persona_lookup(),
        outside.stores(),
        outside.inventories(),
        outside.accounts(),
        outside.clock(),
        typed_contacts.read_typed_phone,
        typed_contacts.read_typed_email,
        _pos_scopes(),
    )
    return PushesInTurn(
        service,
        waiting_pushes(),
        outside.rule_book(),
        outside.integrations(),
        outside.facts(),
        outside.facts(),
    )


def _pos_scopes() -> PosScopes:
    from chalicelib.services.signups.pos_scopes import PosScopes

    return PosScopes(outside.facts(), outside.stores(), outside.rule_book())
