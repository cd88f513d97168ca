"""Write reasons of membership on source records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Acts, Join, merge_joins
from chalicelib.domain.membership import joins_to_keep
from chalicelib.services.derivation.commit_in_progress import Commit


def add_join(commit: Commit, records: Sequence[str], join: Join) -> None:
    """Write the reason on those of the records that AIQ knows, unless it is there."""
    commit.load(records)
    for record in commit.records(records):
        commit.put_record(replace(record, acts=_with_joins(record.acts, [join])))


def keep_members(commit: Commit) -> bool:
    """Give a reason of their own to all whom only a setting that goes away made members; whether
    there was anybody."""
    terms, kept = commit.terms, False
    for component, persona in commit.components:
        if persona is None or persona.member:
            continue
        summaries = {r.id: commit.sales(r.id).summary for r in component.records}
        found = joins_to_keep(component.records, persona.last_days, persona.flags, summaries, terms)
        for rid, joins in found.items():
            if (row := commit.record_row(rid)) is not None:
                commit.put_acts(row, _with_joins(row.record.acts, joins))
                kept = True
    return kept


def _with_joins(acts: Acts, joins: Iterable[Join]) -> Acts:
    return replace(acts, joins=merge_joins(acts.joins, joins))
