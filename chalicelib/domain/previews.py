"""What other rules would make of a person, told from as little as is stored (product.md §7).

The persona says enough, but where other points would be imported, or where the day of joining
begins or ceases to count: both stand in the source records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from chalicelib.domain.acts import DOUBLE_OPT_IN
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.keeps import may_be_overruled, reasons_to_keep, without_overruled
from chalicelib.domain.loyalty import Spending, earn_from, earned_points, expire, imported_points
from chalicelib.domain.membership import (
    Reason,
    asking_platforms,
    is_yes_covered,
    membership_reasons,
)
from chalicelib.domain.personas import Persona
from chalicelib.domain.rules import Rules, Source, Terms
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.settings import ENROLL_AFTER
from chalicelib.domain.words import Day, Platform, Points


class WouldBe(NamedTuple):
    """Membership and points of a person under other rules. `earn_from` and `imported` as on
    `Persona` and in the ledger; `imported` None: as the ledger holds it today."""

    member: bool
    asked_by: tuple[Platform, ...]
    earn_from: Day | None = None
    imported: Points | None = None


def would_be_of_persona(persona: Persona, terms: Terms, today: Rules) -> WouldBe | None:
    """Return what the person would be under `terms`; None when only their records can tell.

    `today`: the rules in force, by which the persona was derived.
    """
    rules = terms.rules
    if rules.loyalty.earn_only_from_joining != today.loyalty.earn_only_from_joining:
        return None
    if any(_imports(rules.source(p)) != _imports(today.source(p)) for p in persona.sources):
        return None
    if may_be_overruled(persona.reasons, rules):
        return None
    why = [r for r in persona.reasons if _stays(r)]
    why += membership_reasons((), persona.last_days, persona.flags, 0, terms)
    for platform in persona.said_yes if is_yes_covered(persona.last_days, rules) else ():
        known = [r for r in persona.reasons if r.name == f"{DOUBLE_OPT_IN}:{platform}"]
        if not known and rules.loyalty.earn_only_from_joining:
            return None
        why += known or [Reason(f"{DOUBLE_OPT_IN}:{platform}", None)]
    why += _kept_reasons(persona, why, rules)
    since = earn_from(why, persona.flags, rules.loyalty)
    return WouldBe(bool(why), _asks(persona, rules), since)


def would_be_of_records(persona: Persona, members: Sequence[SourceRecord], terms: Terms) -> WouldBe:
    """Return what the person would be under `terms`, from all of their source records."""
    rules = terms.rules
    balances = [imported_points(member, terms) for member in members]
    highest = max(balances, default=0)
    left = [replace(member, acts=without_overruled(member, rules)) for member in members]
    why = list(membership_reasons(left, persona.last_days, persona.flags, highest, terms))
    why += _kept_reasons(persona, why, rules)
    return WouldBe(
        member=bool(why),
        asked_by=_asks(persona, rules),
        earn_from=earn_from(why, persona.flags, rules.loyalty),
        imported=sum(balances),
    )


def balance_under(
    refs: Iterable[SaleRef],
    since: Day | None,
    others: Points,
    terms: Terms,
    spendings: Iterable[Spending] = (),
) -> Points:
    """Return what the ledger would hold. `refs`: all of the person's sales from the day before
    `since` on, the first that may earn; `others`: what was imported, given by hand, and redeemed;
    `spendings`: what was redeemed, by which less would expire."""
    amounts = earned_points(refs, since, terms)
    gone = expire(amounts, spendings, terms).points if since is not None else {}
    return sum(amounts.values()) + sum(gone.values()) + others


def earns_alike(persona: Persona, would_be: WouldBe, rules: Rules, today: Rules) -> bool:
    """Whether no sale of the person would earn otherwise than under the rules of today."""
    return (
        would_be.earn_from == persona.earn_from
        and rules.loyalty == today.loyalty
        and all(rules.accrual_start(p) == today.accrual_start(p) for p in persona.sources)
    )


def _asks(persona: Persona, rules: Rules) -> tuple[Platform, ...]:
    bought = persona.last_days
    return asking_platforms(bought, persona.flags, rules) if persona.texted_at and bought else ()


def _stays(reason: Reason) -> bool:
    """Whether no day of a setting decides it."""
    return reason.name.partition(":")[0] not in (ENROLL_AFTER, DOUBLE_OPT_IN)


def _imports(source: Source) -> tuple[object, ...]:
    """Return the settings that decide about imported points."""
    return source.imported_on, source.import_locks


def _kept_reasons(persona: Persona, left: Sequence[Reason], rules: Rules) -> list[Reason]:
    """Return the reasons by which the keeps at work hold a person who is left with `left`."""
    bought = persona.last_days
    found = reasons_to_keep(persona.reasons, left, bought, persona.flags, rules)
    return [kept.reason for kept in found]
