"""The services of texting built from their adapters; see `wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.wiring import once

if TYPE_CHECKING:
    from chalicelib.services.circumstances import Surroundings
    from chalicelib.services.consent import ConsentService
    from chalicelib.services.inbound import Inbound
    from chalicelib.services.lost_texts import LostTexts
    from chalicelib.services.ports.common import JobQueue
    from chalicelib.services.ports.texting import (
        ConsentLog,
        Joins,
        KillSwitch,
        Standings,
        TextingSettings,
        TextLog,
        TextSender,
    )
    from chalicelib.services.release import Release
    from chalicelib.services.requests import RequestSender
    from chalicelib.services.send_test import SendTests
    from chalicelib.services.texting import TextingService
    from chalicelib.services.why_not_asked import WhyNotAsked


@once
def standings() -> Standings:
    from chalicelib.services.standings import DerivedStandings

    return DerivedStandings(wiring.persona_lookup())


@once
def joins() -> Joins:
    from chalicelib.services.standings import CommittedJoins

    return CommittedJoins(wiring.commits())


@once
def consent_log() -> ConsentLog:
    from chalicelib.adapters.consent import DynamoConsent

    return DynamoConsent(wiring.batch_table())


@once
def texts() -> TextLog:
    from chalicelib.adapters.texts import DynamoTexts

    return DynamoTexts(wiring.batch_table())


@once
def texting_settings() -> TextingSettings:
    from chalicelib.adapters.texting import DynamoTextingSettings

    return DynamoTextingSettings(config().table_accounts)


@once
def kill_switch() -> KillSwitch:
    from chalicelib.adapters.texting import DynamoKillSwitch

    return DynamoKillSwitch(config().table_accounts, wiring.clock())


@once
def text_sender() -> TextSender:
    from chalicelib.adapters.sms import SnsTexts

    return SnsTexts()


@once
def texts_queue() -> JobQueue:
    from chalicelib.adapters.queues import SqsQueue

    return SqsQueue(config().queue_texts_url)


def can_be_mobile(number: str) -> bool:
    from chalicelib.pos.contacts import can_be_mobile as can

    return can(number)


def _north_american(typed: str) -> str | None:
    from chalicelib.pos.contacts import north_american

    return north_american(typed)


@once
def surroundings() -> Surroundings:
    from chalicelib.services.circumstances import Surroundings

    return Surroundings(
        standings=standings(),
        accounts=wiring.accounts(),
        stores=wiring.stores(),
        integrations=wiring.integrations(),
        settings=texting_settings(),
        heads=consent_log(),
        switch=kill_switch(),
        clock=wiring.clock(),
        mobile=can_be_mobile,
    )


@once
def consent_service() -> ConsentService:
    """The `Effects` port of the commit, too."""
    from chalicelib.services.consent import ConsentService

    return ConsentService(consent_log(), wiring.clock(), can_be_mobile)


@once
def request_sender() -> RequestSender:
    from chalicelib.services.requests import RequestSender

    return RequestSender(consent_log(), texts(), text_sender(), surroundings(), wiring.clock())


@once
def release() -> Release:
    from chalicelib.adapters.keys import TEXT_SHARDS
    from chalicelib.services.release import Release

    return Release(consent_log(), texts_queue(), kill_switch(), wiring.clock(), shards=TEXT_SHARDS)


@once
def inbound() -> Inbound:
    from chalicelib.services.inbound import Inbound

    return Inbound(
        log=consent_log(),
        texts=texts(),
        sender=text_sender(),
        settings=texting_settings(),
        surroundings=surroundings(),
        joins=joins(),
        clock=wiring.clock(),
    )


@once
def why_not_asked() -> WhyNotAsked:
    from chalicelib.services.why_not_asked import WhyNotAsked

    return WhyNotAsked(standings(), consent_log(), surroundings())


@once
def send_tests() -> SendTests:
    from chalicelib.services.send_test import SendTests

    return SendTests(
        settings=texting_settings(),
        accounts=wiring.accounts(),
        texts=texts(),
        heads=consent_log(),
        sender=text_sender(),
        switch=kill_switch(),
        clock=wiring.clock(),
    )


@once
def lost_texts() -> LostTexts:
    from chalicelib.services.lost_texts import LostTexts

    return LostTexts(texts())


@once
def texting_service() -> TextingService:
    from chalicelib.adapters.texting import DynamoThrottle
    from chalicelib.services.texting import TextingService

    return TextingService(
        settings=texting_settings(),
        accounts=wiring.accounts(),
        texts=texts(),
        log=consent_log(),
        switch=kill_switch(),
        queue=texts_queue(),
        throttle=DynamoThrottle(config().table_accounts, wiring.clock()),
        audit=wiring.audit(),
        clock=wiring.clock(),
        ids=wiring.ids(),
        read_number=_north_american,
        mobile=can_be_mobile,
    )
