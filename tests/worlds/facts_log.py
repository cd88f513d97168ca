"""What a fake table holds of pulled facts: by its log, and by its rows."""

from __future__ import annotations

from chalicelib.domain.pulled_facts import FactPlace, PulledCustomer, PulledFact, PulledSale
from tests.fakes.facts import MemoryFacts

LogParts = dict[tuple[int, int], list[PulledFact]]
"""By commit, and number within it."""


def log_parts(facts: MemoryFacts, uid: str, platform: str = "posabit") -> LogParts:
    return dict(facts.log_rows.get((uid, platform), {}))


def last_logged(
    facts: MemoryFacts, uid: str, platform: str = "posabit"
) -> dict[FactPlace, PulledFact]:
    """The latest version of each fact in the log."""
    parts = sorted(log_parts(facts, uid, platform).items())
    return {fact.place: fact for _, part in parts for fact in part}


def pulled_facts(
    facts: MemoryFacts, uid: str, platform: str = "posabit"
) -> dict[FactPlace, PulledFact]:
    """The facts as their rows have them."""
    found: list[PulledFact] = [
        PulledCustomer(r.scope, r.customer, r.withheld, r.acts.imported)
        for (owner, _), row in facts.records.items()
        if owner == uid and (r := row.record).platform == platform
    ]
    found += [
        PulledSale(sid.scope, row.sale)
        for (owner, sid), row in facts.sale_rows.items()
        if owner == uid and sid.platform == platform
    ]
    return {fact.place: fact for fact in found}
