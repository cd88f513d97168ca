"""Compiles a profile's map to closures, one for each field of the common shape.

A field's name decides what it is read as, so that a map only says where the POS has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.domain.words import Instant
from chalicelib.pos.profile.mapping import (
    ConsentMapping,
    FieldSpec,
    IdPart,
    LastingText,
    NegatedFlag,
    NestedRows,
    Paths,
    Sum,
)
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce, times
from chalicelib.pos.rows.coerce import Json, Unusable
from chalicelib.pos.rows.row_readers import Coercion, FieldReader, Read, Row, row_reader

T = TypeVar("T")
Fields = Mapping[str, FieldSpec]

_NO_FLAGS: frozenset[str] = frozenset()
_OF_A_LIST = (
    *("brand", "category", "strain", "unit", "channel", "sale_type"),
    *("type", "gender", "state", "employee_name", "market"),
)
"""Texts of which a shop has few."""
MAX_ELEMENTS = 10_000
"""Of an array that are read: far more than fit a row of a table."""

_UNREAD: dict[str, str] = {"sms_consent": "unknown", "email_consent": "unknown"} | dict.fromkeys(
    ("first", "last", "name", "quantity"), ""
)
"""What a field is where it is not said, unless None."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Holds what rows do not say: their store, the zone of its clock, its currency."""

    store_key: str
    time_zone: str = "UTC"
    currency: str = "USD"


class Compiler:
    """Compiles maps of one profile in one setting.

    `unread`: fields of the rows read since it was cleared that could not be read and decide
    nothing, so that they count as not said; those of an array's elements behind its name.
    """

    def __init__(self, profile: Profile, setting: Setting) -> None:
        zone = profile.time.zone
        instant = times.instant_reader(
            setting.time_zone if zone == "store" else zone, profile.time.formats
        )
        self._flag_or_time = times.flag_or_time(instant)
        self._instant = instant
        self._by_name = _coercions(instant, _MONEY[profile.money])
        self.unread: set[str] = set()

    def dated(self, value: Json) -> tuple[Instant, str] | None:
        """An instant with the text that tells it. Raises Unusable."""
        at = self._instant(value)
        return None if at is None else (at, str(value).strip())

    def flags(self) -> frozenset[str]:
        """Return a flag for each field that could not be read since the last call."""
        if not self.unread:
            return _NO_FLAGS
        flags = frozenset([f"bad_{name}" for name in self.unread])
        self.unread.clear()
        return flags

    def reader(
        self,
        order: tuple[str, ...],
        fields: Fields,
        deciding: frozenset[str] = frozenset(),
        within: str = "",
        **given: Coercion,
    ) -> Callable[[Row], tuple[Any, ...]]:
        """Return a function from a row to the values of the fields of `order`, in that order; of
        those that the map leaves out, what nobody says.

        `given` coercions go before those the names stand for. The function raises Unusable, naming
        the POS's field, for one that is `deciding` and cannot be read. `within`: see `unread`.
        """
        by_name = {**self._by_name, **given}
        readers: list[FieldReader | str | None] = [
            self._field(fields, name, by_name.get(name, coerce.text))
            if name in fields
            else _UNREAD.get(name)
            for name in order
        ]

        def careful(row: Row) -> tuple[Any, ...]:
            """The fields one by one, so that one that cannot be read costs no other."""
            values: list[Any] = []
            for name, each in zip(order, readers, strict=True):
                try:
                    values.append(each.read(row) if isinstance(each, FieldReader) else each)
                except Unusable:
                    if name in deciding:
                        raise
                    self.unread.add(within + name)
                    values.append(_UNREAD.get(name))
            return tuple(values)

        return row_reader(readers, careful)

    def array(
        self, name: str, spec: object, compile_one: Callable[[Fields, str], Callable[[Row], T]]
    ) -> Callable[[Row], tuple[T, ...]]:
        """Return a reader of an array inside a row; null, or an absent map, is an empty one.

        What is no array counts as not said, and an element that is no object is left out: both are
        `unread`. `name`: of the array, behind the arrays that it is in.
        """
        if not isinstance(spec, NestedRows):
            return lambda _row: ()
        if spec.also:
            parts = (spec.model_copy(update={"also": ()}), *spec.also)
            each = [self.array(name, part, compile_one) for part in parts]
            return lambda row: tuple([element for read in each for element in read(row)])
        rows, key, make = spec.rows, spec.rows.key, compile_one(spec.map, f"{name}.")

        def read(row: Row) -> tuple[T, ...]:
            array = rows.value(row) if key is None else row.get(key)
            if not array and (array is None or array == []):
                return ()
            if type(array) is not list:
                if not coerce.is_blank(array):
                    self.unread.add(name)
                return ()
            try:
                if len(array) <= MAX_ELEMENTS:
                    return tuple([make(element) for element in array])
            except AttributeError:  # an element without `get`: not an object
                pass
            self.unread.add(name)
            objects = [element for element in array[:MAX_ELEMENTS] if isinstance(element, dict)]
            return tuple([make(element) for element in objects])

        return read

    def _field(self, fields: Fields, name: str, coercion: Coercion) -> FieldReader | str:
        """The reader of one field of a map, which is no array, or what it always is."""
        spec = fields[name]
        match spec:
            case LastingText():
                return spec.say
            case Path() if spec.key is not None:
                return FieldReader(_simple_reader(spec.key, coercion), spec.key, coercion)
            case ConsentMapping():
                read = self._consent(spec)
            case NegatedFlag():
                read = _negated(spec, self._flag_or_time)
            case IdPart():
                read = _id_part(spec, coercion)
            case Sum():
                read = _sum(spec, coercion, _beside(fields, name))
            case NestedRows():
                raise ValueError(f"{name} is an array")
            case _:
                read = field_reader(spec, coercion)
        return FieldReader(read)

    def reader_of(self, name: str, paths: Paths) -> Read:
        return field_reader(paths, self._by_name.get(name, coerce.text))

    def _consent(self, consent: ConsentMapping) -> Read:
        """An opt-out wins over an opt-in; without either nobody was asked (reference/pos.md §7).
        Where a flag says something that cannot be read, nobody knows."""
        refused, given = consent.refused, consent.given
        is_given = field_reader(given, coerce.boolean) if given else lambda _row: None

        def read(row: Row) -> str:
            broken = None
            for out in refused.values(row) if refused else ():
                try:
                    if coerce.boolean(out):
                        return "no"
                except Unusable as unusable:
                    broken = unusable
            if broken:
                raise broken
            return "yes" if is_given(row) else "unknown"

        return read


