"""Facts as compact JSON text.

The top level is an object without the fields at their default. A nested dataclass is an array in
field order, cut after its last field that differs from its default: fields of `LineItem` and
`Tender` may be appended but never reordered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import orjson

from chalicelib.domain.membership import Reason
from chalicelib.domain.records import ADDED_LATER, BESIDE, NOT_READ, LineItem, Tender

_T = TypeVar("_T")


class _Layout(NamedTuple):
    """The stored fields of a dataclass, in order: their names, their defaults, and what takes their
    values out of an instance."""

    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    values_of: Callable[[Any], tuple[Any, ...]]


_NESTED: dict[str, type] = {"items": LineItem, "tenders": Tender}
_TUPLES: dict[str, Any] = {"reasons": Reason}
"""Named tuples, which are stored as arrays."""

STORED = (NOT_READ, ADDED_LATER, BESIDE)
"""Metadata of fields that are stored all the same."""
_SCALARS = frozenset((str, int, float, bool, type(None)))
_LAYOUTS: dict[type, _Layout] = {}
_READERS: dict[type, dict[str, Callable[[Any], Any]]] = {}


def encode(fact: Any) -> str:
    """Return the dataclass as JSON text, without the fields that are stored elsewhere."""
    names, defaults, values_of = _layout(type(fact))
    named = {}
    for name, value, default in zip(names, values_of(fact), defaults, strict=True):
        if value is default or value == default:
            continue
        named[name] = value if type(value) in _SCALARS else _plain(name, value)
    return orjson.dumps(named).decode()


def decode(kind: type[_T], text: str, **kept_elsewhere: Any) -> _T:
    """Return the dataclass of a text that `encode` made; unknown fields are dropped."""
    named = orjson.loads(text)
    known = _readers(kind)
    read = {name: known[name](value) for name, value in named.items() if name in known}
    return kind(**read, **kept_elsewhere)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if name in _NESTED:
        return [_array(item) for item in value]
    if name in _TUPLES:
        return [list(item) for item in value]
    return value


def _array(item: Any) -> list[Any]:
    _, defaults, values_of = _layout(type(item))
    values = list(values_of(item))
    while values and values[-1] == defaults[len(values) - 1]:
        values.pop()
    return values


def _layout(kind: Any) -> _Layout:
    if kind not in _LAYOUTS:
        stored = [f for f in fields(kind) if not f.metadata or f.metadata in STORED]
        names = tuple(f.name for f in stored)
        _LAYOUTS[kind] = _Layout(names, tuple(map(_default, stored)), attrgetter(*names))
    return _LAYOUTS[kind]


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    if kind not in _READERS:
        _READERS[kind] = {f.name: _reader(f) for f in fields(kind)}
    return _READERS[kind]


def _reader(field: Field[Any]) -> Callable[[Any], Any]:
    if nested := _NESTED.get(field.name):
        return lambda rows: tuple(_nested(nested, row) for row in rows)
    if named := _TUPLES.get(field.name):
        most = len(named._fields)
        return lambda rows: tuple(named(*row[:most]) for row in rows)
    if str(field.type).startswith("frozenset"):
        return frozenset
    if str(field.type).startswith("tuple"):
        return tuple
    return _same


def _nested(kind: Any, row: list[Any]) -> Any:
    return kind(*(read(value) for read, value in zip(_readers(kind).values(), row, strict=False)))


def _same(value: Any) -> Any:
    return value
