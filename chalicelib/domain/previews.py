"""What other rules would make of a person, told from as little as is stored (product.md §7).

The persona says enough, but for imported points, which stand in the source records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chalicelib.domain.acts import DOUBLE_OPT_IN
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.loyalty import earn_from, earned, expired, imported_points
from chalicelib.domain.membership import (
    ENROLL_AFTER,
    IMPORT,
    UNRELIABLE,
    Reason,
    asked_by,
    bought_since,
    kept_reason,
    reasons,
)
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import Keep, Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Day, Platform, Points


class Standing(NamedTuple):
    """Where a person would stand. `earn_from` and `imported` as on `Persona` and in the ledger;
    both are only known `from_records`."""

    member: bool
    asked_by: tuple[Platform, ...]
    earn_from: Day | None = None
    imported: Points = 0


def from_persona(persona: Persona, terms: Terms) -> Standing | None:
    """Where the person would stand under `terms`; None when only their records can tell."""
    asks = _asks(persona, terms.rules)
    if _stays(persona, terms.rules) or reasons((), persona.last_days, persona.flags, 0, terms):
        return Standing(member=True, asked_by=asks)
    if _kept(persona, terms.rules):
        return Standing(member=True, asked_by=asks)
    if any(_imports(terms.rules.source(platform)) for platform in persona.sources):
        return None
    return Standing(member=False, asked_by=asks)


def from_records(persona: Persona, members: Sequence[SourceRecord], terms: Terms) -> Standing:
    """Where the person would stand under `terms`, from all of their source records."""
    rules = terms.rules
    imported = sum([imported_points(member, terms) for member in members])
    why = reasons(members, persona.last_days, persona.flags, imported, terms) or _kept(
        persona, rules
    )
    return Standing(
        member=bool(why),
        asked_by=_asks(persona, rules),
        earn_from=earn_from(why, persona.flags, rules.loyalty),
        imported=imported,
    )


def balance(refs: Iterable[SaleRef], standing: Standing, adjusted: Points, terms: Terms) -> Points:
    """What the ledger would hold. `refs`: all of the person's sales from the day before
    `standing.earn_from` on; `adjusted`: what was given by hand."""
    amounts = earned(refs, standing.earn_from, terms)
    gone = expired(amounts, terms) if standing.earn_from is not None else {}
    return sum(amounts.values()) + sum(gone.values()) + standing.imported + adjusted


def _asks(persona: Persona, rules: Rules) -> tuple[Platform, ...]:
    bought = persona.last_days
    return asked_by(bought, persona.flags, rules) if persona.phone and bought else ()


def _stays(persona: Persona, rules: Rules) -> bool:
    """Whether a reason stands that no day decides, or a YES that a setting covers."""
    for reason in persona.reasons:
        if reason.name.partition(":")[0] not in (ENROLL_AFTER, IMPORT, DOUBLE_OPT_IN):
            return True
    return any(
        bought_since(persona.last_days, platform, rules.source(platform).sms_opt_in_after)
        for platform in persona.said_yes
    )


def _imports(source: Source) -> bool:
    return source.imported_on is not None or bool(source.import_locks)


def _keeps(persona: Persona, rules: Rules) -> Iterator[tuple[Platform, Keep]]:
    """The keeps this person falls under, with their platforms."""
    for platform, source in rules.sources.items():
        for keep in source.keeping:
            if not bought_since(persona.last_days, platform, keep.day):
                continue
            if keep.setting == "enroll_after" and persona.flags & UNRELIABLE:
                continue
            yield platform, keep


def _kept(persona: Persona, rules: Rules) -> tuple[Reason, ...]:
    """What is written for who is left without a reason while a setting goes away."""
    return tuple(
        Reason(kept_reason(keep.setting, platform, keep.day), keep.day)
        for platform, keep in _keeps(persona, rules)
        if keep.setting == "enroll_after" or platform in persona.said_yes
    )
