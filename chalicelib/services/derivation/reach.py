"""The source records that a change can reach through merge keys, and the personas they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.identity import (
    Component,
    MergeKey,
    connected_components,
    is_shared_too_widely,
)
from chalicelib.domain.ledger import RecordPoints
from chalicelib.domain.loyalty import expiry_day
from chalicelib.domain.membership import is_still_given
from chalicelib.domain.personas import NO_FIGURES, Figures, Persona, derive_persona
from chalicelib.domain.rules import Terms
from chalicelib.domain.sales_summary import SalesSummary
from chalicelib.domain.words import Uid
from chalicelib.services.ports.facts import (
    INLINE_MEMBERS,
    NO_SALES,
    FactStore,
    KeyCarriers,
    RecordRows,
    RecordSales,
    StoredRecord,
    Writes,
)

_NONE = RecordRows()
_NOBODY = KeyCarriers()

CROWDED = frozenset({"shared_key", "large_component"})
"""Flags of a persona whose keys do not tell who belongs to it."""


class Reach:
    """Rows read under the commit lock, overlaid with what the commit is about to write."""

    def __init__(self, facts: FactStore, uid: Uid, terms: Terms) -> None:
        self.terms = terms
        self.key_changes: dict[MergeKey, dict[str, str | None]] = {}
        self._facts = facts
        self._uid = uid
        self._rows: dict[str, RecordRows] = {}
        self._new: dict[str, StoredRecord] = {}
        self._sales: dict[str, RecordSales] = {}
        self._members: dict[MergeKey, KeyCarriers] = {}
        self._reached: set[str] = set()
        self._flipped: set[MergeKey] = set()
        self._recovering = False
        self._components: list[tuple[Component, Persona | None]] | None = None

    def load(self, records: Iterable[str]) -> None:
        missing = [rid for rid in records if rid not in self._rows]
        if missing:
            found = self._facts.rows(self._uid, missing)
            self._rows.update({rid: found.get(rid, _NONE) for rid in missing})

    def stored(self, rid: str) -> StoredRecord | None:
        return self._new.get(rid) or self._rows[rid].stored

    def sales(self, rid: str) -> RecordSales:
        return self._sales.get(rid) or self._rows[rid].sales or NO_SALES

    def sales_before(self, rid: str) -> RecordSales:
        """As they were before this commit."""
        return self._rows[rid].sales or NO_SALES

    def persona_before(self, rid: str) -> Persona | None:
        """The persona stored under this record."""
        return self._rows[rid].persona

    def replace(self, new: StoredRecord) -> None:
        """Take up a new or changed record, and note which keys it takes and leaves."""
        rid = new.record.id
        self._components = None
        before = self._rows[rid].stored
        old_keys = before.keys if before else frozenset()
        self._new[rid] = new
        for key in new.keys - old_keys:
            self.key_changes.setdefault(key, {})[rid] = _scope(new)
        for key in old_keys - new.keys:
            self.key_changes.setdefault(key, {})[rid] = None

    def replace_summary(self, rid: str, summary: SalesSummary) -> None:
        self._components = None
        self._sales[rid] = self.sales(rid)._replace(summary=summary)

    def replace_points(self, rid: str, points: RecordPoints) -> None:
        self._sales[rid] = self.sales(rid)._replace(points=points)

    def sales_changes(self) -> dict[str, RecordSales]:
        """The rows of sales, points and figures that differ from what is stored."""
        figures_of = {persona.id: self._figures(persona) for persona in self.personas()}
        changes = {}
        for rid in self._reached | self._sales.keys():
            figures = figures_of.get(rid, NO_FIGURES)
            sales = self.sales(rid)
            if sales.figures != figures:
                sales = sales._replace(figures=figures)
            if sales != self.sales_before(rid):
                changes[rid] = sales
        return changes

    def settle_members(self, writes: Writes) -> None:
        """Work out who carries each changed key now, and whom that reaches."""
        self._load_members(self.key_changes)
        for key, changes in self.key_changes.items():
            before = self._members[key]
            after = self._changed_members(key, before, changes, writes)
            writes.members[key] = after if after.per_scope() else None
            self._members[key] = after
            was, is_now = _shared(before), _shared(after)
            if was != is_now:
                writes.shared[key] = is_now
                self._flipped.add(key)
            if not was or (after.wide and not before.wide):
                # Also when it outgrows its row: a crash may leave half of the new rows, and only
                # who was touched is looked at again.
                self._reached.update(self._carriers(key, before))

    def recover_members(
        self, keys: Sequence[MergeKey], records: Sequence[str], writes: Writes
    ) -> None:
        """Set the carriers of `keys` among `records` to what the record rows say."""
        self._recovering = True
        self._load_members(keys)
        for key in keys:
            before = self._members[key]
            carriers = dict(self._carriers(key, before))
            for rid in records:
                stored = self.stored(rid)
                scope = _scope(stored) if stored is not None and key in stored.keys else None
                if before.wide and carriers.get(rid) != scope:
                    writes.member_rows[key, rid] = scope
                if scope is not None:
                    carriers[rid] = scope
                else:
                    carriers.pop(rid, None)
            after = _counted(carriers) if before.wide else self._inline(key, carriers, writes)
            writes.members[key] = after if carriers else None
            self._members[key] = after
            writes.shared[key] = _shared(after)
            if not (_shared(before) and _shared(after)):
                self._flipped.add(key)

    def expand(self, seeds: Iterable[str]) -> None:
        """Read on until every record reachable from the seeds through a live key is here."""
        self._components = None
        for key in self._flipped:
            self._reached.update(self._carriers(key, self._members[key]))
        frontier = set(seeds) | self._reached
        self._reached = set()
        while frontier:
            self.load(frontier)
            self._reached |= frontier
            open_ended = (rid for rid in frontier if not self._alone(rid))
            keys = {key for rid in open_ended if (s := self.stored(rid)) for key in s.keys}
            self._load_members(keys)
            carriers = {
                rid
                for key in keys
                if not _shared(self._members[key])
                for rid in self._carriers(key, self._members[key])
            }
            frontier = carriers - self._reached

    def components(self) -> list[tuple[Component, Persona | None]]:
        """The shoppers of everything reached, each with its persona, still without points."""
        if self._components is None:
            records = [s.record for rid in self._reached if (s := self.stored(rid)) is not None]
            shared = {key for key, members in self._members.items() if _shared(members)}
            by_name = self.terms.merge_on_name_and_birth_date
            found = connected_components(records, shared, name_and_birth_date=by_name)
            self._components = [(component, self._derive(component)) for component in found]
        return self._components

    def _derive(self, component: Component) -> Persona | None:
        summaries = {r.id: self.sales(r.id).summary for r in component.records}
        return derive_persona(component, summaries, self.terms)

    def derived(self) -> dict[str, Persona]:
        """The personas of everything reached, by id, with the points the ledger holds."""
        return {p.id: replace(p, figures=self._figures(p)) for p in self.personas()}

    def personas(self) -> list[Persona]:
        """The personas of everything reached, without points."""
        return [persona for _, persona in self.components() if persona is not None]

    def joined(self) -> list[str]:
        """The records that belong to a persona now and, as stored, to none: nobody derives them
        again while they wait for a contact."""
        known = {
            member
            for rid in self._reached
            if (persona := self._rows[rid].persona) is not None
            for member in persona.members
        }
        members = {member for persona in self.personas() for member in persona.members}
        return sorted(members - known)

    def leavers(self) -> list[Persona]:
        """Who was a member under a persona that goes on without being one, as they were."""
        return [
            before
            for persona in self.personas()
            if not persona.member
            and (before := self._rows[persona.id].persona) is not None
            and before.member
        ]

    def left_by_facts(self, before: Persona) -> bool:
        """Whether a leaver would have stayed, but for what the POS told: the settings still give a
        reason."""
        bought, flags, rules = before.last_days, before.flags, self.terms.rules
        return any(is_still_given(r, bought, flags, before.sources, rules) for r in before.reasons)

    def _figures(self, persona: Persona) -> Figures:
        """The persona's figures with the points the ledger holds."""
        held = [self.sales(rid).points for rid in persona.members]
        earned = sum([points.earned + points.expired for points in held])
        total = sum([points.total for points in held])
        if not total and not earned:
            return persona.figures
        ends = expiry_day(persona.last_days, earned, self.terms.rules.loyalty)
        return persona.figures._replace(points=total, expires_on=ends)

    def persona_changes(self) -> dict[str, Persona | None]:
        """Persona rows to put or to delete (None), by the record id they are kept under."""
        now = {persona.id: persona for persona in self.personas()}
        changes: dict[str, Persona | None] = {}
        for rid in self._reached:
            before, after = self._rows[rid].persona, now.get(rid)
            if before is None or after is None:
                if before is not after:
                    changes[rid] = after
            elif not after.like(before):
                changes[rid] = after
        return changes

    def touched(self) -> list[str]:
        return sorted(self._reached)

    def _alone(self, rid: str) -> bool:
        """Whether the stored persona says already that nobody else is reachable from the record.

        So for nine shoppers of ten a sale reads no key. What a crash left behind is not believed.
        """
        rows = self._rows[rid]
        if self._recovering or rid in self._new or rows.stored is None or rows.persona is None:
            return False
        if rows.persona.members != (rid,) or rows.persona.flags & CROWDED:
            return False
        return self.key_changes.keys().isdisjoint(rows.stored.keys)

    def _load_members(self, keys: Iterable[MergeKey]) -> None:
        missing = [key for key in keys if key not in self._members]
        if missing:
            found = self._facts.members(self._uid, missing)
            self._members.update({key: found.get(key, _NOBODY) for key in missing})

    def _carriers(self, key: MergeKey, members: KeyCarriers) -> Mapping[str, str]:
        if not members.wide:
            return members.carriers
        found = self._facts.wide_carriers(self._uid, key)
        for rid, scope in self.key_changes.get(key, {}).items():
            if scope is None:
                found.pop(rid, None)
            else:
                found[rid] = scope
        return found

    def _changed_members(
        self,
        key: MergeKey,
        before: KeyCarriers,
        changes: Mapping[str, str | None],
        writes: Writes,
    ) -> KeyCarriers:
        if before.wide:
            return self._changed_wide(key, before, changes, writes)
        carriers = dict(before.carriers)
        for rid, scope in changes.items():
            if scope is None:
                carriers.pop(rid, None)
            else:
                carriers[rid] = scope
        return self._inline(key, carriers, writes)

    def _changed_wide(
        self,
        key: MergeKey,
        before: KeyCarriers,
        changes: Mapping[str, str | None],
        writes: Writes,
    ) -> KeyCarriers:
        counts = dict(before.counts or {})
        for rid, scope in changes.items():
            writes.member_rows[key, rid] = scope
            if scope is not None:
                counts[scope] = counts.get(scope, 0) + 1
            elif (old := self._rows[rid].stored) is not None:
                counts[_scope(old)] = counts.get(_scope(old), 0) - 1
        return KeyCarriers(counts={scope: n for scope, n in counts.items() if n > 0})

    def _inline(self, key: MergeKey, carriers: Mapping[str, str], writes: Writes) -> KeyCarriers:
        """The carriers in one row, or, once they are too many, each in a row of its own."""
        if len(carriers) <= INLINE_MEMBERS:
            return KeyCarriers(carriers=carriers)
        for rid, scope in carriers.items():
            writes.member_rows[key, rid] = scope
        return _counted(carriers)


def _counted(carriers: Mapping[str, str]) -> KeyCarriers:
    return KeyCarriers(counts=KeyCarriers(carriers=carriers).per_scope())


def _scope(stored: StoredRecord) -> str:
    return f"{stored.record.platform}:{stored.record.scope}"


def _shared(members: KeyCarriers) -> bool:
    return is_shared_too_widely(members.per_scope())
