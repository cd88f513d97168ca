"""Compiles a profile's map to closures, one for each field of the common shape.

A field's name decides what it is read as, so that a map only says where the POS has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

from chalicelib.pos.profile.mapping import (
    ConsentMapping,
    IdPart,
    NegatedFlag,
    NestedRows,
    Paths,
    Sum,
)
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.coerce import Json, Unusable

Row = dict[str, Any]
Read = Callable[[Row], Any]
Coercion = Callable[[Json], Any]
PlainField = tuple[str, str, Coercion]
"""A field, the row's key where it stands, and what it is read as."""
T = TypeVar("T")
Fields = Mapping[str, Paths | ConsentMapping | NegatedFlag | IdPart | Sum | NestedRows]

MAX_ELEMENTS = 500


@dataclass(frozen=True, slots=True)
class Setting:
    """Holds what rows do not say: their store, the zone of its clock, its currency."""

    store_key: str
    time_zone: str = "UTC"
    currency: str = "USD"


class Compiler:
    """Compiles maps of one profile in one setting."""

    def __init__(self, profile: Profile, setting: Setting) -> None:
        zone = profile.time.zone
        instant = coerce.instant_reader(
            setting.time_zone if zone == "store" else zone, profile.time.formats
        )
        self._flag_or_time = coerce.flag_or_time(instant)
        money = _MONEY[profile.money]
        self._by_name = _coercions(instant, money)

    def extractor(self, fields: Fields, **given: Coercion) -> Callable[[Row], dict[str, Any]]:
        """A function from a row to the values of all of a map's fields but the arrays.

        `given` coercions go before those the names stand for. The function raises Unusable, naming
        the POS's field.
        """
        simple, others = self._split(fields, given)

        def extract(row: Row) -> dict[str, Any]:
            try:
                values = {name: coercion(row.get(key)) for name, key, coercion in simple}
            except Unusable:
                _raise_with_field(simple, row)
                raise
            for name, read in others:
                values[name] = read(row)
            return values

        return extract

    def in_order(
        self,
        order: tuple[str, ...],
        fields: Fields,
        defaults: Mapping[str, Any],
        **given: Coercion,
    ) -> Callable[[Row], list[Any]]:
        """As `extractor`, but a list of the values of all names of `order`, in that order, which a
        dataclass of many fields takes in less time than names. `defaults`: of what the map leaves
        out."""
        simple, others = self._split(fields, given)
        read = [(key, coercion) for _, key, coercion in simple]
        mapped = [name for name, *_ in (*simple, *others)]
        missing = [name for name in order if name not in mapped]
        constants = [defaults.get(name) for name in missing]
        arrange = itemgetter(*map([*mapped, *missing].index, order))

        def extract(row: Row) -> list[Any]:
            try:
                values = [coercion(row.get(key)) for key, coercion in read]
            except Unusable:
                _raise_with_field(simple, row)
                raise
            for _, read_other in others:
                values.append(read_other(row))
            values += constants
            return list(arrange(values))

        return extract

    def _split(
        self, fields: Fields, given: Mapping[str, Coercion]
    ) -> tuple[list[PlainField], list[tuple[str, Read]]]:
        """The fields that stand under one key of the row, and readers of the others; no arrays."""
        by_name = {**self._by_name, **given}
        simple: list[PlainField] = []
        others: list[tuple[str, Read]] = []
        for name, spec in fields.items():
            coercion = by_name.get(name, coerce.text)
            if isinstance(spec, Path) and spec.key is not None:
                simple.append((name, spec.key, coercion))
            elif not isinstance(spec, NestedRows):
                others.append((name, self._reader(spec, coercion)))
        return simple, others

    def _reader(
        self, spec: Paths | ConsentMapping | NegatedFlag | IdPart | Sum, coercion: Coercion
    ) -> Read:
        match spec:
            case ConsentMapping():
                return self._consent(spec)
            case NegatedFlag():
                return _negated(spec, self._flag_or_time)
            case IdPart():
                return _id_part(spec, coercion)
            case Sum():
                return _sum(spec, coercion)
            case _:
                return field_reader(spec, coercion)

    def reader_of(self, name: str, paths: Paths, coercion: Coercion | None = None) -> Read:
        return field_reader(paths, coercion or self._by_name.get(name, coerce.text))

    def _consent(self, consent: ConsentMapping) -> Read:
        """An opt-out wins over an opt-in; without either nobody was asked (reference/pos.md §7).
        Where an opt-out says something that cannot be read, nobody knows."""
        refused, given = consent.refused, consent.given

        def read(row: Row) -> str:
            opt_outs = [out for out in refused.values(row) if out != ""] if refused else []
            told = [coerce.boolean(out) for out in opt_outs]
            if True in told:
                return "no"
            if None in told or given is None:
                return "unknown"
            return "yes" if coerce.boolean(given.value(row)) else "unknown"

        return read


