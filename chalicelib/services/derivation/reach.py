"""Find the shoppers that a change reaches: the connected components of the changed records."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.identity import MergeKey, connected_components
from chalicelib.domain.personas import derive_persona
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.people import count_uncounted_people

CROWDED = frozenset({"shared_key", "large_component"})
"""Flags of a persona whose keys do not tell who belongs to it."""


def reach(commit: Commit) -> None:
    """Fill `commit.components` with the shoppers whom the seeds reach, and their personas."""
    read_reached(commit)
    derive_personas(commit)


def read_reached(commit: Commit) -> None:
    """Read on until every record that a live merge key connects with a seed is in `reached`."""
    frontier = commit.seeds | commit.reached
    commit.reached = set()
    while frontier:
        commit.load(frontier)
        commit.reached |= frontier
        keys = _keys_to_follow(commit, frontier)
        commit.load_carriers(keys)
        uncounted = [key for key in keys if commit.carriers[key].uncounted]
        split = count_uncounted_people(commit, uncounted) if uncounted else set()
        live = [key for key in keys if not commit.carriers[key].shared]
        frontier = {rid for key in live for rid in commit.carriers_of(key)} | split
        frontier -= commit.reached


def derive_personas(commit: Commit) -> None:
    """Partition the reached records into shoppers, and derive the persona of each."""
    shared = {key for key, carriers in commit.carriers.items() if carriers.shared}
    by_name = commit.terms.merge_on_name_and_birth_date
    found = connected_components(
        commit.records(commit.reached), shared, name_and_birth_date=by_name
    )
    commit.components = []
    for component in found:
        summaries = {r.id: commit.sales(r.id).summary for r in component.records}
        persona = derive_persona(component, summaries, commit.terms)
        commit.components.append((component, persona))


def joined_records(commit: Commit) -> list[str]:
    """The records that belong to a persona now and, as stored, to none: nobody derives them again
    while they wait for a contact."""
    stored = (commit.persona_before(rid) for rid in commit.reached)
    before = {member for persona in stored if persona is not None for member in persona.members}
    after = {member for persona in commit.personas() for member in persona.members}
    return sorted(after - before)


def _keys_to_follow(commit: Commit, records: Iterable[str]) -> set[MergeKey]:
    """The merge keys by which others may be reached from these records."""
    rows = (commit.record_row(rid) for rid in records if not _is_alone(commit, rid))
    return {key for row in rows if row is not None for key in row.keys}


def _is_alone(commit: Commit, rid: str) -> bool:
    """Whether the stored persona says already that nobody else is reachable from the record.

    So for nine shoppers of ten a sale reads no key. What a crash left behind is not believed.
    """
    row, persona = commit.record_row_before(rid), commit.persona_before(rid)
    if commit.repairing or rid in commit.writes.records or row is None or persona is None:
        return False
    if persona.members != (rid,) or persona.flags & CROWDED:
        return False
    return commit.key_changes.keys().isdisjoint(row.keys)
