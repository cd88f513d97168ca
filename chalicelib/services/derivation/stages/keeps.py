"""Keep the members whom a change of settings would lose, while the change is at work (§7)."""

from __future__ import annotations

from chalicelib.domain.keeps import joins_to_keep, without_overruled
from chalicelib.domain.membership import Reason
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.joins import with_joins
from chalicelib.services.derivation.stages.reach import derive_personas


def settle_keeps(commit: Commit) -> None:
    """Write what the keeps at work give on the records of everybody reached, and derive them again.

    What a person had is what their stored persona says: whoever became somebody since the change
    had nothing. After a crash the stored personas may be half of those before and half of those
    after it; by then the records have the reasons that were given.
    """
    rules = commit.terms.rules
    if not any(source.has_keeps for source in rules.sources.values()):
        return
    if _take_back_overruled(commit):
        derive_personas(commit)
    if _keep_members(commit):
        derive_personas(commit)


def _take_back_overruled(commit: Commit) -> bool:
    """Take off the reasons that overruled keeps wrote; whether there were any."""
    taken = False
    for record in commit.records(sorted(commit.reached)):
        acts, row = without_overruled(record, commit.terms.rules), commit.record_row(record.id)
        if acts is not record.acts and row is not None:
            commit.put_acts(row, acts)
            taken = True
    return taken


def _keep_members(commit: Commit) -> bool:
    """Give their reasons to all whom the keeps at work keep; whether there was anybody."""
    had, kept = _reasons_before(commit), False
    for component, persona in commit.components:
        if persona is None:
            continue
        before = [reason for r in component.records for reason in had.get(r.id, ())]
        summaries = {r.id: commit.sales(r.id).summary for r in component.records}
        found = joins_to_keep(
            component.records,
            before,
            persona.reasons,
            persona.last_days,
            persona.flags,
            summaries,
            commit.terms,
        )
        for rid, joins in found.items():
            if (row := commit.record_row(rid)) is not None:
                acts = with_joins(row.record.acts, joins)
                if acts != row.record.acts:
                    commit.put_acts(row, acts)
                    kept = True
    return kept


def _reasons_before(commit: Commit) -> dict[str, tuple[Reason, ...]]:
    """Return by record the reasons of the stored persona that has it."""
    stored = (commit.persona_before(rid) for rid in commit.reached)
    return {
        member: persona.reasons
        for persona in stored
        if persona is not None
        for member in persona.members
    }
