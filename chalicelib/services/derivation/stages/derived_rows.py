"""Work out which derived rows differ from what is stored, once reach and points are settled."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.loyalty import expiry_day
from chalicelib.domain.membership import is_still_given
from chalicelib.domain.personas import NO_FIGURES, Figures, Persona
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.stored_facts import RecordSales


def put_derived_rows(commit: Commit) -> None:
    """Add the rows of personas and of sums that differ from what is stored to the writes."""
    personas = {persona.id: persona for persona in commit.personas()}
    commit.writes.summaries = _changed_sums(commit, personas)
    commit.writes.personas = _changed_personas(commit, personas)


def personas_with_points(commit: Commit) -> list[Persona]:
    """The personas of everything reached, with the points that the ledger holds."""
    return [replace(p, figures=_figures(commit, p)) for p in commit.personas()]


def leavers(commit: Commit) -> list[Persona]:
    """The stored personas that were members none of whose records belongs to a member any more:
    also those who lost their contacts or were merged, whatever id is shown."""
    remaining = {rid for p in commit.personas() if p.member for rid in p.members}
    return [
        before
        for rid in sorted(commit.reached)
        if (before := commit.persona_before(rid)) is not None
        and before.member
        and remaining.isdisjoint(before.members)
    ]


def has_left_by_facts(commit: Commit, before: Persona) -> bool:
    """Whether the settings still give a leaver a reason, so that only what the POS told took it."""
    bought, flags, rules = before.last_days, before.flags, commit.terms.rules
    return any(is_still_given(r, bought, flags, before.sources, rules) for r in before.reasons)


def _changed_sums(commit: Commit, personas: dict[str, Persona]) -> dict[str, RecordSales]:
    """Return by record the sums that changed, with the figures of the persona stored under it."""
    changed = {}
    for rid in commit.reached | commit.summed_records():
        persona = personas.get(rid)
        figures = NO_FIGURES if persona is None else _figures(commit, persona)
        sums = commit.sales(rid)
        if sums.figures != figures:
            sums = sums._replace(figures=figures)
        if sums != commit.sales_before(rid):
            changed[rid] = sums
    return changed


def _changed_personas(commit: Commit, personas: dict[str, Persona]) -> dict[str, Persona | None]:
    """Return the personas to put, by the record they are stored under; None deletes one."""
    changed: dict[str, Persona | None] = {}
    for rid in commit.reached:
        before, after = commit.persona_before(rid), personas.get(rid)
        if before is None or after is None:
            if before is not after:
                changed[rid] = after
        elif not after.equals_but_figures(before):
            changed[rid] = after
    return changed


def _figures(commit: Commit, persona: Persona) -> Figures:
    """The persona's figures with the points that the ledger holds."""
    sales = [commit.sales(rid) for rid in persona.members]
    held = [each.points for each in sales]
    waiting = [each.counts_on for each in sales if each.counts_on is not None]
    earned = sum([points.earned + points.expired - points.spent for points in held])
    total = sum([points.total for points in held])
    if not total and not earned and not waiting:
        return persona.figures
    ends = expiry_day(persona.last_days, earned, commit.terms.rules.loyalty)
    return persona.figures._replace(
        points=total, expires_on=ends, counts_on=min(waiting, default=None)
    )
