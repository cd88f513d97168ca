"""Count the different people, by name, who carry a merge key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from chalicelib.domain.identity import MergeKey
from chalicelib.services.derivation.commit_in_progress import Commit, person_of


def count_uncounted_people(commit: Commit, keys: Iterable[MergeKey]) -> set[str]:
    """Count the people who carry keys whose rows were written before names were counted, and return
    the carriers of those that turn out to be shared too widely."""
    split: set[str] = set()
    for key in keys:
        before = commit.carriers[key]
        carriers = commit.carriers_of(key)
        after = replace(before, people=count_people(commit, carriers))
        commit.put_carriers(key, after)
        if after.shared:
            commit.key_changes.setdefault(key, {})  # so that a crash repairs it
            commit.writes.shared[key] = True
            split |= carriers.keys()
    return split


def count_people(commit: Commit, carriers: Iterable[str]) -> dict[str, int]:
    """Return how many of these records bear which name, as they will be after the commit."""
    rids = list(carriers)
    commit.load(rids)
    rows = [row for rid in rids if (row := commit.record_row(rid)) is not None]
    return dict(Counter(map(person_of, rows)))
