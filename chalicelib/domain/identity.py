"""Which source records are one shopper (product.md §6).

Sharing any valid merge key joins, transitively. The partition depends on the records alone, never
on the order or the portions in which AIQ heard of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple

from chalicelib.domain.acts import NO_ACTS, Acts
from chalicelib.domain.records import Customer
from chalicelib.domain.words import Instant, Platform, ScopeId

KeyKind = Literal["phone", "email", "name_dob"]

KEY_KINDS: tuple[KeyKind, ...] = ("phone", "email", "name_dob")
"""Strongest first. Strength decides look-ups and the reason shown, never who is joined."""

RECORDS_PER_SCOPE = 8
LARGE_COMPONENT = 50

_BIRTH_DATE_LENGTH = len("1990-12-31")
_NO_KEYS: frozenset[MergeKey] = frozenset()


class MergeKey(NamedTuple):
    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One shopper as one POS knows them. `id` is `domain.ids.record_id`, `first_seen` is when AIQ
    first stored the record and never changes. `acts` are anchored here and move with the record."""

    id: str
    platform: Platform
    scope: ScopeId
    customer: Customer
    first_seen: Instant
    acts: Acts = NO_ACTS


@dataclass(frozen=True, slots=True)
class Component:
    """Source records that are one shopper, ordered by (first seen, id).

    `large`: the records were among more than 50 that shared keys, so only phones joined them.
    `shared_keys`: keys its records carry that are shared too widely to join anything.
    """

    records: tuple[SourceRecord, ...]
    large: bool = False
    shared_keys: frozenset[MergeKey] = _NO_KEYS


def merge_keys(customer: Customer, *, name_and_birth_date: bool) -> frozenset[MergeKey]:
    """The valid keys of one shopper. `name_and_birth_date` is the account's setting.

    A placeholder is no key: normalisation has already left its field empty. The name must be
    complete, and equal but for case and blanks; the date of birth must be a whole date.
    """
    keys = []
    if customer.phone:
        keys.append(MergeKey("phone", customer.phone))
    if customer.email:
        keys.append(MergeKey("email", customer.email))
    if name_and_birth_date:
        first, last, born = (
            _same_name(customer.first),
            _same_name(customer.last),
            customer.birth_date,
        )
        if first and last and born and len(born) == _BIRTH_DATE_LENGTH:
            keys.append(MergeKey("name_dob", f"{first}\x1f{last}\x1f{born}"))
    return frozenset(keys)


def _same_name(name: str) -> str:
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return " ".join(name.casefold().split())


def scope_key(platform: Platform, scope: ScopeId) -> str:
    """Platform and scope joined: what records per scope are counted by."""
    return f"{platform}:{scope}"


def is_shared_too_widely(records_per_scope: Mapping[str, int]) -> bool:
    """Whether a key merges nothing, from how many records of each scope (`scope_key`) carry it."""
    return any(count > RECORDS_PER_SCOPE for count in records_per_scope.values())


def resolve(
    records: Iterable[SourceRecord],
    shared: AbstractSet[MergeKey],
    *,
    name_and_birth_date: bool,
) -> list[Component]:
    """Partition records into shoppers, the one AIQ saw first leading.

    `records` must be closed: whoever shares a key outside `shared` with one of them is among them.
    `shared` are the keys carried by too many records of one scope, known from their full
    membership. Records may repeat; those with one id must be equal.
    """
    ordered = list({record.id: record for record in records}.values())
    if len(ordered) == 1:  # nine shoppers of ten
        own = merge_keys(ordered[0].customer, name_and_birth_date=name_and_birth_date)
        return [Component((ordered[0],), shared_keys=own & shared)]
    ordered.sort(key=_seen_order)
    keys = [merge_keys(r.customer, name_and_birth_date=name_and_birth_date) for r in ordered]
    joining = [k - shared for k in keys] if shared else keys
    components = []
    for group in _groups(range(len(ordered)), joining):
        if len(group) <= LARGE_COMPONENT:
            components.append(_component(group, ordered, keys, shared, large=False))
            continue
        phones = [frozenset(k for k in own if k.kind == "phone") for own in joining]
        parts = _groups(group, phones)
        components += (_component(part, ordered, keys, shared, large=True) for part in parts)
    if len(components) > 1:
        components.sort(key=lambda component: _seen_order(component.records[0]))
    return components


def join_reason(
    one: Customer, other: Customer, shared: AbstractSet[MergeKey], *, name_and_birth_date: bool
) -> KeyKind | None:
    """The kind of the strongest key that joins two records directly; None when none does."""
    ours = merge_keys(one, name_and_birth_date=name_and_birth_date)
    common = (ours & merge_keys(other, name_and_birth_date=name_and_birth_date)) - shared
    return min((key.kind for key in common), key=KEY_KINDS.index, default=None)


def _seen_order(record: SourceRecord) -> tuple[Instant, str]:
    return record.first_seen, record.id


def _groups(positions: Sequence[int], keys: Sequence[AbstractSet[MergeKey]]) -> Iterable[list[int]]:
    """Positions that share keys, transitively; each group ascending, ordered by its lowest."""
    parent = {position: position for position in positions}

    def lead(position: int) -> int:
        while parent[position] != position:
            parent[position] = position = parent[parent[position]]
        return position

    holder: dict[MergeKey, int] = {}
    for position in positions:
        for key in keys[position]:
            seen = holder.setdefault(key, position)
            if seen != position:
                parent[lead(seen)] = lead(position)
    groups: dict[int, list[int]] = {}
    for position in positions:
        groups.setdefault(lead(position), []).append(position)
    return groups.values()


def _component(
    group: Sequence[int],
    records: Sequence[SourceRecord],
    keys: Sequence[frozenset[MergeKey]],
    shared: AbstractSet[MergeKey],
    *,
    large: bool,
) -> Component:
    carried = _NO_KEYS
    if shared:
        carried = frozenset(key for i in group for key in keys[i] if key in shared)
    return Component(tuple(records[i] for i in group), large, carried)
