"""Builds the services of derivation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.words import DiscountUse, Platform
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import consent, gateways, outside, queues

if TYPE_CHECKING:
    from chalicelib.services.derivation.compare import PersonaComparison
    from chalicelib.services.derivation.fact_commits import FactCommits
    from chalicelib.services.derivation.holder import PersonaLookup
    from chalicelib.services.derivation.rederive import Rederivations, Remapper
    from chalicelib.services.derivation.terms import TermsReader


@once
def terms() -> TermsReader:
    from chalicelib.adapters.dynamo.batch import read_together
    from chalicelib.adapters.dynamo.rules import account_and_rules
    from chalicelib.services.derivation.terms import TermsReader

    accounts, stores, rules = outside.accounts(), outside.stores(), outside.rule_book()
    return TermsReader(accounts, stores, rules, outside.clock(), read_together, account_and_rules)


@once
def commits() -> FactCommits:
    from chalicelib.services.derivation.fact_commits import FactCommits

    return FactCommits(outside.facts(), terms(), consent.effects(), tells_instants, _discount_use)


def tells_instants(platform: Platform) -> bool:
    """Whether the POS's times stand by themselves, with no need of the store's zone."""
    from chalicelib.domain.errors import NotFound

    try:
        return not gateways.pos_gateway().platform(platform).store_clock
    except NotFound:
        return True  # signups and the like, which are no POS's


def _discount_use(platform: Platform) -> DiscountUse:
    from chalicelib.domain.errors import NotFound

    try:
        use: DiscountUse = gateways.pos_gateway().platform(platform).discounts
    except NotFound:
        return "none"  # signups and the like
    return use


@once
def comparison() -> PersonaComparison:
    from chalicelib.services.derivation.compare import PersonaComparison

    return PersonaComparison(outside.eventual_facts(), terms(), tells_instants)


@once
def persona_lookup() -> PersonaLookup:
    from chalicelib.services.derivation.holder import PersonaLookup

    return PersonaLookup(outside.facts(), terms())


@once
def remapper() -> Remapper:
    from chalicelib.services.derivation.rederive import DerivationProgress, Remapper

    progress = DerivationProgress(outside.changes(), outside.clock())
    return Remapper(commits(), outside.persona_list(), queues.jobs_queue(), progress)


@once
def rederivations() -> Rederivations:
    from chalicelib.services.derivation.rederive import Rederivations

    return Rederivations(outside.changes(), queues.jobs_queue(), outside.ids(), outside.clock())
