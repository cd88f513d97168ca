"""Find the shoppers that a change reaches: the connected components of the changed records.

A component of more than 50 records is joined by phones alone. That it is one is found out without
reading it whole (see `_Walk`): a sale to one of thousands of records that hang together reads as
little as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from chalicelib.domain.identity import (
    LARGE_COMPONENT,
    MergeKey,
    SourceRecord,
    connected_components,
    pos_key,
)
from chalicelib.domain.ids import record_id
from chalicelib.domain.personas import BUSY_SALES_PER_DAY, derive_persona
from chalicelib.domain.signups import PUSHED_SCOPE
from chalicelib.domain.words import ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.stages.busy import are_busy
from chalicelib.services.derivation.stages.people import count_uncounted_people

LARGE = "large_component"
HALF_BUSY = BUSY_SALES_PER_DAY // 2 + 1
"""A busy local day has at least so many of its sales on one of the two UTC days it touches."""
CROWDED = frozenset({"shared_key", LARGE})
"""Flags of a persona whose keys do not tell who belongs to it."""


def reach(commit: Commit) -> None:
    """Fill `commit.components` with the shoppers whom the seeds reach, and their personas."""
    read_reached(commit)
    derive_personas(commit)


def read_reached(commit: Commit) -> None:
    """Read on until every shopper to whom a seed belongs, or belonged, is whole in `reached`; note
    in `large` the records of large components."""
    while True:
        walk = _Walk(commit, commit.seeds | commit.reached)
        walk.run()
        if not walk.split:
            break
        commit.seeds |= walk.split
    commit.reached, commit.large = walk.reached, walk.large


def derive_personas(commit: Commit) -> None:
    """Partition the reached records into shoppers, and derive the persona of each."""
    shared = {key for key, carriers in commit.carriers.items() if carriers.shared}
    by_name = commit.terms.merge_on_name_and_birth_date
    found = connected_components(
        commit.records_seen(commit.reached), shared, name_and_birth_date=by_name, large=commit.large
    )
    commit.components = []
    for component in found:
        summaries = {r.id: commit.sales(r.id).summary for r in component.records}
        per_day = {rid: s.sales_per_day(at_least=HALF_BUSY) for rid, s in summaries.items()}
        busy = all(per_day.values()) and are_busy(commit, per_day)
        persona = derive_persona(component, summaries, commit.terms, busy=busy)
        commit.components.append((component, persona))


def joined_records(commit: Commit) -> list[str]:
    """The records that belong to a persona now and, as stored, to none: nobody derives them again
    while they wait for a contact."""
    stored = (commit.persona_before(rid) for rid in commit.reached)
    before = {member for persona in stored if persona is not None for member in persona.members}
    after = {member for persona in commit.personas() for member in persona.members}
    return sorted(after - before)


@dataclass(slots=True)
class _Groups:
    """Groups records that hang together (union-find), and knows which groups are large."""

    parent: dict[str, str] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)

    def root(self, rid: str) -> str:
        parent = self.parent
        while (above := parent.setdefault(rid, rid)) != rid:
            parent[rid] = rid = parent[above]
        return rid

    def unite(self, records: Iterable[str]) -> None:
        first: str | None = None
        for rid in records:
            root = self.root(rid)
            if first is None:
                first = root
            elif root != first:
                self.parent[root] = first
                self.size[first] = self.size.get(first, 1) + self.size.pop(root, 1)

    def make_large(self, rid: str) -> None:
        root = self.root(rid)
        self.size[root] = self.size.get(root, 1) + LARGE_COMPONENT

    def is_large(self, rid: str) -> bool:
        return rid in self.parent and self.size.get(self.root(rid), 1) > LARGE_COMPONENT


@dataclass(slots=True)
class _Walk:
    """Walks from the starts along merge keys, and stops where more than 50 records hang together.

    It first follows the keys that nobody took or dropped. What hangs together by those did before,
    too. So a group of more than 50 was large and is large: of its other records nothing changes but
    what a phone shares with a start, and they are not read. Smaller groups are read whole. Then it
    joins the groups by the changed keys, whose carriers are starts all.

    `split`: carriers of keys that turned out to be shared too widely; walk again with them.
    """

    commit: Commit
    starts: set[str]
    reached: set[str] = field(default_factory=set)
    large: set[str] = field(default_factory=set)
    split: set[str] = field(default_factory=set)
    groups: _Groups = field(default_factory=_Groups)

    def run(self) -> None:
        """Fill `reached` and `large`."""
        self.commit.load(self.starts)
        known_large = self._known_large()
        read = self._follow(self.starts - known_large)
        partly_read = {rid for rid in read if self.groups.is_large(rid)}
        self._join_by_changed_keys()
        self.reached = (read - partly_read) | self.starts
        self.large = {
            rid
            for rid in self.reached
            if self.groups.is_large(rid) or (rid in known_large and rid not in read)
        }
        self._add_phone_mates()

    def _follow(self, frontier: set[str]) -> set[str]:
        """Read on from these records, and return all that were read."""
        read: set[str] = set()
        while frontier:
            self.commit.load(frontier)
            read |= frontier
            seen = self._connect(frontier)
            frontier = {rid for rid in seen - read if not self.groups.is_large(rid)}
        return read

    def _connect(self, records: Iterable[str]) -> set[str]:
        """Group these records with whoever shares an unchanged key, and return those."""
        keys_of = self._keys_of(rid for rid in records if not _is_alone(self.commit, rid))
        live, changes = self._live(keys_of), self.commit.key_changes
        seen: set[str] = set()
        for rid, keys in keys_of.items():
            for key in keys:
                if key not in live:
                    continue
                if self.commit.carriers[key].total > LARGE_COMPONENT:
                    if rid not in changes.get(key, ()):
                        self.groups.make_large(rid)
                else:
                    self.groups.unite((rid, *live[key]))
                    seen.update(live[key])
        for rid, mate in _same_pos_id(self.commit, keys_of):
            self.groups.unite((rid, mate))
            seen.add(mate)
        return seen

    def _join_by_changed_keys(self) -> None:
        changes, carrying = self.commit.key_changes, dict[MergeKey, list[str]]()
        if not changes:
            return
        for rid, keys in self._keys_of(self.starts).items():
            for key in keys:
                if key in changes:
                    carrying.setdefault(key, []).append(rid)
        for key, records in carrying.items():
            carriers = self.commit.carriers[key]
            if not carriers.shared:
                self.groups.unite(records)
                if carriers.total > LARGE_COMPONENT:
                    self.groups.make_large(records[0])

    def _add_phone_mates(self) -> None:
        """Add whom a phone joins with records of large components."""
        pending = self.large
        while pending:
            self.commit.load(pending)
            self.reached |= pending
            self.large = self.large | pending
            pending = self._phone_mates(pending) - self.large

    def _phone_mates(self, records: Iterable[str]) -> set[str]:
        keys_of = self._keys_of(records)
        self._load_carriers(keys_of)
        phones = {key for keys in keys_of.values() for key in keys if key.kind == "phone"}
        carriers = self.commit.carriers
        live = (key for key in phones if not carriers[key].shared and carriers[key].total > 1)
        return {rid for key in live for rid in self.commit.carriers_of(key)}

    def _known_large(self) -> set[str]:
        """Return the starts that stood in a large component and keep all their keys, while nobody
        took or dropped one of those: unless the walk comes by, nothing has changed about that."""
        commit = self.commit
        if commit.repairing:
            return set()
        settled = [rid for rid in self.starts if _is_settled(commit, rid)]
        elsewhere = [rid for rid in settled if commit.persona_before(rid) is None]
        mates = self._phone_mates(elsewhere) if elsewhere else set()
        commit.load(mates)
        personas = (commit.persona_before(rid) for rid in {*settled, *mates})
        large = {rid for p in personas if p is not None and LARGE in p.flags for rid in p.members}
        return large.intersection(settled)

    def _keys_of(self, records: Iterable[str]) -> dict[str, frozenset[MergeKey]]:
        rows = ((rid, self.commit.record_row(rid)) for rid in records)
        return {rid: row.keys for rid, row in rows if row is not None}

    def _live(self, keys_of: Mapping[str, frozenset[MergeKey]]) -> dict[MergeKey, Iterable[str]]:
        """Return the carriers of unchanged keys that join anybody; none of a key of too many, also
        where few of those took or dropped it."""
        self._load_carriers(keys_of)
        live: dict[MergeKey, Iterable[str]] = {}
        changed = self.commit.key_changes.keys() - self.commit.large_keys
        for key in {key for keys in keys_of.values() for key in keys}:
            carriers = self.commit.carriers[key]
            if key in changed or carriers.total < 2 or carriers.shared:
                continue
            large = carriers.total > LARGE_COMPONENT
            live[key] = () if large else self.commit.carriers_of(key)
        return live

    def _load_carriers(self, keys_of: Mapping[str, frozenset[MergeKey]]) -> None:
        commit, keys = self.commit, {key for keys in keys_of.values() for key in keys}
        commit.load_carriers(keys)
        uncounted = [key for key in keys if commit.carriers[key].uncounted]
        if uncounted:
            self.split |= count_uncounted_people(commit, uncounted)


def _same_pos_id(commit: Commit, records: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of the records that was pushed, or pulled, with the pulled, or pushed, one of the same
    id in its POS. Read where a POS pushes shoppers alone."""
    sources = commit.terms.rules.sources
    if not any(source.pushes for source in sources.values()):
        return
    mates: dict[str, str] = {}
    for record in commit.records(records):
        source = sources.get(record.platform)
        if source is not None and source.pushes and pos_key(record) is not None:
            mates[record.id] = _mate(commit, record)
    commit.load(mates.values())
    for rid, mate in mates.items():
        pair = commit.records([rid, mate])
        if len(pair) > 1 and pos_key(pair[0]) == pos_key(pair[1]):
            yield rid, mate


def _mate(commit: Commit, record: SourceRecord) -> str:
    scope = PUSHED_SCOPE
    if record.scope == PUSHED_SCOPE:
        scope = ScopeId(record.customer.pos_scope or "")
    return record_id(commit.uid, record.platform, scope, record.customer.ext_id)


def _is_settled(commit: Commit, rid: str) -> bool:
    """Whether the record was stored before and none of its keys changes its carriers."""
    before, row = commit.record_row_before(rid), commit.record_row(rid)
    if before is None or row is None:
        return False
    changes = commit.key_changes.keys()
    return not changes or (changes.isdisjoint(before.keys) and changes.isdisjoint(row.keys))


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
