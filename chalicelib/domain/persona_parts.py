"""What holds a persona's source records together, and which of them each field of its profile comes
from (product.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from chalicelib.domain.identity import KEY_KINDS, MergeKey, SourceRecord, merge_keys
from chalicelib.domain.personas import records_by_precedence
from chalicelib.domain.rules import Rules
from chalicelib.domain.words import KeyKind

PROFILE_FIELDS = ("first", "last", "phone", "email", "birth_date")


class JoinedPair(NamedTuple):
    """Two source records, by id, and the kind of the strongest key that both carry."""

    a: str
    b: str
    key: KeyKind


def joined_pairs(
    records: Sequence[SourceRecord],
    shared: AbstractSet[MergeKey],
    *,
    name_and_birth_date: bool,
    phones_only: bool = False,
) -> tuple[JoinedPair, ...]:
    """Return the pairs that connect all records of a persona by their strongest keys, one fewer
    than there are records.

    `shared`: keys that too many carry. `phones_only`: they are of a large component, in which
    nothing else joins.
    """
    carried = [
        (KEY_KINDS.index(key.kind), key, place)
        for place, record in enumerate(records)
        for key in merge_keys(record.customer, name_and_birth_date=name_and_birth_date) - shared
        if key.kind == "phone" or not phones_only
    ]
    group = list(range(len(records)))
    holder: dict[MergeKey, int] = {}
    pairs = []
    for _, key, place in sorted(carried):
        first = holder.setdefault(key, place)
        if group[first] != group[place]:
            pairs.append(JoinedPair(records[first].id, records[place].id, key.kind))
            merged, gone = group[first], group[place]
            group = [merged if each == gone else each for each in group]
    return tuple(pairs)


def profile_origins(records: Sequence[SourceRecord], rules: Rules) -> dict[str, str]:
    """Return field of the profile → id of the record that it comes from; fields that no record
    tells are missing."""
    ordered = records_by_precedence(records, rules)
    origins: dict[str, str] = {}
    for name in PROFILE_FIELDS:
        teller = next((r.id for r in ordered if getattr(r.customer, name)), None)
        if teller is not None:
            origins[name] = teller
    return origins
