"""Builds the services of personas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.words import Platform
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import derivation, gateways, outside, typed_contacts

if TYPE_CHECKING:
    from chalicelib.services.personas.ledger import LedgerService
    from chalicelib.services.ports.personas import PersonaViews


@once
def personas() -> PersonaViews:
    from chalicelib.services.personas.personas import PersonaService

    return PersonaService(
        outside.facts(),
        outside.persona_list(),
        outside.stores(),
        derivation.persona_lookup(),
        _platform_titles,
        typed_contacts.read_phone,
        outside.consent_log(),
    )


@once
def ledgers() -> LedgerService:
    from chalicelib.services.personas.ledger import LedgerService

    return LedgerService(outside.facts(), outside.persona_list(), derivation.persona_lookup())


def _platform_titles() -> dict[Platform, str]:
    from chalicelib.domain.signups import OWN_TITLES

    platforms = gateways.pos_gateway().platforms()
    return OWN_TITLES | {info.platform: info.title.removesuffix(" API") for info in platforms}
