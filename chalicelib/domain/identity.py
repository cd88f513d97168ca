"""Which source records are one shopper (product.md §6).

Records that share a valid merge key are connected; each connected component is one shopper. The
components depend on the records alone, never on the order or the batches in which they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple

from chalicelib.domain.acts import NO_ACTS, Acts
from chalicelib.domain.names import usable_name
from chalicelib.domain.records import CLAIMED, Customer
from chalicelib.domain.signups import API_SCOPE, PUSHED_SCOPE, SIGNUP_SCOPE
from chalicelib.domain.words import Instant, KeyKind, Platform, ScopeId

KEY_KINDS: tuple[KeyKind, ...] = ("phone", "email", "name_dob")
"""Strongest first. Strength decides look-ups and the reason shown, never who is joined."""

RECORDS_PER_SCOPE = 8
PEOPLE_PER_KEY = 5
LARGE_COMPONENT = 50

OLDEST_BIRTH_DATE = "1902"
"""Nobody alive was born before: such dates are the zero of a clock or a counter's default."""
DEFAULT_BIRTH_DATES = frozenset(("1911-11-11", "1969-12-31", "1970-01-01"))

_BIRTH_DATE_LENGTH = len("1990-12-31")
_NAMES_CLAIMED = frozenset(CLAIMED + name for name in ("first", "last", "birth_date"))
_NO_KEYS: frozenset[MergeKey] = frozenset()


class MergeKey(NamedTuple):
    kind: KeyKind
    value: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One shopper as one POS knows them. `id` is `domain.ids.record_id`, `first_seen` is when AIQ
    first stored the record and never changes. `acts` move with the record. `withheld`: what the POS
    told last, where it lacks contacts and waits (see `services.loyalty.contacts_withdrawn`).
    """

    id: str
    platform: Platform
    scope: ScopeId
    customer: Customer
    first_seen: Instant
    acts: Acts = NO_ACTS
    withheld: Customer | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A connected component: source records that are one shopper, ordered by (first seen, id).

    `large`: the records were among more than 50 connected ones, so only phones connect them.
    `shared_keys`: keys of its records that are shared too widely to connect anything.
    """

    records: tuple[SourceRecord, ...]
    large: bool = False
    shared_keys: frozenset[MergeKey] = _NO_KEYS


def without_placeholders(record: SourceRecord, placeholders: AbstractSet[str]) -> SourceRecord:
    """The record as personas see it: without a contact that the account takes for nobody's, as if
    its POS had told a known placeholder (product.md §6)."""
    customer = record.customer
    if customer.phone in placeholders:
        flags = customer.flags | {"placeholder_phone"}
        customer = replace(customer, phone=None, flags=flags)
    if customer.email in placeholders:
        flags = customer.flags | {"placeholder_email"}
        customer = replace(customer, email=None, flags=flags)
    return record if customer is record.customer else replace(record, customer=customer)


def merge_keys(customer: Customer, *, name_and_birth_date: bool) -> frozenset[MergeKey]:
    """Return the valid merge keys of one shopper. `name_and_birth_date` is the account's setting.

    A placeholder is no key: normalisation has left the field of a contact empty, and a default date
    of birth such as 1900-01-01 counts for none. A name is compared without case, accents and
    blanks, and needs a first name, a last name and a whole date of birth; one that a public form
    told is nobody's proof (partner-api.md S4).
    """
    keys = []
    if customer.phone:
        keys.append(MergeKey("phone", customer.phone))
    if customer.email:
        keys.append(MergeKey("email", customer.email))
    if name_and_birth_date:
        born = customer.birth_date
        if born and _is_somebodys(born) and _NAMES_CLAIMED.isdisjoint(customer.flags):
            first, last = usable_name(customer.first), usable_name(customer.last)
            if first and last:
                keys.append(MergeKey("name_dob", f"{first}\x1f{last}\x1f{born}"))
    return frozenset(keys)


def _is_somebodys(born: str) -> bool:
    """Whether a date of birth is whole and no default."""
    is_whole = len(born) == _BIRTH_DATE_LENGTH
    return is_whole and born >= OLDEST_BIRTH_DATE and born not in DEFAULT_BIRTH_DATES