def _coercions(instant: Coercion, money: Coercion) -> dict[str, Coercion]:
    """What each field of the common shape is read as; the rest is text."""
    return {
        **dict.fromkeys(_OF_A_LIST, coerce.listed_text),
        "currency": coerce.currency_code,
        **dict.fromkeys(("ext_id", "key"), coerce.required_id),
        **dict.fromkeys(
            ("customer_ext_id", "original_ext_id", "product_ext_id", "employee_id", "merged_into"),
            coerce.optional_id,
        ),
        **dict.fromkeys(("first", "last", "name"), coerce.text_or_empty),
        **dict.fromkeys(("created_at", "updated_at", "ordered_at"), instant),
        **dict.fromkeys(("pos_loyalty_member", "active", "medical"), coerce.boolean),
        **dict.fromkeys(("terms_agreed", "is_void", "is_return"), times.flag_or_time(instant)),
        "status": coerce.word,
        "pos_points": coerce.points,
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
    "formatted": coerce.dollars,
}


def _sum(spec: Sum, coercion: Coercion, beside: Sequence[Path] = ()) -> Read:
    """A reader that adds up what is said; None when nothing is.

    `beside`: other amounts of the same elements. Nobody knows a sum of elements of which one says
    those, and not its own.
    """
    arrays = [path.steps[0] for path in spec.sum]
    column = spec.sum[0].steps if len(spec.sum) == 1 else ()

    def elements(row: Row) -> int:
        return sum([len(row[key]) for key in arrays if type(row.get(key)) is list])

    def column_sum(row: Row) -> Any:
        """As `read`, of one column of an array; in haste, where each element says its own."""
        elements = row.get(column[0])
        if type(elements) is list and elements:
            try:
                return sum([coercion(element.get(column[1])) for element in elements])
            except (Unusable, AttributeError, TypeError):
                pass
        return read(row)

    def read(row: Row) -> Any:
        total, said = None, 0
        for path in spec.sum:
            try:
                parts = [part for part in map(coercion, path.values(row)) if part is not None]
            except Unusable as unusable:
                raise Unusable(unusable.reason, path) from None
            if parts:
                total, said = sum(parts, total or 0), said + len(parts)
        if beside and said < elements(row):
            _refuse_gaps(spec, coercion, beside, row)
        return total

    return column_sum if len(column) == 2 else read


def _beside(fields: Fields, name: str) -> list[Path]:
    """Beside a total, of which nothing may be missing: the other sums of the map."""
    others = [spec for other, spec in fields.items() if other != name]
    sums = [spec for spec in others if isinstance(spec, Sum)] if name == "total" else []
    return [path for spec in sums for path in spec.sum]


def _refuse_gaps(spec: Sum, coercion: Coercion, beside: Sequence[Path], row: Row) -> None:
    for path in spec.sum:
        *within, last = path.steps
        keys = [other.steps[-1] for other in beside if [*other.steps[:-1]] == within]
        for holder in path.holders(row):
            is_said = coercion(holder.get(last)) is not None
            if not is_said and any(coerce.is_amount(holder.get(key)) for key in keys):
                raise Unusable("bad_money", path)


def _negated(spec: NegatedFlag, flag: Coercion) -> Read:
    is_opposite = field_reader(spec.unless, flag)

    def read(row: Row) -> bool | None:
        opposite = is_opposite(row)
        return None if opposite is None else not opposite

    return read


def _id_part(spec: IdPart, coercion: Coercion) -> Read:
    """A reader of one part of a composite text; where that is no usable one, of the other field."""
    otherwise, index = spec.otherwise, spec.take - 1

    def read(row: Row) -> Any:
        whole = spec.of.value(row)
        parts = whole.split(spec.at) if isinstance(whole, str) else []
        try:
            if len(parts) == spec.parts:
                return coercion(parts[index])
            return coercion(otherwise.value(row) if otherwise else None)
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