def _coercions(instant: Coercion, money: Coercion) -> dict[str, Coercion]:
    """What each field of the common shape is read as; the rest is text."""
    return {
        **dict.fromkeys(("ext_id", "key"), coerce.required_id),
        **dict.fromkeys(
            ("customer_ext_id", "original_ext_id", "product_ext_id", "employee_id", "merged_into"),
            coerce.optional_id,
        ),
        **dict.fromkeys(("first", "last", "name", "status"), coerce.text_or_empty),
        **dict.fromkeys(("created_at", "updated_at"), coerce.none_if_unusable(instant)),
        **dict.fromkeys(("pos_loyalty_member", "active", "medical"), coerce.boolean),
        **dict.fromkeys(("terms_agreed", "is_void", "is_return"), coerce.flag_or_time(instant)),
        "ordered_at": instant,
        "pos_points": coerce.whole_number,
        "quantity": coerce.decimal_text,
        **dict.fromkeys(
            [
                "total",
                "subtotal",
                "discount",
                "tax",
                "fees",
                "tip",
                "cost",
                "price",
                "unit_price",
                "amount",
            ],
            money,
        ),
    }


_MONEY: dict[str, Coercion] = {
    "cents": coerce.cents,
    "major": coerce.dollars,
    "formatted": coerce.formatted_dollars,
}


def _raise_with_field(simple: Sequence[PlainField], row: Row) -> None:
    """Raise the Unusable of the first field that is broken, with the field's name."""
    for _, key, coercion in simple:
        _simple_reader(key, coercion)(row)


def _sum(spec: Sum, coercion: Coercion) -> Read:
    """A reader that adds up what is said; None when nothing is."""

    def read(row: Row) -> Any:
        total = None
        for path in spec.sum:
            try:
                for part in map(coercion, path.values(row)):
                    if part is not None:
                        total = part if total is None else total + part
            except Unusable as unusable:
                raise Unusable(unusable.reason, path) from None
        return total

    return read


def _negated(spec: NegatedFlag, flag: Coercion) -> Read:
    def read(row: Row) -> bool | None:
        opposite = flag(spec.unless.value(row))
        return None if opposite is None else not opposite

    return read


def _id_part(spec: IdPart, coercion: Coercion) -> Read:
    """A reader of one part of a composite text; a text of another make is none."""
    otherwise, index = spec.otherwise, spec.take - 1

    def read(row: Row) -> Any:
        whole = spec.of.value(row)
        parts = whole.split(spec.at) if isinstance(whole, str) else []
        value = otherwise.value(row) if otherwise else None
        if len(parts) == spec.parts:
            value = parts[index]
        try:
            return coercion(value)
        except Unusable as unusable:
            raise Unusable(unusable.reason, spec.of) from None

    return read


def field_reader(paths: Paths, coercion: Coercion) -> Read:
    """Return a reader of one field: of the first value at these paths that is usable, coerced.

    Where none is, the reader raises the Unusable of the first that is broken.
    """
    alternatives = (paths,) if isinstance(paths, Path) else paths
    if len(alternatives) == 1 and alternatives[0].key is not None:
        return _simple_reader(alternatives[0].key, coercion)
    field = alternatives[0] if alternatives else ""

    def read(row: Row) -> Any:
        broken = None
        for path in alternatives:
            for value in path.values(row):
                try:
                    usable = coercion(value)
                except Unusable as unusable:
                    broken = broken or Unusable(unusable.reason, path)
                else:
                    if usable is not None and usable != "":
                        return usable
        try:
            usable = coercion(None)
        except Unusable as unusable:
            broken = broken or Unusable(unusable.reason, field)
        if broken:
            raise broken
        return usable

    return read


def _simple_reader(key: str, coercion: Coercion) -> Read:
    def read(row: Row) -> Any:
        try:
            return coercion(row.get(key))
        except Unusable as unusable:
            raise Unusable(unusable.reason, key) from None

    return read


def required_path(spec: object) -> Paths:
    """Return an entry of a map that must be a path. Raises ValueError: the profile is wrong."""
    if isinstance(spec, Path | tuple):
        return spec
    raise ValueError(f"the map needs a path here, not {spec!r}")


def array_reader(
    spec: object, compile_one: Callable[[Fields], Callable[[Row], T]]
) -> Callable[[Row], tuple[T, ...]]:
    """Return a reader of an array inside a row; null or an absent map is an empty one.

    Raises Unusable (when reading) for what is no array of objects, or an element's own fault.
    """
    if not isinstance(spec, NestedRows):
        return lambda _row: ()
    rows, key, make = spec.rows, spec.rows.key, compile_one(spec.map)

    def read(row: Row) -> tuple[T, ...]:
        array = rows.value(row) if key is None else row.get(key)
        if not array and (array is None or array == []):
            return ()
        if type(array) is not list or len(array) > MAX_ELEMENTS:
            raise Unusable("wrong_shape", spec.rows)
        try:
            return tuple([make(element) for element in array])
        except Unusable as unusable:
            raise Unusable(unusable.reason, f"{spec.rows}.{unusable.field}") from None
        except AttributeError:  # an element without `get`: not an object
            raise Unusable("wrong_shape", spec.rows) from None

    return read