def pos_key(record: SourceRecord) -> str | None:
    """Return what a pushed record and the pulled one of its POS id have in common (product.md §6);
    None for a record that its POS knows by no id, or by none that is known."""
    customer, scope = record.customer, str(record.scope)
    if record.scope == PUSHED_SCOPE:
        scope = customer.pos_scope or ""
    if not scope or not customer.ext_id or record.scope in (SIGNUP_SCOPE, API_SCOPE):
        return None
    return f"{record.platform}:{scope}:{customer.ext_id}"


def scope_key(platform: Platform, scope: ScopeId) -> str:
    """Return `platform:scope`, by which records per scope are counted."""
    return f"{platform}:{scope}"


def is_crowded(records_per_scope: Mapping[str, int]) -> bool:
    """Whether more than 8 records of one scope carry a key. `records_per_scope`: records with the
    key, by `scope_key`."""
    return any(count > RECORDS_PER_SCOPE for count in records_per_scope.values())


def is_shared_too_widely(records_per_scope: Mapping[str, int], people: int = 0) -> bool:
    """Whether a key merges nothing. `people`: how many different people carry it over all scopes,
    by `names.person_name`."""
    return people > PEOPLE_PER_KEY or is_crowded(records_per_scope)


def connected_components(
    records: Iterable[SourceRecord],
    shared: AbstractSet[MergeKey],
    *,
    name_and_birth_date: bool,
    large: AbstractSet[str] = frozenset(),
) -> list[Component]:
    """Partition records into connected components, ordered by the first seen record of each.

    `records` must be closed: every record that shares a key outside `shared` with one of them is
    among them. `shared`: the keys that `is_shared_too_widely`, counted over all records. `large`:
    ids of records that are among more than 50 connected ones, not all of which are given. Records
    may repeat; those with one id must be equal.
    """
    ordered = list({record.id: record for record in records}.values())
    if len(ordered) == 1:  # nine shoppers of ten
        own = merge_keys(ordered[0].customer, name_and_birth_date=name_and_birth_date)
        is_large = ordered[0].id in large
        return [Component((ordered[0],), large=is_large, shared_keys=own & shared)]
    ordered.sort(key=_seen_order)
    keys = [merge_keys(r.customer, name_and_birth_date=name_and_birth_date) for r in ordered]
    joining: list[AbstractSet[object]] = [k - shared if shared else k for k in keys]
    if any(r.scope == PUSHED_SCOPE for r in ordered):
        same = [pos_key(r) for r in ordered]
        joining = [k | {own} if own else k for k, own in zip(joining, same, strict=True)]
    if large:
        joining = [
            _phones(own) if r.id in large else own for r, own in zip(ordered, joining, strict=True)
        ]
    components = []
    for group in _groups(range(len(ordered)), joining):
        is_large = ordered[group[0]].id in large
        if is_large or len(group) <= LARGE_COMPONENT:
            components.append(_component(group, ordered, keys, shared, large=is_large))
            continue
        smaller = _groups(group, [_phones(own) for own in joining])
        components += (_component(one, ordered, keys, shared, large=True) for one in smaller)
    if len(components) > 1:
        components.sort(key=lambda component: _seen_order(component.records[0]))
    return components


def _phones(keys: Iterable[object]) -> frozenset[object]:
    return frozenset(k for k in keys if isinstance(k, MergeKey) and k.kind == "phone")


def _seen_order(record: SourceRecord) -> tuple[Instant, str]:
    return record.first_seen, record.id


def _groups(positions: Sequence[int], keys: Sequence[AbstractSet[object]]) -> Iterable[list[int]]:
    """Connect positions that share keys (union-find); each group ascends, ordered by its lowest."""
    parent = {position: position for position in positions}

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = position = parent[parent[position]]
        return position

    holder: dict[object, int] = {}
    for position in positions:
        for key in keys[position]:
            seen = holder.setdefault(key, position)
            if seen != position:
                parent[root(seen)] = root(position)
    groups: dict[int, list[int]] = {}
    for position in positions:
        groups.setdefault(root(position), []).append(position)
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
