"""Builds the services of consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside, queues, typed_contacts

if TYPE_CHECKING:
    from chalicelib.services.consent.effects import (
        EffectsWorker,
        QueuedEffects,
        StatedConsentWorker,
    )
    from chalicelib.services.consent.log import ConsentService
    from chalicelib.services.ports.changes import Askable


@once
def askable() -> Askable:
    from chalicelib.services.consent.askable import LoggedAskable

    return LoggedAskable(outside.consent_log(), typed_contacts.can_be_mobile)


@once
def consent_service() -> ConsentService:
    """Also the `ConsentNotes` port."""
    from chalicelib.services.consent.log import ConsentService

    return ConsentService(outside.consent_log(), outside.clock(), typed_contacts.can_be_mobile)


@once
def effects() -> QueuedEffects:
    """The `Effects` port of a commit."""
    from chalicelib.services.consent.effects import QueuedEffects

    return QueuedEffects(queues.texts_queue())


@once
def effects_worker() -> EffectsWorker:
    from chalicelib.services.consent.effects import EffectsWorker

    return EffectsWorker(consent_service(), outside.expiries(), outside.facts())


@once
def stated_consent_worker() -> StatedConsentWorker:
    from chalicelib.services.consent.effects import StatedConsentWorker

    return StatedConsentWorker(consent_service(), outside.facts())
