"""Write reasons of membership on source records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.acts import Acts, Join, merge_joins
from chalicelib.services.derivation.commit_in_progress import Commit


def add_join(commit: Commit, records: Sequence[str], join: Join) -> None:
    """Write the reason on those of the records that AIQ knows, unless it is there."""
    commit.load(records)
    for record in commit.records(records):
        commit.put_record(replace(record, acts=with_joins(record.acts, [join])))


def with_joins(acts: Acts, joins: Iterable[Join]) -> Acts:
    """The acts with these joins too, each reason once at its earliest instant."""
    return replace(acts, joins=merge_joins(acts.joins, joins))
