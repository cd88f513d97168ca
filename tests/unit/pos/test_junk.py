"""Of any row of any POS, only what it cannot do without can set it aside (product.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from chalicelib.domain.records import Customer, InventoryItem, Reject, Sale
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.mapping import IdPart, NestedRows
from chalicelib.pos.profile.path import Path
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.rows.row_ids import ids_parts

from .builders import UNHURRIED

DECIDING = {
    "customers": ("ext_id",),
    "sales": ("ext_id", "ordered_at", "total"),
    "inventory": ("ext_id",),
}
FACTS = {"customers": Customer, "sales": Sale, "inventory": InventoryItem}
USUAL = {
    "ordered_at": "2026-05-02T10:00:00",
    "updated_at": "2026-05-02T10:00:00",
    "created_at": "2026-05-02T10:00:00",
    "birth_date": "1990-05-02",
    "phone": "2065550142",
    "email": "ana@example.com",
    "total": "10.00",
}
NOTHING = ["", " ", "-", "--", "N/A", "n/a", "NaN"]
NONSENSE = ["note", "12,x4", "1.2.3", "0000-00-00", "\ufffd"]
OTHERS = [True, False, 0, -1, 1e300, float("nan"), float("inf"), 10**30, [], {}, [7], {"a": 1}]
JUNK = st.sampled_from([*NOTHING, *NONSENSE, *OTHERS]) | st.text(max_size=8)


def paths_in(spec: Any) -> Iterator[Path]:
    """Every path that an entry of a map speaks of, but those of an array's elements."""
    if isinstance(spec, Path):
        yield spec
    elif isinstance(spec, tuple):
        for each in spec:
            yield from paths_in(each)
    elif isinstance(spec, BaseModel) and not isinstance(spec, NestedRows):
        for name in type(spec).model_fields:
            yield from paths_in(getattr(spec, name))


def put(row: dict[str, Any], path: Path, value: Any) -> None:
    *outer, last = path.steps
    for step in outer:
        row = row.setdefault(step, {})
        if isinstance(row, list):  # whose elements are made by the array's own map
            return
    row.setdefault(last, value)


def a_row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A row of which every field that a map speaks of is said."""
    row: dict[str, Any] = {}
    for spec in fields.values():
        if isinstance(spec, NestedRows):
            put(row, spec.rows, [a_row(spec.map), a_row(spec.map)])
    for name, spec in fields.items():
        if isinstance(spec, IdPart):
            put(row, spec.of, spec.at.join("1234"[: spec.parts]))
        for path in paths_in(spec):
            put(row, path, USUAL.get(name, "1"))
    return row


def leaves(row: Any, within: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a row, arrays and objects included."""
    pairs: Any = enumerate(row) if isinstance(row, list) else ()
    if isinstance(row, dict):
        pairs = row.items()
    for step, value in pairs:
        yield (*within, step)
        yield from leaves(value, (*within, step))


def spared(fields: Mapping[str, Any], stream: str, more: Iterable[str]) -> set[tuple[str, ...]]:
    """The steps to what may set the row aside, and to what holds it."""
    decide = [p for name in (*DECIDING[stream], *more) for p in paths_in(fields.get(name))]
    return {path.steps[:end] for path in decide for end in range(1, len(path.steps) + 1)}


@pytest.mark.parametrize("stream", sorted(FACTS))
@pytest.mark.parametrize("platform", registry.names())
@UNHURRIED
@given(data=st.data())
def test_junk_in_whatever_decides_nothing_costs_only_itself(
    platform: Any, stream: Any, data: st.DataObject
) -> None:
    profile = registry.profile(platform)
    fields = profile.streams[stream].map
    normaliser = Normaliser(profile, stream, Setting("k"))
    row = a_row(fields)
    sound = normaliser.one(row)
    assert isinstance(sound, FACTS[stream])
    keep = spared(fields, stream, ids_parts(profile, stream))
    ways = [w for w in leaves(row) if tuple(s for s in w if isinstance(s, str)) not in keep]

    chosen = data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=6, unique=True))
    for *outer, last in sorted(chosen, key=len, reverse=True):
        reduce(getitem, outer, row)[last] = data.draw(JUNK)
    made = normaliser.one(row)

    assert not isinstance(made, Reject), (made.reason, made.field)
    assert made.ext_id == sound.ext_id
    if isinstance(made, Sale) and isinstance(sound, Sale):
        assert abs(made.total) in (abs(sound.total), 0)
        assert made.ordered_at == sound.ordered_at
