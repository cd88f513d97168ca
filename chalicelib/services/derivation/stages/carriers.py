"""Settle which records carry each merge key, and whether a key still merges anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.identity import LARGE_COMPONENT, MergeKey, scope_key
from chalicelib.services.derivation.commit_in_progress import Commit, person_of
from chalicelib.services.derivation.stages.people import count_people
from chalicelib.services.ports.stored_facts import INLINE_CARRIERS, KeyCarriers, StoredRecord


def settle_carriers(commit: Commit) -> None:
    """Work out who carries each changed key now, and note whom that may merge or split."""
    commit.load_carriers(commit.key_changes)
    for key, changes in list(commit.key_changes.items()):
        before = commit.carriers[key]
        after = _changed(commit, key, before, changes)
        if changes and after == before and _keeps_all(commit, key, changes):
            del commit.key_changes[key]  # only a name changed, which decides nothing here
            continue
        if _joins_large_component(key, before, after, changes):
            commit.large_keys.add(key)  # nothing changes for the other carriers
        elif not before.shared or (after.wide and not before.wide):
            # Also when the key outgrows its row: a crash may leave half of its new rows, and a
            # repair looks only at records that the intent names.
            commit.seeds.update(commit.carriers_of(key))
        commit.put_carriers(key, after)
        if before.shared != after.shared:
            commit.writes.shared[key] = after.shared
            commit.seeds.update(commit.carriers_of(key))


def _keeps_all(commit: Commit, key: MergeKey, changes: Mapping[str, str | None]) -> bool:
    """Whether nobody took the key and nobody dropped it. That as many took a wide key as dropped
    it, its counts do not tell."""
    return all(
        scope is not None and _carrier_before(commit, key, rid) is not None
        for rid, scope in changes.items()
    )


def _joins_large_component(
    key: MergeKey, before: KeyCarriers, after: KeyCarriers, changes: Mapping[str, str | None]
) -> bool:
    """Whether so many carry the key before and after that no e-mail or name joins any of them."""
    if key.kind == "phone" or before.shared or after.shared:
        return False
    return before.total - len(changes) > LARGE_COMPONENT


def recover_carriers(commit: Commit, keys: Sequence[MergeKey], records: Sequence[str]) -> None:
    """Set who carries `keys` among `records` to what the record rows say."""
    commit.load_carriers(keys)
    for key in keys:
        before = commit.carriers[key]
        carriers = dict(commit.carriers_of(key))
        for rid in records:
            row = commit.record_row(rid)
            scope = _scope(row) if row is not None and key in row.keys else None
            if before.wide and carriers.get(rid) != scope:
                commit.writes.carrier_rows[key, rid] = scope
            _set(carriers, rid, scope)
        after = _counted(carriers) if before.wide else _inline_or_wide(commit, key, carriers)
        if after.names_decide:
            after = replace(after, people=count_people(commit, carriers))
        commit.put_carriers(key, after)
        commit.writes.shared[key] = after.shared
        if not (before.shared and after.shared):
            commit.seeds.update(commit.carriers_of(key))


def _changed(
    commit: Commit, key: MergeKey, before: KeyCarriers, changes: Mapping[str, str | None]
) -> KeyCarriers:
    carriers: dict[str, str] = {}
    if before.counts is not None:
        after = _changed_wide(commit, key, before.counts, changes)
    else:
        carriers = dict(before.carriers)
        for rid, scope in changes.items():
            _set(carriers, rid, scope)
        after = _inline_or_wide(commit, key, carriers)
    if not after.names_decide:
        return after
    if before.people is not None:
        return replace(after, people=_changed_people(commit, key, before.people, changes))
    people = count_people(commit, carriers or commit.carriers_of(key))
    return replace(after, people=people)


def _changed_wide(
    commit: Commit, key: MergeKey, before: Mapping[str, int], changes: Mapping[str, str | None]
) -> KeyCarriers:
    counts = dict(before)
    for rid, scope in changes.items():
        old = _carrier_before(commit, key, rid)
        if scope is not None and old is not None:
            continue
        commit.writes.carrier_rows[key, rid] = scope
        if scope is not None:
            counts[scope] = counts.get(scope, 0) + 1
        elif old is not None:
            counts[_scope(old)] = counts.get(_scope(old), 0) - 1
    return KeyCarriers(counts={scope: n for scope, n in counts.items() if n > 0})


def _changed_people(
    commit: Commit, key: MergeKey, before: Mapping[str, int], changes: Mapping[str, str | None]
) -> dict[str, int]:
    people = Counter(before)
    for rid, scope in changes.items():
        if (old := _carrier_before(commit, key, rid)) is not None:
            people[person_of(old)] -= 1
        if scope is not None and (new := commit.record_row(rid)) is not None:
            people[person_of(new)] += 1
    return {name: count for name, count in people.items() if count > 0}


def _carrier_before(commit: Commit, key: MergeKey, rid: str) -> StoredRecord | None:
    """The record as it is stored, if it carries the key there."""
    row = commit.record_row_before(rid)
    return row if row is not None and key in row.keys else None


def _inline_or_wide(commit: Commit, key: MergeKey, carriers: Mapping[str, str]) -> KeyCarriers:
    """The carriers in one row or, once they are too many, each in a row of its own."""
    if len(carriers) <= INLINE_CARRIERS:
        return KeyCarriers(carriers=carriers)
    for rid, scope in carriers.items():
        commit.writes.carrier_rows[key, rid] = scope
    return _counted(carriers)


def _counted(carriers: Mapping[str, str]) -> KeyCarriers:
    return KeyCarriers(counts=KeyCarriers(carriers=carriers).per_scope())


def _set(carriers: dict[str, str], rid: str, key_of_scope: str | None) -> None:
    if key_of_scope is None:
        carriers.pop(rid, None)
    else:
        carriers[rid] = key_of_scope


def _scope(row: StoredRecord) -> str:
    return scope_key(row.record.platform, row.record.scope)
