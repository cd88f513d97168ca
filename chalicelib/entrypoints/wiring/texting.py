"""Builds the services of texting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.passing_over import pass_over
from chalicelib.entrypoints.wiring import derivation, notifications, outside, queues, typed_contacts

if TYPE_CHECKING:
    from chalicelib.services.consent.circumstances import CircumstancesReader
    from chalicelib.services.consent.why_not_asked import WhyNotAsked
    from chalicelib.services.ports.consent import HeldPersonas
    from chalicelib.services.texting.held_requests import HeldRequests
    from chalicelib.services.texting.inbound import Inbound
    from chalicelib.services.texting.lost_texts import LostTexts
    from chalicelib.services.texting.release import Release
    from chalicelib.services.texting.requests import RequestSender
    from chalicelib.services.texting.send_pin import SendPins
    from chalicelib.services.texting.send_test import SendTests
    from chalicelib.services.texting.settings import TextingService
    from chalicelib.services.texting.unclear_replies import ReplyQueue


@once
def held_personas() -> HeldPersonas:
    from chalicelib.services.texting.held_personas import DerivedHeldPersonas

    return DerivedHeldPersonas(derivation.persona_lookup())


@once
def circumstances_reader() -> CircumstancesReader:
    from chalicelib.services.consent.circumstances import CircumstancesReader

    return CircumstancesReader(
        held_personas=held_personas(),
        accounts=outside.accounts(),
        stores=outside.stores(),
        integrations=outside.integrations(),
        settings=outside.texting_settings(),
        contact_states=outside.consent_log(),
        switch=outside.kill_switch(),
        clock=outside.clock(),
        mobile=typed_contacts.can_be_mobile,
    )


@once
def request_sender() -> RequestSender:
    from chalicelib.services.texting.requests import RequestSender

    return RequestSender(
        outside.consent_log(),
        outside.texts(),
        outside.text_sender(),
        circumstances_reader(),
        outside.clock(),
    )


@once
def release() -> Release:
    from chalicelib.adapters.dynamo.keys.text_keys import TEXT_SHARDS
    from chalicelib.services.texting.release import Release

    return Release(
        outside.consent_log(),
        queues.texts_queue(),
        outside.kill_switch(),
        outside.clock(),
        shards=TEXT_SHARDS,
        pass_over=pass_over,
    )


@once
def inbound() -> Inbound:
    from chalicelib.services.texting.inbound import Inbound

    return Inbound(
        log=outside.consent_log(),
        texts=outside.texts(),
        sender=outside.text_sender(),
        settings=outside.texting_settings(),
        circumstances_reader=circumstances_reader(),
        joins=derivation.commits(),
        unclear_replies=reply_queue(),
        clock=outside.clock(),
    )


@once
def reply_queue() -> ReplyQueue:
    from chalicelib.services.texting.unclear_replies import ReplyQueue

    return ReplyQueue(
        replies=outside.unclear_replies(),
        log=outside.consent_log(),
        notifier=notifications.notifier(),
        audit=outside.audit(),
        clock=outside.clock(),
    )


@once
def why_not_asked() -> WhyNotAsked:
    from chalicelib.services.consent.why_not_asked import WhyNotAsked

    return WhyNotAsked(held_personas(), outside.consent_log(), circumstances_reader())


@once
def send_tests() -> SendTests:
    from chalicelib.services.texting.send_test import SendTests

    return SendTests(
        settings=outside.texting_settings(),
        accounts=outside.accounts(),
        texts=outside.texts(),
        contact_states=outside.consent_log(),
        sender=outside.text_sender(),
        switch=outside.kill_switch(),
        clock=outside.clock(),
    )


@once
def send_pins() -> SendPins:
    from chalicelib.services.texting.send_pin import SendPins

    return SendPins(
        settings=outside.texting_settings(),
        accounts=outside.accounts(),
        texts=outside.texts(),
        contact_states=outside.consent_log(),
        sender=outside.text_sender(),
        mailer=outside.mailer(),
        switch=outside.kill_switch(),
        clock=outside.clock(),
    )


@once
def held_requests() -> HeldRequests:
    from chalicelib.adapters.dynamo.keys.text_keys import TEXT_SHARDS
    from chalicelib.services.texting.held_requests import HeldRequests

    return HeldRequests(
        outside.consent_log(), queues.jobs_queue(), outside.clock(), shards=TEXT_SHARDS
    )


@once
def lost_texts() -> LostTexts:
    from chalicelib.services.texting.lost_texts import LostTexts

    return LostTexts(outside.texts())


@once
def texting_service() -> TextingService:
    from chalicelib.services.texting.settings import TextingService

    return TextingService(
        settings=outside.texting_settings(),
        accounts=outside.accounts(),
        texts=outside.texts(),
        log=outside.consent_log(),
        switch=outside.kill_switch(),
        queue=queues.texts_queue(),
        jobs=queues.jobs_queue(),
        throttle=outside.throttle(),
        audit=outside.audit(),
        clock=outside.clock(),
        ids=outside.ids(),
        read_number=typed_contacts.north_american,
        mobile=typed_contacts.can_be_mobile,
    )
